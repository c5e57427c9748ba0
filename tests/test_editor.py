"""Whole edits: locked pixels for every size, mask, border and engine; ends other than done."""

import hashlib
import json
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageCms

from genimg_ui.backend.base import CancelToken, Progress
from genimg_ui.backend.fake import FakeBackend
from genimg_ui.backend.pool import FILL_SEED
from genimg_ui.core.geometry import Sides
from genimg_ui.core.request import (
    ControlUnit,
    EditGroup,
    EditInputs,
    EditRequest,
    FillUnderMask,
    InpaintParams,
)
from genimg_ui.core.resolve import Bounds
from genimg_ui.core.serial import to_json
from genimg_ui.editor import Editor
from genimg_ui.environment import cpu_name
from genimg_ui.errors import BackendError, StorageError
from genimg_ui.history.metadata import entry_from_file
from genimg_ui.history.record import EntryState, LogEntry
from tests.editing import (
    Desk,
    changed,
    decoded,
    may_change,
    noise,
    painted,
    photograph,
    png,
    request,
    saved,
)

WHOLE = InpaintParams(only_masked=False)


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    opened = Desk(tmp_path_factory.mktemp("desk"))
    yield opened
    opened.close()


@st.composite
def masks(draw: st.DrawFn, width: int, height: int) -> np.ndarray:
    """One pixel, a rectangle at any edge, the whole picture, or scattered soft values."""
    kind = draw(st.sampled_from(["pixel", "box", "edge", "whole", "soft", "none"]))
    mask = np.zeros((height, width), np.uint8)
    x, y = draw(st.integers(0, width - 1)), draw(st.integers(0, height - 1))
    if kind == "pixel":
        mask[y, x] = 255
    elif kind == "box":
        mask[y : draw(st.integers(y + 1, height)), x : draw(st.integers(x + 1, width))] = 255
    elif kind == "edge":
        edges = [np.s_[:, : x + 1], np.s_[:, x:], np.s_[: y + 1], np.s_[y:]]
        mask[draw(st.sampled_from(edges))] = 255
    elif kind == "whole":
        mask[:] = draw(st.integers(1, 255))
    elif kind == "soft":
        rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
        values = rng.integers(1, 256, mask.shape).astype(np.uint8)
        mask = np.where(rng.random(mask.shape) < draw(st.floats(0.005, 0.6)), values, mask)
    return mask


SIDES = st.one_of(
    st.just(Sides()),
    st.builds(Sides, *[st.sampled_from([0, 0, 1, 3, 17])] * 4),
)


@st.composite
def edits(draw: st.DrawFn) -> tuple[Image.Image, np.ndarray, EditRequest]:
    width, height = draw(st.integers(1, 80)), draw(st.integers(1, 60))
    picture = noise(width, height, draw(st.sampled_from(["RGB", "L", "RGBA", "I;16"])))
    asked = request(
        draw(st.sampled_from(["plain", "square"])),
        grow=draw(st.integers(-6, 14)),
        feather=draw(st.integers(0, 12)),
        border=draw(SIDES),
        inpaint=InpaintParams(
            only_masked=draw(st.booleans()),
            padding=draw(st.sampled_from([0, 3, 64])),
            fill=FillUnderMask.ORIGINAL,
        ),
    )
    return picture, draw(masks(width, height)), asked


def check_locked(
    desk: Desk, picture: Image.Image, mask: np.ndarray, asked: EditRequest
) -> LogEntry:
    """Run the edit; hold result, size and report to what Pillow and SciPy say."""
    allowed = may_change(mask, picture.size, asked)
    entry = desk.edit(asked, png(picture), mask)
    if not allowed.any():
        assert (entry.state, entry.refused, entry.results) == (EntryState.FAILED, True, ())
        assert entry.error.endswith((".", "outwards.")) and len(entry.error) > 20
        return entry
    if entry.state is not EntryState.DONE:
        return entry
    result = desk.result(entry)
    left, top, right, bottom = asked.border
    assert result.size == (picture.width + left + right, picture.height + top + bottom)
    assert result.size == tuple(entry.plan.canvas)
    assert result.mode == picture.mode
    difference = changed(picture, result, asked.border)
    assert np.count_nonzero(difference & ~allowed) == 0
    report = entry.results[0].report
    assert report.changed_outside == 0
    assert report.pixels_outside == np.count_nonzero(~allowed)
    assert report.pixels_inside == np.count_nonzero(allowed)
    return entry


@settings(max_examples=150, deadline=None)
@given(edits())
def test_no_locked_pixel_changes(desk: Desk, drawn: tuple) -> None:
    entry = check_locked(desk, *drawn)
    assert entry.state is EntryState.DONE or entry.refused


@settings(max_examples=12, deadline=None)
@given(st.data())
def test_no_locked_pixel_changes_with_the_exemplar_engine(desk: Desk, data: st.DataObject) -> None:
    width, height = data.draw(st.integers(2, 70)), data.draw(st.integers(2, 50))
    mask = data.draw(masks(width, height))
    border = data.draw(SIDES)
    entry = check_locked(
        desk,
        photograph(width, height),
        mask,
        request("exemplar", grow=data.draw(st.integers(0, 5)), feather=3, border=border),
    )
    assert entry.state is EntryState.DONE or entry.refused, entry.error
    if entry.refused:
        assert may_change(mask, (width, height), request(grow=5)).mean() > 0.2 or not mask.any()


def test_exemplar_continues_over_each_side(desk: Desk) -> None:
    source = photograph(61, 43)
    for border in (Sides(left=9), Sides(top=7), Sides(right=5), Sides(bottom=3), Sides(2, 4, 6, 8)):
        entry = desk.edit(request("exemplar", border=border), png(source))
        assert entry.state is EntryState.DONE, entry.error
        result = desk.result(entry)
        assert result.size == (61 + border.left + border.right, 43 + border.top + border.bottom)
        inner = (border.left, border.top, border.left + 61, border.top + 43)
        assert result.crop(inner).tobytes() == source.tobytes()
        assert entry.results[0].report.pixels_outside == 61 * 43


def test_what_is_painted_arrives_wholly_and_partially(desk: Desk) -> None:
    desk.fake.colour = (200, 10, 60)
    source = Image.new("RGB", (40, 30), (100, 100, 100))
    try:
        hard = desk.edit(request(), png(source), painted(40, 30, (5, 6, 20, 16)))
        half = desk.edit(request(), png(source), painted(40, 30, (5, 6, 20, 16), 128))
        soft = desk.edit(request("square"), png(source), painted(40, 30, (5, 6, 20, 16), 128))
    finally:
        desk.fake.colour = None
    assert desk.result(hard).getpixel((5, 6)) == (200, 10, 60)
    assert desk.result(hard).getpixel((4, 6)) == (100, 100, 100)
    assert desk.result(half).getpixel((10, 10)) == (150, 55, 80)
    # An engine that honours partial strength itself gets it, and its answer is pasted whole.
    assert desk.result(soft).getpixel((10, 10)) == (200, 10, 60)
    assert 120 < desk.fake.jobs[-1].mask.max() < 136


PROFILE = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


@pytest.mark.parametrize(
    ("mode", "kept"),
    [
        ("1", "L"),
        ("L", "L"),
        ("LA", "LA"),
        ("P", "RGB"),
        ("RGB", "RGB"),
        ("RGBA", "RGBA"),
        ("I;16", "I;16"),
    ],
)
def test_mode_and_alpha_are_kept(desk: Desk, mode: str, kept: str) -> None:
    picture = noise(31, 23, "L").convert("1") if mode == "1" else noise(31, 23, mode)
    entry = desk.edit(request(), png(picture), painted(31, 23, (8, 8, 20, 15)))
    result = desk.result(entry)
    before = picture if mode == kept else picture.convert(kept)
    assert result.mode == kept
    difference = changed(before, result, Sides())
    assert difference[8:15, 8:20].mean() > 0.9
    assert difference.sum() == difference[8:15, 8:20].sum()
    if kept in ("LA", "RGBA"):
        assert result.getchannel("A").tobytes() == picture.getchannel("A").tobytes()


def test_colour_profile_and_resolution_are_kept(desk: Desk) -> None:
    source = saved(noise(33, 21), "JPEG", icc_profile=PROFILE, dpi=(300, 300), quality=95)
    entry = desk.edit(request(border=Sides(top=4)), source, painted(33, 21, (8, 8, 20, 15)))
    result = desk.result(entry)
    assert result.info["icc_profile"] == PROFILE
    assert result.info["dpi"] == pytest.approx((300, 300), abs=0.1)
    assert not changed(decoded(source), result, Sides(top=4))[5:12].any()


def test_sixteen_bits_stay_sixteen(desk: Desk) -> None:
    deep = np.random.default_rng(1).integers(0, 65536, (20, 24)).astype(np.uint16)
    entry = desk.edit(
        request(feather=3), png(Image.fromarray(deep)), painted(24, 20, (4, 4, 16, 12))
    )
    after = np.asarray(desk.result(entry))
    assert after.dtype == np.uint16
    assert (after[12:] == deep[12:]).all() and (after[:, 16:] == deep[:, 16:]).all()
    assert (after[4:12, 4:16] != deep[4:12, 4:16]).mean() > 0.9


@pytest.mark.parametrize("model", ["plain", "square", "exemplar"])
def test_a_seed_gives_the_same_pixels_alone_and_as_a_variant(desk: Desk, model: str) -> None:
    source, mask = png(photograph(50, 40)), painted(50, 40, (15, 12, 30, 24))
    three = desk.edit(request(model, seed=11, variants=3), source, mask)
    alone = desk.edit(request(model, seed=13), source, mask)
    assert [record.seed for record in three.results] == [11, 12, 13]
    assert three.results[2].pixels_sha256 == alone.results[0].pixels_sha256
    assert three.results[0].pixels_sha256 != three.results[2].pixels_sha256


@pytest.mark.parametrize("fill", [FillUnderMask.EXEMPLAR, FillUnderMask.NOISE])
def test_a_variant_starts_from_the_same_fill_as_alone(desk: Desk, fill: FillUnderMask) -> None:
    source, mask = png(photograph(50, 40)), painted(50, 40, (15, 12, 30, 24))
    inpaint = InpaintParams(fill=fill)
    desk.edit(request("square", seed=11, variants=3, inpaint=inpaint), source, mask)
    desk.edit(request("square", seed=13, inpaint=inpaint), source, mask)
    variants, alone = desk.fake.jobs[-2:]
    assert np.array_equal(variants.filled, alone.filled)
    assert not np.array_equal(alone.filled, alone.image)
    assert np.array_equal(alone.filled[alone.mask == 0], alone.image[alone.mask == 0])


def test_a_drawn_seed_is_logged_and_repeats_the_edit(desk: Desk) -> None:
    source, mask = png(noise(30, 20)), painted(30, 20, (5, 5, 15, 12))
    drawn = [desk.edit(request(seed=None), source, mask) for _ in range(2)]
    seeds = [entry.results[0].seed for entry in drawn]
    assert seeds[0] != seeds[1]
    assert drawn[0].resolved.seeds == (seeds[0],) and drawn[0].request.sampling.seed is None
    again = desk.edit(request(seed=seeds[0]), source, mask)
    assert again.results[0].pixels_sha256 == drawn[0].results[0].pixels_sha256


def test_the_result_holds_its_entry(desk: Desk) -> None:
    asked = request(seed=3, variants=2, grow=2)
    entry = desk.edit(asked, png(noise(30, 20)), painted(30, 20, (5, 5, 15, 12)))
    path = desk.store.result_path(entry.results[1].sha256)
    inside = entry_from_file(path)
    assert inside.results == (replace(entry.results[1], sha256=""),)
    same = ("id", "state", "request", "inputs", "resolved", "plan", "composite_sha256", "facts")
    same += ("model", "runtime", "environment", "painted_sha256", "denoise_sha256")
    assert all(getattr(inside, name) == getattr(entry, name) for name in same)
    assert inside.ended and set(inside.timings) <= set(entry.timings) and inside.timings
    assert "Seed: 4" in Image.open(path).text["parameters"]
    assert desk.store.thumb_path(entry.results[1].sha256).exists()
    assert json.loads(json.dumps(to_json(entry)))["results"][1]["seed"] == 4
    assert {"decode", "plan", "crop", "generate", "stitch", "report", "write"} <= set(entry.timings)


# -- ends other than done


class Ends:
    """An edit on a desk of its own, whose engine a test has scripted."""

    def __init__(self, folder: Path, fake: FakeBackend) -> None:
        self.desk = Desk(folder, fake=fake)

    def edit(self, asked: EditRequest | None = None, cancel: CancelToken | None = None) -> LogEntry:
        inputs = self.desk.inputs(png(noise(30, 20)), painted(30, 20, (5, 5, 15, 12)))
        entry = self.desk.apply(asked or request(seed=None), inputs, cancel=cancel)
        self.desk.close()
        return entry


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        (BackendError("The engine has lost its brush."), "The engine has lost its brush."),
        (StorageError("The disk is full."), "The disk is full."),
        (MemoryError(), "not enough memory"),
        (ZeroDivisionError("by zero"), r"failed unexpectedly \(ZeroDivisionError: by zero\)"),
    ],
)
def test_a_failure_is_an_entry_with_a_sentence_and_the_seed(tmp_path, error, sentence) -> None:
    entry = Ends(tmp_path, FakeBackend(error=error)).edit()
    assert (entry.state, entry.refused, entry.results) == (EntryState.FAILED, False, ())
    assert re.search(sentence, entry.error)
    assert entry.resolved is not None and len(entry.resolved.seeds) == 1
    assert entry.plan is not None and entry.timings["generate"] >= 0
    assert entry.environment["genimg_ui"] and entry.created <= entry.ended


def test_cancelling_ends_within_a_step(tmp_path: Path) -> None:
    token, steps = CancelToken(), []

    def before_step(step: int) -> None:
        steps.append(step)
        if step == 2:
            token.cancel()

    fake = FakeBackend(steps=50, before_step=before_step)
    entry = Ends(tmp_path, fake).edit(cancel=token)
    assert (entry.state, entry.error, entry.results) == (EntryState.CANCELLED, "", ())
    assert steps == [0, 1, 2]
    assert entry.resolved is not None


def test_an_edit_that_is_cancelled_before_it_starts_asks_no_engine(tmp_path: Path) -> None:
    token, fake = CancelToken(), FakeBackend()
    token.cancel()
    assert Ends(tmp_path, fake).edit(cancel=token).state is EntryState.CANCELLED
    assert fake.jobs == []


@pytest.mark.parametrize(
    ("asked", "sentence"),
    [
        (request(strength=1.4), "strength (Denoise) must be in (0, 1], got 1.4."),
        (request(seed=2**32), "seed must be in [0, 4294967295], got 4294967296."),
        (request("magic"), 'model must be one of exemplar, plain, square, got "magic"'),
        (request(grow=-9), "The mask vanishes when it is shrunk by 9 px. Set Grow to 0."),
        (request(controls=(ControlUnit(kind="canny"),)), "Plain takes these controls: none"),
        (request(border=Sides(right=29_999)), "30000 pixels a side"),
    ],
)
def test_a_refusal_is_an_entry_with_a_sentence(desk: Desk, asked, sentence) -> None:
    before = len(desk.fake.jobs)
    entry = desk.edit(asked, png(noise(30, 20)), painted(30, 20, (5, 5, 15, 12)))
    assert (entry.state, entry.refused, entry.results) == (EntryState.FAILED, True, ())
    assert sentence in entry.error
    assert len(desk.fake.jobs) == before


def test_a_mask_of_another_size_and_pictures_that_are_gone_are_refused(desk: Desk) -> None:
    entry = desk.edit(request(), png(noise(30, 20)), painted(20, 30, (5, 5, 15, 12)))
    assert entry.error == "The mask must be as large as the picture (30×20), got 20×30."
    gone = desk.apply(request(), EditInputs(source="0" * 64))
    assert gone.refused and "0000" in gone.error


def test_a_fill_without_surroundings_is_refused_and_says_the_way_out(desk: Desk) -> None:
    everything = np.full((20, 30), 255, np.uint8)
    entry = desk.edit(request("square"), png(noise(30, 20)), everything)
    assert entry.refused and "Choose another fill" in entry.error
    inpaint = InpaintParams(fill=FillUnderMask.NEUTRAL)
    done = desk.edit(request("square", inpaint=inpaint), png(noise(30, 20)), everything)
    assert done.state is EntryState.DONE and done.results[0].report.pixels_outside == 0
    assert not desk.edit(request("exemplar"), png(photograph(30, 20)), everything).results


def test_warnings_are_kept_with_the_entry(tmp_path: Path) -> None:
    desk = Desk(tmp_path, fake=FakeBackend(colour=(0, 0, 0)))
    black = desk.edit(request(), png(Image.new("RGB", (30, 20))), painted(30, 20, (5, 5, 7, 7)))
    assert any("looks like the source" in warning for warning in black.warnings)
    assert any("4 pixels only" in warning for warning in black.warnings)
    hidden = desk.edit(
        request(), png(Image.new("RGBA", (30, 20), (9, 9, 9, 0))), painted(30, 20, (5, 5, 15, 15))
    )
    assert any("transparent" in warning for warning in hidden.warnings)
    desk.close()


def test_progress_runs_to_the_end(desk: Desk) -> None:
    events: list[object] = []
    inputs = desk.inputs(png(noise(30, 20)), painted(30, 20, (5, 5, 15, 12)))
    desk.apply(request(variants=2), inputs, on_event=events.append)
    told = [event for event in events if isinstance(event, Progress)]
    assert told[0] == Progress(0.0, "preparing")
    assert told[-1] == Progress(1.0, "writing result 2 of 2")
    assert [e.fraction for e in told] == sorted(e.fraction for e in told)


def test_a_control_map_reaches_the_engine_at_the_crops_size(desk: Desk) -> None:
    unit = ControlUnit(kind="canny", controlnet_conditioning_scale=0.7)
    entry = desk.edit(
        request("square", controls=(unit,)),
        png(photograph(60, 50)),
        painted(60, 50, (20, 20, 30, 30)),
    )
    assert entry.state is EntryState.DONE, entry.error
    job = desk.fake.jobs[-1]
    assert job.controls[0].unit == unit
    assert job.controls[0].image.shape == job.image.shape
    assert entry.control_sha256 == (digest(job.controls[0].image),)
    assert entry.model is not None
    [annotator] = entry.model.parts
    assert (annotator.role, annotator.name, annotator.source) == ("annotator", "canny", "opencv")


def digest(pixels: np.ndarray) -> str:
    return hashlib.sha256(pixels.tobytes()).hexdigest()


def test_the_entry_names_all_that_the_engine_was_given(desk: Desk) -> None:
    mask = painted(60, 50, (20, 20, 30, 30))
    group = EditGroup(id="run", cell={"seed": "7"})
    inputs = replace(desk.inputs(png(photograph(60, 50)), mask), group=group)
    entry = desk.apply(request("square", grow=2, border=Sides(4, 0, 0, 0)), inputs)
    job = desk.fake.jobs[-1]
    assert entry.painted_sha256 == digest(mask)
    assert entry.denoise_sha256 == digest(job.mask) != entry.painted_sha256
    assert entry.filled_sha256 == digest(job.filled) != digest(job.image)
    assert entry.fill_seed == FILL_SEED
    assert entry.group == group
    assert entry.model is not None and (entry.model.id, entry.model.engine) == ("square", "fake 1")
    assert entry.runtime is not None and entry.runtime.cpu == cpu_name() != ""
    assert {"genimg_ui", "python", "numpy", "pillow", "opencv", "numba"} == set(entry.environment)
    assert entry.environment["numpy"] == np.__version__
    plain = desk.apply(request("plain"), inputs)
    assert (plain.filled_sha256, plain.fill_seed) == ("", None)
    assert "numba" not in plain.environment


def test_an_edit_that_fails_says_what_it_was_given(tmp_path: Path) -> None:
    entry = Ends(tmp_path, FakeBackend(error=BackendError("No brush."))).edit()
    assert entry.model is not None and entry.model.id == "plain"
    assert entry.painted_sha256 and entry.composite_sha256 and entry.denoise_sha256


def test_bounds_of_the_installation_hold(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    tight = Editor(desk.store, desk.registry, desk.pool, bounds=Bounds(variants=2))
    inputs = desk.inputs(png(noise(30, 20)), painted(30, 20, (5, 5, 15, 12)))
    entry = tight.apply(request(variants=3), inputs, on_event=lambda _: None, cancel=CancelToken())
    assert entry.error == "variants must be in [1, 2], got 3."
    desk.close()
