"""A bundle of the page opens as the next edit, in another installation as well."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from genimg_ui.bundle import pack
from genimg_ui.core.geometry import Sides
from genimg_ui.core.image import Limits
from genimg_ui.errors import RefusedInput, UnknownItem
from genimg_ui.handover import Handover
from genimg_ui.history.names import session_id
from genimg_ui.history.record import LogEntry
from genimg_ui.jobs.queue import JobQueue
from genimg_ui.recall import Recall
from genimg_ui.workspace import Workspace
from tests.editing import Desk, painted, photograph, png, request

SESSION, OTHER = session_id("a" * 32), session_id("b" * 32)
MASK = painted(48, 36, (14, 12, 26, 22))


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    opened = Desk(tmp_path_factory.mktemp("desk"))
    yield opened
    opened.close()


@pytest.fixture(scope="module")
def entry(desk: Desk) -> LogEntry:
    asked = request("square", variants=2, grow=3, border=Sides(4, 0, 1, 3), prompt="a cat")
    made = desk.edit(asked, png(photograph(48, 36)), MASK)
    desk.store.record(SESSION, made)
    return made


@pytest.fixture
def elsewhere(tmp_path: Path) -> Iterator[Desk]:
    opened = Desk(tmp_path / "elsewhere")
    yield opened
    opened.close()


def handover(desk: Desk, limits: Limits | None = None) -> tuple[Workspace, Handover]:
    workspace = Workspace(desk.store, JobQueue(desk.store), desk.registry, limits=limits)
    return workspace, Handover(workspace, Recall(workspace, local=False))


def test_a_bundle_becomes_an_edit_ready_to_run(
    desk: Desk, entry: LogEntry, elsewhere: Desk
) -> None:
    path, name = handover(desk)[1].bundle(SESSION, entry.id, 1)
    assert path.parent == desk.store.data_dir / "exports" and name.endswith("_replay.zip")
    workspace, there = handover(elsewhere)
    back = there.receive(OTHER, path, page="p")
    draft = workspace.draft(OTHER)
    assert draft == back.draft and back.sentence.startswith("Picture, mask and settings")
    assert (draft.source, draft.mask) == (entry.inputs.source, entry.inputs.mask)
    assert draft.request == replace(
        entry.request,
        sampling=replace(entry.request.sampling, seed=entry.results[1].seed, variants=1),
    )
    again = elsewhere.apply(draft.request, replace(entry.inputs))
    assert again.results[0].pixels_sha256 == entry.results[1].pixels_sha256
    assert list((elsewhere.store.data_dir / "cache" / "bundles").iterdir()) == []


def test_only_the_session_of_a_result_can_hand_it_over(desk: Desk, entry: LogEntry) -> None:
    with pytest.raises(UnknownItem):
        handover(desk)[1].bundle(OTHER, entry.id, 0)


def test_the_limits_of_uploads_hold(
    desk: Desk, entry: LogEntry, elsewhere: Desk, tmp_path: Path
) -> None:
    path, _ = handover(desk)[1].bundle(SESSION, entry.id, 0)
    for limits, words in (
        (Limits(max_bytes=900), "at most 0.0009 MB"),
        (Limits(max_pixels=1000), "at most 0.001 megapixels"),
    ):
        workspace, there = handover(elsewhere, limits)
        with pytest.raises(RefusedInput, match=words):
            there.receive(OTHER, path)
        assert workspace.draft(OTHER).source is None
    forged = replace(
        entry,
        request=replace(entry.request, sampling=replace(entry.request.sampling, strength=9.0)),
    )
    evil = tmp_path / "evil.zip"
    with evil.open("wb") as file:
        pack(desk.store, forged, file)
    with pytest.raises(RefusedInput, match=r"\(0, 1\], got 9"):
        handover(elsewhere)[1].receive(OTHER, evil)


def test_a_bundle_of_the_page_opens_on_the_page(desk: Desk, entry: LogEntry) -> None:
    """Source and result together are more than an upload may be; so is a result as a source."""
    source = desk.store.source_path(entry.inputs.source).stat().st_size
    upload = Limits(max_bytes=source, max_pixels=48 * 36)
    workspace, page = handover(desk, upload)
    path, _ = page.bundle(SESSION, entry.id, 0)
    assert path.stat().st_size > upload.max_bytes
    page.receive(SESSION, path)
    assert workspace.draft(SESSION).source == entry.inputs.source

    inputs = replace(entry.inputs, source=entry.results[0].sha256, mask=None)
    again = desk.apply(request("plain", border=Sides(0, 2, 0, 0)), inputs)
    desk.store.record(SESSION, again)
    path, _ = page.bundle(SESSION, again.id, 0)
    page.receive(SESSION, path)
    assert workspace.draft(SESSION).source == inputs.source


def test_what_could_not_be_opened_is_not_made(desk: Desk, entry: LogEntry, tmp_path: Path) -> None:
    whole = tmp_path / "whole.zip"
    with whole.open("wb") as file:
        pack(desk.store, entry, file)
    small = whole.stat().st_size - 1
    with whole.open("wb") as file, pytest.raises(RefusedInput, match="bundle must have at most"):
        pack(desk.store, entry, file, max_bytes=small)


def test_a_model_that_is_not_here_is_said(
    desk: Desk, entry: LogEntry, elsewhere: Desk, tmp_path: Path
) -> None:
    path = tmp_path / "strange.zip"
    with path.open("wb") as file:
        pack(desk.store, replace(entry, request=replace(entry.request, model="magic")), file)
    back = handover(elsewhere)[1].receive(OTHER, path)
    assert "'magic' is not here" in back.sentence and back.draft.request.model == "exemplar"
