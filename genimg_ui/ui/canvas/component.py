"""The mask canvas as a Gradio component: a picture in the browser, a mask in Python.

Only file references travel in the value. The mask is an 8-bit greyscale PNG of exactly the source's
size in oriented pixels, 255 = repaint; no mask file means nothing is painted. It is bound to
`source`, the sha256 that Python gave for the picture. Positions and borders are source pixels.
"""

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Literal
from urllib.parse import quote

import gradio as gr
from gradio.data_classes import FileData, GradioModel

from genimg_ui.core.geometry import Box, Sides, Size
from genimg_ui.ui.canvas.bundle import bundle

HERE = Path(__file__).parent
SERVED = "/gradio_api/file="  # Gradio's route to files of its cache and of allowed_paths
MAX_BYTES = 200_000_000  # of an opened file, before it is read
MAX_PIXELS = 50_000_000
NO_BOX = Box(0, 0, 0, 0)  # takes a box away
AUTOSYNC_MS = 800  # after the last change of the mask
# Gradio's own default, "once", drops events that come while a listener runs.
TRIGGER_MODES = {
    "picture_opened": "multiple",
    "mask_edited": "always_last",
    "border_changed": "always_last",
    "context_changed": "always_last",
    "refused": "multiple",
}


class CanvasBorder(GradioModel):
    """Source pixels added beyond each edge; or the edges of a box, from the source's top left."""

    left: int = 0
    top: int = 0
    right: int = 0
    bottom: int = 0


class CanvasContext(CanvasBorder):
    """The context box in source pixels; may reach into the border. An empty box shows none."""

    label: str = ""


class CanvasData(GradioModel):
    """The value that travels; `origin` says which way, the other side's fields stay unset."""

    origin: Literal["browser", "server"] = "server"
    opened: int | None = None
    source: str | None = None
    width: int | None = None
    height: int | None = None
    border: CanvasBorder | None = None
    box: CanvasBorder | None = None  # the context box that was drawn; from Python, empty: none
    # from the browser
    image: FileData | None = None
    mask: FileData | None = None
    mask_rev: int = 0
    # from Python
    rev: str = ""
    image_url: str | None = None
    mask_url: str | None = None
    mask_set: bool = False
    context: CanvasContext | None = None
    overlay: CanvasBorder | None = None
    overlay_url: str | None = None
    grow: int | None = None
    feather: int | None = None
    whole: bool | None = None
    message: str | None = None
    clear: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class CanvasState:
    """What the browser holds.

    Until Python has answered a new picture, `source` is "" and `image_path` its uploaded file.
    `opened` counts the pictures opened in this page; give it back in the answer, so that an answer
    to a picture that was replaced meanwhile is void.
    """

    source: str
    image_path: Path | None
    image_name: str | None
    mask_path: Path | None
    size: Size
    border: Sides
    box: Box | None = None  # context box drawn by hand, in source pixels
    opened: int
    mask_rev: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CanvasUpdate:
    """What Python changes on the canvas; None leaves a thing as it is.

    `image` and `mask` are files under Gradio's `allowed_paths` or in its cache, `image` of a kind
    that browsers show. `source` with `size` binds the picture that was opened, where it has this
    size; else `image` is loaded. `mask_set` replaces the mask by `mask`, None for an empty one
    (undoable). `opened` makes the update void unless that picture is still the latest.
    `box` is the context box drawn by hand, `context` the one that results; an empty one takes it
    away. `overlay` is a picture to be looked at, drawn over `overlay_box` of the source and below
    the mask; an empty box takes it away. `whole` says that the whole picture is repainted: the mask
    stays, dimmed, and counts again with `whole` False. `clear` empties the canvas.
    """

    source: str | None = None
    image: Path | str | None = None
    size: Size | None = None
    mask: Path | str | None = None
    mask_set: bool = False
    border: Sides | None = None
    box: Box | None = None
    context: Box | None = None
    context_label: str = ""
    overlay: Path | str | None = None
    overlay_box: Box | None = None
    grow: int | None = None
    feather: int | None = None
    whole: bool | None = None
    message: str | None = None
    opened: int | None = None
    clear: bool = False


def served_url(path: Path | str | None) -> str | None:
    """Address of a file that Gradio serves, relative to the app's root path."""
    if path is None or isinstance(path, str):
        return path
    return SERVED + quote(str(path))


def state_of(payload: CanvasData | None) -> CanvasState | None:
    """None: the browser has not spoken yet; whoever gets it must change nothing."""
    if payload is None or payload.origin != "browser":
        return None
    border, box = payload.border or CanvasBorder(), payload.box
    return CanvasState(
        source=payload.source or "",
        image_path=Path(payload.image.path) if payload.image else None,
        image_name=payload.image.orig_name if payload.image else None,
        mask_path=Path(payload.mask.path) if payload.mask else None,
        size=Size(payload.width or 0, payload.height or 0),
        border=Sides(border.left, border.top, border.right, border.bottom),
        box=None if box is None else Box(box.left, box.top, box.right, box.bottom),
        opened=payload.opened or 0,
        mask_rev=payload.mask_rev,
    )


def data_of(update: CanvasUpdate) -> CanvasData:
    """The update as it travels, under a name of its own so that no browser takes it up twice."""
    border, box, context = update.border, update.box, update.context
    label = update.context_label
    return CanvasData(
        origin="server",
        rev=uuid.uuid4().hex,
        opened=update.opened,
        source=update.source,
        image_url=served_url(update.image),
        width=update.size.width if update.size else None,
        height=update.size.height if update.size else None,
        mask_url=served_url(update.mask),
        mask_set=update.mask_set or update.mask is not None,
        border=None if border is None else CanvasBorder(**border._asdict()),
        box=None if box is None else CanvasBorder(**box._asdict()),
        context=None if context is None else CanvasContext(**context._asdict(), label=label),
        overlay=None
        if update.overlay_box is None
        else CanvasBorder(**update.overlay_box._asdict()),
        overlay_url=served_url(update.overlay),
        grow=update.grow,
        feather=update.feather,
        whole=update.whole,
        message=update.message,
        clear=update.clear,
    )


class MaskCanvas(gr.HTML):
    """Paint a mask on a picture, or drag its border outward.

    Events: `picture_opened` (a new picture is uploaded), `mask_edited` (the mask was sent),
    `border_changed` (dragged), `border_typed` (set by the page), `context_changed` (the context
    box was drawn or taken away), `refused` (data: message). Other events that output to the canvas
    should have `show_progress="hidden"`: the default would fade it. Never toggle `visible` between
    False and True, which rebuilds the element; use "hidden".
    """

    data_model = CanvasData
    # Made by gr.HTML's __getattr__ from the event names quoted in the script.
    picture_opened: Callable[..., Any]
    mask_edited: Callable[..., Any]
    border_changed: Callable[..., Any]
    border_typed: Callable[..., Any]
    context_changed: Callable[..., Any]
    refused: Callable[..., Any]

    def __init__(
        self,
        value: CanvasUpdate | None = None,
        *,
        max_bytes: int = MAX_BYTES,
        max_pixels: int = MAX_PIXELS,
        autosync_ms: int = AUTOSYNC_MS,
        **options: Any,
    ) -> None:
        self.max_bytes = max_bytes
        self.max_pixels = max_pixels
        self.autosync_ms = autosync_ms
        settings = {"maxBytes": max_bytes, "maxPixels": max_pixels, "autosyncMs": autosync_ms}
        options.setdefault("html_template", (HERE / "template.html").read_text(encoding="utf-8"))
        options.setdefault("css_template", (HERE / "style.css").read_text(encoding="utf-8"))
        options.setdefault("js_on_load", bundle(HERE / "js", settings))
        options.setdefault("apply_default_css", False)
        super().__init__(value=value, **options)

    # gr.HTML types its value as text, so the types of a data_model stand in state_of and data_of.
    def preprocess(self, payload: Any) -> Any:
        return state_of(payload)

    def postprocess(self, value: Any) -> Any:
        return None if value is None else data_of(value)

    def __getattr__(self, name: str) -> Any:
        """Listeners that neither fade the canvas nor drop what happens while one is under way."""
        listener = super().__getattr__(name)
        if name not in TRIGGER_MODES:
            return listener
        return partial(listener, show_progress="hidden", trigger_mode=TRIGGER_MODES[name])

    def api_info(self) -> dict[str, Any]:
        return CanvasData.model_json_schema()

    def example_payload(self) -> Any:
        return {"origin": "browser", "source": "", "width": 0, "height": 0}

    def example_value(self) -> Any:
        return None
