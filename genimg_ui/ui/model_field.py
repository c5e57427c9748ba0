"""The model's dropdown: what is here first, the others marked; and what is said of one."""

from collections.abc import Sequence
from typing import Any

import gradio as gr

from genimg_ui.registry import ModelSpec, Registry, absence, download_size
from genimg_ui.ui import texts


def model_choices(registry: Registry) -> list[tuple[str, str]]:
    """Titles and ids: first the models that are on this machine, then those that are not."""
    here = {spec.id: not absence(spec)[1] for spec in registry.all()}
    ordered = sorted(registry.all(), key=lambda spec: not here[spec.id])
    return [
        (spec.title if here[spec.id] else texts.NOT_HERE.format(title=spec.title), spec.id)
        for spec in ordered
    ]


def about(spec: ModelSpec) -> str:
    """What to do where the model is not here, its licence, and what is good to know of it."""
    facts = " · ".join(filter(None, (spec.licence, spec.note)))
    return f"{_where(spec)} {facts}".strip()


def shown_model(registry: Registry, spec: ModelSpec, said: Sequence[str] = ()) -> dict[str, Any]:
    """An update that shows `spec` as chosen; `said` comes first in the line below the field."""
    info = " ".join((*said, about(spec)))
    update: dict[str, Any] = gr.update(choices=model_choices(registry), value=spec.id, info=info)
    return update


def _where(spec: ModelSpec) -> str:
    fetchable, lack = absence(spec)
    if not lack:
        return ""
    if fetchable:
        return texts.FETCH_IT.format(size=download_size(spec))
    return texts.CANNOT_USE.format(lack=lack)
