"""Pictures in: each mode × format, orientations, profiles, 16 bits, colour keys, masks."""

import io
import struct
import zlib

import cv2
import numpy as np
import pytest
from picture_files import chunk, colour_tags, saved, tiff, with_chunk
from PIL import Image, ImageCms, ImageOps

from genimg_ui.core.image import Picture, decode, decode_mask
from genimg_ui.core.png import encode_png

SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
LAB = ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")).tobytes()
EXACT = [
    *(("PNG", mode) for mode in ("1", "L", "LA", "RGB", "RGBA", "P", "I;16")),
    *(("TIFF", mode) for mode in ("1", "L", "LA", "RGB", "RGBA", "P", "I;16", "I;16B")),
    *(("BMP", mode) for mode in ("1", "L", "RGB", "P")),
    *(("WEBP", mode) for mode in ("RGB", "RGBA")),
]


def noise(*shape, dtype=np.uint8, seed=0):
    return np.random.default_rng(seed).integers(0, np.iinfo(dtype).max + 1, shape, dtype)


def image_in(mode):
    if mode.startswith("I;16"):
        raw = noise(13, 17, dtype=np.uint16).astype(">u2" if mode.endswith("B") else "<u2")
        return Image.frombytes(mode, (17, 13), raw.tobytes())
    if mode == "P":
        return Image.fromarray(noise(13, 17, 3)).quantize(200)
    if mode == "1":
        return Image.fromarray(noise(13, 17)).convert("1")
    return Image.fromarray(noise(13, 17, len(mode)).squeeze(), mode if mode != "L" else None)


@pytest.mark.filterwarnings("ignore:'mode' parameter:DeprecationWarning")
@pytest.mark.parametrize(("form", "mode"), EXACT)
@pytest.mark.parametrize("on_disk", [False, True], ids=["bytes", "path"])
def test_every_mode_of_every_lossless_format_is_exact(form, mode, on_disk, tmp_path):
    image = image_in(mode)
    data = saved(image, form, **({"lossless": True, "exact": True} if form == "WEBP" else {}))
    source = data
    if on_disk:
        source = tmp_path / "misleading.gif"
        source.write_bytes(data)
    picture = decode(source)
    kept = {"1": "L", "P": "RGB"}.get(mode, mode)
    wide = mode.startswith("I;16")
    expected = np.asarray(image) if wide else np.asarray(image.convert(kept))
    assert picture.pixels.dtype == (np.uint16 if wide else np.uint8)
    assert np.array_equal(picture.pixels, expected)
    assert picture.notes == ()


@pytest.mark.parametrize("mode", ["L", "RGB"])
def test_jpeg_pixels_are_those_of_the_common_decoder(mode):
    smooth = Image.fromarray(np.add.outer(np.arange(40), np.arange(30)).astype(np.uint8))
    data = saved(smooth.convert(mode), "JPEG", dpi=(300, 300))
    picture = decode(data)
    assert np.array_equal(picture.pixels, np.asarray(Image.open(io.BytesIO(data))))
    assert picture.dpi == (300.0, 300.0)


# What each EXIF orientation says of a stored 2 × 3 picture (rows), by hand: upright form.
STORED = [[1, 2, 3], [4, 5, 6]]
UPRIGHT = {
    1: [[1, 2, 3], [4, 5, 6]],
    2: [[3, 2, 1], [6, 5, 4]],
    3: [[6, 5, 4], [3, 2, 1]],
    4: [[4, 5, 6], [1, 2, 3]],
    5: [[1, 4], [2, 5], [3, 6]],
    6: [[4, 1], [5, 2], [6, 3]],
    7: [[6, 3], [5, 2], [4, 1]],
    8: [[3, 6], [2, 5], [1, 4]],
}


def exif(orientation):
    tags = Image.Exif()
    tags[0x0112] = orientation
    return tags


@pytest.mark.parametrize("orientation", UPRIGHT)
@pytest.mark.parametrize("form", ["PNG", "TIFF", "WEBP"])
def test_orientations_are_applied_exactly(form, orientation):
    stored = np.array(STORED, np.uint8) * 40
    image = Image.fromarray(np.repeat(stored[..., None], 3, axis=2))
    options = {"lossless": True} if form == "WEBP" else {}
    picture = decode(saved(image, form, exif=exif(orientation), **options))
    assert (picture.pixels[..., 0] // 40).tolist() == UPRIGHT[orientation]


@pytest.mark.parametrize("orientation", UPRIGHT)
def test_orientations_of_jpegs_are_those_of_other_programs(orientation):
    image = Image.fromarray(noise(24, 40, 3))
    data = saved(image, "JPEG", exif=exif(orientation), dpi=(300, 150))
    picture = decode(data)
    expected = ImageOps.exif_transpose(Image.open(io.BytesIO(data)))
    assert np.array_equal(picture.pixels, np.asarray(expected))
    assert picture.dpi == ((150.0, 300.0) if orientation > 4 else (300.0, 150.0))


def test_orientation_of_16_bit_colour():
    deep = noise(2, 3, 3, dtype=np.uint16)
    data = encode_png(Picture(deep))
    turned = with_chunk(data, b"eXIf", exif(6).tobytes()[6:])
    assert np.array_equal(decode(turned).pixels, np.rot90(deep, -1))


def test_a_broken_exif_block_is_taken_as_upright():
    data = saved(Image.fromarray(noise(2, 3)), "PNG")
    broken = with_chunk(data, b"eXIf", b"II*\0\xff\xff\xff\x7f")
    assert decode(broken).size == (3, 2)


@pytest.mark.parametrize("channels", [2, 3, 4])
def test_16_bit_colour_png_keeps_all_bits(channels):
    deep = noise(9, 11, channels, dtype=np.uint16)
    picture = decode(encode_png(Picture(deep)))
    assert np.array_equal(picture.pixels, deep) and picture.notes == ()


def test_16_bit_interlaced_png_keeps_all_bits():
    deep = noise(1, 2, 3, dtype=np.uint16)
    first, second = (deep[0, i].astype(">u2").tobytes() for i in range(2))
    packed = zlib.compress(b"\0" + first + b"\0" + second)  # Adam7: passes 1 and 6 have a pixel
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", 2, 1, 16, 2, 0, 0, 1))
    data = b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", packed) + chunk(b"IEND", b"")
    assert np.array_equal(decode(data).pixels, deep)


@pytest.mark.parametrize("compression", [1, 5, 8], ids=["raw", "lzw", "deflate"])
@pytest.mark.parametrize("channels", [3, 4])
def test_16_bit_colour_tiff_keeps_all_bits(compression, channels):
    deep = noise(50, 11, channels, dtype=np.uint16)
    swapped = deep[..., [2, 1, 0, 3][:channels]]
    flags = [cv2.IMWRITE_TIFF_COMPRESSION, compression]
    data = cv2.imencode(".tiff", swapped, flags)[1].tobytes()
    picture = decode(data)
    assert np.array_equal(picture.pixels, deep) and picture.notes == ()


@pytest.mark.parametrize("order", ["<", ">"])
def test_16_bit_tiffs_of_either_byte_order(order):
    deep = noise(2, 3, 3, dtype=np.uint16)
    data = tiff(order, colour_tags(2, [16] * 3), [deep.astype(f"{order}u2").tobytes()])
    assert np.array_equal(decode(data).pixels, deep)


def test_a_tiff_in_which_0_is_white_is_turned_in_16_bits_too():
    deep = noise(2, 3, dtype=np.uint16)
    data = tiff("<", colour_tags(0, [16]), [deep.astype("<u2").tobytes()])
    assert np.array_equal(decode(data).pixels, 65535 - deep)


def test_premultiplied_alpha_is_said():
    pixels = np.full((2, 3, 4), 64, np.uint8)
    picture = decode(tiff("<", colour_tags(2, [8] * 4, extra=1), [pixels.tobytes()]))
    assert picture.pixels[0, 0].tolist() == [255, 255, 255, 64]
    assert picture.notes == ("The colours were premultiplied by alpha; they are divided by it.",)


def test_16_bit_cmyk_is_cut_and_says_so():
    data = tiff("<", colour_tags(5, [16] * 4), [noise(2, 3, 4, dtype=np.uint16).tobytes()])
    assert any("8 of them are kept" in note for note in decode(data).notes)


def test_a_bmp_with_alpha_keeps_it():
    pixels = noise(5, 7, 4)
    data = cv2.imencode(".bmp", pixels[..., [2, 1, 0, 3]])[1].tobytes()
    assert np.array_equal(decode(data).pixels, pixels)


def test_palettes_with_transparency_become_rgba():
    image = image_in("P")
    alphas = bytes(range(200))
    picture = decode(saved(image, "PNG", transparency=alphas))
    colours = np.array(image.getpalette()).reshape(-1, 3)[np.asarray(image)]
    expected = np.dstack([colours, np.asarray(image)])  # entry i has opacity i
    assert np.array_equal(picture.pixels, expected)


@pytest.mark.parametrize("mode", ["L", "RGB", "I;16"])
def test_a_colour_key_becomes_alpha(mode):
    image = image_in(mode)
    key = image.getpixel((4, 5))
    picture = decode(saved(image, "PNG", transparency=key))
    clear = picture.pixels[..., -1] == 0
    stored = np.asarray(image)
    same = stored == np.array(key)
    assert np.array_equal(clear, same if stored.ndim == 2 else same.all(axis=2))
    assert set(np.unique(picture.pixels[..., -1])) == {0, np.iinfo(picture.pixels.dtype).max}
    assert np.array_equal(picture.pixels[..., :-1].squeeze(), stored)


def test_a_colour_key_of_4_bit_grey_is_scaled_with_the_grey():
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", 2, 1, 4, 0, 0, 0, 0))
    packed = chunk(b"IDAT", zlib.compress(b"\0\x3a"))
    data = b"\x89PNG\r\n\x1a\n" + header + chunk(b"tRNS", b"\0\x0a") + packed + chunk(b"IEND", b"")
    assert decode(data).pixels.tolist() == [[[51, 255], [170, 0]]]


def test_a_colour_key_of_16_bit_colour_compares_all_bits():
    deep = np.array([[[1000, 2000, 3000], [1001, 2000, 3000]]], np.uint16)
    data = encode_png(Picture(deep))
    keyed = with_chunk(data, b"tRNS", struct.pack(">3H", 1000, 2000, 3000))
    assert decode(keyed).pixels.tolist() == [[[1000, 2000, 3000, 0], [1001, 2000, 3000, 65535]]]


@pytest.mark.parametrize("form", ["PNG", "JPEG", "TIFF", "WEBP"])
def test_profiles_are_kept(form):
    picture = decode(saved(Image.fromarray(noise(8, 8, 3)), form, icc_profile=SRGB))
    assert picture.icc_profile == SRGB


def test_a_profile_of_another_colour_space_is_left_out_with_a_note():
    picture = decode(saved(Image.fromarray(noise(8, 8)), "JPEG", icc_profile=SRGB))
    assert picture.icc_profile is None and "is for RGB" in picture.notes[0]


@pytest.mark.parametrize("form", ["JPEG", "TIFF"])
def test_cmyk_becomes_srgb_with_a_note(form):
    image = Image.new("CMYK", (8, 8), (0, 255, 255, 0))
    picture = decode(saved(image, form))
    red, green, blue = picture.pixels[4, 4]
    assert red > 240 and green < 15 and blue < 15
    assert "from CMYK to sRGB" in picture.notes[0] and picture.icc_profile is None


def test_lab_becomes_srgb_with_a_note():
    grey = Image.fromarray(np.full((4, 4, 3), 119, np.uint8))
    profiles = (ImageCms.createProfile("sRGB"), ImageCms.createProfile("LAB"))
    lab = ImageCms.profileToProfile(grey, *profiles, outputMode="LAB")
    picture = decode(saved(lab, "TIFF", icc_profile=LAB))
    assert np.abs(picture.pixels.astype(int) - 119).max() <= 2
    assert "from Lab to sRGB" in picture.notes[0] and picture.icc_profile is None


def test_of_a_multi_picture_jpeg_the_main_one_is_taken_with_a_note():
    main, other = Image.fromarray(noise(16, 16, 3)), Image.fromarray(noise(8, 8, 3))
    data = saved(main, "MPO", save_all=True, append_images=[other])
    picture = decode(data)
    assert picture.size == (16, 16) and "only the main one is used" in picture.notes[0]


@pytest.mark.parametrize("key", ["interlace", "dpi", "icc_profile", "transparency"])
def test_a_text_cannot_pose_as_a_fact_of_the_file(key):
    pixels = noise(5, 6, 3)
    assert np.array_equal(decode(encode_png(Picture(pixels), {key: "1"})).pixels, pixels)


def test_a_mask_is_the_luma_and_nothing_where_transparent():
    grey = noise(4, 5)
    assert np.array_equal(decode_mask(encode_png(Picture(grey))), grey)
    painted = np.zeros((2, 2, 4), np.uint8)
    painted[0] = 255
    painted[0, 1, 3] = 128
    assert decode_mask(encode_png(Picture(painted))).tolist() == [[255, 128], [0, 0]]
    assert decode_mask(saved(image_in("1"), "PNG")).max() == 255
