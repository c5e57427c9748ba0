"""The Evaluate tab: studies of people's judgement, and evaluations by a protocol."""

from dataclasses import dataclass
from typing import Self

import gradio as gr

from genimg_ui.evaluations.runs import Evaluations
from genimg_ui.judging.studies import Studies
from genimg_ui.ui.parts import Part

EVALUATE_TAB = "evaluate"
LOOK_SECONDS = 2.0  # between two looks at an evaluation that runs; the timer rests otherwise


class Evaluate(Part):
    """Studies and evaluations. Events: asked, study_made, study_removed, exported, begun, ended,
    resumed, removed.
    """

    part = "evaluate"
    shared = "shared"


@dataclass(frozen=True, slots=True, kw_only=True)
class Quality:
    """What the tab works with."""

    studies: Studies
    evaluations: Evaluations


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class EvaluatePanel:
    """The part, and the timer that follows an evaluation."""

    part: Evaluate
    timer: gr.Timer

    @classmethod
    def build(cls) -> Self:
        """Lay the tab out."""
        return cls(part=Evaluate(), timer=gr.Timer(LOOK_SECONDS, active=False))
