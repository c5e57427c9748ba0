"""Two ways to begin an edit of a whole picture: an empty canvas, and variations of a result."""

import tempfile
from dataclasses import replace
from pathlib import Path

from genimg_ui.core.blank import Colour, blank_png
from genimg_ui.core.geometry import Sides, Size
from genimg_ui.core.request import EditRequest, Region
from genimg_ui.core.tasks import Task
from genimg_ui.drafts import Draft
from genimg_ui.errors import RefusedInput
from genimg_ui.registry import ModelSpec
from genimg_ui.workspace import OpenPicture, Workspace

VARIATIONS = 4  # variants that are set up
VARIATION_STRENGTH = 0.5  # keeps what is where, and changes how it looks
NO_MODEL = "No model here repaints a whole picture. The tab Models says what can be fetched."


def open_blank(
    workspace: Workspace,
    session: str,
    size: Size,
    colour: Colour,
    *,
    request: EditRequest | None = None,
    page: str = "",
) -> OpenPicture:
    """Open an empty canvas like an upload, to be painted as a whole; raises RefusedInput.

    `request` is what the page shows, where the draft may be older.
    """
    png = blank_png(size, colour, most_pixels=workspace.limits.max_pixels)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "canvas.png"
        path.write_bytes(png)
        opened = workspace.open_upload(session, path, page=page)

    def painted(draft: Draft) -> Draft:
        return replace(draft, request=_whole(request or draft.request, strength=1.0))

    workspace.change_draft(session, painted)
    return opened


def vary(workspace: Workspace, session: str, entry_id: str, index: int, *, page: str = "") -> Draft:
    """Open a result to be repainted in variants with the settings of its edit; the draft.

    Where its model does not repaint whole pictures, the first one here that does is taken, which
    whoever asks has to tell.
    Raises RefusedInput where there is none.
    """
    entry = workspace.entry(session, entry_id)
    spec = serving(workspace, Task.IMAGE_TO_IMAGE, workspace.model(entry.request))
    if spec is None:
        raise RefusedInput(NO_MODEL)
    request = _whole(entry.request, strength=VARIATION_STRENGTH)
    request = replace(request, model=spec.id)
    if spec.id != entry.request.model:
        request = replace(request, controls=())
    workspace.continue_from(session, entry_id, index, page=page)
    sampling = replace(request.sampling, seed=None, variants=VARIATIONS)
    request = replace(request, sampling=sampling)
    return workspace.change_draft(session, lambda draft: replace(draft, request=request))


def serving(workspace: Workspace, task: Task, wanted: ModelSpec) -> ModelSpec | None:
    """The wanted model where it serves the task, here or not; else one that is here and does."""
    if task in wanted.tasks:
        return wanted
    for spec in workspace.registry.all():
        if task in spec.tasks and workspace.lack_of(spec) is None:
            return spec
    return None


def _whole(request: EditRequest, *, strength: float) -> EditRequest:
    """The request for the whole picture, without what only a mask or a border needs."""
    return replace(
        request,
        region=Region.WHOLE,
        upscale=1,
        border=Sides(),
        sampling=replace(request.sampling, strength=strength),
        inpaint=replace(request.inpaint, box=None),
    )
