"""The page: lays out the parts and connects their handlers."""

from pathlib import Path
from typing import Any, NamedTuple

import gradio as gr

from genimg_ui.preset_shelf import PresetShelf
from genimg_ui.ui import texts
from genimg_ui.ui.canvas.component import MaskCanvas
from genimg_ui.ui.download_panel import DownloadPanel
from genimg_ui.ui.evaluate_panel import EVALUATE_TAB, EvaluatePanel, Quality
from genimg_ui.ui.handlers.adapters import AdapterHandlers
from genimg_ui.ui.handlers.borders import BorderHandlers
from genimg_ui.ui.handlers.carried import CarriedHandlers
from genimg_ui.ui.handlers.controls import ControlHandlers
from genimg_ui.ui.handlers.downloads import DownloadHandlers
from genimg_ui.ui.handlers.edits import EditHandlers
from genimg_ui.ui.handlers.evaluate import EvaluateHandlers
from genimg_ui.ui.handlers.examples import ExampleHandlers
from genimg_ui.ui.handlers.history import HistoryHandlers
from genimg_ui.ui.handlers.models import ModelHandlers
from genimg_ui.ui.handlers.pictures import PictureHandlers
from genimg_ui.ui.handlers.presets import PresetHandlers
from genimg_ui.ui.handlers.replays import ReplayHandlers
from genimg_ui.ui.handlers.results import ResultHandlers
from genimg_ui.ui.handlers.sessions import SessionHandlers
from genimg_ui.ui.handlers.tasks import TaskHandlers
from genimg_ui.ui.handlers.variants import VariantHandlers
from genimg_ui.ui.history_panel import HistoryPanel
from genimg_ui.ui.models_panel import ModelsPanel
from genimg_ui.ui.page import COMPARE_TAB, EDIT_TAB, MODELS_TAB, RUN_TAB, Host, Page
from genimg_ui.ui.parts import Compare, Status, VersionButtons
from genimg_ui.ui.presets_panel import PresetsPanel
from genimg_ui.ui.replay_panel import ReplayPanel, build_upload
from genimg_ui.ui.settings_panel import build_settings
from genimg_ui.ui.variants_panel import RunView
from genimg_ui.workspace import Workspace

STORAGE_KEY = "genimg_ui"  # of the browser's storage; fixed, so that a session is found again
RUN_SECONDS = 1.0  # between two looks at the cells of a run
POLL_SECONDS = 0.5  # while an edit runs; the timer rests otherwise


class Replays(NamedTuple):
    """What the replay handlers listen to."""

    panel: ReplayPanel
    upload: gr.UploadButton


class OwnTabs(NamedTuple):
    """Tabs that stand beside editing."""

    models: ModelsPanel
    evaluate: EvaluatePanel


def build_page(workspace: Workspace, host: Host, quality: Quality) -> gr.Blocks:
    """The whole page over one workspace."""
    demo: gr.Blocks
    with gr.Blocks(title=texts.TITLE, fill_width=True, delete_cache=(3600, 86400)) as demo:
        shelf = PresetShelf(workspace.store.data_dir)
        page, examples, replays, own = _lay_out(workspace, host, shelf)
        results = ResultHandlers(page, workspace)
        results.connect()
        HistoryHandlers(page, workspace, results).connect()
        PictureHandlers(page, workspace).connect()
        BorderHandlers(page, workspace).connect()
        edits = EditHandlers(page, workspace, results)
        edits.connect(demo)
        ControlHandlers(page, workspace, edits).connect()
        AdapterHandlers(page, workspace).connect()
        VariantHandlers(page, workspace, edits, results).connect(demo)
        PresetHandlers(page, workspace, shelf).connect(demo)
        DownloadHandlers(page, workspace).connect()
        CarriedHandlers(page, workspace).connect()
        ReplayHandlers(page, workspace, replays.panel).connect(replays.upload)
        ExampleHandlers(page, workspace).connect(examples)
        TaskHandlers(page, workspace).connect()
        ModelHandlers(page, workspace, own.models).connect()
        EvaluateHandlers(page, workspace, own.evaluate, quality).connect()
        SessionHandlers(page, workspace, results).connect(demo)
    return demo


def _lay_out(
    workspace: Workspace, host: Host, shelf: PresetShelf
) -> tuple[Page, dict[str, gr.Button], Replays, OwnTabs]:
    key = gr.BrowserState(storage_key=STORAGE_KEY, secret=workspace.store.secret())
    with gr.Row(elem_id="workbench", equal_height=False):
        with gr.Column(scale=7, min_width=320, elem_id="left"):
            left, examples, replays, own = _build_left(workspace, host)
        with gr.Column(scale=3, min_width=340, elem_id="right"):
            presets = PresetsPanel.build(shelf.built_in)
            settings, outpaint, buttons = build_settings(workspace.registry)
            gr.Markdown(texts.APPLY_KEYS, elem_id="keys-hint")
    page = Page(
        key=key,
        **left,
        settings=settings,
        outpaint=outpaint,
        buttons=buttons,
        presets=presets,
        timer=gr.Timer(POLL_SECONDS, active=False),
        host=host,
    )
    return page, examples, replays, own


def _build_left(
    workspace: Workspace, host: Host
) -> tuple[dict[str, Any], dict[str, gr.Button], Replays, OwnTabs]:
    """The views, the examples, the status and the history, by their names on the page."""
    with gr.Tabs(selected=EDIT_TAB, elem_id="views") as tabs:
        with gr.Tab("Paint", id=EDIT_TAB):
            canvas = MaskCanvas(
                elem_id="canvas",
                max_bytes=workspace.limits.max_bytes,
                max_pixels=workspace.limits.max_pixels,
            )
        with gr.Tab("Compare", id=COMPARE_TAB):
            compare, downloads, replaying = _build_compare(host)
        with gr.Tab("Variants", id=RUN_TAB):
            runs = RunView.build(RUN_SECONDS)
        with gr.Tab("Models", id=MODELS_TAB):
            models = ModelsPanel.build()
        with gr.Tab("Evaluate", id=EVALUATE_TAB):
            own = OwnTabs(models=models, evaluate=EvaluatePanel.build())
    with gr.Row(elem_id="picture-row"):
        picture = gr.Markdown("", elem_id="picture-info")
        versions = VersionButtons()
    examples, upload = _build_examples(workspace)
    parts: dict[str, Any] = {
        "canvas": canvas,
        "tabs": tabs,
        "compare": compare,
        "downloads": downloads,
        "runs": runs,
        "picture": picture,
        "versions": versions,
        "status": Status(),
        "history": HistoryPanel.build(),
    }
    return parts, examples, Replays(panel=replaying, upload=upload), own


def _build_compare(host: Host) -> tuple[Compare, DownloadPanel, ReplayPanel]:
    compare = Compare()
    with gr.Accordion("Download as", open=False, elem_id="downloads"):
        downloads = DownloadPanel.build(host.downloads.policy)
    with gr.Accordion("Replay", open=False, elem_id="replays"):
        return compare, downloads, ReplayPanel.build(can_replay=host.run_waiting is None)


def _build_examples(workspace: Workspace) -> tuple[dict[str, gr.Button], gr.UploadButton]:
    with gr.Row(elem_id="examples"):  # the canvas looks here for the input of the upload
        gr.Markdown("Examples:", elem_id="examples-label")
        buttons = {name: gr.Button(name, size="sm", min_width=60) for name in workspace.examples}
        return buttons, build_upload()


def assets() -> tuple[str, str]:
    """The page's own style sheet and script."""
    folder = Path(__file__).parent
    return (folder / "page.css").read_text("utf-8"), (folder / "page.js").read_text("utf-8")
