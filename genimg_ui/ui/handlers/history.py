"""The history: search and filter, mark, select, delete and bring back, tree and trash."""

from typing import Any

import gradio as gr

from genimg_ui.result_exports import ResultExports
from genimg_ui.ui import history_views, views
from genimg_ui.ui.handlers.results import ResultHandlers
from genimg_ui.ui.page import ALWAYS_LAST, COMPARE_TAB, QUIET, Handlers, Page, told
from genimg_ui.ui.panels import Updates, Values
from genimg_ui.versions import Versions
from genimg_ui.workspace import Workspace

Json = dict[str, Any]


class HistoryHandlers(Handlers):
    """Listeners of strip, tree, trash and selection; they read the index only."""

    def __init__(self, page: Page, workspace: Workspace, results: ResultHandlers) -> None:
        super().__init__(page, workspace)
        self.results = results
        downloads = page.host.downloads
        self.exports = ResultExports(
            workspace.store, downloads.leaving, record=downloads.policy.record
        )

    def connect(self) -> None:
        """Give every part of the history its listeners."""
        page = self.page
        strip, tree, trash, picks = (
            page.strip,
            page.history.tree,
            page.history.trash,
            page.history.picks,
        )
        seen = [page.status, strip, page.compare, page.tabs, page.versions]
        look = {"inputs": {page.key, strip, page.compare}, "outputs": seen, **QUIET}
        for part in (strip, tree, page.compare, picks):
            part.marked(self.on_marked, **look, trigger_mode="multiple")  # none may get lost
        for removed in (strip.removed, tree.removed, picks.removed, page.compare.deleted):
            removed(self.on_removed, **look, trigger_mode="multiple")
        picks.compared(self.on_compared, **look, trigger_mode="always_last")
        page.status.undone(self.on_brought_back, **look, trigger_mode="multiple")
        trash.restored(self.on_brought_back, **look, trigger_mode="multiple")
        asking = {"inputs": {page.key}, **ALWAYS_LAST}
        strip.asked(self.on_searched, outputs=[page.status, strip], **asking)
        tree.asked(
            self.on_tree, inputs={page.key, strip}, outputs=[page.status, tree], **ALWAYS_LAST
        )
        binned = {"outputs": [page.status, trash], **asking}
        trash.asked(self.on_trash, **binned)
        trash.scheduled(self.on_scheduled, **binned)
        trash.emptied(self.on_emptied, outputs=[page.status, trash, page.versions], **asking)
        # In the queue: copying many large pictures takes seconds.
        picks.exported(
            self.on_exported,
            inputs={page.key},
            outputs=[page.status, picks],
            trigger_mode="always_last",
            show_progress="hidden",
            api_visibility="private",
        )

    # Search, marks, deletion

    @told
    def on_searched(self, values: Values, event: gr.EventData) -> Updates:
        """Show a page of what the strip asks for."""
        query = history_views.query_of(event._data["query"])
        offset = max(0, int(event._data["offset"]))
        strip = self.results.strip(self.page.session(values), query, offset=offset)
        return {self.page.strip: strip}

    @told
    def on_marked(self, values: Values, event: gr.EventData) -> Updates:
        """Set star, rating, label or note of results."""
        session = self.page.session(values)
        items = history_views.items_of(event._data)
        self.workspace.store.journal.mark(session, items, history_views.change_of(event._data))
        updates: Updates = {self.page.strip: self.results.same_page(session, values)}
        shown = values[self.page.compare] or {}
        if shown.get("after") and (shown["entry"], shown["index"]) in items:
            marks = self.workspace.store.marks(session, shown["entry"], shown["index"])
            updates[self.page.compare] = {**shown, "marks": history_views.marks(marks)}
        return updates

    @told
    def on_removed(self, values: Values, event: gr.EventData) -> Updates:
        """Move results to the trash; the status offers to bring them back."""
        session, page = self.page.session(values), self.page
        items = history_views.items_of(event._data)
        self.workspace.store.journal.bin(session, items)
        undo = {"label": "Undo", "event": "undone", "data": {"items": items}}
        what = "The result was" if len(items) == 1 else f"{len(items)} results were"
        updates: Updates = {
            page.status: {**views.message(f"{what} deleted."), "actions": [undo]},
            page.strip: self.results.same_page(session, values),
            **self.ways_shown(session, self.workspace.draft(session)),
        }
        shown = values[page.compare] or {}
        if (shown.get("entry"), shown.get("index")) in items:
            updates[page.compare] = {}
        return updates

    @told
    def on_brought_back(self, values: Values, event: gr.EventData) -> Updates:
        """Bring deleted results back."""
        session, page = self.page.session(values), self.page
        items = history_views.items_of(event._data)
        self.workspace.store.journal.unbin(session, items)
        what = "The result is" if len(items) == 1 else f"{len(items)} results are"
        entry_id, index = items[0]
        entry = self.workspace.entry(session, entry_id)
        return {
            page.status: views.message(f"{what} back."),
            page.strip: self.results.same_page(session, values),
            page.compare: self.results.comparison(session, entry, index),
            **self.ways_shown(session, self.workspace.draft(session)),
        }

    # Selection

    @told
    def on_compared(self, values: Values, event: gr.EventData) -> Updates:
        """Show two results over one another, as they lie on the picture that they come from."""
        session = self.page.session(values)
        items = history_views.items_of(event._data)
        shown, places = [], []
        for entry_id, index in items[:2]:
            entry = self.workspace.entry(session, entry_id)
            shown.append(self.results.comparison(session, entry, index))
            places.append(self.workspace.store.lineage.place(session, entry_id))
        pair = history_views.pair((shown[0], shown[-1]), (places[0], places[-1]))
        return {self.page.compare: pair, self.page.tabs: gr.Tabs(selected=COMPARE_TAB)}

    @told
    def on_exported(self, values: Values, event: gr.EventData) -> Updates:
        """Pack the selected results, and let the browser download them."""
        session, page = self.page.session(values), self.page
        archive = self.exports.archive(session, history_views.items_of(event._data))
        download = {"url": page.link(archive), "filename": "results.zip"}
        return {
            page.history.picks: {"download": download},
            page.status: views.message("The archive is ready; the browser downloads it."),
        }

    # Tree and trash

    @told
    def on_tree(self, values: Values, event: gr.EventData) -> Updates:
        """Show the newest part of the tree, or older nodes with it."""
        session, store = self.page.session(values), self.workspace.store
        before = event._data.get("before")
        count = min(max(int(event._data.get("count") or 0), history_views.NODES), 5000)
        branch = store.gallery.tree(
            session, before=None if before is None else int(before), limit=history_views.NODES
        )
        while before is None and branch.before is not None and len(branch.nodes) < count:
            older = store.gallery.tree(session, before=branch.before, limit=history_views.NODES)
            branch = branch.followed_by(older)
        draft = self.workspace.draft(session)
        here = Versions(self.workspace).here(session)
        open_now = history_views.key(*here) if here else draft.source and f"source:{draft.source}"
        told = history_views.tree(
            branch,
            here=open_now,
            selected=(values[self.page.strip] or {}).get("selected"),
            thumb=self.results.thumb,
        )
        return {self.page.history.tree: {**told, "more": before is not None}}

    @told
    def on_trash(self, values: Values, event: gr.EventData) -> Updates:
        """Show a page of the trash."""
        offset = max(0, int(event._data.get("offset") or 0))
        return {self.page.history.trash: self._trash(self.page.session(values), offset)}

    @told
    def on_scheduled(self, values: Values, event: gr.EventData) -> Updates:
        """Choose when the trash is emptied by itself."""
        session = self.page.session(values)
        self.workspace.store.journal.keep_bin(session, history_views.keep_of(event._data))
        return {self.page.history.trash: self._trash(session)}

    @told
    def on_emptied(self, values: Values) -> Updates:
        """Remove for good what is in the trash."""
        session = self.page.session(values)
        freed = self.workspace.store.purge(session)
        text = f"The trash is empty; {freed / 1e6:.1f} MB are free again."
        return {
            self.page.history.trash: self._trash(session),
            self.page.status: views.message(text),
            **self.ways_shown(session, self.workspace.draft(session)),
        }

    def _trash(self, session: str, offset: int = 0) -> Json:
        store = self.workspace.store
        total = store.gallery.bin_count(session)
        if offset >= total:
            offset = 0
        return history_views.trash(
            store.gallery.bin(session, offset, history_views.PAGE),
            offset=offset,
            total=total,
            keep=store.bin_keeps(session),
            thumb=self.results.thumb,
        )
