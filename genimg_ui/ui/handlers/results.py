"""The history: look at a result, go on from it, bring its picture, mask and settings back."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import gradio as gr

from genimg_ui.core.geometry import Sides
from genimg_ui.errors import UnknownItem
from genimg_ui.history.entries import NO_RESULT
from genimg_ui.history.record import LogEntry
from genimg_ui.history.search import Query
from genimg_ui.ui import history_views, views
from genimg_ui.ui.canvas.component import NO_BOX, CanvasUpdate
from genimg_ui.ui.page import (
    ALWAYS_LAST,
    COMPARE_TAB,
    EDIT_TAB,
    Handlers,
    Page,
    describe_picture,
    told,
)
from genimg_ui.ui.panels import Updates, Values
from genimg_ui.versions import Versions
from genimg_ui.workspace import Draft, Workspace

Json = dict[str, Any]
NOTHING_ASKED = Query()
MOST_THUMBS = 20_000  # addresses that are kept: 200 bytes each


class ResultHandlers(Handlers):
    """Listeners that show a result, or open it."""

    def __init__(self, page: Page, workspace: Workspace) -> None:
        super().__init__(page, workspace)
        self._thumbs: dict[str, str] = {}  # addresses by sha256: a tree asks for hundreds

    def connect(self) -> None:
        """Give strip, tree, comparison and version buttons their listeners."""
        page = self.page
        seen = [page.status, page.strip, page.compare, page.tabs]
        look = {"inputs": {page.key, page.strip}, "outputs": seen, **ALWAYS_LAST}
        page.strip.picked(self.on_picked, **look)
        page.history.tree.picked(self.on_picked, **look)
        outputs = [
            page.status,
            page.tabs,
            page.canvas,
            page.picture,
            page.versions,
            page.outpaint.aspect,
            *page.outpaint.numbers(),
            *page.settings.shown(),
        ]
        bring = {"inputs": {page.key}, "outputs": outputs, **ALWAYS_LAST}
        page.compare.continued(self.on_continued, **bring)
        page.compare.restored(self.on_restored, **bring)
        page.status.restored(self.on_restored, **bring)
        page.history.tree.reopened(self.on_reopened, **bring)
        page.versions.went_back(self.on_back, **bring)
        page.versions.went_forward(self.on_forward, **bring)

    def shown(self, session: str, entry: LogEntry, index: int, *, offset: int) -> Updates:
        """The comparison of one result, the strip with it selected, and what leads on now."""
        strip = self.strip(session, offset=offset)
        strip |= {"selected": history_views.key(entry.id, index), "news": True}
        return {
            self.page.compare: self.comparison(session, entry, index),
            self.page.strip: strip,
            **self.ways_shown(session, self.workspace.draft(session)),
        }

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
            download=self.page.link(self.page.host.downloads.direct(record.sha256)),
            marks=self.workspace.store.marks(session, entry.id, index),
        )

    def strip(self, session: str, query: Query = NOTHING_ASKED, *, offset: int = 0) -> Json:
        """One page of what `query` finds in the history."""
        store = self.workspace.store
        log = store.seed_log_path(session)
        told = history_views.strip(
            store.gallery.find(session, query, offset, history_views.PAGE),
            query,
            offset=offset,
            models=store.gallery.models(session),
            thumb=self.thumb,
        )
        if not log.exists():
            return told
        forms = {form: self.page.link(log.with_suffix(f".{form}")) for form in ("csv", "html")}
        return {**told, "log_url": self.page.link(log), "log_forms": forms}

    def same_page(self, session: str, values: Values) -> Json:
        """The page that the strip shows, as it is now."""
        shown = values[self.page.strip] or {}
        query = history_views.query_of(shown.get("query") or {})
        strip = self.strip(session, query, offset=int(shown.get("offset") or 0))
        return {**strip, "selected": shown.get("selected")}

    def thumb(self, sha256: str) -> str:
        """The address of a small copy of a picture; "" where nothing is left of it."""
        if sha256 in self._thumbs:
            return self._thumbs[sha256]
        store = self.workspace.store
        places: tuple[Callable[[str], Path], ...] = (store.thumb_path, store.preview_path)
        for place in (*places, store.source_path):
            try:
                address = self.page.link(place(sha256))
            except UnknownItem:
                continue
            if len(self._thumbs) >= MOST_THUMBS:
                self._thumbs.clear()
            self._thumbs[sha256] = address
            return address
        return ""

    @told
    def on_picked(self, values: Values, event: gr.EventData) -> Updates:
        """Show the result that was picked; of an edit without one, how it ended."""
        session = self.page.session(values)
        entry_id, index = _named(event)
        entry = self.workspace.entry(session, entry_id)
        if index == NO_RESULT:
            data = {"entry": entry_id, "index": 0}
            again = {"label": "Restore settings and mask", "event": "restored", "data": data}
            return {self.page.status: {**views.ended(entry), "actions": [again]}}
        strip = {**values[self.page.strip], "selected": history_views.key(entry_id, index)}
        return {
            self.page.compare: self.comparison(session, entry, index),
            self.page.strip: strip,
            self.page.tabs: gr.Tabs(selected=COMPARE_TAB),
        }

    @told
    def on_back(self, values: Values, request: gr.Request) -> Updates:
        """Open the picture from which the open one was made."""
        session, asking = self.page.session(values), request.session_hash or ""
        draft = Versions(self.workspace).back(session, page=asking)
        return self._moved(session, draft, "The version before is open")

    @told
    def on_forward(self, values: Values, request: gr.Request) -> Updates:
        """Open what was made from the open picture."""
        session, asking = self.page.session(values), request.session_hash or ""
        draft = Versions(self.workspace).forward(session, page=asking)
        return self._moved(session, draft, "The next version is open")

    @told
    def on_reopened(self, values: Values, event: gr.EventData, request: gr.Request) -> Updates:
        """Open a picture that was uploaded earlier."""
        session, asking = self.page.session(values), request.session_hash or ""
        draft = Versions(self.workspace).reopen(session, str(event._data["source"]), page=asking)
        return self._moved(session, draft, "The picture is open again")

    def _moved(self, session: str, draft: Draft, done: str) -> Updates:
        mask = ", with the mask that was painted on it" if draft.mask else ""
        return {
            self.page.status: views.message(f"{done}{mask}."),
            self.page.tabs: gr.Tabs(selected=EDIT_TAB),
            **self.draft_shown(session, draft),
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
                box=NO_BOX,
            ),
            page.picture: describe_picture(opened),
            page.outpaint.aspect: "free",
            **page.outpaint.write(Sides(), opened.size, "px"),
            **self.ways_shown(session, self.workspace.draft(session)),
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
            **self.draft_shown(session, draft),
        }


def _named(event: gr.EventData) -> tuple[str, int]:
    return str(event._data["entry"]), int(event._data["index"])
