"""Brings the pieces of a model together before it is loaded: from the disk, else from the hub."""

from genimg_ui.errors import ModelUnavailable
from genimg_ui.registry import ModelSpec, availability
from genimg_ui.registry.places import Absent, Place, locate
from genimg_ui.weights import folders
from genimg_ui.weights.fetch import OnFetching, Wanted, fetch


def ensure(spec: ModelSpec, watch: OnFetching, *, safety: bool) -> Place:
    """Every piece of the model; what is not here is fetched once. Raises ModelUnavailable."""
    fetched: list[Wanted] = []
    while True:
        try:
            return locate(spec, safety=safety)
        except Absent as absent:
            wanted = absent.wanted
            if wanted is None or wanted in fetched or not folders.hub_reachable():
                reason = availability(spec, safety=safety)
                raise ModelUnavailable(
                    reason or f"{spec.title} cannot be used: {absent}."
                ) from absent
        fetch(wanted, watch)
        fetched.append(wanted)
