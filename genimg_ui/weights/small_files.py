"""A few named files of a hub repository or a folder: what annotators need of their weights."""

from collections.abc import Sequence
from pathlib import Path

from genimg_ui.errors import ModelUnavailable
from genimg_ui.weights import folders
from genimg_ui.weights.fetch import Kind, OnFetching, Wanted, fetch


def folder_with(
    source: str, names: Sequence[str], watch: OnFetching, *, title: str, download_mb: int
) -> Path:
    """The folder that holds all of `names`, which are fetched where the hub answers.

    Raises ModelUnavailable with a sentence that says what is absent and where it belongs.
    """
    folder = folders.local_folder(source)
    lacking = [name for name in names if folder is None or not (folder / name).is_file()]
    if folder is not None and not lacking:
        return folder
    wanted = ", ".join(lacking)
    if not folders.is_hub_id(source):
        raise ModelUnavailable(f"{title} cannot be used: the folder {source} lacks {wanted}.")
    if not folders.hub_reachable():
        raise ModelUnavailable(
            f"{title} needs {wanted} of {source} (about {download_mb} MB) from the Hugging Face "
            "hub, which cannot be reached from here: choose another annotator, upload a ready "
            "map, or name a folder that holds the files under `annotators` in models.yaml."
        )
    return fetch(Wanted(hub_id=source, kind=Kind.FILES, files=tuple(names)), watch)
