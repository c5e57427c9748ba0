"""Flat files: pixels, profile, alpha, resolution and record are kept, or it is said."""

import io
from dataclasses import replace

import numpy as np
import pytest
import tifffile
from PIL import Image, ImageCms

from genimg_ui.core.image import decode
from genimg_ui.core.picture import Picture
from genimg_ui.errors import RefusedInput
from genimg_ui.exporting.formats import ExportOptions, Format, format_named
from genimg_ui.exporting.plain import write_picture
from genimg_ui.history.metadata import entry_from_file, record_of
from tests.history.test_metadata import entry

FLAT = [Format.PNG, Format.WEBP, Format.JPEG, Format.TIFF]
LOSSLESS = [Format.PNG, Format.WEBP, Format.TIFF]
SHAPES = {"L": (), "LA": (2,), "RGB": (3,), "RGBA": (4,)}
P3 = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


def picture(mode="RGB", bits=8, **more):
    dtype = np.uint8 if bits == 8 else np.uint16
    rng = np.random.default_rng(3)
    pixels = rng.integers(0, 2**bits, (21, 34, *SHAPES[mode])).astype(dtype)
    return Picture(pixels, **more)


def written(given, form, *, record=None, quality=95):
    buffer = io.BytesIO()
    options = ExportOptions(format=form, quality=quality)
    notes = write_picture(buffer, given, options, record)
    return buffer.getvalue(), notes


@pytest.mark.parametrize("bits", [8, 16])
@pytest.mark.parametrize("mode", SHAPES)
@pytest.mark.parametrize("form", [Format.PNG, Format.TIFF])
def test_png_and_tiff_keep_every_bit(form, mode, bits):
    given = picture(mode, bits)
    data, notes = written(given, form)
    assert notes == ()
    if (form, mode, bits) == (Format.TIFF, "LA", 16):  # Pillow has no mode for it
        assert np.array_equal(tifffile.imread(io.BytesIO(data)), given.pixels)
    else:
        assert np.array_equal(decode(data).pixels, given.pixels)


@pytest.mark.parametrize("mode", ["LA", "RGBA"])
def test_another_reader_takes_the_tiffs_alpha_for_straight(mode):
    with tifffile.TiffFile(io.BytesIO(written(picture(mode, 16), Format.TIFF)[0])) as file:
        page = file.pages[0]
        assert page.extrasamples == (tifffile.EXTRASAMPLE.UNASSALPHA,)
        assert np.array_equal(page.asarray(), picture(mode, 16).pixels)


@pytest.mark.parametrize("mode", ["RGB", "RGBA"])
def test_webp_is_lossless_also_where_it_is_transparent(mode):
    data, notes = written(picture(mode), Format.WEBP)
    assert notes == ()
    with Image.open(io.BytesIO(data)) as image:
        assert np.array_equal(np.asarray(image), picture(mode).pixels)


def test_webp_says_what_it_cannot_keep():
    data, notes = written(picture("LA", 16, icc_profile=b"grey profile"), Format.WEBP)
    assert [word in " ".join(notes) for word in ("8 bits per channel", "no grey")] == [True, True]
    with Image.open(io.BytesIO(data)) as image:
        assert image.info.get("icc_profile") is None
        assert np.array_equal(np.asarray(image)[..., 1], picture("LA", 16).grey())


def test_jpeg_says_that_locked_pixels_change_and_that_alpha_goes():
    given = replace(picture("RGBA"), pixels=np.zeros((8, 8, 4), np.uint8))
    data, notes = written(given, Format.JPEG)
    assert "locked" in notes[0] and "transparency" in notes[-1]
    with Image.open(io.BytesIO(data)) as image:
        assert image.mode == "RGB" and np.asarray(image).min() == 255  # over white


def test_the_quality_of_a_jpeg_counts_and_is_checked():
    fine, coarse = (len(written(picture(), Format.JPEG, quality=q)[0]) for q in (95, 40))
    assert coarse < fine / 2
    for quality in (0, 101):
        with pytest.raises(RefusedInput, match=r"must be in \[1, 100\], got"):
            ExportOptions(quality=quality)


@pytest.mark.parametrize("form", FLAT)
def test_profile_and_resolution_are_kept(form):
    data, _ = written(picture(icc_profile=P3, dpi=(300.0, 240.0)), form)
    with Image.open(io.BytesIO(data)) as image:
        assert image.info["icc_profile"] == P3
        if form is Format.WEBP:
            exif = image.getexif()
            resolution = (float(exif[0x011A]), float(exif[0x011B]))
            assert exif[0x0128] == 2
        else:
            resolution = tuple(map(float, image.info["dpi"]))
        assert resolution == pytest.approx((300, 240), abs=0.02)


@pytest.mark.parametrize("form", FLAT)
@pytest.mark.parametrize(
    "prompt", ["a red door", '</rdf:li>&<img onerror="x"> \x01\x7f\ufffe 黒\r\n']
)
def test_the_record_comes_back_out_of_every_format(form, prompt):
    given = entry(prompt)
    data, _ = written(picture(), form, record=record_of(given, 1))
    own = replace(given.results[1], sha256="")
    assert entry_from_file(data) == replace(given, results=(own,))


@pytest.mark.parametrize("form", FLAT)
def test_without_its_record_a_file_says_nothing_of_the_edit(form):
    data, _ = written(picture(dpi=(300.0, 300.0)), form)
    for word in (b"genimg", b"red door", b"parameters", b"sd15", "red door".encode("utf-16-be")):
        assert word not in data
    with pytest.raises(RefusedInput, match="must carry the entry of an edit, got none"):
        entry_from_file(data)


def test_a_record_that_no_jpeg_can_hold_is_refused():
    record = record_of(entry("\x01" * 4000, negative="\x02" * 4000), 0)
    with pytest.raises(RefusedInput, match=r"at most 65\d+ bytes of an edit's record, got \d+"):
        written(picture(), Format.JPEG, record=record)
    assert entry_from_file(written(picture(), Format.WEBP, record=record)[0])


def test_what_is_too_large_for_a_format_is_refused():
    wide = Picture(np.zeros((1, 16384), np.uint8))
    with pytest.raises(RefusedInput, match="at most 16383 pixels a side, got 16384×1"):
        written(wide, Format.WEBP)


@pytest.mark.parametrize(("name", "form"), [(".JPG", Format.JPEG), ("tif", Format.TIFF)])
def test_formats_are_known_by_name_and_suffix(name, form):
    assert format_named(name) is form


def test_another_format_is_refused():
    with pytest.raises(RefusedInput, match="one of png, webp, jpeg, tiff, ora, psd, got 'gif'"):
        format_named("gif")
