"""Layered files: source and patch give the result, pixel for pixel, in an independent reader."""

import io
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
from PIL import Image
from psd_tools import PSDImage
from psd_tools.constants import Resource

from genimg_ui.core.geometry import Sides
from genimg_ui.core.image import Limits, decode
from genimg_ui.core.picture import Picture
from genimg_ui.core.png import encode_png
from genimg_ui.errors import RefusedInput
from genimg_ui.exporting.layers import Layers, make_layers
from genimg_ui.exporting.openraster import write_openraster
from genimg_ui.exporting.photoshop import write_photoshop
from genimg_ui.history.metadata import record_of
from genimg_ui.history.record import LogEntry
from tests.editing import Desk, noise, painted, png, request

MASK = painted(48, 36, (14, 12, 26, 22))
BORDER = Sides(5, 3, 0, 2)
DEEP = Picture(np.random.default_rng(2).integers(0, 65536, (36, 48, 3)).astype(np.uint16))
CASES = {
    "RGB": (png(noise(48, 36)), "plain", Sides()),
    "grey": (png(noise(48, 36, "L")), "plain", Sides()),
    "soft mask, border": (png(noise(48, 36)), "square", BORDER),
    "16 bits, border": (encode_png(DEEP), "plain", BORDER),
    "opaque alpha": (png(noise(48, 36).convert("RGBA")), "plain", Sides()),
}


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    opened = Desk(tmp_path / "desk")
    yield opened
    opened.close()


def edited(desk: Desk, case: str) -> LogEntry:
    source, model, border = CASES[case]
    asked = request(model, grow=2, feather=3, border=border)
    entry = desk.edit(asked, source, MASK)
    assert entry.results, entry.error
    return entry


def layers_of(desk: Desk, entry: LogEntry) -> Layers:
    store, inputs = desk.store, entry.inputs
    assert inputs.mask is not None
    result = decode(store.result_path(entry.results[0].sha256))
    source, mask = store.source_path(inputs.source), store.mask_path(inputs.mask)
    return make_layers(entry, result, source, mask, Limits())


def flattened(source: Picture, patch: Picture, layers: Layers) -> np.ndarray:
    """Patch over source, on a canvas as large as the result, by replacing where it is opaque."""
    canvas = np.zeros_like(layers.result.pixels)
    height, width = source.size.height, source.size.width
    canvas[layers.top : layers.top + height, layers.left : layers.left + width] = source.pixels
    target = canvas[layers.box.slices]
    opaque = patch.pixels[..., -1] > 0
    colours = patch.pixels if layers.result.has_alpha else patch.pixels[..., :-1]
    target[opaque] = colours.reshape(*opaque.shape, -1)[opaque].reshape(target[opaque].shape)
    return canvas


@pytest.mark.parametrize("case", CASES)
def test_openraster_holds_source_patch_and_mask(desk: Desk, case: str) -> None:
    entry = edited(desk, case)
    layers = layers_of(desk, entry)
    buffer = io.BytesIO()
    assert write_openraster(buffer, layers, record_of(entry).png_texts()) == ()
    with zipfile.ZipFile(buffer) as archive:
        assert archive.infolist()[0].filename == "mimetype"
        assert archive.read("mimetype") == b"image/openraster"
        image = ElementTree.fromstring(archive.read("stack.xml"))
        named = {layer.get("name"): layer.attrib for layer in image.iter("layer")}
        assert list(named) == ["mask", "patch", "source"]  # from the top down
        assert [named[name]["visibility"] for name in named] == ["hidden", "visible", "visible"]
        place = (int(named["source"]["x"]), int(named["source"]["y"]))
        assert place == (entry.request.border.left, entry.request.border.top)
        pictures = {n: decode(archive.read(named[n]["src"])) for n in named}
        merged = archive.read("mergedimage.png")
        assert np.array_equal(decode(merged).pixels, layers.result.pixels)
        assert b"genimg_ui" in merged
        assert max(Image.open(archive.open("Thumbnails/thumbnail.png")).size) <= 256
    assert np.array_equal(
        flattened(pictures["source"], pictures["patch"], layers), layers.result.pixels
    )
    assert np.array_equal(pictures["mask"].pixels, layers.mask)
    assert pictures["patch"].bits == pictures["source"].bits == layers.result.bits


@pytest.mark.parametrize("case", CASES)
def test_photoshops_layers_give_the_result(desk: Desk, case: str) -> None:
    layers = layers_of(desk, edited(desk, case))
    layers = replace(layers, result=replace(layers.result, dpi=(300.0, 300.0), icc_profile=b"p"))
    buffer = io.BytesIO()
    write_photoshop(buffer, layers, b"<packet/>")
    document = PSDImage.open(io.BytesIO(buffer.getvalue()))
    assert (document.width, document.height) == tuple(layers.canvas)
    assert document.depth == layers.result.bits
    assert [layer.name for layer in document] == ["source", "patch", "mask"]
    assert [layer.is_visible() for layer in document] == [True, True, False]
    source, patch, mask = document
    assert (source.left, source.top) == (layers.left, layers.top)
    assert (patch.left, patch.top) == (layers.box.left, layers.box.top)
    most = np.iinfo(layers.result.pixels.dtype).max
    for layer, given in ((source, layers.source), (patch, layers.patch)):
        values = np.rint(layer.numpy() * most).astype(layers.result.pixels.dtype)
        pixels = given.pixels.reshape(*given.pixels.shape[:2], -1)
        assert np.array_equal(values[..., : pixels.shape[2]], pixels)
    assert np.array_equal(np.rint(mask.numpy()[..., 0] * 255), layers.mask)
    resources = document.image_resources
    assert resources.get_data(Resource.ICC_PROFILE) == b"p"
    assert resources.get_data(Resource.XMP_METADATA) == b"<packet/>"
    assert resources.get_data(Resource.RESOLUTION_INFO).horizontal == 300 << 16


@pytest.mark.parametrize("case", ["RGB", "grey", "16 bits, border"])
def test_photoshops_merged_picture_is_the_result(desk: Desk, case: str) -> None:
    layers = layers_of(desk, edited(desk, case))
    buffer = io.BytesIO()
    write_photoshop(buffer, layers, None)
    most = np.iinfo(layers.result.pixels.dtype).max
    merged = np.rint(PSDImage.open(io.BytesIO(buffer.getvalue())).numpy() * most)
    assert np.array_equal(merged.squeeze(), layers.result.pixels)


def test_another_mask_than_the_edits_is_refused(desk: Desk) -> None:
    entry = edited(desk, "RGB")
    other = replace(entry, request=replace(entry.request, mask=replace(entry.request.mask, grow=9)))
    with pytest.raises(RefusedInput, match="mask must come out as it was in the edit"):
        layers_of(desk, other)


def test_a_translucent_picture_is_told(desk: Desk) -> None:
    entry = desk.edit(request(grow=2), png(noise(48, 36, "RGBA")), MASK)
    assert "translucent" in layers_of(desk, entry).notes[0]
