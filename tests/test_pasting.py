"""Whole edits by an engine that tints everything: its colours are matched, and all is reported."""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from genimg_ui.backend.base import Rgb
from genimg_ui.backend.fake import FakeBackend
from genimg_ui.core.geometry import Box, Sides
from genimg_ui.core.request import ColourMatch, InpaintParams
from genimg_ui.history.metadata import entry_from_file
from genimg_ui.history.record import EntryState, LogEntry
from genimg_ui.replay import Subject, Verdict, opened, replay
from tests.editing import Desk, changed, may_change, noise, painted, photograph, png, request

SIZE = (150, 110)
MASK = painted(*SIZE, (50, 35, 100, 75))


class Tinting(FakeBackend):
    """Returns the crop with a tint all over, as an autoencoder that is a little off."""

    def _paint(self, shape: tuple[int, ...], seed: int) -> Rgb:
        given_ = self.jobs[-1].image.astype(int)
        own = np.random.default_rng(seed).normal(0, 3, shape)
        return np.clip(given_ + np.array([18, 0, -14]) + own, 0, 255).astype(np.uint8)


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    made = Desk(tmp_path_factory.mktemp("desk"), fake=Tinting())
    yield made
    made.close()


def light(width: int, height: int) -> Image.Image:
    """A wall in soft light: what makes a tint plain to see."""
    y, x = np.mgrid[:height, :width]
    grain = np.random.default_rng(2).normal(0, 4, (height, width, 1))
    planes = np.stack([90 + x / 4, 120 + y / 5, 150 - x / 6], axis=2) + grain
    return Image.fromarray(np.clip(planes, 0, 255).astype(np.uint8))


def edit(desk: Desk, mode: ColourMatch, model: str = "plain") -> tuple[LogEntry, np.ndarray]:
    asked = request(model, inpaint=InpaintParams(colour_match=mode))
    entry = desk.edit(asked, png(light(*SIZE)), MASK)
    assert entry.state is EntryState.DONE, entry.error
    return entry, np.asarray(desk.result(entry)).astype(int)


@pytest.mark.parametrize("model", ["plain", "square"])  # at the canvas's scale, and at another
@pytest.mark.parametrize("mode", [ColourMatch.OFFSET, ColourMatch.BLEND, ColourMatch.SEAM])
def test_the_tint_goes_and_the_report_says_so(desk: Desk, mode: ColourMatch, model: str) -> None:
    plain, tinted = edit(desk, ColourMatch.OFF, model)
    entry, result = edit(desk, mode, model)
    source = np.asarray(light(*SIZE)).astype(int)
    inside = MASK > 0
    off = np.abs((tinted - source)[inside].mean(axis=0)).max()
    left = np.abs((result - source)[inside].mean(axis=0)).max()
    assert off > 10 and left < 0.35 * off
    report, before = entry.results[0].report, plain.results[0].report
    assert before.match is None and report.match is not None
    assert report.match.applied is not ColourMatch.OFF
    assert (report.match.seam_before, report.match.colour_shift_before) == (
        before.seam,
        before.colour_shift,
    )
    assert report.colour_shift < 0.5 * before.colour_shift
    assert report.seam < before.seam
    assert report.match.ring_error_before is not None and report.match.ring_error_after is not None
    assert report.match.ring_error_after < 0.5 * report.match.ring_error_before
    assert report.changed_outside == 0


def test_the_result_replays_and_its_file_carries_the_figures(desk: Desk) -> None:
    entry, _ = edit(desk, ColourMatch.BLEND)
    path = desk.store.result_path(entry.results[0].sha256)
    assert entry_from_file(path).results[0].report.match == entry.results[0].report.match
    desk.store.record("0" * 32, entry)
    with opened(desk.store, entry.id) as subject:
        assert isinstance(subject, Subject)
        assert replay(desk.editor, subject).verdict is Verdict.IDENTICAL


CASES = st.tuples(
    st.sampled_from(["RGB", "RGBA", "L", "LA", "I;16"]),
    st.sampled_from(["plain", "square"]),
    st.sampled_from([ColourMatch.OFFSET, ColourMatch.BLEND, ColourMatch.SEAM]),
    st.integers(-2, 9),
    st.integers(0, 6),
    st.sampled_from([Sides(), Sides(left=13), Sides(3, 0, 11, 5)]),
)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(CASES)
def test_no_locked_pixel_changes_whatever_is_matched(desk: Desk, case: tuple) -> None:
    mode, model, match, grow, feather, border = case
    source = noise(61, 47, mode)
    mask = painted(61, 47, (20, 12, 41, 30))
    asked = request(
        model,
        grow=grow,
        feather=feather,
        border=border,
        inpaint=InpaintParams(colour_match=match),
    )
    entry = desk.edit(asked, png(source), mask)
    assert entry.state is EntryState.DONE, entry.error
    difference = changed(source, desk.result(entry), border)
    assert not (difference & ~may_change(mask, source.size, asked)).any()
    assert entry.results[0].report.changed_outside == 0


def test_an_engine_that_keeps_the_known_pixels_has_nothing_to_match(desk: Desk) -> None:
    asked = request("exemplar", inpaint=InpaintParams(colour_match=ColourMatch.BLEND))
    source = png(photograph(*SIZE))
    entry = desk.edit(asked, source, MASK)
    plain = desk.edit(
        replace(asked, inpaint=InpaintParams(colour_match=ColourMatch.OFF)), source, MASK
    )
    assert entry.results[0].pixels_sha256 == plain.results[0].pixels_sha256
    match = entry.results[0].report.match
    assert match is not None and match.applied is ColourMatch.OFF
    assert match.ring_error_before == 0


def test_the_engine_sees_the_box_that_was_drawn(desk: Desk) -> None:
    box = Box(-10, 20, 120, 100)
    asked = request("plain", border=Sides(left=10), inpaint=InpaintParams(box=box))
    entry = desk.edit(asked, png(photograph(*SIZE)), MASK)
    assert entry.error and "5 px" not in entry.error  # the border is 110 px high, the box 80
    assert "20 px (top), 10 px (bottom) too short" in entry.error
    inner = request("plain", inpaint=InpaintParams(box=Box(40, 20, 120, 100)))
    entry = desk.edit(inner, png(photograph(*SIZE)), MASK)
    assert entry.plan is not None and entry.plan.box == Box(40, 20, 120, 100)
    seen = desk.fake.jobs[-1].image
    assert np.array_equal(seen, np.asarray(photograph(*SIZE))[20:100, 40:120])
