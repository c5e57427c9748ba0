"""Enlarges a picture tile by tile, so that memory is that of one tile.

Neighbouring tiles share `OVERLAP` pixels or more. Of these the outer part of each tile, which its
edge reaches, is not used, and the two are cross-faded between. Where the network looks no
further than that part, the result is that of the whole picture at once.
"""

from collections.abc import Callable

import numpy as np

from genimg_ui.backend.base import Rgb
from genimg_ui.core.geometry import Box, Size
from genimg_ui.core.passes import Tile, tile_paste, tiles

TILE = 320  # side in pixels of the source: some 400 MB of a large network that enlarges 4 times
OVERLAP = 48
GUARD = 0.375  # of it, at each tile's edge: 18 pixels

Enlarge = Callable[[Rgb], Rgb]  # (h, w, 3) → (h · scale, w · scale, 3)


def enlarge_tiled(
    picture: Rgb, enlarge: Enlarge, scale: int, after: Callable[[float, Rgb], None]
) -> Rgb:
    """The whole picture, `scale` times larger: uint8 (h · scale, w · scale, 3).

    `after` is called with the share that is done and the unfinished result after each tile; it
    may raise to stop.
    """
    height, width = picture.shape[:2]
    result = np.zeros((height * scale, width * scale, 3), np.uint8)
    made = tiles(Size(width, height), side=TILE, overlap=OVERLAP, multiple=1)
    for done, tile in enumerate(made, start=1):
        part = enlarge(np.ascontiguousarray(picture[tile.box.slices]))
        _lay(result, part, _scaled(tile, scale))
        after(done / len(made), result)
    return result


def _scaled(tile: Tile, scale: int) -> Tile:
    return Tile(
        Box(*(edge * scale for edge in tile.box)),
        left=tile.left * scale,
        top=tile.top * scale,
        right=tile.right * scale,
        bottom=tile.bottom * scale,
    )


def _lay(result: Rgb, part: Rgb, tile: Tile) -> None:
    """Fade a tile in over what lies there already: (old (255 - w) + new w + 127) // 255."""
    weight = tile_paste(tile, GUARD)[..., None].astype(np.uint16)
    target = result[tile.box.slices]
    mixed = target * (np.uint16(255) - weight) + part * weight + np.uint16(127)
    target[...] = (mixed // np.uint16(255)).astype(np.uint8)
