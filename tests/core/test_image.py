"""Picture: what engines see, the locked paste, borders, digests and copies for display."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageCms

from genimg_ui.core.geometry import Box, Sides, Size
from genimg_ui.core.image import Picture, describe, display_copy, thumbnail

SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
SHAPES = [(), (2,), (3,), (4,)]
DEPTHS = [np.uint8, np.uint16]


def noise(height, width, *, channels=(), dtype=np.uint8, seed=0):
    rng = np.random.default_rng(seed)
    return rng.integers(0, np.iinfo(dtype).max + 1, (height, width, *channels), dtype)


@st.composite
def pastes(draw):
    height, width = draw(st.integers(1, 12)), draw(st.integers(1, 12))
    left, top = draw(st.integers(0, width - 1)), draw(st.integers(0, height - 1))
    box = Box(left, top, draw(st.integers(left + 1, width)), draw(st.integers(top + 1, height)))
    channels, dtype = draw(st.sampled_from(SHAPES)), draw(st.sampled_from(DEPTHS))
    seed = draw(st.integers(0, 2**32 - 1))
    source = noise(height, width, channels=channels, dtype=dtype, seed=seed)
    new = noise(box.size.height, box.size.width, channels=(3,), seed=seed + 1)
    alpha = noise(box.size.height, box.size.width, seed=seed + 2)
    alpha[noise(*alpha.shape, seed=seed + 3) < draw(st.integers(0, 256))] = 0
    return source, new, alpha, box


@given(pastes())
def test_a_paste_changes_no_locked_pixel_and_no_alpha_in_any_mode(paste):
    source, new, alpha, box = paste
    result = Picture(source).with_rgb(new, alpha, box).pixels
    locked = np.ones(source.shape[:2], bool)
    locked[box.slices] = alpha == 0
    assert result.dtype == source.dtype and result.shape == source.shape
    assert np.array_equal(result[locked], source[locked])
    if source.ndim == 3 and source.shape[2] in (2, 4):
        assert np.array_equal(result[..., -1], source[..., -1])


@given(pastes())
def test_a_paste_mixes_by_the_formula_in_the_pictures_own_mode(paste):
    source, new, alpha, box = paste
    result = Picture(source).with_rgb(new, alpha, box).pixels[box.slices].astype(np.int64)
    old = source[box.slices].astype(np.int64)
    grey = source.ndim == 2 or source.shape[2] == 2
    luma = np.asarray(Image.fromarray(new).convert("L")).astype(np.int64)
    values = luma[..., None] if grey else new.astype(np.int64)
    values = values * (257 if source.dtype == np.uint16 else 1)
    old = old[..., None] if source.ndim == 2 else old[..., : values.shape[2]]
    result = result[..., None] if source.ndim == 2 else result[..., : values.shape[2]]
    weight = alpha[..., None].astype(np.int64)
    assert np.array_equal(result, (old * (255 - weight) + values * weight + 127) // 255)


def test_a_full_mask_lays_down_exactly_the_new_colours():
    new = noise(5, 7, channels=(3,), seed=1)
    box = Box(0, 0, 7, 5)
    full = np.full((5, 7), 255, np.uint8)
    result = Picture(noise(5, 7, channels=(4,))).with_rgb(new, full, box)
    assert np.array_equal(result.rgb(), new)


def test_a_paste_keeps_profile_resolution_and_notes_and_leaves_the_source_alone():
    pixels = noise(4, 4, channels=(3,))
    picture = Picture(pixels.copy(), SRGB, (300.0, 150.0), ("Something was lost.",))
    full = np.full((4, 4), 255, np.uint8)
    result = picture.with_rgb(np.zeros((4, 4, 3), np.uint8), full, Box(0, 0, 4, 4))
    assert (result.icc_profile, result.dpi, result.notes) == (
        SRGB,
        (300.0, 150.0),
        ("Something was lost.",),
    )
    assert np.array_equal(picture.pixels, pixels)


@pytest.mark.parametrize(
    "box", [Box(-1, 0, 2, 2), Box(0, 0, 5, 2), Box(2, 2, 2, 3)], ids=["left", "right", "empty"]
)
def test_a_paste_beyond_the_picture_is_an_error(box):
    with pytest.raises(ValueError, match="box must lie within 4×4"):
        Picture(noise(4, 4)).with_rgb(
            np.zeros((2, 2, 3), np.uint8), np.zeros((2, 2), np.uint8), box
        )


def test_a_paste_of_another_size_is_an_error():
    with pytest.raises(ValueError, match="must fit the box of 2×3"):
        Picture(noise(4, 4)).with_rgb(
            np.zeros((2, 3, 3), np.uint8), np.zeros((3, 2), np.uint8), Box(0, 0, 2, 3)
        )


def test_engines_see_16_bits_rounded_to_the_nearest_tone():
    every = np.arange(65536, dtype=np.uint16).reshape(256, 256)
    seen = Picture(every).rgb()[..., 0].astype(np.float64)
    assert np.abs(seen - every / 257).max() <= 0.5
    tones = np.arange(256, dtype=np.uint8).reshape(16, 16)
    assert np.array_equal(Picture(tones.astype(np.uint16) * 257).rgb()[..., 1], tones)


@pytest.mark.parametrize("channels", SHAPES)
def test_engines_see_grey_in_all_channels_and_no_alpha(channels):
    pixels = noise(3, 5, channels=channels)
    seen = Picture(pixels).rgb()
    grey = pixels if pixels.ndim == 2 else pixels[..., 0]
    expected = np.stack([grey] * 3, axis=2) if channels in ((), (2,)) else pixels[..., :3]
    assert np.array_equal(seen, expected)
    assert np.array_equal(Picture(pixels).rgb(Box(1, 0, 4, 2)), expected[0:2, 1:4])


def test_pixels_cannot_be_written():
    with pytest.raises(ValueError, match="read-only"):
        Picture(noise(2, 2)).pixels[0, 0] = 1


@pytest.mark.parametrize(
    "pixels",
    [np.zeros((2, 2), np.float32), np.zeros((2, 2, 1), np.uint8), np.zeros((0, 2), np.uint8)],
)
def test_other_arrays_are_no_pictures(pixels):
    with pytest.raises(ValueError, match="pixels must be uint8 or uint16"):
        Picture(pixels)


@pytest.mark.parametrize("dtype", DEPTHS)
@pytest.mark.parametrize("channels", SHAPES)
def test_a_border_is_neutral_and_opaque_and_the_old_pixels_stay(channels, dtype):
    pixels = noise(3, 4, channels=channels, dtype=dtype)
    wide = Picture(pixels, dpi=(72.0, 72.0)).expanded(Sides(1, 2, 3, 4))
    assert wide.size == Size(8, 9) and wide.dpi == (72.0, 72.0)
    assert np.array_equal(wide.pixels[2:5, 1:5], pixels)
    unit = 1 if dtype == np.uint8 else 257
    corner = np.atleast_1d(wide.pixels[0, 0])
    assert corner.tolist() == [128 * unit] * len(corner) or corner.tolist() == [
        *[128 * unit] * (len(corner) - 1),
        255 * unit,
    ]
    assert (corner[-1] == 255 * unit) == (channels in ((2,), (4,)))


def test_the_digest_is_of_pixels_size_and_mode_alone():
    pixels = noise(2, 6)
    digest = Picture(pixels).pixels_sha256()
    assert digest == Picture(pixels.copy(), SRGB, (1.0, 1.0), ("x",)).pixels_sha256()
    changed = pixels.copy()
    changed[0, 0] ^= 1
    others = [changed, pixels.reshape(6, 2), pixels.reshape(2, 3, 2), pixels.astype(np.uint16)]
    assert len({digest, *(Picture(other).pixels_sha256() for other in others)}) == 5
    assert digest == Picture(np.asfortranarray(pixels)).pixels_sha256()


def test_alpha_and_luma_in_8_bits():
    pixels = noise(3, 3, channels=(4,))
    assert np.array_equal(Picture(pixels).alpha(), pixels[..., 3])
    assert Picture(pixels[..., :3]).alpha() is None
    expected = np.asarray(Image.fromarray(pixels[..., :3].copy()).convert("L"))
    assert np.array_equal(Picture(pixels).grey(), expected)
    assert np.array_equal(Picture(pixels[..., :2].astype(np.uint16) * 257).grey(), pixels[..., 0])


@pytest.mark.parametrize(
    ("picture", "line"),
    [
        (Picture(noise(3, 4, channels=(3,)), SRGB), "4×3 RGB, 8 bit, sRGB built-in"),
        (Picture(noise(3, 4, dtype=np.uint16)), "4×3 grey, 16 bit"),
        (Picture(noise(1, 1, channels=(4,)), b"junk"), "1×1 RGB with alpha, 8 bit, unreadable"),
    ],
)
def test_a_picture_is_described_in_one_line(picture, line):
    assert describe(picture).startswith(line)


def test_a_display_copy_is_small_keeps_the_profile_and_the_alpha():
    picture = Picture(noise(100, 200, channels=(4,), dtype=np.uint16), SRGB)
    copy = display_copy(picture, 50)
    assert (copy.size, copy.mode, copy.info["icc_profile"]) == ((50, 25), "RGBA", SRGB)
    assert thumbnail(picture, 20).size == (20, 10)


def test_a_display_copy_is_never_enlarged_and_grey_becomes_rgb():
    pixels = noise(3, 5)
    copy = display_copy(Picture(pixels, b"a grey profile"), 50)
    assert (copy.size, copy.mode) == ((5, 3), "RGB") and "icc_profile" not in copy.info
    assert np.array_equal(np.asarray(copy)[..., 2], pixels)
