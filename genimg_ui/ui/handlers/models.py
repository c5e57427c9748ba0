"""The Models tab: look, fetch, stop, accept, add, remove. It tells what came of it in the tab."""

from collections.abc import Callable
from dataclasses import replace
from functools import wraps
from typing import Any

import gradio as gr
from gradio.blocks import Block

from genimg_ui.errors import GenimgError
from genimg_ui.shelf.shelf import ModelShelf
from genimg_ui.ui.handlers.choosing import model_chosen
from genimg_ui.ui.model_field import about, model_choices, shown_model
from genimg_ui.ui.models_panel import ModelsPanel
from genimg_ui.ui.models_view import models_view
from genimg_ui.ui.page import ALWAYS_LAST, QUIET, Handlers, Page
from genimg_ui.ui.panels import Updates, Values
from genimg_ui.workspace import Workspace

Json = dict[str, Any]


def told_in_tab(handler: Callable[..., Updates]) -> Callable[..., Updates]:
    """Make what a handler refuses a sentence above the list."""

    @wraps(handler)
    def guarded(self: "ModelHandlers", *args: Any) -> Updates:
        try:
            return handler(self, *args)
        except GenimgError as problem:
            return self.shown({"kind": "error", "text": str(problem)})

    return guarded


class ModelHandlers(Handlers):
    """Listeners of the tab. What happens to a download is the program's, not the page's."""

    def __init__(self, page: Page, workspace: Workspace, panel: ModelsPanel) -> None:
        super().__init__(page, workspace)
        self.panel = panel
        self.shelf: ModelShelf = page.host.shelf

    def connect(self) -> None:
        """Give the list and its timer their listeners."""
        page, panel = self.page, self.panel
        seen: Json = {"outputs": [panel.models, panel.timer]}
        panel.models.asked(self.on_asked, **seen, **ALWAYS_LAST)
        settings = page.settings
        chosen: Json = {"outputs": [panel.models, panel.timer, page.status, *settings.shown()]}
        kinds = (unit.kind for unit in settings.control.units)
        told: set[Block] = {page.key, settings.model, settings.task.task, *kinds}
        followed: set[Block] = {panel.models, *told}
        panel.timer.tick(self.on_tick, inputs=followed, **chosen, **QUIET)
        acts: Json = {**QUIET, "trigger_mode": "multiple"}
        panel.models.fetched(self.on_fetched, **seen, **acts)
        panel.models.stopped(self.on_stopped, **seen, **acts)
        panel.models.accepted(self.on_accepted, **seen, **acts)
        chosen["inputs"] = told
        panel.models.removed(self.on_removed, **chosen, **acts)
        panel.models.added(self.on_added, **chosen, **acts)

    def on_asked(self) -> Updates:
        """Show everything as it is now; the timer goes on while a download does."""
        return self.shown()

    def on_tick(self, values: Values) -> Updates:
        """Follow the downloads, and at their end what can be chosen; what was told last stays."""
        shown = self.shown((values[self.panel.models] or {}).get("told"))
        return shown if self.shelf.downloads.active() else shown | self._offered(values)

    @told_in_tab
    def on_fetched(self, event: gr.EventData) -> Updates:
        """Start a download, or go on with one."""
        self.shelf.fetch(*_place(event))
        return self.shown()

    @told_in_tab
    def on_stopped(self, event: gr.EventData) -> Updates:
        """Stop a download; what has come is kept."""
        self.shelf.stop(*_place(event))
        return self.shown()

    @told_in_tab
    def on_accepted(self, event: gr.EventData) -> Updates:
        """Keep that a licence is accepted."""
        self.shelf.accept(_place(event)[0])
        return self.shown()

    @told_in_tab
    def on_removed(self, values: Values, event: gr.EventData) -> Updates:
        """Remove files, and the entry of an added model; the list has asked already."""
        gone = self.shelf.remove(*_place(event))
        told = {"kind": "", "text": f"Removed: {gone.sentence}."}
        return self.shown(told) | self._offered(values)

    @told_in_tab
    def on_added(self, values: Values, event: gr.EventData) -> Updates:
        """Recognise a model and list it; it can be chosen at once."""
        spec = self.shelf.add(str(event._data["source"]), str(event._data["name"]))
        text = f"{spec.title} is in the list: family {spec.family}, {spec.licence}."
        return self.shown({"kind": "added", "text": text}) | self._offered(values)

    def _offered(self, values: Values) -> Updates:
        """The models to choose from; where the chosen one has gone, all that the default brings."""
        page, registry = self.page, self.shelf.registry()
        model = page.settings.model
        chosen = next((spec for spec in registry.all() if spec.id == values[model]), None)
        if chosen is not None:
            return {model: gr.update(choices=model_choices(registry), info=about(chosen))}
        spec = registry.get(registry.default)
        session = page.session(values)
        self.workspace.change_draft(session, lambda draft: replace(draft, model_left=""))
        updates = model_chosen(page, self.workspace, spec, values)
        return updates | {model: shown_model(registry, spec)}

    def shown(self, told: Json | None = None) -> Updates:
        """The list as it is now, with what came of the last thing that was asked."""
        active = self.shelf.downloads.active()
        return {
            self.panel.models: models_view(self.shelf, told),
            self.panel.timer: gr.Timer(active=active),
        }


def _place(event: gr.EventData) -> tuple[str, str]:
    """Model and part that an event of the list means."""
    return str(event._data["model"]), str(event._data.get("part", ""))
