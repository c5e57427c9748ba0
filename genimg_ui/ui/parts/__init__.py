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

    part = ""  # name of its three files, and its id on the page
    shared = ""  # name of a script that is put before its own

    def __init__(self, value: Json | None = None, **options: Any) -> None:
        folder = files(__name__)
        options.setdefault("html_template", (folder / f"{self.part}.html").read_text("utf-8"))
        options.setdefault("css_template", (folder / f"{self.part}.css").read_text("utf-8"))
        scripts = [name for name in ("prose", self.shared, self.part) if name]
        script = "\n".join((folder / f"{name}.js").read_text("utf-8") for name in scripts)
        options.setdefault("js_on_load", script)
        options.setdefault("apply_default_css", False)
        options.setdefault("elem_id", self.part)
        super().__init__(value=value or {}, **options)

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
    """Two pictures over one another: before and after of a result, or any two. Events: continued,
    varied, restored, marked, deleted.
    """

    part = "compare"


class Strip(Part):
    """Thumbnails of the session's results, newest first, with search and filters. Events: picked,
    marked, removed, asked.
    """

    part = "strip"
    shared = "shared"


class Tree(Part):
    """Results as a tree of versions. Events: picked, marked, removed, reopened, asked."""

    part = "tree"
    shared = "shared"


class Trash(Part):
    """Deleted results. Events: restored, emptied, scheduled, asked."""

    part = "trash"
    shared = "shared"


class Picks(Part):
    """What to do with the selected results. Events: compared, marked, exported, removed."""

    part = "picks"
    shared = "shared"


class VersionButtons(Part):
    """One version back or forward, where there is one. Events: went_back, went_forward."""

    part = "versions"


class Status(Part):
    """Running jobs, findings and errors in words. Events: remedied, undone, retried,
    dismissed, recalled.
    """

    part = "status"


class Sheet(Part):
    """The cells of a run, cropped to the mask. Events: judged, opened, chosen, sheet_wanted,
    archive_wanted.
    """

    part = "sheet"


class Download(Part):
    """A file that was made: its link, what it could not keep, its credentials. No events."""

    part = "download"


class ReplayOutcome(Part):
    """What a replay gave, in words, with a heat map where pixels differ. No events."""

    part = "replay"


class Models(Part):
    """The models with what is here of each. Events: asked, fetched, stopped, removed, accepted,
    added.
    """

    part = "models"
    shared = "shared"
