"""The panel below the comparison that hands the shown result over, and runs it again."""

from dataclasses import dataclass
from typing import Self

import gradio as gr

from genimg_ui.ui import texts
from genimg_ui.ui.panels import Panel
from genimg_ui.ui.parts import Download, ReplayOutcome

LOOK_SECONDS = 0.5  # between two looks at a replay that runs; the timer rests otherwise


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ReplayPanel(Panel):
    """Buttons and what came of them; `upload` stands elsewhere on the page."""

    bundle: gr.Button
    run: gr.Button
    stop: gr.Button
    file: Download
    outcome: ReplayOutcome
    timer: gr.Timer

    @classmethod
    def build(cls, *, can_replay: bool) -> Self:
        """Lay the panel out; without the button where nothing can replay."""
        more = texts.REPLAY_HELP if can_replay else texts.REPLAY_ELSEWHERE
        gr.Markdown(f"{texts.BUNDLE_HELP} {more}")
        with gr.Row(elem_id="replay-row"):
            bundle = gr.Button("Make a replay bundle", elem_id="replay-bundle")
            run = gr.Button("Replay", elem_id="replay-run", visible=can_replay)
            stop = gr.Button("Stop", elem_id="replay-stop", visible="hidden")
        return cls(
            bundle=bundle,
            run=run,
            stop=stop,
            file=Download(elem_id="replay-file"),
            outcome=ReplayOutcome(),
            timer=gr.Timer(LOOK_SECONDS, active=False),
        )


def build_upload() -> gr.UploadButton:
    """Opens a bundle; the canvas gives it what is dropped there."""
    return gr.UploadButton("Open a bundle", file_types=[".zip"], size="sm", min_width=60)
