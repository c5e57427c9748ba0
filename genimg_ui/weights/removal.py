"""How much of the disk a model takes, and its removal from the hub's cache."""

import os
import shutil
import uuid
from pathlib import Path

from huggingface_hub import constants

from genimg_ui.errors import ModelUnavailable
from genimg_ui.weights.fetch import alone
from genimg_ui.weights.folders import repository


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


def remove_repository(hub_id: str) -> int:
    """Remove everything of a hub model from the cache; the bytes that this frees.

    The folder gets another name first: however the removal ends, no half of the model is left in
    its place. Raises ModelUnavailable where another process fetches it, or the disk refuses.
    """
    root = repository(hub_id)
    if root.resolve().parent != Path(constants.HF_HUB_CACHE).resolve() or not root.is_dir():
        raise ModelUnavailable(f"There is nothing of {hub_id} in {constants.HF_HUB_CACHE}.")

    def refuse() -> None:
        raise ModelUnavailable(f"{hub_id} is being downloaded: stop that first.")

    freed = repository_bytes(hub_id)
    going = root.with_name(f".removed-{uuid.uuid4().hex}")
    try:
        with alone(hub_id, wait=refuse):
            root.rename(going)
        shutil.rmtree(going)
    except OSError as error:
        raise ModelUnavailable(
            f"{hub_id} could not be removed from {constants.HF_HUB_CACHE}: {error.strerror}."
        ) from error
    return freed
