"""Photoshop's format out, by psd-tools: source, patch and mask as layers, 8 or 16 bits.

The merged picture is the result's own pixels, not a composite that the library would draw. Layers
of 16 bits lie in the block `Lr16`, where Photoshop itself puts them.
"""

from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray
from psd_tools import PSDImage
from psd_tools.constants import ColorMode, Compression, Resource, Tag
from psd_tools.psd import PSD
from psd_tools.psd.header import FileHeader
from psd_tools.psd.image_data import ImageData
from psd_tools.psd.image_resources import ImageResource, ImageResources
from psd_tools.psd.layer_and_mask import LayerAndMaskInformation, LayerInfo
from psd_tools.psd.tagged_blocks import TaggedBlocks

from genimg_ui.core.picture import Picture
from genimg_ui.errors import RefusedInput
from genimg_ui.exporting.formats import Format, check_size
from genimg_ui.exporting.layers import Layers

MOST_PIXELS = 60_000_000  # the library takes about 40 bytes a pixel while it writes
PER_INCH, INCHES = 1, 1  # units of a resolution and of a ruler
FIXED = 1 << 16  # resolutions are fixed-point numbers of 16.16 bits
NO_ALPHA = "The merged picture of the Photoshop file has no transparency; its source layer has it."


def write_photoshop(file: BinaryIO, layers: Layers, xmp: bytes | None) -> tuple[str, ...]:
    """Write the layers; `xmp` is the packet to put beside them. Raises RefusedInput."""
    check_size(layers.result, Format.PSD)
    if layers.canvas.area > MOST_PIXELS:
        raise RefusedInput(
            f"A Photoshop file may have at most {MOST_PIXELS / 1e6:g} megapixels here, "
            f"got {layers.canvas} ({layers.canvas.area / 1e6:.1f}).",
            remedy="Choose OpenRaster.",
        )
    record = _record(layers.result, xmp)
    document = PSDImage(record)
    for name, picture, (left, top) in (
        ("source", layers.source, (layers.left, layers.top)),
        ("patch", layers.patch, (layers.box.left, layers.box.top)),
        ("mask", Picture(_mask(layers)), (0, 0)),
    ):
        layer = document.create_pixel_layer_from_array(
            _planes(picture), name=name, left=left, top=top
        )
        layer.visible = name != "mask"
    record.write(file)
    return (*layers.notes, NO_ALPHA) if layers.result.has_alpha else layers.notes


def _record(result: Picture, xmp: bytes | None) -> PSD:
    """The document without layers: header, merged picture, profile, resolution and XMP."""
    colours = result.pixels[..., :-1] if result.has_alpha else result.pixels
    grey = result.channels < 3
    planes = np.moveaxis(colours.reshape(*colours.shape[:2], -1), 2, 0)
    header = FileHeader(
        channels=len(planes),
        height=result.size.height,
        width=result.size.width,
        depth=result.bits,
        color_mode=ColorMode.GRAYSCALE if grey else ColorMode.RGB,
    )
    merged = ImageData(compression=Compression.RLE)
    order = planes.dtype.newbyteorder(">")
    merged.set_data([plane.astype(order).tobytes() for plane in planes], header)
    blocks = TaggedBlocks()
    if result.bits == 16:
        blocks.set_data(Tag.LAYER_16)
    return PSD(
        header=header,
        image_data=merged,
        image_resources=_resources(result, xmp),
        layer_and_mask_information=LayerAndMaskInformation(
            layer_info=LayerInfo(), tagged_blocks=blocks
        ),
    )


def _resources(result: Picture, xmp: bytes | None) -> ImageResources:
    resources = ImageResources.new()
    given: dict[Resource, bytes] = {}
    if result.icc_profile:
        given[Resource.ICC_PROFILE] = result.icc_profile
    if xmp:
        given[Resource.XMP_METADATA] = xmp
    if result.dpi:
        given[Resource.RESOLUTION_INFO] = b"".join(_resolution(dpi) for dpi in result.dpi)
    for key, data in given.items():
        resources[key] = ImageResource(key=key, data=data)
    return resources


def _resolution(dpi: float) -> bytes:
    fixed = min(2**32 - 1, round(dpi * FIXED))
    return fixed.to_bytes(4) + PER_INCH.to_bytes(2) + INCHES.to_bytes(2)


def _mask(layers: Layers) -> NDArray[Any]:
    """The mask with as many colours and bits as the picture, so that it can be a layer of it."""
    deep = layers.mask.astype(np.uint16) * 257 if layers.result.bits == 16 else layers.mask
    return deep if layers.result.channels < 3 else np.repeat(deep[..., None], 3, axis=2)


def _planes(picture: Picture) -> NDArray[Any]:
    """As psd-tools takes an array; a source without alpha is opaque."""
    return picture.pixels if picture.pixels.ndim == 3 else picture.pixels[..., None]
