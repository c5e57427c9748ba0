"""From a request to the crop that an engine gets."""

from collections.abc import Iterator

import numpy as np
import pytest

from genimg_ui.backend.base import CancelToken
from genimg_ui.core.geometry import Box, Sides, Size
from genimg_ui.core.image import decode
from genimg_ui.core.request import EditInputs, EditRequest, FillMode, FillUnderMask, InpaintParams
from genimg_ui.core.resolve import Bounds
from genimg_ui.editor import begin_entry
from genimg_ui.errors import Cancelled, RefusedInput
from genimg_ui.preparation import Prepared, Preparer, Running, Subject
from genimg_ui.registry import ModelSpec
from tests.editing import EXEMPLAR, PLAIN, SQUARE, Desk, noise, painted, photograph, png, request

MASK = painted(90, 70, (40, 30, 52, 38))


@pytest.fixture(scope="module")
def preparer(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Preparer]:
    desk = Desk(tmp_path_factory.mktemp("desk"))
    yield Preparer(desk.pool, Bounds())
    desk.close()


def prepare(
    preparer: Preparer,
    asked: EditRequest,
    spec: ModelSpec,
    mask: np.ndarray | None = MASK,
    cancel: CancelToken | None = None,
) -> tuple[Prepared, Running]:
    subject = Subject(source=decode(png(photograph(90, 70))), painted=mask)
    running = Running(begin_entry(asked, EditInputs(source="0" * 64)))
    resolved = preparer.resolve(asked, spec, subject.source.size, drawn_seed=5)
    made = preparer.prepare(resolved, spec, subject, running, cancel or CancelToken())
    return made, running


def test_the_crop_is_the_pictures_own_pixels_around_the_mask(preparer: Preparer) -> None:
    made, _ = prepare(preparer, request(inpaint=InpaintParams(padding=6)), PLAIN)
    assert made.plan.box == Box(34, 24, 58, 44)
    source = np.asarray(photograph(90, 70))
    assert np.array_equal(made.job.image, source[24:44, 34:58])
    assert np.array_equal(made.job.mask, MASK[24:44, 34:58])
    assert made.job.origin == (34, 24) and made.job.scale == 1
    assert made.job.filled is made.job.image  # this engine does not look at a fill


def test_the_engines_own_wish_for_context_counts(preparer: Preparer) -> None:
    narrow, _ = prepare(preparer, request(inpaint=InpaintParams(padding=0)), PLAIN)
    wide, _ = prepare(preparer, request(inpaint=InpaintParams(padding=0)), EXEMPLAR)
    whole, _ = prepare(preparer, request(inpaint=InpaintParams(only_masked=False)), PLAIN)
    assert narrow.plan.box.size == Size(12, 8)
    assert wide.plan.box.size == Size(12 + 2 * 18, 8 + 2 * 18)
    assert whole.plan.box == Box(0, 0, 90, 70)


def test_a_small_region_is_scaled_up_to_the_models_size(preparer: Preparer) -> None:
    made, _ = prepare(preparer, request("square", inpaint=InpaintParams(padding=4)), SQUARE)
    assert made.job.image.shape == (64, 64, 3) == made.job.filled.shape
    assert made.job.mask.shape == (64, 64)
    assert made.job.scale == pytest.approx(64 / 20)


def test_an_anchored_context_holds_still_while_the_mask_grows(preparer: Preparer) -> None:
    wider = painted(90, 70, (39, 29, 53, 39))
    for anchored in (True, False):
        inpaint = InpaintParams(padding=3, anchor_context=anchored, fill=FillUnderMask.ORIGINAL)
        (one, _), (other, _) = (
            prepare(preparer, request("square", inpaint=inpaint), SQUARE, mask)
            for mask in (MASK, wider)
        )
        assert (one.plan.box == Box(36, 22, 58, 44)) is anchored
        assert (one.plan == other.plan) is anchored
        assert (one.job.origin == other.job.origin and one.job.scale == other.job.scale) is anchored
        assert np.array_equal(one.job.image, other.job.image) is anchored


def test_grow_and_feather_make_different_masks_for_engine_and_paste(preparer: Preparer) -> None:
    made, _ = prepare(preparer, request(grow=3, feather=3), PLAIN)
    assert set(np.unique(made.job.mask)) == {0, 255}
    assert np.count_nonzero(made.composite) == np.count_nonzero(made.job.mask)
    assert 0 < made.composite[made.composite > 0].min() < 255
    assert np.count_nonzero(made.composite) > np.count_nonzero(MASK)


def test_a_border_enlarges_canvas_and_mask_and_moves_the_origin(preparer: Preparer) -> None:
    asked = request(border=Sides(7, 5, 0, 2), inpaint=InpaintParams(only_masked=False))
    made, _ = prepare(preparer, asked, PLAIN, mask=None)
    assert made.canvas.size == Size(97, 77) == made.plan.canvas
    assert made.job.origin == (-7, -5)  # in pixels of the source, so that noise stays in place
    assert (made.composite[5:75, 7:] == 0).all() and (made.composite[:, :7] == 255).all()


@pytest.mark.parametrize("fill", list(FillUnderMask))
def test_every_fill_reaches_the_engine_under_the_mask_only(preparer: Preparer, fill) -> None:
    made, _ = prepare(preparer, request("square", inpaint=InpaintParams(fill=fill)), SQUARE)
    job, hole = made.job, made.job.mask > 0
    assert np.array_equal(job.filled[~hole], job.image[~hole])
    differs = (job.filled[hole] != job.image[hole]).any()
    assert differs == (fill is not FillUnderMask.ORIGINAL)


def test_the_fill_mode_reaches_the_fill(preparer: Preparer) -> None:
    fills = [
        prepare(preparer, request("square", inpaint=InpaintParams(fill_mode=mode)), SQUARE)[0]
        for mode in (FillMode.AUTO, FillMode.REMOVE, FillMode.CLOSEST)
    ]
    auto, remove, closest = (made.job.filled for made in fills)
    assert np.array_equal(auto, remove)
    assert not np.array_equal(auto, closest)


def test_findings_become_warnings_or_refusals(preparer: Preparer) -> None:
    _, running = prepare(preparer, request(feather=50), PLAIN)
    assert "wider than the mask" in running.entry.warnings[0]
    asked = request("square", border=Sides(right=300), inpaint=InpaintParams(only_masked=False))
    _, running = prepare(preparer, asked, SQUARE)
    assert any("fine detail" in sentence for sentence in running.entry.warnings)
    with pytest.raises(RefusedInput, match="Nothing is painted"):
        prepare(preparer, request(), PLAIN, mask=None)
    with pytest.raises(RefusedInput, match=r"\(90×70\), got 70×90"):
        prepare(preparer, request(), PLAIN, mask=MASK.T.copy())


def test_cancelling_stops_the_preparation(preparer: Preparer) -> None:
    token = CancelToken()
    token.cancel()
    with pytest.raises(Cancelled):
        prepare(preparer, request(), PLAIN, cancel=token)


def test_an_entry_grows_while_the_edit_runs() -> None:
    running = Running(begin_entry(request(), EditInputs(source="0" * 64), entry_id="me"))
    with running.stage("one"), pytest.raises(ValueError):
        raise ValueError
    with running.stage("one"):
        pass
    running.warn("a", "b")
    running.note(composite_sha256="x")
    ended = running.ended(running.entry.state, "why", refused=True)
    assert (ended.id, ended.warnings, ended.error, ended.refused) == ("me", ("a", "b"), "why", True)
    assert list(ended.timings) == ["one"] and ended.composite_sha256 == "x"


def test_deep_pictures_are_seen_in_eight_bits(preparer: Preparer) -> None:
    deep = decode(png(noise(90, 70, "I;16")))
    running = Running(begin_entry(request(), EditInputs(source="0" * 64)))
    resolved = preparer.resolve(request(), PLAIN, deep.size, drawn_seed=5)
    subject = Subject(source=deep, painted=MASK)
    made = preparer.prepare(resolved, PLAIN, subject, running, CancelToken())
    assert made.job.image.dtype == np.uint8 and made.job.image.shape[2] == 3
    assert made.canvas.pixels.dtype == np.uint16
