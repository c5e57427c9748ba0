"""What the page may do with a session's pictures, masks, drafts and results."""

import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from genimg_ui.core.geometry import Box, Sides, Size
from genimg_ui.core.image import Limits, decode, decode_mask
from genimg_ui.core.preflight import check_mask
from genimg_ui.core.request import EditInputs, EditRequest, InpaintParams, MaskParams
from genimg_ui.editor import Editor
from genimg_ui.errors import RefusedInput, UnknownItem
from genimg_ui.examples import examples
from genimg_ui.history.disk import DiskLimits
from genimg_ui.history.names import session_id
from genimg_ui.history.record import EntryState
from genimg_ui.jobs.queue import JobQueue, JobState
from genimg_ui.jobs.runner import InlineRunner
from genimg_ui.masks import mask_png
from genimg_ui.registry import Registry, first_request
from genimg_ui.workspace import Draft, Mark, Workspace
from tests.editing import SQUARE, Desk, noise, painted, png, request, saved

ANN, BOB = session_id("a" * 32), session_id("b" * 32)
SIZE = Size(48, 36)
MASK = painted(48, 36, (14, 12, 26, 22))


class Room:
    """A workspace over a desk, with the runner that a worker would be."""

    def __init__(self, folder: Path, **options: object) -> None:
        self.folder = folder
        self.desk = Desk(folder / "data")
        self.queue = JobQueue(self.desk.store)
        self.woken = 0
        self.work = Workspace(
            self.desk.store, self.queue, self.desk.registry, wake=self.wake, **options
        )
        self.runner = InlineRunner(self.queue, self.desk.editor)

    def wake(self) -> None:
        self.woken += 1

    def file(self, name: str, data: bytes) -> Path:
        path = self.folder / name
        path.write_bytes(data)
        return path

    def open(self, session: str = ANN, data: bytes | None = None) -> str:
        path = self.file("upload", png(noise(*SIZE)) if data is None else data)
        return self.work.open_upload(session, path).sha256

    def mask(self, source: str, mask: np.ndarray = MASK) -> str | None:
        path = self.file("mask.png", mask_png(mask))
        return self.work.keep_mask(ANN, source, path, SIZE)

    def run(self, asked: EditRequest | None = None):
        """Submit the open picture and let it be edited."""
        draft = self.work.draft(ANN)
        inputs = EditInputs(source=draft.source, mask=draft.mask)
        self.work.submit(ANN, asked or request(), inputs)
        return self.runner.run_next()


@pytest.fixture
def room(tmp_path: Path) -> Iterator[Room]:
    opened = Room(tmp_path)
    yield opened
    opened.desk.close()


# -- pictures


def test_an_upload_is_kept_as_it_is_and_becomes_the_draft(room: Room) -> None:
    data = saved(noise(*SIZE), "JPEG")
    opened = room.work.open_upload(ANN, room.file("photo.jpg", data))
    assert opened.size == SIZE and opened.native and opened.notes == ()
    assert opened.display.read_bytes() == data
    assert opened.description == "48×36 RGB, 8 bit"
    assert room.work.draft(ANN).source == opened.sha256
    assert room.work.draft(BOB).source is None
    assert room.work.picture(opened.sha256) == opened


@pytest.mark.parametrize(
    ("image", "kind"),
    [
        (noise(*SIZE), "TIFF"),
        (noise(*SIZE, "I;16"), "PNG"),
        (noise(*SIZE).convert("CMYK"), "JPEG"),
    ],
    ids=["tiff", "sixteen-bits", "cmyk"],
)
def test_what_a_browser_cannot_show_gets_a_display_copy(room: Room, image, kind) -> None:
    opened = room.work.open_upload(ANN, room.file("upload", saved(image, kind)))
    assert not opened.native
    with Image.open(opened.display) as copy:
        assert (copy.format, copy.size, copy.mode) == ("PNG", tuple(SIZE), "RGB")


def test_a_new_picture_keeps_the_settings_and_drops_mask_border_and_parent(room: Room) -> None:
    source = room.open()
    room.mask(source)
    asked = request("square", grow=9, border=Sides(left=5))
    room.work.save_draft(ANN, replace(room.work.draft(ANN), request=asked, parent="x"))
    room.open(data=png(noise(20, 10)))
    draft = room.work.draft(ANN)
    assert (draft.mask, draft.parent, draft.request.border) == (None, None, Sides())
    assert draft.request == replace(asked, border=Sides())


def test_bad_uploads_are_refused_and_the_draft_stays(tmp_path: Path) -> None:
    room = Room(tmp_path, limits=Limits(max_pixels=2000))
    source = room.open()
    for data, sentence in (
        (b"hello", "got text"),
        (b"", "empty file"),
        (png(noise(60, 40)), "at most 0.002 megapixels, got 60×40"),
        (saved(noise(*SIZE), "JPEG")[:500], "truncated"),
    ):
        with pytest.raises(RefusedInput, match=sentence):
            room.open(data=data)
    assert room.work.draft(ANN).source == source
    room.desk.close()


def test_examples_open_like_uploads(room: Room) -> None:
    found = examples(models=())
    assert set(found) == {"Coffee", "Astronaut", "Cat", "Rocket"}
    for example in found.values():
        with example.picture() as path:
            assert room.work.open_upload(ANN, path).size.area > 100_000


# -- masks and drafts


def test_a_mask_is_bound_to_its_picture_and_size(room: Room) -> None:
    source = room.open()
    kept = room.mask(source)
    assert room.work.draft(ANN).mask == kept
    assert np.array_equal(np.asarray(Image.open(room.desk.store.mask_path(kept))), MASK)
    with pytest.raises(RefusedInput, match="another picture"):
        room.mask("0" * 64)
    with pytest.raises(RefusedInput, match=r"as large as the picture \(48×36\), got 36×48"):
        room.mask(source, MASK.T.copy())
    assert room.work.draft(ANN).mask == kept
    assert room.work.keep_mask(ANN, source, None, SIZE) is None
    assert room.work.draft(ANN).mask is None


def test_a_draft_survives_a_restart(room: Room) -> None:
    source = room.open()
    asked = request("square", prompt="täglich 🙂", strength=0.4, border=Sides(1, 2, 3, 4))
    room.work.save_draft(ANN, Draft(request=asked, source=source, mask=room.mask(source)))
    before = room.work.draft(ANN)
    room.desk.close()
    again = Room(room.folder)
    assert again.work.draft(ANN) == before
    again.desk.close()


def test_a_draft_that_cannot_be_read_is_a_fresh_one(room: Room) -> None:
    room.desk.store.save_draft(ANN, {"request": {"magic": 1}})
    assert room.work.draft(ANN) == Draft(request=first_request(room.work.registry.get("exemplar")))


def test_a_mask_is_refused_by_its_first_bytes(room: Room, monkeypatch) -> None:
    source = room.open()
    monkeypatch.setattr("genimg_ui.pictures.decode_mask", lambda *_: pytest.fail("decoded"))
    deep = Image.fromarray(np.zeros((36, 48), np.uint16))
    for data, sentence in (
        (saved(noise(*SIZE, "RGBA"), "PNG"), "greyscale PNG of 8 bits, got colour type 6 of 8"),
        (saved(deep, "PNG"), "got greyscale of 16"),
        (saved(noise(*SIZE, "L"), "JPEG"), "must be a greyscale PNG, got JPEG"),
        (b"hello", "got text"),
        (mask_png(np.zeros((900, 900), np.uint8)), r"\(48×36\), got 900×900"),
        (mask_png(MASK) + bytes(200_000), "at most 0.1 MB, got 0.2 MB"),
    ):
        with pytest.raises(RefusedInput, match=sentence):
            room.work.keep_mask(ANN, source, room.file("mask.png", data), SIZE)


def test_a_mask_is_held_to_the_stored_picture_whatever_the_page_says(room: Room) -> None:
    source = room.open()
    path = room.file("mask.png", mask_png(np.zeros((70, 90), np.uint8)))
    with pytest.raises(RefusedInput, match=r"\(48×36\), got 90×70"):
        room.work.keep_mask(ANN, source, path, Size(90, 70))


def test_no_more_than_two_pictures_are_decoded_at_once(room: Room, monkeypatch) -> None:
    lock, now, most = threading.Lock(), [0], [0]

    def watched(decode):
        def slow(*args):
            with lock:
                now[0] += 1
                most[0] = max(most[0], now[0])
            time.sleep(0.02)
            try:
                return decode(*args)
            finally:
                with lock:
                    now[0] -= 1

        return slow

    source = room.open()
    monkeypatch.setattr("genimg_ui.pictures.decode_mask", watched(decode_mask))
    monkeypatch.setattr("genimg_ui.pictures.decode", watched(decode))
    monkeypatch.setattr("genimg_ui.workspace.check_mask", watched(check_mask))
    paths = [room.file(f"{n}.png", mask_png(np.roll(MASK, n, 1))) for n in range(6)]
    photo = room.file("photo.png", png(noise(20, 20)))

    def page(number: int) -> None:
        mask = room.work.keep_mask(ANN, source, paths[number], SIZE)
        room.work.findings(request(), SIZE, mask)
        room.work.open_upload(BOB, photo)

    with ThreadPoolExecutor(6) as threads:
        list(threads.map(page, range(6)))
    assert most[0] == 2


def test_the_picture_that_was_asked_for_last_stays(room: Room, monkeypatch) -> None:
    slow, fast = png(noise(40, 30)), png(noise(*SIZE))
    first = room.file("slow.png", slow)
    keep, opened = room.work.pictures.keep, []

    def overtaken(path: Path):
        if path == first:  # while it is decoded, another one comes and is through at once
            room.work.open_upload(ANN, room.file("fast", fast), mark=Mark(page="p", opened=2))
        opened.append(keep(path))
        return opened[-1]

    monkeypatch.setattr(room.work.pictures, "keep", overtaken)
    late = room.work.open_upload(ANN, first, mark=Mark(page="p", opened=1))
    draft = room.work.draft(ANN)
    assert draft.source == opened[0].sha256 != late.sha256
    assert room.mask(draft.source) == room.work.draft(ANN).mask


def test_two_tabs_paint_and_apply_each_on_its_own_picture(room: Room) -> None:
    room.mask(room.open())
    first = room.run()
    result = room.work.continue_from(ANN, first.id, 0, page="one")
    other = room.open(data=png(noise(20, 10)))
    path = room.file("mask.png", mask_png(MASK))
    mark = Mark(page="one", mask_rev=2)
    mask = room.work.keep_mask(ANN, result.sha256, path, SIZE, mark=mark)
    draft = room.work.draft(ANN)
    assert (draft.source, draft.mask, draft.parent) == (result.sha256, mask, first.id)
    room.work.keep_mask(ANN, other, None, Size(20, 10), mark=Mark(page="two"))
    inputs = EditInputs(source=result.sha256, mask=mask)
    job = room.work.submit(ANN, request(), inputs)  # queued while the draft is elsewhere
    assert room.queue.job(ANN, job).parent == first.id
    with pytest.raises(RefusedInput, match="another picture"):
        room.work.submit(BOB, request(), inputs)


def test_a_late_autosave_leaves_the_newer_mask(room: Room) -> None:
    source = room.open()
    kept = {}
    for rev, left in ((7, 14), (6, 2)):
        path = room.file("mask.png", mask_png(painted(48, 36, (left, 12, 26, 22))))
        mark = Mark(page="p", mask_rev=rev)
        kept[rev] = room.work.keep_mask(ANN, source, path, SIZE, mark=mark)
    assert kept[6] != kept[7] and room.work.draft(ANN).mask == kept[7]


# -- what is known of a picture


@pytest.mark.parametrize("restarted", [False, True])
def test_a_display_copy_is_made_once(room: Room, monkeypatch, restarted: bool) -> None:
    data = saved(noise(*SIZE).convert("CMYK"), "JPEG")
    opened = room.work.open_upload(ANN, room.file("photo.jpg", data))
    assert opened.notes and not opened.native
    again = Room(room.folder) if restarted else room
    monkeypatch.setattr("genimg_ui.pictures.decode", lambda *_: pytest.fail("decoded"))
    monkeypatch.setattr(Image.Image, "save", lambda *_: pytest.fail("encoded"))
    assert again.work.picture(opened.sha256) == opened
    if restarted:
        again.desk.close()


def test_a_display_copy_that_is_gone_or_strange_is_made_again(room: Room) -> None:
    opened = room.work.open_upload(ANN, room.file("x.tif", saved(noise(*SIZE), "TIFF")))
    opened.display.unlink()
    assert room.work.picture(opened.sha256) == opened
    room.desk.store.put_preview(opened.sha256, png(noise(*SIZE)))  # without the facts
    again = Room(room.folder)
    assert again.work.picture(opened.sha256) == opened
    assert b"genimg_ui" in opened.display.read_bytes()
    again.desk.close()
    room.desk.store.source_path(opened.sha256).unlink()
    with pytest.raises(UnknownItem):
        room.work.picture(opened.sha256)


def test_a_result_may_be_larger_than_an_upload(tmp_path: Path) -> None:
    limits = Limits(max_pixels=SIZE.area)
    room = Room(tmp_path, limits=limits)
    desk = room.desk
    editor = Editor(desk.store, desk.registry, desk.pool, limits=limits)
    room.runner = InlineRunner(room.queue, editor)
    room.open()
    entry = room.run(request(border=Sides(right=30)))
    opened = room.work.continue_from(ANN, entry.id, 0)
    assert opened.size == Size(78, 36)
    assert room.run(request(border=Sides(left=3))).state is EntryState.DONE
    with pytest.raises(RefusedInput, match="megapixels"):
        room.open(data=room.desk.store.result_path(opened.sha256).read_bytes())
    room.desk.close()


def test_a_mask_is_decoded_once_from_brush_to_queue(room: Room, monkeypatch) -> None:
    source, decoded = room.open(), []
    monkeypatch.setattr(
        "genimg_ui.pictures.decode_mask", lambda *args: decoded.append(1) or decode_mask(*args)
    )
    mask = room.mask(source)
    room.work.context_view(request(), SIZE, mask)
    assert room.work.findings(request(), SIZE, mask) == [] and len(decoded) == 1
    again = Room(room.folder)
    again.work.context_view(request(), SIZE, mask)
    assert again.work.findings(request(), SIZE, mask) == [] and len(decoded) == 2
    again.desk.close()


# -- before the queue


def test_findings_say_what_blocks_and_what_helps(room: Room) -> None:
    source = room.open()
    nothing = room.work.findings(request(), SIZE, None)
    assert [item.blocking for item in nothing] == [True]
    wide = room.work.findings(request(feather=40), SIZE, room.mask(source))
    assert (wide[0].remedy.field, wide[0].remedy.value) == ("feather", 0)
    assert room.work.findings(request(), SIZE, room.mask(source)) == []
    big = room.work.findings(request("square", border=Sides(right=900)), SIZE, None)
    assert any("fine detail" in item.sentence for item in big)
    with pytest.raises(RefusedInput, match="strength"):
        room.work.findings(request(strength=0.0), SIZE, room.mask(source))
    with pytest.raises(RefusedInput, match="model must be one of"):
        room.work.findings(request("magic"), SIZE, room.mask(source))


@settings(max_examples=40, deadline=None)
@given(st.data())
def test_the_box_on_the_canvas_is_the_box_of_the_edit(shared: Room, data: st.DataObject) -> None:
    box = Box(data.draw(st.integers(0, 40)), data.draw(st.integers(0, 30)), 44, 33)
    asked = EditRequest(
        model=data.draw(st.sampled_from(["plain", "square", "exemplar"])),
        mask=MaskParams(grow=data.draw(st.integers(-2, 9)), feather=data.draw(st.integers(0, 5))),
        inpaint=InpaintParams(
            only_masked=data.draw(st.booleans()),
            padding=data.draw(st.sampled_from([0, 5, 64])),
            anchor_context=data.draw(st.booleans()),
        ),
        border=data.draw(st.sampled_from([Sides(), Sides(3, 0, 0, 9), Sides(top=2)])),
    )
    source = shared.open()
    mask = shared.mask(source, painted(48, 36, box))
    view = shared.work.context_view(asked, SIZE, mask)
    # The plan is made before the engine is asked, so a fake one in its place changes nothing.
    shared.desk.pool._backends["exemplar"] = shared.desk.fake
    entry = shared.desk.apply(asked, EditInputs(source=source, mask=mask))
    if entry.plan is None:
        assert entry.refused
        return
    assert (view.box, view.working) == (entry.plan.box, entry.plan.working)
    assert view.scale > 0


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Room]:
    opened = Room(tmp_path_factory.mktemp("room"))
    yield opened
    opened.desk.close()


def test_without_a_mask_there_is_no_box(room: Room) -> None:
    assert room.work.context_view(request(), SIZE, None) is None
    view = room.work.context_view(request(border=Sides(left=4)), SIZE, None)
    assert view.box.left == 0 and view.scale == 1


# -- edits and results


def test_a_stale_guidance_knob_is_told_and_never_stops_an_edit(room: Room) -> None:
    turbo = replace(SQUARE, id="turbo", title="Turbo", uses_guidance=False)
    known = Registry((*room.desk.registry.all(), turbo), "exemplar")
    room.work._registry = lambda: known
    source = room.open()
    mask = room.work.keep_mask(ANN, source, room.file("m", mask_png(MASK)), SIZE)
    asked = request("turbo", guidance_scale=6.0)
    said = [finding.sentence for finding in room.work.findings(asked, SIZE, mask)]
    assert said[0] == "Turbo runs without guidance: CFG 6 is not used."
    room.work.submit(ANN, asked, EditInputs(source=source, mask=mask))
    [job] = room.queue.active(ANN)
    assert job.request.sampling.guidance_scale == 1 == first_request(turbo).sampling.guidance_scale
    kept = request("square", guidance_scale=6.0)
    assert not [f for f in room.work.findings(kept, SIZE, mask) if "guidance" in f.sentence]


def test_an_edit_goes_from_the_draft_to_the_gallery(room: Room) -> None:
    room.mask(room.open())
    entry = room.run(request(variants=2))
    assert entry.state is EntryState.DONE and room.woken == 1
    assert room.work.entry(ANN, entry.id) == entry
    assert room.desk.store.count(ANN) == 2
    with pytest.raises(UnknownItem):
        room.work.entry(BOB, entry.id)


def test_going_on_from_a_result_remembers_where_it_came_from(room: Room) -> None:
    room.mask(room.open())
    first = room.run(request(variants=2))
    opened = room.work.continue_from(ANN, first.id, 1)
    assert opened.sha256 == first.results[1].sha256
    draft = room.work.draft(ANN)
    assert (draft.source, draft.parent, draft.mask) == (opened.sha256, first.id, None)
    room.mask(opened.sha256)
    assert room.run().parent == first.id


@pytest.mark.parametrize("index", [-1, 2, 99])
def test_a_result_that_is_not_there_is_unknown(room: Room, index: int) -> None:
    room.mask(room.open())
    entry = room.run(request(variants=2))
    for act in (room.work.continue_from, room.work.restore):
        with pytest.raises(UnknownItem, match=f"below 2, got {index}"):
            act(ANN, entry.id, index)
        with pytest.raises(UnknownItem):
            act(BOB, entry.id, 0)


def test_restore_brings_back_settings_mask_and_the_variants_seed(room: Room) -> None:
    source = room.open()
    mask = room.mask(source)
    asked = request("square", seed=40, variants=2, grow=5, prompt="a cat", border=Sides(top=3))
    entry = room.run(asked)
    room.open(data=png(noise(9, 9)))
    restored = room.work.restore(ANN, entry.id, 1)
    assert (restored.source, restored.mask) == (source, mask)
    sampling = replace(asked.sampling, seed=41)
    assert restored.request == replace(asked, sampling=sampling)
    assert room.work.draft(ANN) == restored


def test_restore_changes_nothing_where_a_part_is_gone(room: Room) -> None:
    room.mask(room.open())
    entry = room.run()
    room.open(data=png(noise(9, 9)))
    before = room.work.draft(ANN)
    store = room.desk.store
    mask = store.mask_path(entry.inputs.mask)
    for path in (mask, store.source_path(entry.inputs.source)):
        kept = path.read_bytes()
        path.unlink()
        with pytest.raises(UnknownItem):
            room.work.restore(ANN, entry.id, 0)
        path.write_bytes(kept)
    fewer = Registry((room.desk.registry.get("square"),), "square")
    without = Workspace(store, room.queue, fewer)
    with pytest.raises(RefusedInput, match="model must be one of"):
        without.restore(ANN, entry.id, 0)
    assert room.work.draft(ANN) == before


def test_restore_of_a_failed_edit_brings_back_what_was_asked(room: Room) -> None:
    room.mask(room.open())
    room.desk.fake.error = MemoryError()
    entry = room.run(request(seed=None))
    assert entry.state is EntryState.FAILED
    assert room.work.restore(ANN, entry.id, 0).request == request(seed=None)


def test_cancel_and_retry_are_the_owners(room: Room) -> None:
    room.mask(room.open())
    draft = room.work.draft(ANN)
    inputs = EditInputs(source=draft.source, mask=draft.mask)
    job_id = room.work.submit(ANN, request(), inputs)
    assert room.work.cancel_all(BOB) == []
    assert room.queue.job(ANN, job_id).state is JobState.QUEUED
    assert [job.id for job in room.work.cancel_all(ANN)] == [job_id]
    assert room.queue.job(ANN, job_id).state is JobState.CANCELLED
    with pytest.raises(UnknownItem):
        room.work.retry(BOB, [job_id])
    room.work.retry(ANN, [job_id])
    assert len(room.queue.active(ANN)) == 1


def test_interrupted_edits_are_offered_until_another_has_run(room: Room) -> None:
    room.mask(room.open())
    draft = room.work.draft(ANN)
    inputs = EditInputs(source=draft.source, mask=draft.mask)
    job_id = room.work.submit(ANN, request(), inputs)
    room.queue.claim("a worker that is gone")
    room.queue.mark_interrupted()
    assert room.work.interrupted(ANN) == [job_id]
    assert room.work.interrupted(BOB) == []
    room.run()
    assert room.work.interrupted(ANN) == []


def test_dismissed_edits_are_not_offered_again(room: Room) -> None:
    room.mask(room.open())
    draft = room.work.draft(ANN)
    inputs = EditInputs(source=draft.source, mask=draft.mask)
    room.work.submit(ANN, request(), inputs)
    room.queue.claim("a worker that is gone")
    room.queue.mark_interrupted()
    room.work.dismiss(BOB)
    assert len(room.work.interrupted(ANN)) == 1
    room.work.dismiss(ANN)
    assert room.work.interrupted(ANN) == []
    later = room.work.submit(ANN, request(), inputs)
    room.queue.claim("a worker that is gone")
    room.queue.mark_interrupted()
    assert room.work.interrupted(ANN) == [later]


def test_what_has_no_room_is_refused_before_it_is_kept(room: Room, monkeypatch) -> None:
    source = room.open()
    asked = []

    def no_room(session: str, _: DiskLimits, new_bytes: int) -> str | None:
        asked.append((session, new_bytes))
        return "There is no room."

    before = room.desk.store.usage()
    monkeypatch.setattr(room.desk.store, "room_for", no_room)
    for act in (lambda: room.open(data=png(noise(30, 30))), lambda: room.mask(source)):
        with pytest.raises(RefusedInput, match="There is no room"):
            act()
    sizes = [len(png(noise(30, 30))), len(mask_png(MASK))]
    assert asked == [(ANN, size) for size in sizes]
    assert room.desk.store.usage() == before and room.work.draft(ANN).source == source


def test_without_limits_apply_looks_for_nothing_to_remove(room: Room, monkeypatch) -> None:
    room.mask(room.open())
    monkeypatch.setattr(room.desk.store, "evict", lambda *_: pytest.fail("evicted"))
    assert room.run().state is EntryState.DONE


def test_notices_are_the_stores(room: Room, monkeypatch) -> None:
    monkeypatch.setattr(room.desk.store, "take_notices", lambda session: [f"for {session}"])
    assert room.work.notices(ANN) == [f"for {ANN}"]


def test_disk_limits_are_told_beforehand_and_hold(tmp_path: Path) -> None:
    room = Room(tmp_path, disk=DiskLimits(session_bytes=20_000, total_bytes=10**9))
    room.mask(room.open())
    for seed in range(6):
        room.run(request(seed=seed, border=Sides(right=20)))
    assert "of 0 MB" in room.work.disk_warning(ANN)
    assert room.work.disk_warning(BOB) is None
    before = room.desk.store.count(ANN)
    room.run(request(seed=50))
    assert room.desk.store.count(ANN) <= before
    room.desk.close()
