"""The history: look at a result, keep, star, delete, go on from it, bring its settings back."""

from typing import Any

import gradio as gr

from genimg_ui.core.geometry import Sides
from genimg_ui.history.record import LogEntry
from genimg_ui.ui import views
from genimg_ui.ui.canvas.component import CanvasUpdate
from genimg_ui.ui.page import (
    COMPARE_TAB,
    EDIT_TAB,
    QUIET,
    Handlers,
    describe_picture,
    told,
)
from genimg_ui.ui.panels import Updates, Values

Json = dict[str, Any]


class ResultHandlers(Handlers):
    """Listeners of the history strip and of the comparison."""

    def connect(self) -> None:
        """Give the strip, the comparison and the undo button their listeners."""
        page = self.page
        seen = [page.status, page.strip, page.compare, page.tabs]
        look = {"inputs": {page.key, page.strip, page.compare}, "outputs": seen, **QUIET}
        page.strip.picked(self.on_picked, **look)
        page.strip.paged(self.on_paged, **look)
        page.strip.starred(self.on_starred, **look)
        page.compare.starred(self.on_starred, **look)
        page.compare.deleted(self.on_deleted, **look)
        page.status.undone(self.on_undone, **look)
        outputs = [
            page.status,
            page.tabs,
            page.canvas,
            page.picture,
            page.outpaint.aspect,
            *page.outpaint.numbers(),
            *page.settings.widgets(),
        ]
        bring = {"inputs": {page.key}, "outputs": outputs, **QUIET}
        page.compare.continued(self.on_continued, **bring)
        page.compare.restored(self.on_restored, **bring)

    def shown(self, session: str, entry: LogEntry, index: int, *, offset: int) -> Updates:
        """The comparison of one result, and the strip with it selected."""
        strip = self.strip(session, offset=offset)
        strip["selected"] = f"{entry.id}:{index}"
        return {self.page.compare: self.comparison(session, entry, index), self.page.strip: strip}

    def comparison(self, session: str, entry: LogEntry, index: int) -> Json:
        """Before and after of one result."""
        source = self.workspace.picture(entry.inputs.source)
        record = entry.results[index]
        return views.comparison(
            entry,
            index,
            source_size=source.size,
            before=self.page.link(source.display),
            result=self.page.link(self.workspace.store.result_path(record.sha256)),
            starred=self.workspace.store.marks(session, entry.id, index).starred,
        )

    def strip(self, session: str, *, offset: int = 0, starred: bool = False) -> Json:
        """One page of the history."""
        store = self.workspace.store
        rows = store.results_page(session, offset, views.PAGE, starred=starred)
        log = store.seed_log_path(session)
        return views.strip(
            rows,
            offset=offset,
            total=store.count(session, starred=starred),
            starred=starred,
            log=self.page.link(log) if log.exists() else None,
            thumbs={row.sha256: self.page.link(store.thumb_path(row.sha256)) for row in rows},
        )

    @told
    def on_picked(self, values: Values, event: gr.EventData) -> Updates:
        """Show the result that was picked."""
        session = self.page.session(values)
        entry_id, index = _named(event)
        entry = self.workspace.entry(session, entry_id)
        strip = {**values[self.page.strip], "selected": f"{entry_id}:{index}"}
        return {
            self.page.compare: self.comparison(session, entry, index),
            self.page.strip: strip,
            self.page.tabs: gr.Tabs(selected=COMPARE_TAB),
        }

    @told
    def on_paged(self, values: Values, event: gr.EventData) -> Updates:
        """Show another page of the history."""
        offset, starred = int(event._data["offset"]), bool(event._data["starred_only"])
        session = self.page.session(values)
        return {self.page.strip: self.strip(session, offset=max(0, offset), starred=starred)}

    @told
    def on_starred(self, values: Values, event: gr.EventData) -> Updates:
        """Star a result, or take its star away."""
        session = self.page.session(values)
        entry_id, index = _named(event)
        on = bool(event._data["on"])
        self.workspace.store.star(session, entry_id, index, on=on)
        updates: Updates = {self.page.strip: self._same_page(session, values)}
        shown = values[self.page.compare] or {}
        if (shown.get("entry"), shown.get("index")) == (entry_id, index):
            updates[self.page.compare] = {**shown, "starred": on}
        return updates

    @told
    def on_deleted(self, values: Values, event: gr.EventData) -> Updates:
        """Take a result out of the history; the status offers to bring it back."""
        session = self.page.session(values)
        entry_id, index = _named(event)
        self.workspace.store.delete(session, entry_id, index)
        undo = {"label": "Undo", "event": "undone", "data": {"entry": entry_id, "index": index}}
        return {
            self.page.status: {**views.message("The result was deleted."), "actions": [undo]},
            self.page.strip: self._same_page(session, values),
            self.page.compare: {},
        }

    @told
    def on_undone(self, values: Values, event: gr.EventData) -> Updates:
        """Bring a deleted result back."""
        session = self.page.session(values)
        entry_id, index = _named(event)
        self.workspace.store.undelete(session, entry_id, index)
        entry = self.workspace.entry(session, entry_id)
        return {
            self.page.status: views.message("The result is back."),
            self.page.strip: self._same_page(session, values),
            self.page.compare: self.comparison(session, entry, index),
        }

    @told
    def on_continued(self, values: Values, event: gr.EventData, request: gr.Request) -> Updates:
        """Open a result as the next source."""
        page, asking = self.page, request.session_hash or ""
        session, (entry_id, index) = page.session(values), _named(event)
        opened = self.workspace.continue_from(session, entry_id, index, page=asking)
        return {
            page.status: views.message("The result is the source now. Paint the next change."),
            page.tabs: gr.Tabs(selected=EDIT_TAB),
            page.canvas: CanvasUpdate(
                source=opened.sha256,
                image=page.link(opened.display),
                size=opened.size,
                mask_set=True,
                border=Sides(),
            ),
            page.picture: describe_picture(opened),
            page.outpaint.aspect: "free",
            **page.outpaint.write(Sides(), opened.size, "px"),
        }

    @told
    def on_restored(self, values: Values, event: gr.EventData, request: gr.Request) -> Updates:
        """Bring back the picture, the mask and the settings of an edit."""
        page, asking = self.page, request.session_hash or ""
        session, (entry_id, index) = page.session(values), _named(event)
        draft = self.workspace.restore(session, entry_id, index, page=asking)
        return {
            page.status: views.message("Picture, mask and settings of this edit are back."),
            page.tabs: gr.Tabs(selected=EDIT_TAB),
            **self.draft_shown(draft),
        }

    def _same_page(self, session: str, values: Values) -> Json:
        shown = values[self.page.strip] or {}
        strip = self.strip(
            session,
            offset=int(shown.get("offset") or 0),
            starred=bool(shown.get("starred_only")),
        )
        return {**strip, "selected": shown.get("selected")}


def _named(event: gr.EventData) -> tuple[str, int]:
    return str(event._data["entry"]), int(event._data["index"])
