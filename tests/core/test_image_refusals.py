"""Bad files: each is refused with what / received / allowed, before decoding where possible."""

import struct
import tracemalloc
import zlib
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from picture_files import PNG_SIGNATURE, chunk, colour_tags, saved, tiff, with_chunk
from PIL import Image

from genimg_ui.core.image import Limits, Picture, decode
from genimg_ui.core.png import encode_png
from genimg_ui.errors import RefusedInput

PIXELS = np.random.default_rng(0).integers(0, 256, (31, 29, 3), np.uint8)
IMAGE = Image.fromarray(PIXELS)
DEEP = encode_png(Picture(PIXELS.astype(np.uint16) * 200))
WHOLE = {
    "PNG": saved(IMAGE, "PNG"),
    "deep PNG": DEEP,
    "JPEG": saved(IMAGE, "JPEG"),
    "progressive JPEG": saved(IMAGE, "JPEG", progressive=True),
    "WebP": saved(IMAGE, "WEBP"),
    "lossless WebP": saved(IMAGE, "WEBP", lossless=True),
    "TIFF": saved(IMAGE, "TIFF"),
    "packed TIFF": saved(IMAGE, "TIFF", compression="tiff_lzw"),
    "BMP": saved(IMAGE, "BMP"),
}


@given(kind=st.sampled_from(sorted(WHOLE)), share=st.floats(0, 1, exclude_max=True))
def test_a_file_cut_anywhere_is_refused_or_whole(kind, share):
    data = WHOLE[kind]
    part = data[: int(len(data) * share)]
    try:
        picture = decode(part)
    except RefusedInput:
        return
    # A few last bytes carry no pixel (an end marker, padding): then nothing may be missing.
    assert len(part) >= len(data) - 8 and "PNG" not in kind
    assert np.array_equal(picture.pixels, decode(data).pixels)


@given(
    kind=st.sampled_from(sorted(WHOLE)),
    flips=st.lists(st.tuples(st.floats(0, 1, exclude_max=True), st.integers(1, 255)), max_size=4),
)
@pytest.mark.filterwarnings("ignore::UserWarning")
def test_damage_is_refused_or_decoded_but_never_crashes(kind, flips):
    data = bytearray(WHOLE[kind])
    for place, bits in flips:
        data[int(len(data) * place)] ^= bits
    try:
        picture = decode(bytes(data), Limits(max_pixels=10_000_000))
    except RefusedInput:
        return
    assert picture.size.area <= 10_000_000


@pytest.mark.parametrize("kind", ["PNG", "deep PNG"])
def test_one_flipped_bit_among_the_pixels_of_a_png_is_refused(kind):
    data = bytearray(WHOLE[kind])
    data[len(data) // 2] ^= 1
    with pytest.raises(RefusedInput, match="wrong checksum in IDAT"):
        decode(bytes(data))


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "got an empty file"),
        (b"hello, this is no picture\n" * 3, "got text"),
        (b"\x07\x01\xfe\x80\x00" * 9, "something that is not a picture"),
        (b"%PDF-1.7\n", "got PDF"),
        (b'<?xml version="1.0"?>\n<svg xmlns="x">', "got an SVG drawing"),
        (b"<svg>", "got an SVG drawing"),
        (saved(IMAGE, "GIF"), "got GIF. Save it as PNG first"),
        (b"\0\0\0\x18ftypheic\0\0\0\0", "got HEIC"),
        (b"\0\0\0\x18ftypavif\0\0\0\0", "got AVIF"),
        (b"\0\0\0\x18ftypisom\0\0\0\0", r"got a film \(MP4\)"),
        (b"RIFF\x04\0\0\0WAVEfmt ", "got a RIFF file"),
        (b"8BPS\0\1", "got a Photoshop document"),
        (b"\xff\x0a\0\0", "got JPEG XL"),
    ],
)
def test_what_is_no_picture_of_ours_is_named(data, said):
    with pytest.raises(RefusedInput, match=rf"must be a PNG, JPEG, WebP, TIFF or BMP.*{said}"):
        decode(data)


def header_png(width, height, *more):
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
    packed = chunk(b"IDAT", zlib.compress(b"\0" * 100_000))
    return PNG_SIGNATURE + header + b"".join(more) + packed + chunk(b"IEND", b"")


def bombs():
    animation = chunk(b"acTL", struct.pack(">II", 1, 0)) + chunk(
        b"fcTL", struct.pack(">IIIIIHHBB", 0, 30000, 30000, 0, 0, 1, 1, 1, 0)
    )
    jpeg = saved(IMAGE, "JPEG")
    frame = jpeg.index(b"\xff\xc0")
    yield "PNG", header_png(30000, 30000)
    yield "APNG", header_png(30000, 30000, animation)
    yield "JPEG", jpeg[: frame + 5] + struct.pack(">HH", 30000, 30000) + jpeg[frame + 9 :]
    extended = struct.pack("<BHBHBHB", 0, 0, 0, 16382, 0, 16382, 0)
    yield "WebP", b"RIFF\xff\0\0\0WEBPVP8X\x0a\0\0\0" + extended + b"\0" * 40
    lossless = struct.pack("<BI", 0x2F, 16382 | 16382 << 14)
    yield "lossless WebP", b"RIFF\xff\0\0\0WEBPVP8L\xff\0\0\0" + lossless + b"\0" * 40
    lossy = b"\0\0\0\x9d\x01\x2a\xff\x3f\xff\x3f"
    yield "lossy WebP", b"RIFF\xff\0\0\0WEBPVP8 \xff\0\0\0" + lossy + b"\0" * 40
    tags = [tag for tag in colour_tags(2, [8] * 3) if tag[0] not in (256, 257)]
    yield "TIFF", tiff("<", [*tags, (256, [30000]), (257, [30000])], [b"\0" * 100])
    bmp = bytearray(saved(IMAGE, "BMP"))
    bmp[18:26] = struct.pack("<ii", 30000, 30000)
    yield "BMP", bytes(bmp)


@pytest.mark.parametrize(("name", "data"), [pytest.param(*bomb, id=bomb[0]) for bomb in bombs()])
def test_a_decompression_bomb_is_refused_before_anything_is_allocated(name, data):
    tracemalloc.start()
    try:
        with pytest.raises(RefusedInput, match=r"at most 50 megapixels, got \d+×\d+ \("):
            decode(data)
        assert tracemalloc.get_traced_memory()[1] < 2_000_000, name
    finally:
        tracemalloc.stop()


def test_the_limits_are_those_that_were_given(tmp_path):
    assert decode(WHOLE["PNG"], Limits(max_pixels=31 * 29)).size == (29, 31)
    with pytest.raises(RefusedInput, match="at most 0.000898 megapixels, got 29×31"):
        decode(WHOLE["PNG"], Limits(max_pixels=31 * 29 - 1))
    file = tmp_path / "picture.png"
    file.write_bytes(WHOLE["PNG"])
    assert decode(file, Limits(max_bytes=len(WHOLE["PNG"]))).size == (29, 31)
    with pytest.raises(RefusedInput, match="at most 0.002 MB, got 0.0 MB"):
        decode(file, Limits(max_bytes=2000))


@pytest.mark.parametrize("limits", [{"max_pixels": 0}, {"max_pixels": 10**9}, {"max_bytes": 0}])
def test_impossible_limits_are_errors(limits):
    with pytest.raises(ValueError, match="got"):
        Limits(**limits)


@pytest.mark.parametrize("form", ["PNG", "WEBP", "TIFF"])
def test_several_frames_are_refused_with_their_number(form):
    frames = [Image.new("RGB", (4, 4), (shade, 0, 0)) for shade in (0, 90, 180)]
    data = saved(frames[0], form, save_all=True, append_images=frames[1:], duration=100)
    with pytest.raises(RefusedInput, match=r"one frame, got a \w+ file with 3 frames. Save the"):
        decode(data)


def test_a_tiff_of_very_many_pages_is_not_counted_to_the_end():
    frames = [Image.new("L", (1, 1)) for _ in range(150)]
    data = saved(frames[0], "TIFF", save_all=True, append_images=frames[1:])
    with pytest.raises(RefusedInput, match="at least 101 frames"):
        decode(data)


@pytest.mark.parametrize(("mode", "said"), [("F", "32-bit float"), ("I", "32-bit or signed")])
def test_other_depths_are_refused(mode, said):
    with pytest.raises(RefusedInput, match=f"8 or 16 bits per channel, got {said}"):
        decode(saved(Image.new(mode, (4, 4)), "TIFF"))


@pytest.mark.parametrize("tag", [{"subfile": 1}, {"dng": 1}])
def test_the_preview_in_a_raw_photograph_is_not_taken_for_it(tag):
    with pytest.raises(RefusedInput, match="raw file with a preview"):
        decode(tiff("<", colour_tags(2, [8] * 3, **tag), [b"\0" * 18]))


def test_16_bit_planes_are_refused_rather_than_misread():
    with pytest.raises(RefusedInput, match="separate planes"):
        decode(tiff("<", colour_tags(2, [16] * 3, planar=2), [b"\0" * 12] * 3))


def test_a_missing_file_is_refused(tmp_path):
    with pytest.raises(RefusedInput, match="readable file"):
        decode(tmp_path / "absent.png")


def test_a_hostile_text_does_not_stop_a_good_picture_from_another_thread():
    hostile = with_chunk(WHOLE["PNG"], b"zTXt", b"k\0\0" + zlib.compress(b"x" * 100_000_000))
    with ThreadPoolExecutor(4) as pool:
        for good in pool.map(lambda _: decode(WHOLE["deep PNG"]).pixels_sha256(), range(8)):
            assert good == decode(DEEP).pixels_sha256()
    with pytest.raises(RefusedInput, match="PNG must be whole"):
        decode(hostile)


def test_a_stream_of_empty_chunks_is_refused_in_time():
    empty = chunk(b"juNk", b"")
    data = PNG_SIGNATURE + WHOLE["PNG"][8:33] + empty * 260_000
    with pytest.raises(RefusedInput, match="more than 250000 chunks"):
        decode(data)
