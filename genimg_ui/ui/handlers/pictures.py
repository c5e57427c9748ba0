"""Opening a picture, painting on it and choosing settings: kept as a draft at every change."""

from dataclasses import replace

import gradio as gr

from genimg_ui.core.geometry import Sides
from genimg_ui.errors import GenimgError
from genimg_ui.history.names import session_id
from genimg_ui.ui import views
from genimg_ui.ui.canvas.component import CanvasState, CanvasUpdate
from genimg_ui.ui.handlers.carried import arrival
from genimg_ui.ui.handlers.choosing import model_chosen
from genimg_ui.ui.model_field import about
from genimg_ui.ui.page import (
    ALWAYS_LAST,
    EDIT_TAB,
    QUIET,
    Handlers,
    bind_picture,
    describe_picture,
    existing,
    mark_of,
    show_context,
    told,
)
from genimg_ui.ui.panels import Updates, Values
from genimg_ui.workspace import Draft, Mark, placed_as

SET_PREVIEW = "(grow, feather) => { window.genimgCanvas?.setPreview(grow, feather); return []; }"


class PictureHandlers(Handlers):
    """What the canvas and the settings tell the server while nothing runs."""

    def connect(self) -> None:
        """Give the canvas and the settings their listeners."""
        page = self.page
        outputs = [page.canvas, page.status, page.picture, page.tabs, page.versions]
        outputs += [*page.outpaint.numbers(), page.outpaint.aspect]
        page.canvas.picture_opened(
            self.on_opened, inputs={page.key, page.canvas}, outputs=outputs, **QUIET
        )
        inputs = page.inputs() | {page.outpaint.unit}
        outputs = [page.canvas, page.status, *page.outpaint.numbers()]
        page.canvas.mask_edited(self.on_painted, inputs=inputs, outputs=outputs, **ALWAYS_LAST)
        for dragged in (page.canvas.border_changed, page.canvas.context_changed):
            dragged(self.on_bordered, inputs=inputs, outputs=outputs, **ALWAYS_LAST)
        keep = {"inputs": inputs, "outputs": [page.canvas, page.status], **ALWAYS_LAST}
        gr.on([widget.change for widget in page.settings.changing()], self.on_settings, **keep)
        page.canvas.border_typed(self.on_settings, **keep)
        mask = page.settings.mask
        gr.on(
            [mask.grow.change, mask.feather.change],
            None,
            inputs=[mask.grow, mask.feather],
            js=SET_PREVIEW,
            **QUIET,
        )
        page.canvas.refused(self.on_refused, outputs=[page.status], **QUIET)
        page.settings.model.input(
            self.on_model,
            inputs={
                page.key,
                page.settings.model,
                page.settings.task.task,
                *(unit.kind for unit in page.settings.control.units),
            },
            outputs=[page.status, *page.settings.shown()],
            **ALWAYS_LAST,
        )

    def on_opened(self, values: Values, request: gr.Request) -> Updates:
        """Keep a new picture, or refuse it and empty the canvas again."""
        page = self.page
        state: CanvasState | None = values[page.canvas]
        if state is None or state.image_path is None:
            return page.nothing()
        session = session_id(self.first_key(values, request))
        mark = mark_of(state, request)
        try:
            opened = self.workspace.open_upload(session, state.image_path, mark=mark)
        except GenimgError as problem:
            empty = {page.canvas: CanvasUpdate(clear=True, opened=state.opened)}
            if self.workspace.draft(session).is_after(mark):
                return empty  # void by then: the person has opened another picture
            sentence = views.message(str(problem), kind="error")
            return {page.status: sentence, page.picture: "", **empty}
        draft = self.workspace.draft(session)
        if draft.source != opened.sha256 and draft.mark.page == mark.page:
            return {page.canvas: bind_picture(opened, state, page.link)}  # void by then, too
        return {
            page.canvas: bind_picture(opened, state, page.link),
            page.status: arrival(page, opened),
            page.picture: describe_picture(opened),
            page.tabs: gr.Tabs(selected=EDIT_TAB),
            page.outpaint.aspect: "free",
            **page.outpaint.write(Sides(), opened.size, "px"),
            **self.ways_shown(session, draft),
        }

    @told
    def on_painted(self, values: Values, request: gr.Request) -> Updates:
        """Keep the mask and the border as they are on the canvas now."""
        page = self.page
        state: CanvasState | None = values[page.canvas]
        if state is None or not state.source:
            return page.nothing()
        mask, mark = existing(state.mask_path), mark_of(state, request)
        session = page.session(values)
        self.workspace.keep_mask(session, state.source, mask, state.size, mark=mark)
        return self._bordered(values, state, mark)

    @told
    def on_bordered(self, values: Values, request: gr.Request) -> Updates:
        """Keep border and context box. The mask with them may be older than the kept one."""
        state: CanvasState | None = values[self.page.canvas]
        if state is None or not state.source:
            return self.page.nothing()
        if self.workspace.draft(self.page.session(values)).source != state.source:
            return self.on_painted(values, request)
        return self._bordered(values, state, mark_of(state, request))

    def _bordered(self, values: Values, state: CanvasState, mark: Mark) -> Updates:
        page, draft = self.page, self._kept(values, mark)
        if draft.is_after(mark) or draft.source != state.source:
            return page.nothing()  # sent before what the draft holds now
        return {
            page.canvas: show_context(self.workspace, draft, state.size),
            **page.outpaint.write(state.border, state.size, values[page.outpaint.unit]),
        }

    @told
    def on_settings(self, values: Values, request: gr.Request) -> Updates:
        """Keep the settings, and redraw the context box that they lead to."""
        state: CanvasState | None = values[self.page.canvas]
        draft = self._kept(values, mark_of(state, request) if state else None)
        if state is None or state.source != draft.source:
            return self.page.nothing()
        return {self.page.canvas: show_context(self.workspace, draft, state.size)}

    @told
    def on_model(self, values: Values) -> Updates:
        """Enable what the chosen model uses; say when it cannot be had here."""
        page = self.page
        spec = self.workspace.registry.get(values[page.settings.model])
        session = page.session(values)
        self.workspace.change_draft(session, lambda draft: replace(draft, model_left=""))
        # By now another may be chosen.
        own = {page.settings.model: gr.update(info=about(spec))}
        return model_chosen(page, self.workspace, spec, values) | own

    @told
    def on_refused(self, event: gr.EventData) -> Updates:
        """Show what the canvas itself refused."""
        return {self.page.status: views.message(str(event._data["message"]), kind="error")}

    def _kept(self, values: Values, mark: Mark | None) -> Draft:
        session = self.page.session(values)
        request, state = self.page.request(values), values[self.page.canvas]

        def change(draft: Draft) -> Draft:
            if draft.is_after(mark):
                return draft
            # A canvas that does not show the draft's picture yet knows nothing of its border.
            shown = state is not None and state.source == draft.source
            place = request if shown else draft.request
            return replace(draft, request=placed_as(request, place))

        return self.workspace.change_draft(session, change)
