"""A dropdown whose choices change while the page is open."""

from typing import Any

import gradio as gr


class Choice(gr.Dropdown):
    """For choices that follow from the model.

    An event that is on its way while they change still holds a choice of before. Gradio would
    refuse such an event with everything else that it tells; here it goes through, and what the
    model does not know is refused by name where the request is checked.
    """

    is_template = True  # drawn by Gradio's own dropdown

    def preprocess(self, payload: Any) -> Any:
        return payload
