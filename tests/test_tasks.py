"""Whole edits of every task but inpainting: the whole picture, enlargements, passes."""

import io
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from genimg_ui.backend.base import CancelToken, Preview, Progress
from genimg_ui.core.blank import blank_png, parse_colour
from genimg_ui.core.geometry import Box, Sides, Size
from genimg_ui.core.image import decode
from genimg_ui.core.request import FillUnderMask, InpaintParams, PassParams, Region
from genimg_ui.core.tasks import Task
from genimg_ui.errors import RefusedInput
from genimg_ui.history.metadata import entry_from_file
from genimg_ui.history.record import EntryState
from genimg_ui.registry import ModelSpec
from genimg_ui.replay import Subject, Verdict, replay
from tests.editing import Desk, changed, noise, painted, photograph, png, request, saved

LANCZOS = ModelSpec(
    id="lanczos",
    title="Lanczos (resampling only)",
    engine="lanczos",
    licence="-",
    tasks=(Task.UPSCALE,),
    uses_seed=False,
)
PROGRESSIVE = PassParams(progressive=True, overlap=8)
QUICK = InpaintParams(fill=FillUnderMask.NEUTRAL)


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    opened = Desk(tmp_path, LANCZOS)
    yield opened
    opened.close()


def whole(model: str = "square", **parts: object) -> object:
    return request(model, region=Region.WHOLE, **parts)


def enlarge(model: str = "lanczos", factor: int = 2, **parts: object) -> object:
    return whole(model, upscale=factor, **parts)


# -- the whole picture


def test_the_whole_picture_is_repainted_and_nothing_is_said_to_be_locked(desk: Desk) -> None:
    source = photograph(61, 45)
    entry = desk.edit(whole(strength=0.5), png(source))
    assert entry.state is EntryState.DONE, entry.error
    [job] = desk.fake.jobs
    assert job.filled is job.image and (job.mask[: job.image.shape[0]].max()) == 255
    report = entry.results[0].report
    assert report.pixels_outside == 0 and report.pixels_inside == 61 * 45
    assert changed(source, desk.result(entry), Sides()).mean() > 0.95
    assert entry.plan is not None and entry.plan.box == Box(0, 0, 61, 45)
    again = replay(desk.editor, Subject(entry=entry, store=desk.store))
    assert again.verdict is Verdict.IDENTICAL


def test_a_whole_picture_takes_neither_mask_nor_border_nor_context_box(desk: Desk) -> None:
    source = png(photograph(61, 45))
    mask = painted(61, 45, (4, 4, 20, 20))
    assert "no mask is used" in desk.edit(whole(strength=0.5), source, mask).error
    bordered = desk.edit(whole(strength=0.5, border=Sides(8, 0, 0, 0)), source)
    assert bordered.refused and "no border is added" in bordered.error
    boxed = whole(strength=0.5, inpaint=InpaintParams(box=Box(0, 0, 61, 45)))
    assert "no context box" in desk.edit(boxed, source).error


def test_an_engine_that_only_fills_masks_says_so(desk: Desk) -> None:
    spec = replace(desk.registry.get("plain"), tasks=(Task.INPAINT,), id="only")
    own = Desk(desk.store.data_dir / "own", spec)
    refused = own.edit(whole("only"), png(photograph(40, 40)))
    own.close()
    assert refused.refused and "serves these tasks: inpaint; got text-to-image" in refused.error


def test_a_new_canvas_is_a_picture_of_one_colour() -> None:
    picture = decode(blank_png(Size(40, 24), parse_colour("#10aaFF"), most_pixels=10_000))
    assert picture.size == (40, 24) and picture.mode == "RGB" and picture.bits == 8
    assert (picture.pixels == (16, 170, 255)).all()
    assert parse_colour("rgba(16.4, 170, 255, 1)") == (16, 170, 255)


@pytest.mark.parametrize(
    ("size", "said"),
    [(Size(15, 64), "sides in"), (Size(64, 40_000), "sides in"), (Size(200, 200), "megapixels")],
)
def test_a_new_canvas_has_limits(size: Size, said: str) -> None:
    with pytest.raises(RefusedInput, match=said):
        blank_png(size, (0, 0, 0), most_pixels=10_000)


# -- enlarging


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "L", "LA", "I;16"])
@pytest.mark.parametrize("factor", [2, 4])
def test_resampling_keeps_mode_depth_and_size(desk: Desk, mode: str, factor: int) -> None:
    source = noise(23, 17, mode)
    if mode in ("RGB", "L"):  # Pillow cuts what overshoots after each axis
        source = source.point(lambda value: 100 + value // 5)
    entry = desk.edit(enlarge(factor=factor), png(source))
    assert entry.state is EntryState.DONE, entry.error
    result = desk.result(entry)
    assert result.size == (23 * factor, 17 * factor) and result.mode == source.mode
    if mode in ("RGB", "L"):
        expected = source.resize(result.size, Image.Resampling.LANCZOS)
        difference = np.abs(np.asarray(expected, int) - np.asarray(result, int))
        assert difference.max() <= 1
    assert entry.model is not None and entry.model.engine.startswith("lanczos")
    assert not entry.warnings
    again = replay(desk.editor, Subject(entry=entry, store=desk.store))
    assert again.verdict is Verdict.IDENTICAL
    kept = entry_from_file(desk.store.result_path(entry.results[0].sha256))
    assert kept.request.upscale == factor


def test_sixteen_bits_stay_sixteen(desk: Desk) -> None:
    ramp = np.linspace(20_000, 20_300, 64).astype(np.uint16)[None].repeat(16, 0)
    entry = desk.edit(enlarge(), png(Image.fromarray(ramp)))
    values = np.asarray(desk.result(entry), int)
    assert len(np.unique(values)) > 60  # eight bits would have two
    assert abs(values[8, 64] - 20_150) < 8


def test_colours_of_transparent_pixels_do_not_shine_into_visible_ones(desk: Desk) -> None:
    pixels = np.zeros((16, 32, 4), np.uint8)
    pixels[:, :16] = (200, 40, 40, 255)
    pixels[:, 16:] = (0, 255, 0, 0)
    result = np.asarray(desk.result(desk.edit(enlarge(), png(Image.fromarray(pixels)))), int)
    visible = result[..., 3] > 8
    assert (np.abs(result[visible][:, :3] - (200, 40, 40)) <= 3).all()


def test_profile_and_resolution_stay(desk: Desk) -> None:
    picture = photograph(20, 20)
    with io.BytesIO() as buffer:
        picture.save(buffer, "PNG", dpi=(300, 300))
        entry = desk.edit(enlarge(), buffer.getvalue())
    assert desk.result(entry).info["dpi"] == pytest.approx((300, 300), abs=0.1)


@pytest.mark.parametrize(
    ("parts", "said"),
    [
        ({"factor": 3}, "upscale must be one of 1, 2, 4, got 3"),
        ({"region": Region.MASK}, "region must be whole"),
        ({"variants": 2}, "same picture of every seed"),
    ],
)
def test_what_cannot_be_enlarged_so_is_refused(
    desk: Desk, parts: dict[str, object], said: str
) -> None:
    asked = enlarge(factor=parts.pop("factor", 2))  # type: ignore[arg-type]
    if "variants" in parts:
        asked = replace(asked, sampling=replace(asked.sampling, variants=2))
    asked = replace(asked, **{k: v for k, v in parts.items() if k == "region"})
    entry = desk.edit(asked, png(photograph(20, 20)))
    assert entry.refused and said in entry.error


def test_the_size_of_an_enlargement_is_limited(desk: Desk) -> None:
    entry = desk.edit(enlarge(factor=4), saved(Image.new("L", (8000, 20)), "PNG"))
    assert entry.refused and "30000 pixels a side, got 32000×80" in entry.error


def test_an_upscaler_enlarges_no_more_than_it_can(desk: Desk) -> None:
    spec = replace(LANCZOS, id="twice", scale=2)
    own = Desk(desk.store.data_dir / "own", spec)
    entry = own.edit(enlarge("twice", 4), png(photograph(20, 20)))
    own.close()
    assert entry.refused and "enlarges 2 times at most, got 4" in entry.error


# -- tiles


def test_a_diffusion_model_repaints_an_enlargement_tile_by_tile(desk: Desk) -> None:
    parts = {"strength": 0.3, "passes": PassParams(overlap=16)}
    entry = desk.edit(enlarge("square", **parts), png(photograph(70, 50)))
    assert entry.state is EntryState.DONE, entry.error
    assert desk.result(entry).size == (140, 100)
    jobs = desk.fake.jobs
    assert len(jobs) == len(entry.passes) == 6
    assert all(job.image.shape[:2] == job.mask.shape for job in jobs)
    assert all(max(job.mask.shape) <= 72 and job.scale == 1 for job in jobs)
    origins = [job.origin for job in jobs]
    assert origins == [(step.box.left, step.box.top) for step in entry.passes]
    assert entry.results[0].report.pixels_outside == 0
    again = replay(desk.editor, Subject(entry=entry, store=desk.store))
    assert again.verdict is Verdict.IDENTICAL


def test_a_later_tile_sees_what_the_earlier_one_painted(desk: Desk) -> None:
    desk.fake.colour = (10, 200, 30)
    parts = {"strength": 0.3, "passes": PassParams(overlap=16)}
    entry = desk.edit(enlarge("square", **parts), png(photograph(60, 30)))
    first, second = entry.passes[:2]
    shared = first.box.right - second.box.left
    assert shared >= 16
    seen = desk.fake.jobs[1].image[: second.box.size.height, : shared * 3 // 4]
    assert (seen == (10, 200, 30)).all()
    assert (np.asarray(desk.result(entry)) == (10, 200, 30)).all()


def test_a_free_tile_without_a_control_is_told(desk: Desk) -> None:
    source = png(photograph(40, 40))
    few = PassParams(overlap=16)
    free = desk.edit(enlarge("square", strength=0.8, passes=few), source)
    held = desk.edit(enlarge("square", strength=0.3, passes=few), source)
    assert held.state is EntryState.DONE, held.error
    assert any("control `tile`" in text for text in free.warnings)
    assert not any("control `tile`" in text for text in held.warnings)


def test_an_overlap_that_leaves_too_little_of_a_tile_is_refused(desk: Desk) -> None:
    asked = enlarge("square", strength=0.3, passes=PassParams(overlap=33))
    entry = desk.edit(asked, png(photograph(60, 60)))
    assert entry.refused and "must be in [0, 32]" in entry.error


# -- progressive borders


def test_a_large_border_grows_in_passes(desk: Desk) -> None:
    border = Sides(0, 0, 100, 40)
    asked = request("square", border=border, passes=PROGRESSIVE, variants=2, inpaint=QUICK)
    source = photograph(48, 40)
    entry = desk.edit(asked, png(source))
    assert entry.state is EntryState.DONE, entry.error
    assert len(entry.results) == 2 and len(entry.passes) > 3
    assert len(desk.fake.jobs) == 2 * len(entry.passes)
    seeds = [job.resolved.seeds for job in desk.fake.jobs]
    assert seeds == [(7,)] * len(entry.passes) + [(8,)] * len(entry.passes)
    painted_box = np.zeros((80, 148), int)
    for step in entry.passes:
        painted_box[step.painted.slices] += 1
        assert step.box.contains(step.painted) and step.box != step.painted
    assert not painted_box[:40, :48].any() and painted_box.sum() == 80 * 148 - 40 * 48
    for index in range(2):
        assert not changed(source, desk.result(entry, index), border)[:40, :48].any()
        assert entry.results[index].report.changed_outside == 0
    again = replay(desk.editor, Subject(entry=entry, store=desk.store))
    assert again.verdict is Verdict.IDENTICAL
    alone = desk.edit(
        replace(asked, sampling=replace(asked.sampling, seed=8, variants=1)), png(source)
    )
    assert alone.results[0].pixels_sha256 == entry.results[1].pixels_sha256


def test_a_painted_mask_is_painted_first_and_feathered_once(desk: Desk) -> None:
    desk.fake.colour = (0, 0, 0)
    source, mask = Image.new("RGB", (48, 40), (200, 200, 200)), painted(48, 40, (10, 10, 30, 30))
    parts = {"border": Sides(0, 0, 40, 0), "feather": 6, "inpaint": QUICK}
    passed = desk.edit(request("square", passes=PROGRESSIVE, **parts), png(source), mask)
    single = desk.edit(request("square", **parts), png(source), mask)
    assert len(passed.passes) > 1 and not single.passes
    assert passed.passes[0].painted.right <= 48
    inner = [np.asarray(desk.result(entry))[:, :48] for entry in (passed, single)]
    assert np.array_equal(*inner)


@pytest.mark.parametrize(
    ("model", "parts"),
    [
        ("square", {"passes": PassParams()}),
        ("square", {"border": Sides(0, 0, 24, 0), "passes": PROGRESSIVE}),
        ("plain", {"passes": PROGRESSIVE}),
        (
            "square",
            {"passes": PROGRESSIVE, "inpaint": InpaintParams(box=Box(0, 0, 88, 40))},
        ),
    ],
)
def test_one_look_where_it_is_enough_or_wanted(
    desk: Desk, model: str, parts: dict[str, object]
) -> None:
    asked = request(model, **({"border": Sides(0, 0, 40, 0)} | parts))
    entry = desk.edit(asked, png(photograph(48, 40)))
    assert entry.state is EntryState.DONE, entry.error
    assert len(desk.fake.jobs) == 1 and entry.passes == ()


def test_progress_rises_over_all_passes_and_previews_show_the_canvas(desk: Desk) -> None:
    events: list[Progress | Preview] = []
    asked = request("square", border=Sides(0, 0, 100, 0), passes=PROGRESSIVE, inpaint=QUICK)
    entry = desk.apply(asked, desk.inputs(png(photograph(48, 40))), on_event=events.append)
    told = [event for event in events if isinstance(event, Progress)]
    assert any(event.text.startswith(f"pass 2 of {len(entry.passes)}, step 1") for event in told)
    fractions = [event.fraction for event in told]
    assert fractions == sorted(fractions) and fractions[-1] <= 1
    previews = [event.image for event in events if isinstance(event, Preview)]
    assert previews and all(image.shape == (40, 148, 3) for image in previews)
    box = entry.passes[0].painted
    before = decode(png(photograph(48, 40))).pixels
    assert np.array_equal(previews[0][:, : box.left], before[:, : box.left])
    assert (previews[0][box.slices] != 128).any()


def test_cancel_between_two_passes(desk: Desk) -> None:
    token = CancelToken()

    def on_event(event: Progress | Preview) -> None:
        if isinstance(event, Preview):
            token.cancel()

    asked = request("square", border=Sides(0, 0, 100, 0), passes=PROGRESSIVE, inpaint=QUICK)
    inputs = desk.inputs(png(photograph(48, 40)))
    entry = desk.apply(asked, inputs, on_event=on_event, cancel=token)
    assert entry.state is EntryState.CANCELLED and not entry.results
    assert len(desk.fake.jobs) == 1
