"""Puts the worker's parts together: the only file here that knows engines and models.yaml.

The worker imports it by name when it is needed, because engines take seconds to import.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import BinaryIO

from genimg_ui.backend.base import CancelToken, OnEvent
from genimg_ui.backend.pool import BackendPool
from genimg_ui.core.fill import exemplar
from genimg_ui.core.image import Limits
from genimg_ui.core.picture import Picture
from genimg_ui.core.png import encode_png
from genimg_ui.core.resolve import Bounds
from genimg_ui.core.serial import Json, from_json, to_json
from genimg_ui.editor import Editor
from genimg_ui.environment import versions
from genimg_ui.history.exports import ExportFolder
from genimg_ui.history.record import LogEntry
from genimg_ui.history.store import Store
from genimg_ui.jobs.looks import Asked
from genimg_ui.registry.live import OWN_FILE, LiveRegistry
from genimg_ui.replay import Subject, replay


def build_editor(store: Store, models: Path, options: Mapping[str, Json]) -> Editor:
    """Make the editor; `options` are JSON values: `safety`, `bounds`, `limits`, `budget`."""
    registry = LiveRegistry(models, store.data_dir / OWN_FILE)
    return Editor(
        store,
        registry,
        BackendPool(
            safety=bool(options.get("safety", False)),
            hashes=store.data_dir / "cache" / "weights.json",
            annotators=registry().annotators,
            budget=options.get("budget"),
        ),
        bounds=from_json(Bounds, options.get("bounds", {})),
        limits=from_json(Limits, options.get("limits", {})),
        environment=versions("gradio"),  # the queue is the page's
    )


def replay_entry(
    editor: Editor, store: Store, entry: LogEntry, on_event: OnEvent, cancel: CancelToken
) -> Json:
    """Run the results of an entry again; the verdict as JSON values, with heat maps to look at."""
    exports = ExportFolder(store.data_dir)

    def keep(_name: str, png: bytes) -> Path:
        return exports.write(".png", lambda file: _write(file, png))

    subject = Subject(entry=entry, store=store)
    outcome = replay(editor, subject, keep_heat_map=keep, on_event=on_event, cancel=cancel)
    told: dict[str, Json] = to_json(outcome)
    return {**told, "sentences": outcome.sentences()}


def draw_map(editor: Editor, store: Store, asked: Asked) -> Json:
    """A control map to be looked at: its file, and the box of the source that it lies on."""
    prepared = editor.with_map(asked.request, asked.inputs, asked.index)
    plan, border, times = prepared.plan, asked.request.border, asked.request.upscale
    height, width = plan.content.height, plan.content.width
    shown = encode_png(Picture(prepared.job.controls[0].image[:height, :width]))
    path = ExportFolder(store.data_dir).write(".png", lambda file: _write(file, shown))
    box = [side // times for side in plan.box.moved(-border.left, -border.top)]
    return {"path": str(path), "box": box, "size": str(plan.content)}


def _write(file: BinaryIO, content: bytes) -> None:
    file.write(content)


def warm_up() -> None:
    """Compile the embedded engine, so that the first edit does not wait for it."""
    exemplar.warm_up()
