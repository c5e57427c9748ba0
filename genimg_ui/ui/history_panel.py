"""The history on the page: strip, tree and trash in tabs, and what is done with a selection."""

from dataclasses import dataclass
from typing import Self

import gradio as gr

from genimg_ui.ui.parts import Picks, Strip, Trash, Tree


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class HistoryPanel:
    """The parts below the canvas."""

    strip: Strip
    tree: Tree
    trash: Trash
    picks: Picks

    @classmethod
    def build(cls) -> Self:
        with gr.Column(elem_id="history"):
            with gr.Tabs(elem_id="history-views"):
                with gr.Tab("History"):
                    strip = Strip()
                with gr.Tab("Tree"):
                    tree = Tree()
                with gr.Tab("Trash"):
                    trash = Trash()
            picks = Picks()
        return cls(strip=strip, tree=tree, trash=trash, picks=picks)
