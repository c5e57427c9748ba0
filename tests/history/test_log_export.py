"""The log as a file: every line again, a table, and a page on which nothing runs."""

from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path

import pytest
from PIL import Image

from genimg_ui.errors import RefusedInput, StorageError
from genimg_ui.history.log_export import FORMATS, LogExports, export_log, write_log
from genimg_ui.history.record import EntryState, LogEntry
from genimg_ui.history.seed_log import read_line
from genimg_ui.history.store import Store

MakeEntry = Callable[..., LogEntry]
EVIL = '</pre></script><script>alert(1)</script><img src=x onerror="alert(2)">\n=1+1'


class Tags(HTMLParser):
    """Every tag with its attributes, and the text outside of them."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data


@pytest.fixture
def entries(store: Store, ann: str, make_entry: MakeEntry) -> list[LogEntry]:
    shown = store.put_result(lambda file: file.write(b"\x89PNG") and None)
    store.put_thumb(shown, Image.new("RGB", (40, 30), "red"))
    made = [make_entry(shown, "b" * 64, prompt=EVIL), make_entry(state=EntryState.CANCELLED)]
    for entry in made:
        store.record(ann, entry)
    return made


def text(store: Store, kind: str, session: str | None) -> str:
    return "".join(export_log(store, kind, session))


def test_lines_come_back(store: Store, ann: str, bob: str, entries: list[LogEntry]) -> None:
    assert [read_line(line) for line in text(store, "jsonl", ann).splitlines()] == entries
    assert text(store, "jsonl", None) == text(store, "jsonl", ann)
    assert text(store, "jsonl", bob) == ""


def test_the_page_shows_every_edit_and_its_thumbnails(
    store: Store, ann: str, entries: list[LogEntry]
) -> None:
    page = Tags(text(store, "html", ann))
    articles = [attributes["id"] for tag, attributes in page.tags if tag == "article"]
    assert articles == [entry.id for entry in entries]
    [picture] = [attributes["src"] for tag, attributes in page.tags if tag == "img"]
    assert str(picture).startswith("data:image/jpeg;base64,")
    assert "the file is gone" in page.text and "2 edits." in page.text
    assert "cancelled" in page.text


@pytest.mark.usefixtures("entries")
def test_nothing_of_an_entry_is_markup(store: Store, ann: str) -> None:
    page = Tags(text(store, "html", ann))
    assert "script" not in {tag for tag, _ in page.tags}
    assert not any(name.startswith("on") for _, attributes in page.tags for name in attributes)
    assert page.text.count("alert(1)") == 2  # as the prompt, and under "Everything"
    [policy] = [a["content"] for tag, a in page.tags if a.get("http-equiv")]
    assert "default-src 'none'" in str(policy) and "script" not in str(policy)


@pytest.mark.usefixtures("entries")
def test_the_page_needs_nothing_else(store: Store, ann: str) -> None:
    for tag, attributes in Tags(text(store, "html", ann)).tags:
        assert tag != "link"
        for name in ("src", "href"):
            assert (attributes.get(name) or "data:").startswith("data:")


@pytest.mark.parametrize("kind", FORMATS)
@pytest.mark.usefixtures("entries")
def test_a_file_is_written_whole(store: Store, ann: str, tmp_path: Path, kind: str) -> None:
    target = tmp_path / f"log.{kind}"
    write_log(store, kind, ann, target)
    assert target.read_bytes().decode() == text(store, kind, ann)
    with pytest.raises(StorageError, match="log could not be written: No such file"):
        write_log(store, kind, ann, tmp_path / "absent" / "log")
    assert [path.name for path in tmp_path.glob("log*")] == [target.name]


def test_another_format_is_refused(store: Store, ann: str) -> None:
    with pytest.raises(RefusedInput, match="must be one of jsonl, csv, html, got 'xml'"):
        export_log(store, "xml", ann)


def test_a_form_is_made_when_its_address_is_fetched(
    store: Store, ann: str, bob: str, entries: list[LogEntry]
) -> None:
    logs = LogExports(store)
    for form in ("csv", "html"):
        path = logs.fetched(f"sessions/{ann}/seed_log.{form}")
        assert path is not None and path.read_bytes().decode() == text(store, form, ann)
        assert path.parent == store.data_dir / "exports"
        assert logs.fetched(f"sessions/{ann}/seed_log.{form}") == path
    other = logs.fetched(f"sessions/{bob}/seed_log.csv")
    assert other is not None and entries[0].id not in other.read_text()
    for name in (f"sessions/{ann}/seed_log.jsonl", f"sessions/{ann}/../x.csv", "results/a.csv"):
        assert logs.fetched(name) is None
    assert len(list((store.data_dir / "exports").iterdir())) == 3  # one of a session and form
