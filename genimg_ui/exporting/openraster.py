"""OpenRaster out: a ZIP of PNGs and a stack of layers, for Krita, GIMP and MyPaint.

After the OpenRaster specification 0.0.6: `mimetype` first and stored, `stack.xml`, `data/`,
`mergedimage.png` and `Thumbnails/thumbnail.png`. Layers keep the picture's own depth.
"""

import io
import zipfile
from collections.abc import Mapping
from typing import BinaryIO
from xml.etree import ElementTree

from genimg_ui.core.picture import Picture, thumbnail
from genimg_ui.core.png import write_png
from genimg_ui.exporting.layers import Layers

MIMETYPE = b"image/openraster"
THUMBNAIL_SIDE = 256  # the specification's limit
EPOCH = (1980, 1, 1, 0, 0, 0)  # the same layers give the same bytes
DPI = 72  # where the picture has no resolution: the specification's default


def write_openraster(file: BinaryIO, layers: Layers, texts: Mapping[str, str]) -> tuple[str, ...]:
    """Write the layers, mask (hidden) over patch over source; `texts` go into the merged PNG."""
    named = (
        ("mask", Picture(layers.mask), (0, 0)),
        ("patch", layers.patch, (layers.box.left, layers.box.top)),
        ("source", layers.source, (layers.left, layers.top)),
    )
    with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:
        archive.writestr(_member("mimetype"), MIMETYPE)
        stack = [(name, place) for name, _, place in named]
        archive.writestr(_member("stack.xml"), _stack(layers.result, stack))
        for name, picture, _ in named:
            _add(archive, f"data/{name}.png", picture, {})
        _add(archive, "mergedimage.png", layers.result, texts)
        buffer = io.BytesIO()
        thumbnail(layers.result, THUMBNAIL_SIDE).save(buffer, "PNG")
        archive.writestr(_member("Thumbnails/thumbnail.png"), buffer.getvalue())
    return layers.notes


def _member(name: str) -> zipfile.ZipInfo:
    return zipfile.ZipInfo(name, EPOCH)


def _add(archive: zipfile.ZipFile, name: str, picture: Picture, texts: Mapping[str, str]) -> None:
    buffer = io.BytesIO()
    write_png(buffer, picture, texts)
    archive.writestr(_member(name), buffer.getvalue())


def _stack(result: Picture, layers: list[tuple[str, tuple[int, int]]]) -> bytes:
    across, down = (round(part) for part in result.dpi or (DPI, DPI))
    image = ElementTree.Element(
        "image",
        version="0.0.6",
        w=str(result.size.width),
        h=str(result.size.height),
        xres=str(across),
        yres=str(down),
    )
    stack = ElementTree.SubElement(image, "stack")
    for name, (left, top) in layers:
        ElementTree.SubElement(
            stack,
            "layer",
            name=name,
            src=f"data/{name}.png",
            x=str(left),
            y=str(top),
            opacity="1.0",
            visibility="hidden" if name == "mask" else "visible",
        )
    text: bytes = ElementTree.tostring(image, encoding="UTF-8", xml_declaration=True)
    return text
