"""The replay panel offers what can run here."""

import gradio as gr
import pytest

from genimg_ui.ui import texts
from genimg_ui.ui.replay_panel import ReplayPanel


@pytest.mark.parametrize("can_replay", [True, False])
def test_replay_is_offered_where_something_can_replay(can_replay: bool) -> None:
    with gr.Blocks() as demo:
        panel = ReplayPanel.build(can_replay=can_replay)
    assert (panel.run.visible, panel.bundle.visible) == (can_replay, True)
    (help_text,) = (block for block in demo.blocks.values() if isinstance(block, gr.Markdown))
    assert (texts.REPLAY_HELP in help_text.value) is can_replay
