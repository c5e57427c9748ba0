"""The unfinished edit of a session, and what each event of a page makes of it.

Pure: every function gives a new draft. A mask belongs to the picture that its canvas shows, and
one browser may show several (tabs, a slow upload), so a draft follows the canvas to every
picture that its session has opened, and to no other.
"""

from dataclasses import dataclass, field, replace

from genimg_ui.core.request import EditRequest
from genimg_ui.errors import RefusedInput

MOST_KNOWN = 20  # pictures that a session can come back to by painting on a canvas that shows one


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """A picture that the session has opened; `parent` is the entry of which it is a result."""

    source: str
    parent: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """When an event of a page was sent: events may be handled in another order.

    `opened` counts the files opened in the page `page`, `mask_rev` the strokes on its picture.
    """

    page: str
    opened: int = 0
    mask_rev: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """An unfinished edit: what a refresh or a restart brings back.

    `turn` counts the pictures that were asked for, so that the last one wins and not the slowest.
    """

    request: EditRequest
    source: str | None = None
    mask: str | None = None
    parent: str | None = None  # entry whose result is the source
    known: tuple[Known, ...] = ()  # newest last
    turn: int = 0
    mark: Mark = field(default_factory=lambda: Mark(page=""))  # of the page that was kept last
    dismissed: str | None = None  # newest interrupted job that need not be offered again
    ahead: tuple[str, ...] = ()  # versions to go forward to, the next one first: "entry:index"
    left: str = ""  # when the first of them was left: ISO 8601, UTC
    model_left: str = ""  # the model that a task has put aside, for the next one that it serves

    def is_after(self, mark: Mark | None) -> bool:
        """Whether a later event of the same page is kept already."""
        if mark is None or mark.page != self.mark.page:
            return False
        return (mark.opened, mark.mask_rev) < (self.mark.opened, self.mark.mask_rev)

    def parent_of(self, source: str) -> str | None:
        """The entry of which `source` is a result; raises RefusedInput for a strange picture."""
        if source == self.source:
            return self.parent
        for known in self.known:
            if known.source == source:
                return known.parent
        raise RefusedInput(
            "The mask belongs to another picture than those that are open here.",
            remedy="Open its picture again and paint there.",
        )


def asked_for(draft: Draft, mark: Mark | None, page: str = "") -> Draft:
    """The draft once another picture is on its way; the same one for an event that is late."""
    if draft.is_after(mark):
        return draft
    return replace(draft, turn=draft.turn + 1, mark=mark or Mark(page=page))


def arrived(draft: Draft, source: str, turn: int) -> Draft:
    """The draft once the picture of `turn` is there; a later one keeps its place."""
    if draft.turn == turn:
        return opened(draft, source, None, draft.mark)
    return replace(draft, known=_remembered(draft, source, None))


def opened(draft: Draft, source: str, parent: str | None, mark: Mark) -> Draft:
    """The draft with another picture: no mask, border or context box, the same settings."""
    return replace(
        draft,
        request=placed_as(draft.request, EditRequest()),
        source=source,
        mask=None,
        parent=parent,
        known=_remembered(draft, source, parent),
        turn=draft.turn + 1,
        mark=mark,
        ahead=(),
    )


def moved(draft: Draft, to: Draft) -> Draft:
    """The draft at another version of its picture: as `to`, but with its own settings."""
    if to.source is None:
        raise RefusedInput("A version must have a picture.")
    request = placed_as(draft.request, to.request)
    known = _remembered(draft, to.source, to.parent)
    return replace(
        to,
        request=request,
        known=known,
        turn=draft.turn + 1,
        dismissed=draft.dismissed,
        model_left=draft.model_left,
    )


def placed_as(request: EditRequest, other: EditRequest) -> EditRequest:
    """`request` with what belongs to one picture, border and context box, as in `other`."""
    inpaint = replace(request.inpaint, box=other.inpaint.box)
    return replace(request, border=other.border, inpaint=inpaint)


def restored(draft: Draft, back: Draft) -> Draft:
    """The draft `back` in the place of `draft`, which still knows its pictures."""
    known = draft.known if back.source is None else _remembered(draft, back.source, back.parent)
    return replace(back, known=known, turn=draft.turn + 1)


def masked(draft: Draft, source: str, mask: str | None, mark: Mark | None) -> Draft:
    """The draft with the mask that a canvas shows on `source`; raises RefusedInput.

    Where that is another picture of the session than the draft's, the draft goes there, unless
    that very page has asked for the draft's picture: then the mask was sent before.
    """
    parent = draft.parent_of(source)
    if draft.is_after(mark):
        return draft
    if source != draft.source:
        if mark is not None and mark.page == draft.mark.page:
            return draft
        draft = replace(opened(draft, source, parent, draft.mark), turn=draft.turn)
    return replace(draft, mask=mask, mark=mark or draft.mark)


def _remembered(draft: Draft, source: str, parent: str | None) -> tuple[Known, ...]:
    """The known pictures with `source` as the newest, and the draft's own before it."""
    fresh = [Known(source=source, parent=parent)]
    if draft.source is not None and draft.source != source:
        fresh.insert(0, Known(source=draft.source, parent=draft.parent))
    names = {known.source for known in fresh}
    return (*(known for known in draft.known if known.source not in names), *fresh)[-MOST_KNOWN:]
