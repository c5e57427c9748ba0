"""Where weights are put for a budget, and what is tried after memory ran out."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from genimg_ui.core.geometry import Size
from genimg_ui.core.memory import (
    GIB,
    SPARE,
    WHOLE,
    Needs,
    Offload,
    Placement,
    Stage,
    at_least,
    choose,
    fits,
    gib,
    ladder,
    largest_side,
    next_place,
)

XL = Needs(  # Stable Diffusion XL at 1024², in half precision, its decoder in single
    weights={"unet": 5 * GIB, "text_encoder": GIB // 4, "text_encoder_2": GIB, "vae": GIB // 3},
    denoisers=("unet",),
    decoder="vae",
    sampling=GIB // 4,
    decoding=3 * GIB,
    tile=3 * GIB // 4,
    guided=True,
)
GPU, CPU = ladder(offloads=True), ladder(offloads=False)


LARGE = replace(XL, decoding=7 * GIB)


@pytest.mark.parametrize(
    ("needs", "gibibytes", "wanted"),
    [
        (XL, 24, WHOLE),
        (XL, 8, Placement(Offload.MODEL)),
        (LARGE, 8, Placement(Offload.MODEL, tiled=True)),
        (LARGE, 6, Placement(Offload.MODEL, tiled=True, halved=True)),
        (XL, 2, Placement(Offload.GROUP, tiled=True, halved=True)),
    ],
)
def test_the_fastest_placement_that_fits_is_taken(needs, gibibytes, wanted):
    assert choose(needs, gibibytes * GIB, GPU) == wanted


def test_a_processor_has_nowhere_to_offload_to():
    assert all(place.offload is Offload.NONE for place in CPU)
    assert choose(XL, 1, CPU) == CPU[-1]


@given(st.integers(1, 64 * GIB), st.integers(0, 8 * GIB), st.integers(0, 8 * GIB), st.booleans())
def test_each_placement_needs_no_more_than_the_one_before(free, sampling, decoding, guided):
    needs = replace(XL, sampling=sampling, decoding=decoding, guided=guided)
    for places in (GPU, CPU):
        peaks = [needs.peak(place) for place in places]
        assert peaks == sorted(peaks, reverse=True)
        chosen = choose(needs, free, places)
        assert fits(needs, free, chosen) or chosen == places[-1]


def test_the_peak_counts_weights_and_what_is_held_beside_them():
    weights = sum(XL.weights.values())
    assert XL.peak(WHOLE) == weights + round(3 * GIB * 1.25)
    assert XL.at(Stage.STEP, WHOLE) == weights + round(2 * (GIB // 4) * 1.25)
    assert XL.at(Stage.STEP, Placement(halved=True)) == weights + round(GIB // 4 * 1.25)
    assert XL.at(Stage.STEP, Placement(Offload.MODEL)) < 6 * GIB
    unguided = replace(XL, guided=False)
    assert unguided.at(Stage.STEP, WHOLE) == XL.at(Stage.STEP, Placement(halved=True))


@pytest.mark.parametrize(
    ("stage", "places", "wanted"),
    [
        (Stage.LOAD, GPU, Placement(Offload.MODEL)),
        (Stage.DECODE, GPU, Placement(Offload.MODEL)),
        (Stage.LOAD, CPU, None),
        (Stage.ENCODE, CPU, Placement(tiled=True)),
        (Stage.DECODE, CPU, Placement(tiled=True)),
        (Stage.STEP, CPU, Placement(tiled=True, halved=True)),
    ],
)
def test_after_memory_ran_out_the_next_placement_helps_that_stage(stage, places, wanted):
    assert next_place(WHOLE, stage, places) == wanted
    assert next_place(places[-1], stage, places) is None


def test_weights_that_are_offloaded_stay_so():
    assert at_least(WHOLE, Offload.MODEL, GPU) == Placement(Offload.MODEL)
    assert at_least(WHOLE, Offload.NONE, GPU) == WHOLE
    assert at_least(Placement(Offload.MODEL), Offload.NONE, GPU) == Placement(Offload.MODEL)


def test_the_largest_size_that_fits_is_found():
    size = Size(1024, 1024)
    side = largest_side(XL, size, 6 * GIB, CPU, 8)
    assert side == 0  # the weights alone are larger
    side = largest_side(XL, size, 8 * GIB, CPU[:1], 8)
    assert 0 < side < 1024 and side % 8 == 0
    area = side * side / size.area
    assert sum(XL.weights.values()) + 3 * GIB * 1.25 * area <= 8 * GIB * SPARE


def test_placements_and_sizes_are_said_in_words():
    assert WHOLE.words("cuda") == "whole on cuda"
    words = Placement(Offload.MODEL, tiled=True, halved=True).words("cuda")
    assert words.endswith("at a time, VAE tiling, batch split")
    assert (gib(3 * GIB // 2), gib(5 * 2**20)) == ("1.5 GiB", "5 MiB")
