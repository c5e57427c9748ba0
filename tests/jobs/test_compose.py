"""The worker's real editor is built from models.yaml and the server's options."""

import io
from pathlib import Path

from PIL import Image

from genimg_ui.backend.base import CancelToken
from genimg_ui.core.geometry import Sides
from genimg_ui.core.request import EditInputs, EditRequest
from genimg_ui.core.resolve import Bounds
from genimg_ui.core.serial import to_json
from genimg_ui.history.record import EntryState
from genimg_ui.history.store import Store
from genimg_ui.jobs.compose import build_editor

MODELS = Path(__file__).parents[2] / "models.yaml"


def test_the_editor_keeps_the_bounds_that_the_server_gives(store: Store) -> None:
    buffer = io.BytesIO()
    Image.new("RGB", (40, 40)).save(buffer, "PNG")
    source = store.put_source(buffer.getvalue())
    bounds = to_json(Bounds(megapixels=0.001))
    entry = build_editor(store, MODELS, {"bounds": bounds, "safety": True}).apply(
        EditRequest(border=Sides(left=20)),
        EditInputs(source=source),
        parent=None,
        entry_id="entry",
        on_event=lambda _event: None,
        cancel=CancelToken(),
    )
    assert (entry.id, entry.state) == ("entry", EntryState.FAILED)
    assert "0.001" in entry.error
