"""The controls' own events: annotators by kind, ready maps, and maps to look at on the canvas."""

from pathlib import Path
from typing import Any

import gradio as gr

from genimg_ui.core.geometry import Box
from genimg_ui.core.request import ControlUnit
from genimg_ui.errors import RefusedInput, UnknownItem
from genimg_ui.jobs.looks import Asked, LookQueue
from genimg_ui.registry import ModelSpec
from genimg_ui.ui import texts, views
from genimg_ui.ui.canvas.component import CanvasUpdate
from genimg_ui.ui.control_panel import NO_CONTROL, USUAL, ControlPanel, UnitPanel
from genimg_ui.ui.handlers.edits import FLUSH, EditHandlers
from genimg_ui.ui.page import QUIET, Handlers, Page, told
from genimg_ui.ui.panels import Updates, Values
from genimg_ui.workspace import Workspace

NO_MAP = Box(0, 0, 0, 0)


class ControlHandlers(Handlers):
    """Listeners of the control panel; `edits` knows the picture and the mask of the canvas."""

    def __init__(self, page: Page, workspace: Workspace, edits: EditHandlers) -> None:
        super().__init__(page, workspace)
        self._edits = edits
        self._looks = LookQueue(workspace.store)

    def connect(self) -> None:
        """Give every unit its listeners, and the timer that waits for a map."""
        page, panel = self.page, self.page.settings.control
        for unit in panel.units:
            self._connect(unit)
        panel.timer.tick(
            self.on_tick,
            inputs={page.key, panel.look},
            outputs=[page.canvas, page.status, panel.timer, panel.look, panel.hide],
            **QUIET,
        )
        hidden = [page.canvas, panel.timer, panel.look, panel.hide]
        panel.hide.click(self.on_hide, outputs=hidden, **QUIET)

    def _connect(self, unit: UnitPanel) -> None:
        page = self.page
        own, outputs = set(unit.widgets()), [*unit.widgets(), *unit.buttons(), page.status]

        def on_kind(values: Values) -> Updates:
            return self.on_chosen(unit, values, kind=True)

        def on_annotator(values: Values) -> Updates:
            return self.on_chosen(unit, values, kind=False)

        def on_dropped(values: Values) -> Updates:
            return self.on_dropped(unit, values)

        unit.kind.input(on_kind, inputs=own, outputs=outputs, **QUIET)
        unit.annotator.input(on_annotator, inputs=own, outputs=outputs, **QUIET)
        unit.remove.click(lambda: self.on_removed(unit), outputs=outputs, **QUIET)
        unit.drop.click(on_dropped, inputs=own, outputs=outputs, **QUIET)
        self._connect_maps(unit)

    def _connect_maps(self, unit: UnitPanel) -> None:
        page, panel = self.page, self.page.settings.control

        def on_uploaded(values: Values) -> Updates:
            return self.uploaded(values, unit)

        def on_preview(values: Values, request: gr.Request) -> Updates:
            return self.asked(values, unit, request)

        unit.upload.upload(
            on_uploaded,
            inputs={page.key, unit.upload, *unit.widgets()},
            outputs=[*unit.widgets(), *unit.buttons(), page.status],
            concurrency_limit=2,
            api_visibility="private",
            show_progress="hidden",
        )
        unit.preview.click(
            on_preview,
            inputs=page.inputs(),
            outputs=[page.status, panel.timer, panel.look, page.canvas],
            js=FLUSH,
            **QUIET,
        )

    def on_chosen(self, unit: UnitPanel, values: Values, *, kind: bool) -> Updates:
        """Offer what the chosen kind and annotator take; what was set for another one goes."""
        chosen = values[unit.kind] or NO_CONTROL
        name = USUAL if kind else values[unit.annotator] or USUAL
        shown = None
        if chosen != NO_CONTROL:
            shown = ControlUnit(
                kind=chosen,
                annotator="" if name == USUAL else name,
                map=values[unit.map] or None,
            )
        changed: Updates = {unit.annotator: name} | dict.fromkeys(unit.knobs)
        return {self.page.status: gr.skip(), **_dressed(unit, shown, changed)}

    def on_removed(self, unit: UnitPanel) -> Updates:
        """Make it none again."""
        return {self.page.status: gr.skip(), **_dressed(unit, None, unit.write(None))}

    def on_dropped(self, unit: UnitPanel, values: Values) -> Updates:
        """Draw the map again instead of the one that was uploaded."""
        kind = values[unit.kind] or NO_CONTROL
        shown = None if kind == NO_CONTROL else ControlUnit(kind=kind)
        changed: Updates = {unit.map: "", unit.annotator: USUAL} | dict.fromkeys(unit.knobs)
        return {self.page.status: gr.skip(), **_dressed(unit, shown, changed)}

    @told
    def uploaded(self, values: Values, unit: UnitPanel) -> Updates:
        """Keep a ready map, or say why it cannot be one."""
        file, kind = values[unit.upload], values[unit.kind] or NO_CONTROL
        if not file:
            return self.page.nothing()
        if kind == NO_CONTROL:
            raise RefusedInput("Choose the kind of control first: the map is one of that kind.")
        session = self.page.session(values)
        self.workspace.make_sure_of_room(session, Path(file).stat().st_size)
        kept = self.workspace.pictures.keep_map(session, Path(file))
        shown = ControlUnit(kind=kind, map=kept.sha256)
        return {
            self.page.status: views.message(texts.MAP_KEPT),
            **_dressed(unit, shown, unit.write(shown), but=(unit.scale, unit.start, unit.end)),
        }

    @told
    def asked(self, values: Values, unit: UnitPanel, request: gr.Request) -> Updates:
        """Ask for the map of a unit."""
        page, panel = self.page, self.page.settings.control
        if page.host.run_waiting is not None:
            raise RefusedInput(texts.NO_LOOKS)
        if unit.read(values) is None:
            raise RefusedInput("Choose the kind of control first: there is no map of none.")
        session = page.session(values)
        inputs = self._edits.inputs_of(session, values[page.canvas], request)
        wanted = page.request(values)
        before = panel.units[: panel.units.index(unit)]
        index = sum(each.read(values) is not None for each in before)
        look_id = self._looks.ask(session, Asked(request=wanted, inputs=inputs, index=index))
        self.workspace.wake()
        return {
            page.status: views.message(texts.MAP_WAITING),
            panel.timer: gr.Timer(active=True),
            panel.look: look_id,
        }

    def on_tick(self, values: Values) -> Updates:
        """Lay the map on the canvas once it is there."""
        page, panel = self.page, self.page.settings.control
        over: Updates = {panel.timer: gr.Timer(active=False), panel.look: ""}
        try:
            look = self._looks.get(page.session(values), str(values[panel.look] or ""))
        except UnknownItem:
            return over
        if look.answer is None:
            return page.nothing()
        if "error" in look.answer:
            return {**over, page.status: views.message(look.answer["error"], kind="error")}
        map_ = CanvasUpdate(
            overlay=page.link(Path(look.answer["path"])), overlay_box=Box(*look.answer["box"])
        )
        told_ = texts.MAP_SHOWN.format(size=look.answer["size"])
        shown = {page.canvas: map_, panel.hide: gr.update(interactive=True)}
        return {**over, **shown, page.status: views.message(told_)}

    def on_hide(self) -> Updates:
        """Take the map from the canvas, and wait for none any more."""
        page, panel = self.page, self.page.settings.control
        return {
            page.canvas: CanvasUpdate(overlay_box=NO_MAP),
            panel.timer: gr.Timer(active=False),
            panel.look: "",
            panel.hide: gr.update(interactive=False),
        }


def _dressed(
    unit: UnitPanel, shown: ControlUnit | None, values: Updates, but: tuple[Any, ...] = ()
) -> Updates:
    """Values and what belongs to them, in one update for each widget."""
    updates = unit.dress(shown)
    for widget, value in values.items():
        if widget not in but:
            updates[widget] = {**updates.get(widget, gr.update()), "value": value}
    return updates


def without_untaken(
    panel: ControlPanel, values: Values, spec: ModelSpec, allowed: Updates
) -> tuple[Updates, list[str]]:
    """`allowed` with the controls switched off that `spec` does not take, and what to say of it.

    A choice that is no longer offered would be refused with every later event of the page.
    """
    emptied, lost = panel.untaken(values, spec)
    updates = dict(allowed)
    for widget, update in emptied.items():
        updates[widget] = {**updates.get(widget, gr.update()), **update}
    said = [texts.CONTROL_OFF.format(model=spec.title, kinds=", ".join(lost))] if lost else []
    return updates, said
