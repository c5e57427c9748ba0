"""Finds the weights of what an edit adds to its model, and fetches them at their first use."""

from pathlib import Path

from genimg_ui.errors import ModelUnavailable
from genimg_ui.registry.adapters import AddedFile
from genimg_ui.weights import folders
from genimg_ui.weights.fetch import Kind, OnFetching, Wanted, fetch
from genimg_ui.weights.single_file import find_file


def added_file(what: str, added: AddedFile, watch: OnFetching) -> Path:
    """The file of weights of `what` ("The LoRA lcm"); raises ModelUnavailable or Cancelled."""
    path, lack = find_file(added.source, added.file)
    on_hub = folders.is_hub_id(added.source)
    if path is None and on_hub and folders.hub_reachable():
        names = (added.file,) if added.file else ()
        fetch(Wanted(hub_id=added.source, kind=Kind.FILES, files=names), watch)
        path, lack = find_file(added.source, added.file)
    if path is not None:
        return path
    hub = ", and the Hugging Face hub cannot be reached from here" if on_hub else ""
    raise ModelUnavailable(f"{what} cannot be used: {added.source} {lack}{hub}.")
