"""The worker's real editor is built from models.yaml and the server's options."""

import io
from pathlib import Path

from PIL import Image

from genimg_ui.backend.base import CancelToken
from genimg_ui.backend.device import pick_device
from genimg_ui.core.geometry import Sides
from genimg_ui.core.request import EditInputs, EditRequest
from genimg_ui.core.resolve import Bounds
from genimg_ui.core.serial import to_json
from genimg_ui.history.record import EntryState
from genimg_ui.history.store import Store
from genimg_ui.jobs.compose import build_editor
from genimg_ui.registry.live import OWN_FILE, LiveRegistry

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


def test_the_memory_of_models_is_the_engines_budget(store: Store) -> None:
    spec = LiveRegistry(MODELS, store.data_dir / OWN_FILE)().get("shapes")
    for budget in (12345, None):
        pool = build_editor(store, MODELS, {"budget": budget})._pool
        wanted = pick_device().budget() if budget is None else budget
        assert pool.get(spec)._models._cache.budget == wanted


def test_a_model_that_is_added_is_known_to_the_next_job(store: Store) -> None:
    buffer = io.BytesIO()
    Image.new("RGB", (40, 40)).save(buffer, "PNG")
    source = store.put_source(buffer.getvalue())
    editor = build_editor(store, MODELS, {})

    def told() -> str:
        entry = editor.apply(
            EditRequest(model="mine", border=Sides(left=20)),
            EditInputs(source=source),
            on_event=lambda _event: None,
            cancel=CancelToken(),
        )
        return entry.error or ""

    assert 'got "mine"' in told()
    entry = "{source: owner/mine, family: sd15, title: Mine, licence: NC, non_commercial: true}"
    (store.data_dir / OWN_FILE).write_text(f"models: {{mine: {entry}}}")
    assert "Mine is for non-commercial use only (NC): accept its licence once" in told()
