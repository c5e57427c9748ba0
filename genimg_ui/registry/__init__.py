"""models.yaml: which models there are, what each can do, and whether it can be used here."""

from genimg_ui.registry.availability import absence, availability, download_size
from genimg_ui.registry.families import FAMILIES
from genimg_ui.registry.reading import load_registry
from genimg_ui.registry.spec import (
    DEFAULT_SCHEDULER,
    ENGINES,
    SCHEDULERS,
    ModelSpec,
    Registry,
    abilities,
    first_request,
)

__all__ = [
    "DEFAULT_SCHEDULER",
    "ENGINES",
    "FAMILIES",
    "SCHEDULERS",
    "ModelSpec",
    "Registry",
    "abilities",
    "absence",
    "availability",
    "download_size",
    "first_request",
    "load_registry",
]
