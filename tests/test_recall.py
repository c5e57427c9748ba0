"""An edit back from a file: settings, and the pictures that this session has had itself."""

import io
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from genimg_ui.core.geometry import Sides
from genimg_ui.core.image import decode
from genimg_ui.core.request import EditInputs
from genimg_ui.errors import RefusedInput
from genimg_ui.exporting.formats import ExportOptions, Format
from genimg_ui.exporting.plain import write_picture
from genimg_ui.history.metadata import record_of
from genimg_ui.history.names import session_id
from genimg_ui.history.ownership import owns
from genimg_ui.history.record import LogEntry
from genimg_ui.jobs.queue import JobQueue
from genimg_ui.recall import Recall, Recalled
from genimg_ui.workspace import Workspace
from tests.editing import Desk, painted, photograph, png, request

ANN, BOB = session_id("a" * 32), session_id("b" * 32)
MASK = painted(48, 36, (14, 12, 26, 22))
PROMPT = '<img src=x onerror="alert(1)">'


@dataclass
class Room:
    """A desk with a workspace over its store, and the file of one edit of Ann's."""

    desk: Desk
    workspace: Workspace
    entry: LogEntry
    folder: Path

    def file(self, form: Format = Format.PNG, **changes: object) -> Path:
        """The result's pixels with the entry, changed as a stranger might."""
        entry = replace(self.entry, **changes)
        picture = decode(self.desk.store.result_path(self.entry.results[0].sha256))
        buffer = io.BytesIO()
        write_picture(buffer, picture, ExportOptions(format=form), record_of(entry))
        path = self.folder / f"file{form.suffix}"
        path.write_bytes(buffer.getvalue())
        return path

    def recalled(self, session: str, path: Path, *, local: bool = False) -> Recalled:
        opened = self.workspace.open_upload(session, path)
        recall = Recall(self.workspace, local=local)
        return recall.recall(session, opened.sha256, local=local)


@pytest.fixture
def room(tmp_path: Path) -> Iterator[Room]:
    desk = Desk(tmp_path / "desk")
    workspace = Workspace(desk.store, JobQueue(desk.store), desk.registry)
    inputs = desk.inputs(png(photograph(48, 36)), MASK)
    asked = request(
        "square", prompt=PROMPT, strength=0.5, grow=3, border=Sides(4, 0, 0, 0), variants=2
    )
    desk.store.save_draft(ANN, {"source": inputs.source, "mask": inputs.mask})
    entry = desk.apply(asked, inputs)
    assert entry.results, entry.error
    desk.store.record(ANN, entry)
    yield Room(desk, workspace, entry, tmp_path)
    desk.close()


@pytest.mark.parametrize("form", [Format.PNG, Format.WEBP, Format.JPEG, Format.TIFF])
def test_everything_comes_back_where_the_session_has_it(room: Room, form: Format) -> None:
    back = room.recalled(ANN, room.file(form))
    assert (back.draft.source, back.draft.mask) == (
        room.entry.inputs.source,
        room.entry.inputs.mask,
    )
    sampling = replace(room.entry.request.sampling, seed=room.entry.results[0].seed, variants=1)
    assert back.draft.request == replace(room.entry.request, sampling=sampling)
    assert back.draft.request.sampling.prompt == PROMPT
    assert back.sentence == "Picture, mask and settings of the edit in this file are back."
    assert room.workspace.draft(ANN) == back.draft


def test_another_session_gets_the_settings_and_keeps_the_file(room: Room) -> None:
    back = room.recalled(BOB, room.file())
    assert "Its source and mask are not here" in back.sentence
    assert back.draft.source not in (room.entry.inputs.source, None)
    assert (back.draft.mask, back.draft.request.border) == (None, Sides())
    assert back.draft.request.sampling.prompt == PROMPT
    assert not owns(room.desk.store.database, BOB, room.entry.inputs.source)


def test_on_this_machine_alone_every_session_gets_all(room: Room) -> None:
    back = room.recalled(BOB, room.file(), local=True)
    assert (back.draft.source, back.draft.mask) == (
        room.entry.inputs.source,
        room.entry.inputs.mask,
    )


def test_a_mask_that_is_gone_is_told(room: Room) -> None:
    room.desk.store.mask_path(str(room.entry.inputs.mask)).unlink()
    back = room.recalled(ANN, room.file())
    assert "Its mask is not here: paint it again." in back.sentence
    assert (back.draft.source, back.draft.mask) == (room.entry.inputs.source, None)


def test_a_model_that_is_not_here_is_told(room: Room) -> None:
    asked = replace(room.entry.request, model="from elsewhere")
    back = room.recalled(ANN, room.file(request=asked))
    assert "'from elsewhere' is not here: 'exemplar' stays chosen." in back.sentence
    assert back.draft.request.model == "exemplar"


@pytest.mark.parametrize(
    "name", ["../../etc/passwd", "/etc/passwd", "sources/x.png", "a" * 63, "A" * 64, ""]
)
def test_a_name_that_is_no_digest_names_nothing(room: Room, name: str) -> None:
    inputs = EditInputs(source=name, mask=name)
    back = room.recalled(ANN, room.file(inputs=inputs), local=True)
    assert "Its source and mask are not here" in back.sentence
    assert back.draft.mask is None


def test_a_strangers_parent_is_not_taken_over(room: Room) -> None:
    back = room.recalled(ANN, room.file(parent=room.entry.id))
    assert back.draft.parent is None


def test_a_mask_of_another_picture_is_refused(room: Room) -> None:
    other = room.desk.store.put_mask(
        room.desk.store.mask_path(
            room.desk.inputs(png(photograph(20, 20)), painted(20, 20, (1, 1, 5, 5))).mask
        ).read_bytes()
    )
    before = room.workspace.draft(ANN)
    inputs = replace(room.entry.inputs, mask=other)
    with pytest.raises(RefusedInput, match="mask must be as large as the picture"):
        room.recalled(ANN, room.file(inputs=inputs), local=True)
    assert room.workspace.draft(ANN).request == before.request


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"strength": 7.0}, "strength"),
        ({"num_inference_steps": 10**9}, "num_inference_steps"),
        ({"prompt": "x" * 5000}, "prompt may have at most"),
        ({"scheduler": "../x"}, "scheduler must be"),
    ],
)
def test_what_cannot_be_asked_for_is_refused(
    room: Room, change: dict[str, object], said: str
) -> None:
    sampling = replace(room.entry.request.sampling, **change)
    asked = replace(room.entry.request, sampling=sampling)
    with pytest.raises(RefusedInput, match=said):
        room.recalled(ANN, room.file(request=asked))


def test_only_a_file_that_the_session_opened_is_read(room: Room) -> None:
    with pytest.raises(RefusedInput):
        recall = Recall(room.workspace, local=True)
        recall.recall(BOB, room.entry.results[0].sha256, local=True)


def test_a_picture_without_an_entry_carries_none(room: Room) -> None:
    plain = room.desk.store.put_source(png(photograph(30, 20)))
    recall = Recall(room.workspace, local=False)
    assert recall.carried(plain) is None
    found = recall.carried(room.desk.store.put_source(room.file()))
    assert found is not None and found.id == room.entry.id


HERE = {"origin": "http://127.0.0.1:7860"}


@pytest.mark.parametrize(
    ("local", "headers", "wanted"),
    [
        (True, HERE, True),
        (True, {"origin": "http://localhost:7860"}, True),
        (False, HERE, False),
        (True, {}, False),
        (True, {"origin": "https://example.org"}, False),
        (True, {"origin": "http://127.0.0.1.example.org"}, False),
        (True, {**HERE, "x-forwarded-for": "203.0.113.9"}, False),
    ],
)
def test_only_a_browser_on_this_machine_is_local(
    room: Room, local: bool, headers: dict[str, str], wanted: bool
) -> None:
    assert Recall(room.workspace, local=local).is_local(headers) is wanted
