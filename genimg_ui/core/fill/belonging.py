"""Which colours may stand behind a removed object, or beyond a border: those of the ring around it.

An object hides what goes on around it, and beyond its border a picture goes on as it ends there. So
a colour that is common in the crop but not on the ring of known pixels near a place is foreign to
that place: a face must not come into the sky because its outline happens to fit. Colours are told
apart as KINDS of the crop's palette. `image` is uint8 (h, w, 3), `known` bool (h, w), shares and
foreignness are float32 (h, w, KINDS) in 0..1.
"""

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from genimg_ui.core.fill.kernels import AREA, SIDE, Level, Prior
from genimg_ui.core.fill.levels import Scale, hole_depth
from genimg_ui.core.smooth import pull_push

KINDS = 24  # colours of the palette
ALIKE = 12.0  # levels; the standard deviation of what counts as the same colour
ENOUGH = 1 << 15  # pixels of the scale on which colours are counted; more would show no others
TOO_MANY = 1 << 18  # a coarsest level so large has a thin hole: its patches are no landmarks
RING = 0.3  # width of the ring, of the hole's greatest depth
LEAST_RING = 3  # pixels
REACH = 0.3  # how far along the ring a place looks, of the hole's greatest depth
EVERYWHERE = 0.1  # share of the whole ring in what a place sees of it
TOLERANCE = 2.0  # a colour may be so many times rarer on the ring than in the crop
FORGIVING = 0.25  # of the weight from level to finer level: patches shrink to mere texture
JUDGED = 3  # coarsest levels on which colours are judged; then the shapes are settled


class Taste:
    """Judges the sources of a crop's coarsest levels by their colours."""

    def __init__(self, scales: Sequence[Scale], weight: float) -> None:
        """`weight` is the cost per foreign pixel on the coarsest of `scales`, finest first."""
        self._weight = weight
        self._coarsest = len(scales) - 1
        sizes = [scale.known.size for scale in scales]
        self._counted = next((k for k, size in enumerate(sizes) if size <= ENOUGH), self._coarsest)
        if sizes[self._counted] <= TOO_MANY:
            scale = scales[self._counted]
            self._kinds, self._foreign = belonging(scale.image, scale.known)
        else:
            self._counted = len(scales)

    def judge(self, level: Level, number: int) -> Level:
        """The level with the prior costs of its sources."""
        finer = self._coarsest - number
        if number < self._counted or finer >= JUDGED:
            return level
        height, width = level.number.shape
        source = np.zeros((*level.valid.shape, KINDS), np.uint8)
        shares = cv2.blur(_resized(self._kinds, (width, height)), (SIDE, SIDE))
        source[:, :width] = shares * 255 + np.float32(0.5)
        if source.shape[1] > width:
            source[:, width:] = source[:, width - 1 :: -1][:, :width]
        cost = self._weight * FORGIVING**finer * AREA / 255
        target = _resized(self._foreign, (width, height))[level.ys, level.xs] * np.float32(cost)
        return level._replace(prior=Prior(source, (target + np.float32(0.5)).astype(np.int32)))


def belonging(
    image: NDArray[np.uint8], known: NDArray[np.bool_]
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """The kind of each known pixel, as shares, and how foreign each kind is to each place."""
    hole = ~known
    kinds, alike = _kinds(image, known)
    depth = float(hole_depth(hole).max())
    side = 2 * max(LEAST_RING, round(RING * depth)) + 1
    ring = (cv2.dilate(hole.astype(np.uint8), np.ones((side, side), np.uint8)) > 0) & known
    seen = (1 - EVERYWHERE) * _seen(kinds, ring, REACH * depth)
    seen += EVERYWHERE * kinds[ring].mean(axis=0)
    usual = kinds[known].mean(axis=0) @ alike
    ratio = (seen @ alike) / np.maximum(usual, np.float32(1e-6))
    return kinds, (1 - np.minimum(1, TOLERANCE * ratio)).astype(np.float32)


def _kinds(
    image: NDArray[np.uint8], known: NDArray[np.bool_]
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Shares (h, w, KINDS), and how much two kinds are the same colour (KINDS, KINDS)."""
    strip = Image.fromarray(image[known][None])
    paletted = strip.quantize(KINDS, Image.Quantize.MEDIANCUT, kmeans=1)
    shares = np.zeros((*known.shape, KINDS), np.float32)
    shares[known] = np.eye(KINDS, dtype=np.float32)[np.asarray(paletted)[0]]
    totals = shares[known].T @ image[known].astype(np.float32)
    colours = totals / np.maximum(shares[known].sum(axis=0), 1)[:, None]
    apart = ((colours[:, None] - colours[None]) ** 2).sum(axis=2)
    return shares, np.exp(-apart / (2 * ALIKE**2)).astype(np.float32)


def _seen(
    shares: NDArray[np.float32], ring: NDArray[np.bool_], reach: float
) -> NDArray[np.float32]:
    """Shares on the part of the ring that is next to each place; far from it, continued."""
    side = 2 * max(1, round(reach)) + 1
    window, flat = (side, side), cv2.BORDER_CONSTANT
    amount = cv2.blur(ring.astype(np.float32), window, borderType=flat)
    least = 0.5 / side**2  # half of what one pixel of the ring gives
    found = cv2.blur(shares * ring[..., None], window, borderType=flat)
    near = found / np.maximum(amount, least)[..., None]
    return pull_push(near.astype(np.float32), np.asarray(amount > least))


def _resized(values: NDArray[np.float32], size: tuple[int, int]) -> NDArray[np.float32]:
    """By area, four channels at a time: OpenCV resizes no more."""
    parts = [values[..., k : k + 4] for k in range(0, values.shape[2], 4)]
    smaller = [cv2.resize(part, size, interpolation=cv2.INTER_AREA) for part in parts]
    return np.concatenate(smaller, axis=2)
