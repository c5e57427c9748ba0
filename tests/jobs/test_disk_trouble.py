"""A real disk that is full or cannot be written: a sentence each, and nothing else is lost."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
OWN_DISK = ["unshare", "--map-root-user", "--mount"]


def play(scene: str, folder: Path) -> dict[str, Any]:
    """Run a scene of `disk_scene` on a disk that only it sees."""
    try:
        probe = [*OWN_DISK, "mount", "-t", "tmpfs", "none", str(folder)]
        subprocess.run(probe, check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("this system lets no test mount a disk of its own")
    command = [*OWN_DISK, sys.executable, "-m", "tests.jobs.disk_scene", scene]
    done = subprocess.run(
        [*command, str(folder / "data")], cwd=ROOT, capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stderr[-3000:]
    report: dict[str, Any] = json.loads(done.stdout)
    return report


def test_a_full_disk(tmp_path: Path) -> None:
    report = play("full", tmp_path)
    assert report["done"] > 3
    for sentence in report["sentences"]:
        assert "The disk of the data folder" in sentence and "Free some space" in sentence
    assert report["before"]["done"] >= report["done"]
    assert report["before"]["whole"]
    assert report["after"] == ""
    assert report["state"]["done"] == report["before"]["done"] + 1
    assert report["state"]["whole"] and report["state"]["same"]
    assert (report["unfinished"], report["running"]) == (0, 0)


def test_a_folder_that_cannot_be_written(tmp_path: Path) -> None:
    report = play("read-only", tmp_path)
    assert len(report["sentences"]) == 2
    for sentence in report["sentences"]:
        assert "cannot be written" in sentence and "--data-dir" in sentence
    assert report["before"] == {"done": 1, "whole": True, "same": True}
    assert report["after"] == ""
    assert report["state"] == {"done": 2, "whole": True, "same": True}
