"""Choosing what shall be done, beginning with an empty canvas, and varying a result."""

from dataclasses import replace
from typing import Any

import gradio as gr

from genimg_ui.beginnings import VARIATION_STRENGTH, open_blank, serving, vary
from genimg_ui.core.blank import parse_colour
from genimg_ui.core.geometry import Box, Sides, Size
from genimg_ui.core.request import ControlUnit
from genimg_ui.core.tasks import MASKED, Task
from genimg_ui.errors import RefusedInput
from genimg_ui.history.names import session_id
from genimg_ui.registry import ModelSpec
from genimg_ui.ui import texts, views
from genimg_ui.ui.canvas.component import CanvasUpdate
from genimg_ui.ui.handlers.controls import without_untaken
from genimg_ui.ui.model_field import about, shown_model
from genimg_ui.ui.page import ALWAYS_LAST, EDIT_TAB, QUIET, Handlers, told
from genimg_ui.ui.panels import Updates, Values

UPSCALE_STRENGTH = 0.3  # adds detail to what is there
TILE_UNIT = ControlUnit(kind="tile")  # holds a tile to what is there


class TaskHandlers(Handlers):
    """Listeners of the task, of the new canvas, and of "Make variations"."""

    def connect(self) -> None:
        """Give them their listeners."""
        page, settings = self.page, self.page.settings
        shown = [settings.new_canvas.box, settings.border_box]
        settings.task.task.change(
            self.on_shown, inputs={settings.task.task}, outputs=shown, **ALWAYS_LAST
        )
        chosen = [page.status, page.canvas, settings.new_canvas.width, settings.new_canvas.height]
        settings.task.task.input(
            self.on_task,
            inputs=page.inputs() | {settings.left},
            outputs=[*chosen, *settings.shown(), *page.outpaint.numbers()],
            **ALWAYS_LAST,
        )
        opened = [
            page.status,
            page.tabs,
            page.canvas,
            page.picture,
            page.versions,
            page.outpaint.aspect,
            *page.outpaint.numbers(),
            *settings.shown(),
        ]
        new = settings.new_canvas
        new.make.click(
            self.on_new_canvas,
            inputs=page.inputs() | {new.width, new.height, new.colour},
            outputs=opened,
            **QUIET,
        )
        page.compare.varied(self.on_varied, inputs={page.key}, outputs=opened, **ALWAYS_LAST)

    def on_shown(self, values: Values) -> Updates:
        """Open the panel that the task needs, close what it cannot use, however it was chosen."""
        task, settings = Task(values[self.page.settings.task.task]), self.page.settings
        border = gr.skip() if task is Task.INPAINT else gr.update(open=task is Task.OUTPAINT)
        return {**settings.new_canvas.allow(task), settings.border_box: border}

    @told
    def on_task(self, values: Values) -> Updates:
        """Set up a task that a person chose: a model that serves it, and values that fit."""
        page, settings = self.page, self.page.settings
        task = Task(values[settings.task.task])
        old = self.workspace.registry.get(values[settings.model])
        spec, left, why = self._model_for(task, old, str(values[settings.left] or ""))
        changed: Updates = settings.defaults(spec) if spec.id != old.id else {}
        said = list(why)
        changed |= self._fitting(values, task, spec, said)
        updates, off = without_untaken(settings.control, values, spec, settings.allow(spec, task))
        said += off
        if any(unit in changed for unit in settings.control.widgets()):
            updates |= settings.control.dress((TILE_UNIT,))
        for widget, value in changed.items():
            updates[widget] = {**updates.get(widget, gr.update()), "value": value}
        if spec.id != old.id:
            updates[settings.model] = shown_model(self.workspace.registry, spec, why)
        else:
            updates[settings.model] = gr.update(info=about(spec))
        updates[settings.left] = left
        session = page.session(values)
        self.workspace.change_draft(session, lambda draft: replace(draft, model_left=left))
        lack = self.workspace.lack_of(spec)
        said += [lack] if lack else []
        kind = "warning" if lack or spec.id != old.id else ""
        updates[page.status] = views.message(" ".join(said), kind=kind)
        updates |= settings.new_canvas.suggest(spec)
        updates[page.canvas] = CanvasUpdate(whole=task not in MASKED)
        if task not in MASKED:
            updates |= self._without_border(values)
        return updates

    def _model_for(self, task: Task, old: ModelSpec, left: str) -> tuple[ModelSpec, str, list[str]]:
        """The model that serves a task, the one left for it, and what to say of a change.

        The model of before comes back with the first task that it serves.
        """
        back = next((spec for spec in self.workspace.registry.all() if spec.id == left), None)
        if back is not None and task in back.tasks:
            return back, "", [texts.TASK_BACK.format(new=back.title)]
        spec = serving(self.workspace, task, old)
        if spec is None:
            raise RefusedInput(texts.NO_TASK_MODEL)
        if spec.id == old.id:
            return spec, left, []
        return spec, left or old.id, [texts.TASK_MODEL.format(old=old.title, new=spec.title)]

    def _fitting(
        self, values: Values, task: Task, spec: ModelSpec, said: list[str]
    ) -> dict[Any, Any]:
        """The values of widgets that the task asks for."""
        settings = self.page.settings
        strength = settings.sampling.strength
        if not spec.uses_strength:
            return {}
        if task is Task.TEXT_TO_IMAGE:
            return {strength: 1.0}
        if task is Task.IMAGE_TO_IMAGE:
            return {strength: min(float(values[strength]), VARIATION_STRENGTH)}
        if task is not Task.UPSCALE:
            return {strength: spec.default_strength}
        kinds = [kind for kind, _ in spec.controls]
        if TILE_UNIT.kind not in kinds or settings.control.read(values):
            return {strength: UPSCALE_STRENGTH}
        said.append(texts.TASK_TILE)
        return {strength: UPSCALE_STRENGTH, **settings.control.write((TILE_UNIT,))}

    def _without_border(self, values: Values) -> Updates:
        """The canvas without a border and a context box, which these tasks do not take."""
        page = self.page
        state = values[page.canvas]
        if state is None or not (state.border or state.box):
            return {}
        update = CanvasUpdate(border=Sides(), box=Box(0, 0, 0, 0), whole=True)
        return {page.canvas: update, **page.outpaint.write(Sides(), state.size, "px")}

    @told
    def on_new_canvas(self, values: Values, request: gr.Request) -> Updates:
        """Open an empty canvas."""
        page, new = self.page, self.page.settings.new_canvas
        session = session_id(self.first_key(values, request))
        sides = (values[new.width], values[new.height])
        if any(side is None or side != int(side) for side in sides):
            raise RefusedInput(f"Width and Height must be whole numbers, got {sides}.")
        size = Size(*(int(side) for side in sides))
        colour = parse_colour(str(values[new.colour]))
        open_blank(
            self.workspace,
            session,
            size,
            colour,
            request=page.request(values),
            page=request.session_hash or "",
        )
        return {
            **self.draft_shown(session, self.workspace.draft(session)),
            page.outpaint.aspect: "free",
            page.status: views.message(texts.NEW_CANVAS),
            page.tabs: gr.Tabs(selected=EDIT_TAB),
        }

    @told
    def on_varied(self, values: Values, event: gr.EventData, request: gr.Request) -> Updates:
        """Open a result to be repainted in variants."""
        page, session = self.page, self.page.session(values)
        entry_id, index = str(event._data["entry"]), int(event._data["index"])
        asking = request.session_hash or ""
        old = self.workspace.model(self.workspace.entry(session, entry_id).request)
        draft = vary(self.workspace, session, entry_id, index, page=asking)
        spec = self.workspace.model(draft.request)
        moved = texts.TASK_MODEL.format(old=old.title, new=spec.title) if spec != old else ""
        lack = self.workspace.lack_of(spec) or ""
        said = " ".join(filter(None, (texts.VARY, moved, lack)))
        return {
            **self.draft_shown(session, draft),
            page.outpaint.aspect: "free",
            page.status: views.message(said, kind="warning" if lack else ""),
            page.tabs: gr.Tabs(selected=EDIT_TAB),
        }
