"""A weight file is read once for its digest, by all processes together, until it changes."""

import hashlib
import os
from pathlib import Path

import pytest

from genimg_ui.core.provenance import FileRecord
from genimg_ui.weights.hashes import WeightHashes


@pytest.fixture
def weights(tmp_path: Path) -> Path:
    path = tmp_path / "model" / "unet" / "weights.safetensors"
    path.parent.mkdir(parents=True)
    path.write_bytes(b"weights")
    return path


def digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def rewritten(path: Path, content: bytes) -> None:
    """Change the bytes, but neither the size nor the time."""
    before = path.stat()
    path.write_bytes(content)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


def test_records_name_files_by_their_place(weights: Path) -> None:
    folder = weights.parents[1]
    assert WeightHashes().records(folder, [weights]) == (
        FileRecord(name="unet/weights.safetensors", bytes=7, sha256=digest(b"weights")),
    )


@pytest.mark.parametrize("shared", [False, True])
def test_a_file_is_read_once(weights: Path, tmp_path: Path, shared: bool) -> None:
    place = tmp_path / "cache" / "weights.json"
    first = WeightHashes(place)
    first.sha256(weights)
    rewritten(weights, b"WEIGHTS")
    again = WeightHashes(place) if shared else first
    assert again.sha256(weights) == digest(b"weights")
    assert WeightHashes().sha256(weights) == digest(b"WEIGHTS")


def test_a_file_that_changed_is_read_again(weights: Path, tmp_path: Path) -> None:
    hashes = WeightHashes(tmp_path / "weights.json")
    hashes.sha256(weights)
    weights.write_bytes(b"others!")
    os.utime(weights, ns=(1, 1))
    assert hashes.sha256(weights) == digest(b"others!")


def test_two_processes_keep_what_both_know(weights: Path, tmp_path: Path) -> None:
    place, other = tmp_path / "weights.json", weights.with_name("other.safetensors")
    other.write_bytes(b"x")
    one, two = WeightHashes(place), WeightHashes(place)
    one.sha256(weights)
    two.sha256(other)
    one.sha256(other)
    rewritten(weights, b"WEIGHTS")
    assert WeightHashes(place).sha256(weights) == digest(b"weights")


@pytest.mark.parametrize("broken", [b"", b"{", b"[1]", b'{"a": 1}', b"\xff"])
def test_a_broken_cache_is_made_anew(weights: Path, tmp_path: Path, broken: bytes) -> None:
    place = tmp_path / "weights.json"
    place.write_bytes(broken)
    assert WeightHashes(place).sha256(weights) == digest(b"weights")
    assert digest(b"weights") in place.read_text()


def test_a_cache_that_cannot_be_written_is_no_harm(weights: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    hashes = WeightHashes(tmp_path / "file" / "weights.json")
    assert hashes.sha256(weights) == digest(b"weights")
