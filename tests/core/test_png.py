"""PNG out and its texts: read back alike by Pillow and OpenCV, bounded when read from strangers."""

import io
import struct
import zlib

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from picture_files import chunk, chunks, with_chunk
from PIL import Image, ImageCms, PngImagePlugin

from genimg_ui.core import png
from genimg_ui.core.image import Picture, decode
from genimg_ui.core.png import encode_png, read_png_text
from genimg_ui.core.pngchunks import MAX_TEXT, check_png
from genimg_ui.errors import RefusedInput

SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
SHAPES = [(), (2,), (3,), (4,)]


def by_opencv(data):
    pixels = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    if pixels.ndim == 3:
        pixels[..., :3] = pixels[..., 2::-1]
    return pixels


@given(
    height=st.integers(1, 40),
    width=st.integers(1, 40),
    channels=st.sampled_from(SHAPES),
    dtype=st.sampled_from([np.uint8, np.uint16]),
    smooth=st.booleans(),
    seed=st.integers(0, 1000),
)
def test_other_readers_find_the_very_pixels(height, width, channels, dtype, smooth, seed):
    rng = np.random.default_rng(seed)
    limit = 8 if smooth else np.iinfo(dtype).max + 1
    pixels = rng.integers(0, limit, (height, width, *channels), dtype)
    data = encode_png(Picture(pixels))
    assert np.array_equal(decode(data).pixels, pixels)
    if channels == (2,):  # OpenCV turns grey with alpha into RGBA
        assert np.array_equal(by_opencv(data)[..., [0, 3]], pixels)
    else:
        assert np.array_equal(by_opencv(data), pixels)
    if dtype == np.uint8:
        assert np.array_equal(np.asarray(Image.open(io.BytesIO(data))), pixels)


@pytest.mark.parametrize("band", [1, 100, 4096])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_many_bands_are_one_stream(band, dtype, monkeypatch):
    monkeypatch.setattr(png, "BAND_BYTES", band)
    ramp = np.add.outer(np.arange(90), np.arange(50)).astype(dtype) * 3
    pixels = np.stack([ramp, ramp + 1, ramp * 2], axis=2)
    data = encode_png(Picture(pixels))
    assert np.array_equal(by_opencv(data), pixels)
    assert check_png(io.BytesIO(data)) == 1
    packed = b"".join(
        content for kind, content in chunks(data) if kind == b"IDAT"
    )  # the Adler-32 at its end is checked by zlib
    assert len(zlib.decompress(packed)) == 90 * (1 + 50 * 3 * pixels.itemsize)


def test_each_filter_is_used_where_it_fits():
    rng = np.random.default_rng(0)
    columns = np.broadcast_to(rng.integers(0, 256, 64, np.uint8), (640, 64))
    grain = 128 + rng.integers(-8, 9, (640, 64))
    used = set()
    for pixels in (columns, columns.T, grain.astype(np.uint8)):
        packed = b"".join(c for kind, c in chunks(encode_png(Picture(pixels))) if kind == b"IDAT")
        used.add(zlib.decompress(packed)[0])
    assert used == {png.UP, png.SUB, png.AVERAGE}


def test_flat_graphics_are_not_written_as_if_they_were_photographs():
    glyphs = np.kron(np.random.default_rng(0).integers(0, 2, (8, 64)), np.ones((4, 4))) * 255
    page = np.tile(glyphs.astype(np.uint8), (32, 1))
    buffer = io.BytesIO()
    Image.fromarray(page).save(buffer, "PNG")
    assert len(encode_png(Picture(page))) < 4 * len(buffer.getvalue())


def test_profile_resolution_and_texts_are_written():
    texts = {"parameters": "a cat\nSeed: 1", "genimg_ui": '{"prompt":"黒猫 é"}', "empty": ""}
    data = encode_png(Picture(np.zeros((2, 2, 3), np.uint8), SRGB, (300.0, 72.0)), texts)
    image = Image.open(io.BytesIO(data))
    assert image.info["icc_profile"] == SRGB
    assert image.info["dpi"] == pytest.approx((300.0, 72.0), abs=0.02)
    assert image.text == texts == read_png_text(data)
    again = decode(data)
    assert again.icc_profile == SRGB and again.dpi == pytest.approx((300.0, 72.0), abs=0.02)


def test_the_same_picture_gives_the_same_bytes():
    pixels = np.random.default_rng(0).integers(0, 256, (2000, 800, 3), np.uint8)
    assert encode_png(Picture(pixels), {"a": "b"}) == encode_png(Picture(pixels), {"a": "b"})


@pytest.mark.parametrize("key", ["", "x" * 80, " padded", "a\0b"])
def test_impossible_key_words_are_errors(key):
    with pytest.raises(ValueError, match="key word must have 1 to 79"):
        encode_png(Picture(np.zeros((1, 1), np.uint8)), {key: "text"})


def test_a_text_with_nul_is_an_error():
    with pytest.raises(ValueError, match="no NUL"):
        encode_png(Picture(np.zeros((1, 1), np.uint8)), {"key": "a\0b"})


@pytest.fixture
def small():
    return encode_png(Picture(np.zeros((1, 1), np.uint8)))


def test_all_three_text_chunks_are_read(small):
    info = PngImagePlugin.PngInfo()
    info.add_text("plain", "é")
    info.add_text("packed", "b" * 5000, zip=True)
    info.add_itxt("wide", "黒", zip=True)
    buffer = io.BytesIO()
    Image.new("L", (1, 1)).save(buffer, "PNG", pnginfo=info)
    assert read_png_text(buffer.getvalue()) == {"plain": "é", "packed": "b" * 5000, "wide": "黒"}
    assert read_png_text(buffer.getvalue(), keys=frozenset({"wide"})) == {"wide": "黒"}
    assert read_png_text(small) == {}


def test_texts_behind_the_pixels_are_read_and_the_first_of_a_key_counts(small):
    late = small[:-12] + chunk(b"tEXt", b"k\0one") + chunk(b"tEXt", b"k\0two") + small[-12:]
    assert read_png_text(late) == {"k": "one"}


@pytest.mark.parametrize(
    "content",
    [
        (b"tEXt", b"big\0" + b"x" * (MAX_TEXT + 100)),
        (b"zTXt", b"big\0\0" + zlib.compress(b"x" * (MAX_TEXT + 1))),
        (b"iTXt", b"big\0\1\0\0\0" + zlib.compress(b"x" * 50 * MAX_TEXT)),
    ],
    ids=["tEXt", "zTXt", "iTXt"],
)
def test_a_huge_text_is_refused_but_only_when_it_is_asked_for(small, content):
    data = with_chunk(with_chunk(small, *content), b"tEXt", b"own\0here")
    with pytest.raises(RefusedInput, match="at most 1000000 bytes, got more under 'big'"):
        read_png_text(data)
    assert read_png_text(data, keys=frozenset({"own"})) == {"own": "here"}


@pytest.mark.parametrize(
    "content",
    [
        (b"tEXt", b"no separator"),
        (b"zTXt", b"k\0\0not zlib"),
        (b"iTXt", b"k\0"),
        (b"iTXt", b"k\0\0\0\0\0\xff\xfe"),
        (b"tEXt", b""),
    ],
)
def test_broken_texts_are_passed_over(small, content):
    assert read_png_text(with_chunk(small, *content)) == {}


def test_a_length_beyond_the_file_is_refused_without_reading_it(small):
    with pytest.raises(RefusedInput, match="bytes too few"):
        read_png_text(small[:33] + struct.pack(">I", 2**31 - 1) + b"tEXt" + b"x" * 50)


def test_only_pngs_have_texts(tmp_path):
    with pytest.raises(RefusedInput, match="must be a PNG"):
        read_png_text(b"GIF89a")
    with pytest.raises(RefusedInput, match="readable file"):
        read_png_text(tmp_path / "absent.png")
