"""The Models tab: a list with buttons of its own."""

from dataclasses import dataclass
from typing import Self

import gradio as gr

from genimg_ui.ui.parts import Models

LOOK_SECONDS = 1.0  # between two looks at a download that runs; the timer rests otherwise


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ModelsPanel:
    """The list, and the timer that follows downloads."""

    models: Models
    timer: gr.Timer

    @classmethod
    def build(cls) -> Self:
        """Lay the tab out."""
        return cls(models=Models(), timer=gr.Timer(LOOK_SECONDS, active=False))
