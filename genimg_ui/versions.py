"""Going back and forward over the edits of a picture: moves along the tree of its results.

The version where a session stands is the picture that is open. Backward leads to the picture from
which it was made, forward to the one that was left last or, where something newer was made since,
to the newest. The mask that was painted there comes back; prompt and settings stay. Knows nothing
of Gradio.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

from genimg_ui.core.geometry import Sides
from genimg_ui.core.request import EditRequest
from genimg_ui.drafts import Draft, Mark, moved
from genimg_ui.errors import RefusedInput, UnknownItem
from genimg_ui.history.lineage import Item
from genimg_ui.history.names import check_sha256, utc_now
from genimg_ui.history.record import LogEntry
from genimg_ui.workspace import Workspace

MOST_CHILDREN = 500  # of one version among which the one to go to is looked for


@dataclass(frozen=True, slots=True, kw_only=True)
class Ways:
    """Which ways lead on from a version."""

    back: bool  # it was made from another picture
    forward: bool  # something was made from it that is not in the trash


class Versions:
    """Moves of sessions; `now` gives the time as the log writes it."""

    def __init__(self, workspace: Workspace, now: Callable[[], str] = utc_now) -> None:
        self._work = workspace
        self._now = now

    def here(self, session: str) -> Item | None:
        """The result that is open; None for an uploaded picture, and where none is open."""
        return self._result(session, self._work.draft(session))

    def ways(self, session: str, draft: Draft) -> Ways:
        """Where `back` and `forward` would lead somewhere from what `draft` has open."""
        if draft.source is None:
            return Ways(back=False, forward=False)
        here = self._result(session, draft)
        children = self._children(session, draft, here, limit=1)
        return Ways(back=here is not None, forward=bool(children))

    def _result(self, session: str, draft: Draft) -> Item | None:
        if draft.source is None or draft.parent is None:
            return None
        try:
            entry = self._work.entry(session, draft.parent)
        except UnknownItem:
            return None
        for index, result in enumerate(entry.results):
            if result.sha256 == draft.source:
                return entry.id, index
        return None

    def back(self, session: str, *, page: str = "") -> Draft:
        """Open the picture from which the open one was made; RefusedInput where it is the first."""
        draft, here = self._open_draft(session), self.here(session)
        if here is None:
            raise RefusedInput("This is the first version: the picture as it was opened.")
        entry = self._work.entry(session, here[0])
        to = self._version(entry.inputs.source, entry.parent, entry)
        to = replace(to, ahead=(_key(here), *draft.ahead), left=self._now())
        return self._go(session, replace(to, mark=Mark(page=page)))

    def forward(self, session: str, *, page: str = "") -> Draft:
        """Open what was made from the open picture; RefusedInput where nothing was."""
        draft, here = self._open_draft(session), self.here(session)
        children = self._children(session, draft, here)
        if not children:
            raise RefusedInput("This is the newest version: nothing was made from it yet.")
        child, ahead = children[0], draft.ahead
        left = _item(ahead[0]) if ahead else None
        if left in children and self._work.entry(session, child[0]).created <= draft.left:
            child, ahead = left, ahead[1:]
        else:
            ahead = ()
        entry = self._work.entry(session, child[0])
        following = self._work.entry(session, _item(ahead[0])[0]) if ahead else None
        to = self._version(entry.results[child[1]].sha256, entry.id, following)
        to = replace(to, ahead=ahead, left=draft.left, mark=Mark(page=page))
        return self._go(session, to)

    def reopen(self, session: str, sha256: str, *, page: str = "") -> Draft:
        """Open an uploaded picture of which the session has edits, without a mask."""
        check_sha256(sha256)
        if not self._work.store.lineage.made_from_source(session, sha256, limit=1):
            raise UnknownItem("this picture is not in this session.")
        to = Draft(request=EditRequest(), source=sha256, mark=Mark(page=page))
        return self._go(session, to)

    def _open_draft(self, session: str) -> Draft:
        draft = self._work.draft(session)
        if draft.source is None:
            raise RefusedInput("Open a picture first: drop one on the canvas, or choose a file.")
        return draft

    def _children(
        self, session: str, draft: Draft, here: Item | None, *, limit: int = MOST_CHILDREN
    ) -> list[Item]:
        lineage = self._work.store.lineage
        if here is not None:
            return lineage.made_from_result(session, here, limit=limit)
        return lineage.made_from_source(session, draft.source or "", limit=limit)

    def _version(self, source: str, parent: str | None, edit: LogEntry | None) -> Draft:
        """A picture with the mask and the border of the edit that was made of it."""
        mask = edit.inputs.mask if edit else None
        try:
            if mask is not None:
                self._work.store.mask_path(mask)
        except UnknownItem:  # the edit that it belonged to was removed for good
            mask = None
        border = edit.request.border if edit else Sides()
        return Draft(request=EditRequest(border=border), source=source, mask=mask, parent=parent)

    def _go(self, session: str, to: Draft) -> Draft:
        self._work.picture(to.source or "")
        return self._work.change_draft(session, lambda draft: moved(draft, to))


def _key(item: Item) -> str:
    return f"{item[0]}:{item[1]}"


def _item(key: str) -> Item:
    entry, _, index = key.rpartition(":")
    return entry, int(index)
