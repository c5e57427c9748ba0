"""The controls' own events: annotators by kind, ready maps, and maps to look at on the canvas."""

from functools import partial
from pathlib import Path
from typing import Any

import gradio as gr

from genimg_ui.core.geometry import Box
from genimg_ui.core.request import ControlUnit
from genimg_ui.errors import RefusedInput, UnknownItem
from genimg_ui.jobs.looks import Asked, LookQueue
from genimg_ui.ui import texts, views
from genimg_ui.ui.canvas.component import CanvasUpdate
from genimg_ui.ui.control_panel import NO_CONTROL, USUAL, UnitPanel
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
            outputs=[page.canvas, page.status, panel.timer, panel.look],
            **QUIET,
        )
        hidden = [page.canvas, panel.timer, panel.look]
        panel.hide.click(self.on_hide, outputs=hidden, **QUIET)

    def _connect(self, unit: UnitPanel) -> None:
        page, panel = self.page, self.page.settings.control
        own, outputs = set(unit.widgets()), [*unit.widgets(), page.status]
        for chosen in (unit.kind, unit.annotator):
            chosen.input(
                partial(self.on_chosen, unit, chosen), inputs=own, outputs=outputs, **QUIET
            )
        unit.remove.click(partial(self.on_removed, unit), outputs=outputs, **QUIET)
        unit.drop.click(partial(self.on_dropped, unit), inputs=own, outputs=outputs, **QUIET)
        unit.upload.upload(
            partial(self.on_uploaded, unit),
            inputs={page.key, unit.upload, *own},
            outputs=outputs,
            concurrency_limit=2,
            api_visibility="private",
            show_progress="hidden",
        )
        unit.preview.click(
            partial(self.on_preview, unit),
            inputs=page.inputs(),
            outputs=[page.status, panel.timer, panel.look, page.canvas],
            js=FLUSH,
            **QUIET,
        )

    def on_chosen(self, unit: UnitPanel, chosen: Any, values: Values) -> Updates:
        """Offer what the chosen kind and annotator take; what was set for another one goes."""
        kind, name = values[unit.kind] or NO_CONTROL, values[unit.annotator] or USUAL
        if chosen is unit.kind:
            name = USUAL
        shown = None
        if kind != NO_CONTROL:
            shown = ControlUnit(
                kind=kind,
                annotator="" if name == USUAL else name,
                map=values[unit.map] or None,
            )
        changed = dict.fromkeys(unit.knobs) | {unit.annotator: name}
        return {self.page.status: gr.skip(), **_dressed(unit, shown, changed)}

    def on_removed(self, unit: UnitPanel) -> Updates:
        """Make it none again."""
        return {self.page.status: gr.skip(), **_dressed(unit, None, unit.write(None))}

    def on_dropped(self, unit: UnitPanel, values: Values) -> Updates:
        """Draw the map again instead of the one that was uploaded."""
        kind = values[unit.kind] or NO_CONTROL
        shown = None if kind == NO_CONTROL else ControlUnit(kind=kind)
        changed = {unit.map: "", unit.annotator: USUAL, **dict.fromkeys(unit.knobs)}
        return {self.page.status: gr.skip(), **_dressed(unit, shown, changed)}

    def on_uploaded(self, unit: UnitPanel, values: Values) -> Updates:
        """Keep a ready map, or say why it cannot be one."""
        return self._uploaded(values, unit)

    @told
    def _uploaded(self, values: Values, unit: UnitPanel) -> Updates:
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

    def on_preview(self, unit: UnitPanel, values: Values, request: gr.Request) -> Updates:
        """Ask for the map of this unit."""
        return self._asked(values, unit, request)

    @told
    def _asked(self, values: Values, unit: UnitPanel, request: gr.Request) -> Updates:
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
        return {**over, page.canvas: map_, page.status: views.message(told_)}

    def on_hide(self) -> Updates:
        """Take the map from the canvas, and wait for none any more."""
        page, panel = self.page, self.page.settings.control
        return {
            page.canvas: CanvasUpdate(overlay_box=NO_MAP),
            panel.timer: gr.Timer(active=False),
            panel.look: "",
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
