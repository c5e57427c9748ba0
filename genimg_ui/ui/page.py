"""The page's components by name, and what every handler needs of them."""

from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from functools import wraps
from pathlib import Path
from typing import Any

import gradio as gr
from gradio.blocks import Block

from genimg_ui.core.geometry import Sides, Size
from genimg_ui.core.preflight import Finding
from genimg_ui.core.request import EditRequest
from genimg_ui.core.tasks import MASKED, task_of
from genimg_ui.downloads import Downloads
from genimg_ui.errors import GenimgError, RefusedInput
from genimg_ui.history.names import is_session_key, new_session_key, session_id
from genimg_ui.recall import Recall
from genimg_ui.shelf.shelf import ModelShelf
from genimg_ui.ui import views
from genimg_ui.ui.canvas.component import NO_BOX, CanvasState, CanvasUpdate, MaskCanvas
from genimg_ui.ui.download_panel import DownloadPanel
from genimg_ui.ui.history_panel import HistoryPanel
from genimg_ui.ui.model_field import shown_model
from genimg_ui.ui.outpaint_panel import OutpaintPanel
from genimg_ui.ui.panels import Updates, Values
from genimg_ui.ui.parts import Compare, Status, Strip, VersionButtons
from genimg_ui.ui.presets_panel import PresetsPanel
from genimg_ui.ui.settings_panel import ApplyRow, SettingsPanel
from genimg_ui.ui.variants_panel import RunView
from genimg_ui.ui.views import Link
from genimg_ui.versions import Versions
from genimg_ui.workspace import Draft, Mark, OpenPicture, Workspace

EDIT_TAB, COMPARE_TAB, RUN_TAB, MODELS_TAB = "edit", "compare", "run", "models"
BOX_UNFIT = "does not hold the mask"
# For listeners that answer at once and are none of the page's public API.
QUIET: dict[str, Any] = {
    "queue": False,
    "show_progress": "hidden",
    "api_visibility": "private",
}
# By default, Gradio drops an event that comes while the one before is on its way.
ALWAYS_LAST: dict[str, Any] = {**QUIET, "trigger_mode": "always_last"}
Handler = Callable[..., Updates]


@dataclass(frozen=True, slots=True, kw_only=True)
class Host:
    """What the page needs of the program that serves it."""

    link: Link  # the address of a stored file
    first_key: Callable[[str], str]  # the session key for a page (by name) that has none yet
    lack: Callable[[], str]  # why no edit can run now, in a sentence; "" where they can
    downloads: Downloads
    recall: Recall
    shelf: ModelShelf
    run_waiting: Callable[[str], object] | None = None  # runs a session's edits in its request


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Page:
    """Everything on the page that a handler reads or changes."""

    key: gr.BrowserState  # the session's key
    canvas: MaskCanvas
    tabs: gr.Tabs
    compare: Compare
    history: HistoryPanel
    versions: VersionButtons
    status: Status
    picture: gr.Markdown
    settings: SettingsPanel
    outpaint: OutpaintPanel
    buttons: ApplyRow
    presets: PresetsPanel
    runs: RunView
    timer: gr.Timer
    downloads: DownloadPanel
    host: Host

    @property
    def strip(self) -> Strip:
        return self.history.strip

    @property
    def link(self) -> Link:
        return self.host.link

    def session(self, values: Values) -> str:
        """The id of the session that the browser's key opens; raises RefusedInput."""
        return session_id(values[self.key] or "")

    def request(self, values: Values) -> EditRequest:
        """The request that the widgets and the canvas show; raises RefusedInput."""
        state = values[self.canvas]
        if state is None:
            return self.settings.read(values, Sides())
        return self.settings.read(values, state.border, state.box)

    def inputs(self) -> set[Block]:
        """What `request` reads, with the session's key."""
        return {self.key, self.canvas, *self.settings.widgets()}

    def nothing(self) -> Updates:
        """An answer that changes nothing."""
        return {self.status: gr.skip()}


class Handlers:
    """A group of handlers of one page over one workspace."""

    def __init__(self, page: Page, workspace: Workspace) -> None:
        self.page = page
        self.workspace = workspace

    def first_key(self, values: Values, request: gr.Request) -> str:
        """The browser's key; for an event that comes before the browser has one, what it gets."""
        key = str(values[self.page.key] or "")
        if is_session_key(key):
            return key
        return self.page.host.first_key(request.session_hash or new_session_key())

    def ways_shown(self, session: str, draft: Draft) -> Updates:
        """The version buttons for the picture that `draft` has open."""
        return {self.page.versions: asdict(Versions(self.workspace).ways(session, draft))}

    def draft_shown(self, session: str, draft: Draft) -> Updates:
        """A draft on canvas, panels and version buttons."""
        page, workspace = self.page, self.workspace
        spec = workspace.registry.get(draft.request.model)
        updates: Updates = page.settings.show(draft.request, spec)
        updates[page.settings.model] = shown_model(workspace.registry, spec)  # some may be new
        updates[page.settings.left] = draft.model_left
        updates |= self.ways_shown(session, draft)
        if draft.source is None:
            return updates | {page.canvas: CanvasUpdate(whole=is_whole(draft.request))}
        opened = workspace.picture(draft.source)
        border = draft.request.border
        context = show_context(workspace, draft, opened.size)
        updates[page.canvas] = CanvasUpdate(
            source=opened.sha256,
            image=page.link(opened.display),
            size=opened.size,
            mask=page.link(workspace.store.mask_path(draft.mask)) if draft.mask else None,
            mask_set=True,
            border=border,
            box=draft.request.inpaint.box or NO_BOX,
            context=context.context,
            context_label=context.context_label,
            grow=draft.request.mask.grow,
            feather=draft.request.mask.feather,
            whole=context.whole,
        )
        updates[page.picture] = describe_picture(opened)
        return updates | page.outpaint.write(border, opened.size, "px")


def told(handler: Handler) -> Handler:
    """Make what a handler of `Handlers` refuses a sentence in the status line."""

    @wraps(handler)
    def guarded(self: Handlers, *args: Any) -> Updates:
        try:
            return handler(self, *args)
        except GenimgError as problem:
            return {self.page.status: views.message(str(problem), kind="error")}

    return guarded


def bind_picture(opened: OpenPicture, state: CanvasState | None, link: Link) -> CanvasUpdate:
    """Tell the canvas whose picture it shows; load it where the browser has none of that size."""
    return CanvasUpdate(
        source=opened.sha256,
        image=link(opened.display),
        size=opened.size,
        opened=state.opened if state else None,
    )


def mark_of(state: CanvasState, request: gr.Request) -> Mark:
    """When the page sent what the canvas holds."""
    page = request.session_hash or ""
    return Mark(page=page, opened=state.opened, mask_rev=state.mask_rev)


def describe_picture(opened: OpenPicture) -> str:
    """One line below the canvas: what the picture is, and what could not be kept exactly."""
    return " · ".join((opened.description, *opened.notes))


def show_context(workspace: Workspace, draft: Draft, size: Size) -> CanvasUpdate:
    """The dashed box of what the engine will see, in source pixels, with its scale.

    None where the picture is enlarged: all of it is, pass by pass. Also says whether the mask
    counts.
    """
    return replace(_context(workspace, draft, size), whole=is_whole(draft.request))


def is_whole(request: EditRequest) -> bool:
    """Whether the task repaints the whole picture, whatever is painted."""
    return task_of(request) not in MASKED


def _context(workspace: Workspace, draft: Draft, size: Size) -> CanvasUpdate:
    if draft.request.upscale > 1:
        return CanvasUpdate(context=NO_BOX)
    try:
        view = workspace.context_view(draft.request, size, draft.mask)
    except RefusedInput:  # a drawn box that does not hold the mask: the page must open all the same
        return CanvasUpdate(context=draft.request.inpaint.box or NO_BOX, context_label=BOX_UNFIT)
    if view is None:
        return CanvasUpdate(context=NO_BOX)
    border = draft.request.border
    label = f"{view.working}" if view.scale == 1 else f"{view.working} ({view.scale:.2g}×)"
    return CanvasUpdate(
        context=view.box.moved(-border.left, -border.top), context_label=f"engine sees {label}"
    )


def warn(findings: list[Finding]) -> dict[str, Any]:
    """Findings as a status: blocking ones refuse, the others are hints."""
    blocking = [item for item in findings if item.blocking]
    if blocking:
        return views.message("This edit cannot run yet:", kind="error", findings=blocking)
    return views.message("Worth knowing:", kind="warning", findings=findings)


def existing(path: Path | None) -> Path | None:
    """The path where a file is there; a file that Gradio's cache has dropped counts as none."""
    return path if path is not None and path.exists() else None
