"""An archive of results holds their stored bytes, a good name each, and their log lines."""

import zipfile
from pathlib import Path

import pytest

from genimg_ui.core.geometry import Sides
from genimg_ui.core.image import Limits
from genimg_ui.downloads import Downloads
from genimg_ui.errors import RefusedInput, UnknownItem
from genimg_ui.exporting.exporter import Exporter
from genimg_ui.exporting.formats import ExportPolicy
from genimg_ui.history.names import session_id
from genimg_ui.history.seed_log import read_line
from genimg_ui.jobs.queue import JobQueue
from genimg_ui.result_exports import ResultExports
from genimg_ui.workspace import Workspace
from tests.editing import Desk, noise, png, request

ANN, BOB = session_id("a" * 32), session_id("b" * 32)


def test_selected_results_are_packed_as_they_are_stored(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    wanted = request(variants=3, border=Sides(left=4))
    entries = [desk.edit(wanted, png(noise(20, 16, seed=seed))) for seed in (1, 2)]
    for entry in entries:
        desk.store.record(ANN, entry)
    exports = ResultExports(desk.store)
    items = [(entries[0].id, 0), (entries[0].id, 2), (entries[1].id, 1)]
    with zipfile.ZipFile(exports.archive(ANN, items)) as archive:
        *pictures, log = archive.namelist()
        assert log == "seed_log.jsonl" and len(pictures) == 3
        for name, (entry_id, index) in zip(pictures, items, strict=True):
            result = desk.store.entry(entry_id).results[index]
            assert archive.read(name) == desk.store.result_path(result.sha256).read_bytes()
            assert name.endswith(f"_{entry_id}_{index + 1}_seed{result.seed}.png")
        lines = archive.read(log).decode().splitlines()
        assert [read_line(line) for line in lines] == entries
    with pytest.raises(UnknownItem):
        exports.archive(BOB, items)
    with pytest.raises(RefusedInput, match="has no result 4"):
        exports.archive(ANN, [(entries[0].id, 3)])
    desk.close()


def test_without_the_record_nothing_tells_of_the_edit(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    entry = desk.edit(request(prompt="a red door", border=Sides(left=4)), png(noise(20, 16)))
    desk.store.record(ANN, entry)
    downloads = Downloads(
        Workspace(desk.store, JobQueue(desk.store), desk.registry),
        Exporter(desk.store, Limits(), ExportPolicy(record=False)),
    )
    exports = ResultExports(desk.store, downloads.leaving, record=False)
    packed = exports.archive(ANN, [(entry.id, 0)])
    with zipfile.ZipFile(packed) as archive:
        [name] = archive.namelist()
        assert name.endswith(".png")
        assert b"red door" not in archive.read(name)
    assert b"red door" not in packed.read_bytes()
    desk.close()
