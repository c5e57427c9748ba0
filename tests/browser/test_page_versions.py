"""Tree, search, trash, selection and the way back: everything that the history can do."""

import json
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import expect

from genimg_ui.history.record import EntryState, LogEntry
from genimg_ui.history.store import Store
from tests.browser.desk import Desk, photograph, served_path

pytestmark = pytest.mark.browser
SIZE = (240, 160)
FIRST, SECOND = (60, 40, 90, 70), (150, 60, 180, 100)
DIFFERING = """boxes => {
  const canvas = document.querySelector('.cp-difference');
  const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
  const found = { inside: 0, outside: 0 };
  for (let i = 0; i < data.length; i += 4) {
    if (!(data[i] + data[i + 1] + data[i + 2])) continue;
    const [x, y] = [(i / 4) % canvas.width, Math.floor(i / 4 / canvas.width)];
    const within = boxes.some(([l, t, r, b]) => x >= l && x < r && y >= t && y < b);
    found[within ? 'inside' : 'outside'] += 1;
  }
  return found;
}"""


def branches(desk: Desk, folder: Path) -> None:
    """A picture, a result of it, and two results of that one."""
    desk.open(photograph(folder / "first.png", SIZE))
    desk.paint(*FIRST)
    desk.apply()
    desk.page.locator(".cp-continue").click()
    desk.sees("The result is the source now")
    desk.opened(SIZE)
    desk.kept()
    desk.paint(*FIRST)
    desk.apply()
    desk.view("Paint")
    desk.act("clear")
    desk.paint(*SECOND)
    desk.unfold("Outpaint: add a border")
    desk.number("border-left", 20)
    desk.apply()


def tree(desk: Desk, nodes: int) -> None:
    desk.page.get_by_role("tab", name="Tree").click()
    expect(desk.page.locator(".tr-node")).to_have_count(nodes)


def focused(desk: Desk) -> str:
    return str(desk.page.evaluate("document.activeElement.dataset.key"))


def session_of(desk: Desk) -> str:
    href = desk.page.locator(".sp-log").get_attribute("href") or ""
    return served_path(href).parts[1]


def test_the_tree_is_walked_marked_and_compared_by_keys(desk: Desk, tmp_path: Path) -> None:
    branches(desk, tmp_path)
    one, two, three = (f"{entry['id']}:0" for entry in desk.log())
    tree(desk, 4)
    page = desk.page
    expect(page.locator(".tr-node[aria-current=true]")).to_have_attribute("data-key", one)
    page.locator(".tr-node[aria-current=true]").focus()
    page.keyboard.press("ArrowRight")
    assert focused(desk) == two
    page.keyboard.press("ArrowDown")
    assert focused(desk) == three
    page.keyboard.press("4")
    node = page.locator(f".tr-node[data-key='{three}']")
    expect(node.locator(".tr-mark")).to_have_text("4★")
    assert focused(desk) == three
    page.keyboard.press("x")
    page.keyboard.press("ArrowUp")
    page.keyboard.press("x")
    expect(page.locator(".pk-count")).to_have_text("2 selected")
    page.locator(".pk-compare").click()
    expect(page.locator(".cp-tag-left")).to_contain_text("A: seed")
    page.locator(".cp-mode[data-mode=difference]").click()
    page.wait_for_function("document.querySelector('.cp-difference').width === 260")
    page.wait_for_timeout(300)
    grown = [[x - 4 + 20, y - 4, r + 4 + 20, b + 4] for x, y, r, b in (FIRST, SECOND)]
    border = [0, 0, 20, 160]
    told = page.evaluate(DIFFERING, [*grown, border])
    assert told["outside"] == 0 and told["inside"] > 1000
    page.locator(f".tr-node[data-key='{one}']").focus()
    page.keyboard.press("Enter")
    expect(page.locator(".cp-tag-left")).to_have_text("Before")


def test_words_labels_and_filters_find_results(desk: Desk, tmp_path: Path) -> None:
    branches(desk, tmp_path)
    page, thumbs = desk.page, desk.thumbs()
    page.locator(".cp-label").fill("<b>Cover</b>")
    page.locator(".cp-note").fill("ask Eve")
    page.locator(".cp-note").press("Tab")
    expect(page.locator(".sp-caption").first).to_have_text("<b>Cover</b>")
    page.locator(".sp-search").press_sequentially("cov eve")
    expect(thumbs).to_have_count(1)
    expect(page.locator(".sp-search")).to_be_focused()
    page.locator(".sp-search").fill("nowhere")
    expect(page.locator(".sp-empty")).to_contain_text("Nothing was found")
    page.locator(".sp-more").click()
    page.locator(".sp-clear").click()
    expect(thumbs).to_have_count(3)
    page.get_by_label("outpainted").check()
    expect(thumbs).to_have_count(1)
    page.get_by_label("outpainted").uncheck()
    page.locator(".sp-until").fill("2001-01-01")
    expect(thumbs).to_have_count(0)


def test_a_failed_edit_is_found_by_its_state_and_restored(desk: Desk, tmp_path: Path) -> None:
    branches(desk, tmp_path)
    store, page = Store.open(desk.server.data_dir), desk.page
    done = store.entry(desk.log()[0]["id"])
    failed = replace(
        done, id="failed0", state=EntryState.FAILED, results=(), error="It <i>broke</i>."
    )
    store.record(session_of(desk), failed)
    store.close()
    page.locator(".sp-more").click()
    page.get_by_label("State").select_option("failed")
    expect(desk.thumbs()).to_have_count(1)
    desk.thumbs().click()
    desk.sees("It <i>broke</i>.")
    page.get_by_role("button", name="Restore settings and mask").last.click()
    desk.sees("Picture, mask and settings of this edit are back.")
    desk.wait(f"s.source === '{done.inputs.source}' && s.painted === 900")


def test_a_selection_is_exported_deleted_and_brought_back(desk: Desk, tmp_path: Path) -> None:
    branches(desk, tmp_path)
    page = desk.page
    for number in (0, 1):
        page.locator(".sp-check").nth(number).check(force=True)
    with page.expect_download() as download:
        page.locator(".pk-export").click()
    download.value.save_as(tmp_path / "results.zip")
    with zipfile.ZipFile(tmp_path / "results.zip") as archive:
        assert len(archive.namelist()) == 3
        lines = archive.read("seed_log.jsonl").decode().splitlines()
    assert [json.loads(line)["id"] for line in lines] == [e["id"] for e in desk.log()[:0:-1]]
    page.locator(".pk-remove").click()
    desk.sees("2 results were deleted.")
    expect(desk.thumbs()).to_have_count(1)
    page.get_by_role("tab", name="Trash").click()
    expect(page.locator(".ts-item")).to_have_count(2)
    page.get_by_role("button", name="Undo", exact=True).last.click()
    desk.sees("2 results are back.")
    expect(page.locator(".ts-item")).to_have_count(0)


def test_the_trash_gives_back_is_emptied_and_keeps_its_time(desk: Desk, tmp_path: Path) -> None:
    branches(desk, tmp_path)
    page = desk.page
    for _ in range(2):
        desk.thumbs().first.focus()
        page.keyboard.press("Delete")
        desk.sees("The result was deleted.")
        desk.forget()
    page.get_by_role("tab", name="Trash").click()
    page.get_by_role("button", name="Put back").first.click()
    desk.sees("The result is back.")
    expect(page.locator(".ts-item")).to_have_count(1)
    page.locator(".ts-keep").select_option("never")
    page.wait_for_load_state("networkidle")
    page.reload()
    desk.ready()
    page.get_by_role("tab", name="Trash").click()
    expect(page.locator(".ts-keep")).to_have_value("never")
    page.locator(".ts-empty").click()
    expect(page.locator(".ts-empty")).to_have_text("Remove 1 for good?")
    page.locator(".ts-empty").click()
    desk.sees("The trash is empty")
    expect(page.locator(".ts-none")).to_be_visible()


def test_the_way_back_brings_pictures_with_their_masks(desk: Desk, tmp_path: Path) -> None:
    branches(desk, tmp_path)
    source = desk.log()[0]["inputs"]["source"]
    desk.view("Paint")
    desk.page.keyboard.press("Alt+ArrowLeft")
    desk.sees("The version before is open, with the mask")
    desk.wait(f"s.source === '{source}' && s.painted === 900")
    expect(desk.page.get_by_role("button", name="Previous version")).to_be_disabled()
    desk.page.keyboard.press("Alt+ArrowRight")
    desk.sees("The next version is open")
    desk.wait(f"s.source !== '{source}'")
    before = desk.state()["source"]
    desk.page.locator(".sp-search").focus()
    desk.page.keyboard.press("Alt+ArrowLeft")
    desk.page.wait_for_timeout(800)
    assert desk.state()["source"] == before
    desk.page.locator(".sp-search").blur()
    desk.page.keyboard.press("Alt+ArrowRight")
    desk.sees("The next version is open")
    newest: dict[str, Any] = desk.log()[-1]
    desk.wait(f"s.source === '{newest['results'][0]['sha256']}' && s.painted === 0")


def test_a_tree_of_many_results_comes_in_parts(desk: Desk, tmp_path: Path) -> None:
    branches(desk, tmp_path)
    session, page = session_of(desk), desk.page
    store = Store.open(desk.server.data_dir)
    last = store.entry(desk.log()[-1]["id"])
    chain: list[LogEntry] = []
    for number in range(700):
        chain.append(made_from(chain[-1] if chain else last, number))
    store._entries.insert(session, chain, log_size=0)
    store.close()
    tree(desk, 501)  # and the place where the older ones hang on
    page.locator(".tr-older").click()
    expect(page.locator(".tr-node")).to_have_count(704)
    expect(page.locator(".tr-older")).to_be_hidden()
    page.locator(".tr-node[aria-current=true]").focus()
    page.keyboard.press("End")
    assert focused(desk) != "None"
    expect(page.locator(".tr-count")).to_have_text("703 versions")


def made_from(parent: LogEntry, number: int) -> LogEntry:
    record = replace(parent.results[0], sha256=f"{number + 1:064x}")
    inputs = replace(parent.inputs, source=parent.results[0].sha256)
    return replace(
        parent, id=f"chain{number:04d}", inputs=inputs, parent=parent.id, results=(record,)
    )
