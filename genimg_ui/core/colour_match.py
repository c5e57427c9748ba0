"""Brings a patch's colours to those of the picture around it, where that can be shown to fit.

An engine that repaints its whole crop also repaints pixels whose true colours are known: those
just outside the composite mask. Their difference from the source, by blocks of a ring around the
mask, tells how the engine's colours are off. Two corrections are tried, in CIELAB:

- an offset, the same everywhere: the weighted median of the blocks' differences;
- the low frequencies too: the blocks' differences, smoothed along the ring and continued inwards
  as a membrane (Pérez, Gangnet and Blake 2003; Farbman et al. 2009), which leaves the high
  frequencies to the patch (Burt and Adelson 1983).

Each is judged by cross-validation: one half of the blocks predicts the other. A correction that
does not lower the error there is not made, as a whole and block by block. It falls off with the
distance from the mask's edge, since the ring says less of what lies deep inside.

What the ring does not tell is the step at the edge itself: an engine paints the known pixels and
those beside them differently. Where it is asked for, that step is taken away too (`core.membrane`).

Pictures are uint8 (height, width, 3), masks uint8 (height, width), 255 = pasted, 0 = locked.
"""

from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from genimg_ui.core.membrane import edge_membrane
from genimg_ui.core.request import ColourMatch
from genimg_ui.core.smooth import pull_push

Rgb = NDArray[np.uint8]
Mask = NDArray[np.uint8]
Floats = NDArray[np.float32]

BLOCK = 8  # pixels: side of a block, the latent cell of most diffusion models
RING = 16  # pixels: how far the ring reaches outside; such engines repaint up to two cells there
FALL_OFF = 128.0  # pixels inside the edge after which a correction has fallen to 1 / e
SMOOTH = 1.5  # blocks: standard deviation of what low frequencies are averaged over
LARGEST = 8.0  # ΔE from the offset; a block that is farther off shows another thing, not a tint
NEIGHBOURS = 3.0  # blocks: the same for the judgement where a correction helps
LEAST_PIXELS = 8  # of the ring in a block; fewer tell little of it
LEAST_BLOCKS = 8  # in the ring; fewer cannot be halved to judge
LEAST_SHARE = 0.05  # of the error that a correction must take away
LEAST_GAIN = 0.2  # ΔE that it must take away; the eye sees none of less
EDGE_ALONG = 1.5  # pixels: the step at the edge is averaged over these
EDGE_LARGEST = 30.0  # ΔE of a step; a larger one is the outline of another thing
EDGE_FALL_OFF = 64.0  # pixels inside the edge, as FALL_OFF


@dataclass(frozen=True, slots=True, eq=False)
class Matched:
    """A patch with its colours matched; `patch` is the given one where nothing was `applied`.

    The errors are mean CIE76 ΔE over the ring's blocks, `error_after` as cross-validated; both
    are None where the mask has no ring to judge by.
    """

    patch: Rgb
    applied: ColourMatch = ColourMatch.OFF
    error_before: float | None = None
    error_after: float | None = None


@dataclass(frozen=True, slots=True, eq=False)
class _Ring:
    """Blocks of the ring: `difference` float32 (rows, columns, 3), source minus patch in CIELAB."""

    difference: Floats
    weight: Floats  # (rows, columns): pixels of the ring in each block
    half: NDArray[np.bool_]  # (rows, columns): to which half of the cross-validation a block goes

    @property
    def known(self) -> NDArray[np.bool_]:
        return self.weight > 0

    def mean(self, values: Floats) -> float:
        """Mean of one value for each block (rows, columns), by weight."""
        return float((values * self.weight).sum() / self.weight.sum())


def match_colours(patch: Rgb, given: Rgb, composite: Mask, mode: ColourMatch) -> Matched:
    """The patch with its colours matched to `given`, the source's own pixels of the same crop.

    SEAM is BLEND, where that is judged to help, and the step at the edge of what came of it.
    Only pixels that differ from `given` are changed, and none where `mode` is OFF or nothing fits
    better. Raises ValueError where the shapes differ.
    """
    if patch.shape != given.shape or composite.shape != patch.shape[:2]:
        raise ValueError(
            f"patch, given and composite must be of one size, got {patch.shape}, {given.shape} "
            f"and {composite.shape}"
        )
    if mode is ColourMatch.OFF:
        return Matched(patch)
    if mode is ColourMatch.SEAM:
        return _met_at_edge(
            match_colours(patch, given, composite, ColourMatch.BLEND), given, composite
        )
    ours, theirs = _lab(patch), _lab(given)
    ring = _ring(theirs - ours, composite)
    if np.count_nonzero(ring.known) < LEAST_BLOCKS or len(set(ring.half[ring.known])) < 2:
        return Matched(patch)
    before = ring.mean(_norm(ring.difference))
    applied, after = ColourMatch.OFF, before
    candidates = (ColourMatch.OFFSET, ColourMatch.BLEND)[: 1 if mode is ColourMatch.OFFSET else 2]
    for candidate in candidates:
        error = _judged(ring, candidate)
        if error < (1 - LEAST_SHARE) * after and error < after - LEAST_GAIN:
            applied, after = candidate, error
    if applied is ColourMatch.OFF:
        return Matched(patch, applied, before, before)
    field = _inwards(_gated(ring, applied), composite)
    changed = (patch != given).any(axis=2)
    return Matched(_shifted(patch, ours, field * changed[..., None]), applied, before, after)


def _met_at_edge(matched: Matched, given: Rgb, composite: Mask) -> Matched:
    """Without the step at the edge of the hole; as it was where nothing known is beside it."""
    hole = composite > 0
    ours = _lab(matched.patch)
    # Beside a border no outline ends by chance: every step is one to take away.
    largest = np.inf if _is_rectangle(~hole) else EDGE_LARGEST
    field = edge_membrane(ours, _lab(given), hole, along=EDGE_ALONG, largest=largest)
    if not field.any():
        return matched
    changed = (matched.patch != given).any(axis=2) & hole
    field = field * _fading(composite, EDGE_FALL_OFF) * changed[..., None]
    patch = _shifted(matched.patch, ours, np.asarray(field, np.float32))
    return replace(matched, patch=patch, applied=ColourMatch.SEAM)


def _is_rectangle(known: NDArray[np.bool_]) -> bool:
    """Whether the known pixels fill a box: what is beside them is a border, not painted."""
    box = np.logical_and.outer(known.any(axis=1), known.any(axis=0))
    return bool(np.array_equal(known, box))


def _ring(difference: Floats, composite: Mask) -> _Ring:
    locked = np.where(composite > 0, np.uint8(0), np.uint8(255))
    distance = np.asarray(cv2.distanceTransform(locked, cv2.DIST_L2, cv2.DIST_MASK_PRECISE))
    if not (composite > 0).any():
        distance = np.full(composite.shape, np.inf)
    inside = ((locked > 0) & (distance <= RING)).astype(np.float32)
    weight = _block_sums(inside[..., None])[..., 0]
    sums = _block_sums(difference * inside[..., None])
    weight[weight < LEAST_PIXELS] = 0
    means = sums / np.maximum(weight, 1)[..., None] * (weight > 0)[..., None]
    rows, columns = np.indices(weight.shape) // 2
    return _Ring(means.astype(np.float32), weight, (rows + columns) % 2 == 1)


def _block_sums(values: Floats) -> Floats:
    height, width, channels = values.shape
    padded = np.pad(values, ((0, -height % BLOCK), (0, -width % BLOCK), (0, 0)))
    rows, columns = padded.shape[0] // BLOCK, padded.shape[1] // BLOCK
    blocks = padded.reshape(rows, BLOCK, columns, BLOCK, channels)
    return np.asarray(blocks.sum(axis=(1, 3)), np.float32)


def _predicted(ring: _Ring, weight: Floats, mode: ColourMatch) -> Floats:
    """What the blocks of `weight` say of every block, float32 (rows, columns, 3)."""
    offset = np.array(
        [_median(ring.difference[..., channel], weight) for channel in range(3)], np.float32
    )
    flat = np.broadcast_to(offset, ring.difference.shape)
    if mode is ColourMatch.OFFSET:
        return flat
    beyond = np.asarray(ring.difference - offset, np.float32)
    same = weight * (_norm(beyond) <= LARGEST)
    return np.asarray(flat + _averaged(beyond, same, SMOOTH), np.float32)


def _held_out(ring: _Ring, mode: ColourMatch) -> Floats:
    """For every block what the other half of them says of it."""
    first = _predicted(ring, ring.weight * ~ring.half, mode)
    second = _predicted(ring, ring.weight * ring.half, mode)
    return np.where(ring.half[..., None], first, second)


def _judged(ring: _Ring, mode: ColourMatch) -> float:
    """Mean error of the ring once corrected; no block takes part in its own correction."""
    correction = _held_out(ring, mode)
    gain = _norm(ring.difference) - _norm(ring.difference - correction)
    from_first = _gates(gain, ring.weight * ~ring.half)
    from_second = _gates(gain, ring.weight * ring.half)
    gates = np.where(ring.half, from_first, from_second)
    left = np.asarray(ring.difference - gates[..., None] * correction, np.float32)
    return ring.mean(_norm(left))


def _gated(ring: _Ring, mode: ColourMatch) -> Floats:
    """The correction of each block of the ring, 0 where it would not help, continued inwards."""
    gain = _norm(ring.difference) - _norm(ring.difference - _held_out(ring, mode))
    gates = _gates(gain, ring.weight)
    return pull_push(gates[..., None] * _predicted(ring, ring.weight, mode), ring.known)


def _gates(gain: Floats, weight: Floats) -> Floats:
    """1 where the blocks around gain by a correction, else 0; eased at the transition."""
    helps = _averaged(gain[..., None], weight, NEIGHBOURS) > 0
    return _averaged(helps.astype(np.float32), np.ones_like(weight), 1.0)[..., 0]


def _averaged(values: Floats, weight: Floats, sigma: float) -> Floats:
    """Gaussian mean of the blocks that have weight; 0 where none is near."""
    total = cv2.GaussianBlur(weight, (0, 0), sigma, borderType=cv2.BORDER_CONSTANT)
    planes = [
        cv2.GaussianBlur(values[..., i] * weight, (0, 0), sigma, borderType=cv2.BORDER_CONSTANT)
        for i in range(values.shape[2])
    ]
    mean = np.stack(planes, axis=2) / np.maximum(total, np.float32(1e-6))[..., None]
    return np.asarray(mean * (total > 1e-4)[..., None], np.float32)


def _median(values: Floats, weight: Floats) -> float:
    """Weighted median; 0 without weight."""
    picked = weight > 0
    if not picked.any():
        return 0.0
    order = np.argsort(values[picked], kind="stable")
    share = np.cumsum(weight[picked][order], dtype=np.float64)
    return float(values[picked][order][np.searchsorted(share, share[-1] / 2)])


def _inwards(blocks: Floats, composite: Mask) -> Floats:
    """The correction of each pixel: full outside and at the edge, falling off inside."""
    height, width = composite.shape
    size = (blocks.shape[1] * BLOCK, blocks.shape[0] * BLOCK)
    field = cv2.resize(blocks, size, interpolation=cv2.INTER_LINEAR)[:height, :width]
    return np.asarray(field * _fading(composite, FALL_OFF), np.float32)


def _fading(composite: Mask, fall_off: float) -> Floats:
    """1 outside and at the edge, falling to 1 / e after `fall_off` pixels inside: (h, w, 1)."""
    support = np.where(composite > 0, np.uint8(255), np.uint8(0))
    depth = cv2.distanceTransform(support, cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
    return np.asarray(np.exp(-depth / np.float32(fall_off))[..., None], np.float32)


def _shifted(patch: Rgb, lab: Floats, field: Floats) -> Rgb:
    """`patch` with `field` added in CIELAB; where that is 0, the very same values."""
    moved = lab + field
    np.clip(moved[..., 0], 0, 100, out=moved[..., 0])
    step = cv2.cvtColor(moved, cv2.COLOR_LAB2RGB) - cv2.cvtColor(lab, cv2.COLOR_LAB2RGB)
    return np.asarray(np.clip(patch + np.rint(255 * step), 0, 255), np.uint8)


def _lab(picture: Rgb) -> Floats:
    """CIELAB under D65 of a picture that is read as sRGB: L in [0, 100]."""
    scaled = picture.astype(np.float32) / np.float32(255)
    return np.asarray(cv2.cvtColor(scaled, cv2.COLOR_RGB2LAB), np.float32)


def _norm(values: Floats) -> Floats:
    return np.asarray(np.sqrt((values * values).sum(axis=2)), np.float32)
