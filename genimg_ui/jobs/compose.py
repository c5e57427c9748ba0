"""Puts the worker's parts together: the only file here that knows engines and models.yaml.

The worker imports it by name when it is needed, because engines take seconds to import.
"""

from collections.abc import Mapping
from pathlib import Path

from genimg_ui.backend.pool import BackendPool
from genimg_ui.core.fill import exemplar
from genimg_ui.core.image import Limits
from genimg_ui.core.resolve import Bounds
from genimg_ui.core.serial import Json, from_json
from genimg_ui.editor import Editor
from genimg_ui.environment import versions
from genimg_ui.history.store import Store
from genimg_ui.registry import load_registry


def build_editor(store: Store, models: Path, options: Mapping[str, Json]) -> Editor:
    """Make the editor; `options` are JSON values: `safety`, `bounds`, `limits`."""
    return Editor(
        store,
        load_registry(models),
        BackendPool(
            safety=bool(options.get("safety", False)),
            hashes=store.data_dir / "cache" / "weights.json",
        ),
        bounds=from_json(Bounds, options.get("bounds", {})),
        limits=from_json(Limits, options.get("limits", {})),
        environment=versions("gradio"),  # the queue is the page's
    )


def warm_up() -> None:
    """Compile the embedded engine, so that the first edit does not wait for it."""
    exemplar.warm_up()
