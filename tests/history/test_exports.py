"""Files to download: one of a kind for a session, none after a day, never too many bytes."""

import os
from pathlib import Path

import pytest

from genimg_ui.history.exports import KEPT_SECONDS, ExportFolder
from genimg_ui.history.files import Writer


def of(size: int) -> Writer:
    return lambda file: file.write(bytes(size)) and None


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "exports"


def test_a_session_has_one_of_each_kind(tmp_path: Path, folder: Path) -> None:
    exports = ExportFolder(tmp_path)
    exports.write(".zip", of(3), owner="archive ann")
    kept = {
        exports.write(".zip", of(3), owner="archive ann"),
        exports.write(".zip", of(3), owner="archive bob"),
        exports.write(".png", of(3), owner="sheet ann"),
        exports.write(".png", of(3)),
        exports.write(".png", of(3)),
    }
    assert set(folder.iterdir()) == kept
    assert not any("ann" in path.name for path in kept)


def test_a_new_file_is_there_before_the_earlier_one_goes(tmp_path: Path) -> None:
    exports = ExportFolder(tmp_path)
    first = exports.write(".zip", of(3), owner="archive ann")

    def fails(_file: object) -> None:
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        exports.write(".zip", fails, owner="archive ann")
    assert first.is_file()


def test_what_is_too_much_goes_oldest_first(tmp_path: Path, folder: Path) -> None:
    exports = ExportFolder(tmp_path, most_bytes=1000)
    made = [exports.write(".zip", of(400)) for _ in range(2)]
    for age, path in enumerate(made):
        os.utime(path, (0, path.stat().st_mtime - 100 + age))
    unfinished = folder / ".x.png.part"
    unfinished.write_bytes(bytes(5000))
    third = exports.write(".zip", of(400))
    assert set(folder.iterdir()) == {made[1], third, unfinished}
    large = exports.write(".zip", of(2000))
    assert set(folder.iterdir()) == {large, unfinished}


def test_what_is_old_goes(tmp_path: Path, folder: Path) -> None:
    exports = ExportFolder(tmp_path)
    old = exports.write(".csv", of(3))
    os.utime(old, (0, old.stat().st_mtime - KEPT_SECONDS - 60))
    assert [exports.write(".csv", of(3))] == list(folder.iterdir())
