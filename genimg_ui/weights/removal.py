"""How much of the disk a model takes, and its removal from the hub's cache."""

import logging
import os
import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from huggingface_hub import constants

from genimg_ui.errors import ModelUnavailable
from genimg_ui.weights.fetch import alone, locked_name
from genimg_ui.weights.folders import repository

GOING = ".removed-"  # how a repository's folder is called while it is being removed
_LOG = logging.getLogger(__name__)


def stored_bytes(place: Path) -> int:
    """Bytes of a file, or of all files below a folder; links of the hub's cache count once."""
    if place.is_file():
        return place.stat().st_size
    sizes = {}
    for folder, _, names in os.walk(place):
        for name in names:
            real = Path(folder, name).resolve()
            if real.is_file():
                sizes[real] = real.stat().st_size
    return sum(sizes.values())


def repository_bytes(hub_id: str) -> int:
    """Bytes that the removal of a hub model frees, unfinished downloads with them."""
    return stored_bytes(repository(hub_id) / "blobs")


def file_bytes(hub_id: str, file: str) -> int:
    """Bytes that the removal of one file of a hub model frees; 0 where it is not here."""
    _, blobs = _links(hub_id, file)
    return sum(blob.stat().st_size for blob in blobs)


def remove_file(hub_id: str, file: str) -> None:
    """Remove one file of a hub model from all of its snapshots, and its content.

    Content that a file of another name has as well stays. Raises ModelUnavailable as
    `remove_repository` does.
    """
    _check_here(hub_id)
    with _refusing(hub_id), alone(hub_id, wait=lambda: _busy(hub_id)):
        links, blobs = _links(hub_id, file)
        for link in links:
            link.unlink()
        for blob in blobs:
            blob.unlink(missing_ok=True)


def sweep() -> None:
    """Remove what a killed removal left in the cache, unless a removal is going on."""
    cache = Path(constants.HF_HUB_CACHE)
    if not any(cache.glob(f"{GOING}*")):
        return
    try:
        with locked_name(GOING, wait=_give_way):
            for left in cache.glob(f"{GOING}*"):
                shutil.rmtree(left)
    except OSError as error:
        _LOG.warning("what an earlier removal left in %s stays: %s", cache, error)


def remove_repository(hub_id: str) -> int:
    """Remove everything of a hub model from the cache; the bytes that this frees.

    The folder gets another name first: however the removal ends, no half of the model is left in
    its place. Raises ModelUnavailable where another process fetches it, or the disk refuses.
    """
    root = _check_here(hub_id)
    freed = repository_bytes(hub_id)
    going = root.with_name(f"{GOING}{uuid.uuid4().hex}")
    with _refusing(hub_id), locked_name(GOING, wait=lambda: None):
        with alone(hub_id, wait=lambda: _busy(hub_id)):
            root.rename(going)
        shutil.rmtree(going)
    return freed


def _check_here(hub_id: str) -> Path:
    root = repository(hub_id)
    if root.resolve().parent != Path(constants.HF_HUB_CACHE).resolve() or not root.is_dir():
        raise ModelUnavailable(f"There is nothing of {hub_id} in {constants.HF_HUB_CACHE}.")
    return root


def _links(hub_id: str, file: str) -> tuple[list[Path], set[Path]]:
    """A file's places in the snapshots, and its contents that no other name has."""
    snapshots = repository(hub_id) / "snapshots"
    links, own, others = [], set(), set()
    for folder, _, names in os.walk(snapshots):
        for name in names:
            path = Path(folder, name)
            inside = path.relative_to(snapshots).as_posix().partition("/")[2]
            if inside == file:
                links.append(path)
                own.add(path.resolve())
            else:
                others.add(path.resolve())
    return links, {blob for blob in own - others if blob.is_file()}


def _busy(hub_id: str) -> None:
    raise ModelUnavailable(f"{hub_id} is being downloaded: stop that first.")


def _give_way() -> None:
    raise BlockingIOError("another removal is going on")


@contextmanager
def _refusing(hub_id: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise ModelUnavailable(
            f"{hub_id} could not be removed from {constants.HF_HUB_CACHE}: {error.strerror}."
        ) from error
