"""What each event of a page makes of the unfinished edit, in whatever order events come."""

from dataclasses import replace

import pytest

from genimg_ui.core.geometry import Box, Sides
from genimg_ui.core.request import EditRequest
from genimg_ui.core.serial import from_json, to_json
from genimg_ui.drafts import (
    MOST_KNOWN,
    Draft,
    Mark,
    arrived,
    asked_for,
    masked,
    opened,
    restored,
)
from genimg_ui.errors import RefusedInput

A, B, C = "a" * 64, "b" * 64, "c" * 64
START = Draft(request=EditRequest())


def upload(draft: Draft, source: str, mark: Mark | None = None) -> Draft:
    asked = asked_for(draft, mark)
    return arrived(asked, source, asked.turn)


def test_the_slower_of_two_uploads_does_not_take_the_draft() -> None:
    slow, fast = Mark(page="one", opened=1), Mark(page="one", opened=2)
    waiting = asked_for(START, slow)
    turn = waiting.turn
    draft = arrived(upload(waiting, B, fast), A, turn)
    assert draft.source == B
    painted = masked(draft, A, "m", Mark(page="two"))  # a canvas that shows it can still be used
    assert (painted.source, painted.mask) == (A, "m")


def test_an_upload_that_was_asked_for_earlier_but_comes_later_loses() -> None:
    draft = upload(START, B, Mark(page="one", opened=2))
    late = Mark(page="one", opened=1)
    assert draft.is_after(late) and asked_for(draft, late) == draft
    assert not draft.is_after(Mark(page="two", opened=1))


def test_the_draft_goes_where_a_page_paints_and_remembers_the_parent() -> None:
    draft = opened(upload(START, A), B, "entry", Mark(page="one"))
    draft = upload(draft, C, Mark(page="two", opened=1))
    drawn = replace(draft.request.inpaint, box=Box(0, 0, 9, 9))
    bordered = replace(draft.request, border=Sides(left=9), inpaint=drawn)
    back = masked(replace(draft, request=bordered), B, "m", Mark(page="one", mask_rev=3))
    assert (back.source, back.mask, back.parent) == (B, "m", "entry")
    assert back.request.border == Sides() and back.request.inpaint.box is None
    assert masked(back, A, None, Mark(page="two", opened=1)).parent is None
    with pytest.raises(RefusedInput, match="another picture"):
        masked(back, "d" * 64, "m", Mark(page="one"))


def test_a_mask_sent_before_its_page_took_another_picture_changes_nothing() -> None:
    draft = masked(upload(START, A), A, "m", Mark(page="one", mask_rev=4))
    draft = opened(draft, B, "entry", Mark(page="one"))
    assert masked(draft, A, "n", Mark(page="one", mask_rev=5)) == draft


def test_a_late_mask_does_not_replace_a_newer_one_of_its_page() -> None:
    draft = masked(upload(START, A), A, "new", Mark(page="one", mask_rev=7))
    assert masked(draft, A, "old", Mark(page="one", mask_rev=6)) == draft
    assert masked(draft, A, "other", Mark(page="two", mask_rev=1)).mask == "other"
    assert masked(draft, A, "newer", Mark(page="one", mask_rev=8)).mask == "newer"
    assert masked(draft, A, "newest", Mark(page="one", opened=1, mask_rev=0)).mask == "newest"


def test_restored_drafts_keep_the_pictures_that_are_known() -> None:
    draft = restored(upload(START, A), replace(START, source=B, parent="entry", mask="m"))
    assert (draft.source, draft.mask) == (B, "m")
    assert draft.parent_of(A) is None and draft.parent_of(B) == "entry"


def test_only_the_newest_pictures_are_known() -> None:
    draft = START
    for number in range(MOST_KNOWN + 5):
        draft = upload(draft, f"{number:064d}")
    assert len(draft.known) == MOST_KNOWN
    draft.parent_of(f"{5:064d}")
    with pytest.raises(RefusedInput):
        draft.parent_of(f"{4:064d}")
    assert from_json(Draft, to_json(draft)) == draft
