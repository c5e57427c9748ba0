"""Opening a picture, painting on it and choosing settings: kept as a draft at every change."""

from dataclasses import replace

import gradio as gr

from genimg_ui.core.geometry import Sides
from genimg_ui.errors import GenimgError
from genimg_ui.history.names import session_id
from genimg_ui.ui import views
from genimg_ui.ui.canvas.component import CanvasState, CanvasUpdate
from genimg_ui.ui.page import (
    EDIT_TAB,
    QUIET,
    Handlers,
    bind_picture,
    describe_picture,
    existing,
    show_context,
    told,
)
from genimg_ui.ui.panels import Updates, Values
from genimg_ui.workspace import Draft

SET_PREVIEW = "(grow, feather) => { window.genimgCanvas?.setPreview(grow, feather); return []; }"


ALWAYS_LAST = {**QUIET, "trigger_mode": "always_last"}


class PictureHandlers(Handlers):
    """What the canvas and the settings tell the server while nothing runs."""

    def connect(self) -> None:
        """Give the canvas and the settings their listeners."""
        page = self.page
        outputs = [page.canvas, page.status, page.picture, page.tabs]
        outputs += [*page.outpaint.numbers(), page.outpaint.aspect]
        page.canvas.picture_opened(
            self.on_opened, inputs={page.key, page.canvas}, outputs=outputs, **QUIET
        )
        inputs = page.inputs() | {page.outpaint.unit}
        outputs = [page.canvas, page.status, *page.outpaint.numbers()]
        for event in (page.canvas.mask_edited, page.canvas.border_changed):
            event(self.on_painted, inputs=inputs, outputs=outputs, **ALWAYS_LAST)
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
            inputs={page.settings.model},
            outputs=[page.status, *page.settings.widgets()],
            **QUIET,
        )

    def on_opened(self, values: Values, request: gr.Request) -> Updates:
        """Keep a new picture, or refuse it and empty the canvas again."""
        page = self.page
        state: CanvasState | None = values[page.canvas]
        if state is None or state.image_path is None:
            return page.nothing()
        try:
            session = session_id(self.first_key(values, request))
            opened = self.workspace.open_upload(session, state.image_path)
        except GenimgError as problem:
            return {
                page.status: views.message(str(problem), kind="error"),
                page.canvas: CanvasUpdate(clear=True, opened=state.opened),
                page.picture: "",
            }
        return {
            page.canvas: bind_picture(opened, state, page.link),
            page.status: views.message("Paint over what should change, then press Apply."),
            page.picture: describe_picture(opened),
            page.tabs: gr.Tabs(selected=EDIT_TAB),
            page.outpaint.aspect: "free",
            **page.outpaint.write(Sides(), opened.size, "px"),
        }

    @told
    def on_painted(self, values: Values) -> Updates:
        """Keep the mask and the border as they are on the canvas now."""
        page = self.page
        state: CanvasState | None = values[page.canvas]
        if state is None or not state.source:
            return page.nothing()
        session = page.session(values)
        if self.workspace.draft(session).source != state.source:
            return page.nothing()  # sent just before another picture took this one's place
        mask = existing(state.mask_path)
        self.workspace.keep_mask(session, state.source, mask, state.size)
        draft = self._kept(values)
        return {
            page.canvas: show_context(self.workspace, draft, state.size),
            **page.outpaint.write(state.border, state.size, values[page.outpaint.unit]),
        }

    @told
    def on_settings(self, values: Values) -> Updates:
        """Keep the settings, and redraw the context box that they lead to."""
        draft = self._kept(values)
        state: CanvasState | None = values[self.page.canvas]
        if state is None or not state.source:
            return self.page.nothing()
        return {self.page.canvas: show_context(self.workspace, draft, state.size)}

    @told
    def on_model(self, values: Values) -> Updates:
        """Enable what the chosen model uses; say when it cannot be had here."""
        page = self.page
        spec = self.workspace.registry.get(values[page.settings.model])
        lack = self.workspace.lack_of(spec)
        note = gr.update(info=" · ".join(filter(None, (spec.licence, spec.note))))
        status = views.message(lack, kind="warning") if lack else views.message("")
        defaults = page.settings.sampling.defaults(spec)
        updates = page.settings.allow(spec)
        for widget, value in defaults.items():
            updates[widget] = {**updates[widget], "value": value}
        return {page.status: status, page.settings.model: note, **updates}

    @told
    def on_refused(self, event: gr.EventData) -> Updates:
        """Show what the canvas itself refused."""
        return {self.page.status: views.message(str(event._data["message"]), kind="error")}

    def _kept(self, values: Values) -> Draft:
        session = self.page.session(values)
        request, state = self.page.request(values), values[self.page.canvas]

        def change(draft: Draft) -> Draft:
            # A canvas that does not show the draft's picture yet knows nothing of its border.
            shown = state is not None and state.source == draft.source
            border = request.border if shown else draft.request.border
            return replace(draft, request=replace(request, border=border))

        return self.workspace.change_draft(session, change)
