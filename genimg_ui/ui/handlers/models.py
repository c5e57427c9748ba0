"""The Models tab: look, fetch, stop, accept, add, remove."""

from typing import Any

import gradio as gr

from genimg_ui.registry import Registry
from genimg_ui.shelf.shelf import ModelShelf
from genimg_ui.ui import views
from genimg_ui.ui.models_panel import ModelsPanel
from genimg_ui.ui.models_view import models_view
from genimg_ui.ui.page import ALWAYS_LAST, QUIET, Handlers, Page, told
from genimg_ui.ui.panels import Updates, Values
from genimg_ui.workspace import Workspace


class ModelHandlers(Handlers):
    """Listeners of the tab. What happens to a download is the program's, not the page's."""

    def __init__(self, page: Page, workspace: Workspace, panel: ModelsPanel) -> None:
        super().__init__(page, workspace)
        self.panel = panel
        self.shelf: ModelShelf = page.host.shelf

    def connect(self) -> None:
        """Give the list, its timer and the row below it their listeners."""
        page, panel = self.page, self.panel
        seen = [panel.models, panel.timer]
        panel.models.asked(self.on_asked, outputs=[page.status, *seen], **ALWAYS_LAST)
        panel.timer.tick(self.on_asked, outputs=[page.status, *seen], **QUIET)
        acts = {"outputs": [page.status, *seen], **QUIET, "trigger_mode": "multiple"}
        panel.models.fetched(self.on_fetched, **acts)
        panel.models.stopped(self.on_stopped, **acts)
        panel.models.accepted(self.on_accepted, **acts)
        changed = [page.status, *seen, page.settings.model]
        panel.models.removed(
            self.on_removed,
            inputs={page.settings.model},
            outputs=changed,
            **{**QUIET, "trigger_mode": "multiple"},
        )
        row = {"inputs": {panel.source, panel.name}, **QUIET}
        fields = [panel.source, panel.name]
        panel.add.click(self.on_added, outputs=[*changed, *fields], **row)
        panel.source.submit(self.on_added, outputs=[*changed, *fields], **row)

    @told
    def on_asked(self) -> Updates:
        """Show everything as it is now; the timer goes on while a download does."""
        return self._shown()

    @told
    def on_fetched(self, event: gr.EventData) -> Updates:
        """Start a download, or go on with one."""
        self.shelf.fetch(*_place(event))
        return self._shown()

    @told
    def on_stopped(self, event: gr.EventData) -> Updates:
        """Stop a download; what has come is kept."""
        self.shelf.stop(*_place(event))
        return self._shown()

    @told
    def on_accepted(self, event: gr.EventData) -> Updates:
        """Keep that a licence is accepted."""
        self.shelf.accept(_place(event)[0])
        return self._shown()

    @told
    def on_removed(self, values: Values, event: gr.EventData) -> Updates:
        """Remove files, and the entry of an added model; the list has asked already."""
        gone = self.shelf.remove(*_place(event))
        chosen = values[self.page.settings.model]
        return self._shown() | {
            self.page.status: views.message(f"Removed: {gone.sentence}."),
            self.page.settings.model: model_choices(self.shelf.registry(), chosen),
        }

    @told
    def on_added(self, values: Values) -> Updates:
        """Recognise a model and list it; it can be chosen at once."""
        panel = self.panel
        spec = self.shelf.add(values[panel.source] or "", values[panel.name] or "")
        text = f"{spec.title} is in the list: family {spec.family}, {spec.licence}."
        return self._shown() | {
            self.page.status: views.message(text),
            self.page.settings.model: model_choices(self.shelf.registry()),
            panel.source: "",
            panel.name: "",
        }

    def _shown(self) -> Updates:
        active = self.shelf.downloads.active()
        return {
            self.panel.models: models_view(self.shelf),
            self.panel.timer: gr.Timer(active=active),
        }


def model_choices(registry: Registry, chosen: str | None = None) -> dict[str, Any]:
    """The dropdown's choices of now; where the `chosen` model has gone, the default instead."""
    update: dict[str, Any] = gr.update(choices=[(spec.title, spec.id) for spec in registry.all()])
    if chosen is not None and all(spec.id != chosen for spec in registry.all()):
        update["value"] = registry.default
    return update


def _place(event: gr.EventData) -> tuple[str, str]:
    """Model and part that an event of the list means."""
    return str(event._data["model"]), str(event._data.get("part", ""))
