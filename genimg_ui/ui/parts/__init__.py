"""Small page parts of our own: before/after, the history strip and the status line.

Each is a `gr.HTML` subclass with a JSON value. Its markup holds no placeholder: every text is
set by JavaScript as text, so nothing that a person or a model wrote is ever read as markup.
"""

from importlib.resources import files
from typing import Any

import gradio as gr

Json = dict[str, Any]


class Part(gr.HTML):
    """A page part whose value is a JSON object and whose look lives in files beside this one."""

    def __init__(self, name: str, *, value: Json | None = None, elem_id: str) -> None:
        folder = files(__name__)
        super().__init__(
            value=value or {},
            html_template=(folder / f"{name}.html").read_text("utf-8"),
            css_template=(folder / f"{name}.css").read_text("utf-8"),
            js_on_load=(folder / f"{name}.js").read_text("utf-8"),
            apply_default_css=False,
            elem_id=elem_id,
        )

    def preprocess(self, payload: Any) -> Any:
        return payload

    def postprocess(self, value: Any) -> Any:
        return value

    def api_info(self) -> Json:
        return {"type": "object", "additionalProperties": True}

    def example_payload(self) -> Json:
        return {}

    def example_value(self) -> Json:
        return {}


class Compare(Part):
    """Before and after of one result. Events: continued, restored, starred, deleted."""

    def __init__(self) -> None:
        super().__init__("compare", elem_id="compare")


class Strip(Part):
    """Thumbnails of the session's results, newest first. Events: picked, starred, paged."""

    def __init__(self) -> None:
        super().__init__("strip", elem_id="strip")


class Status(Part):
    """Running jobs, findings and errors in words. Events: remedied, undone, dismissed."""

    def __init__(self) -> None:
        super().__init__("status", elem_id="status")
