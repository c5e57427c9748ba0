"""Computes the metrics of a protocol: those of one result, and those of all results together."""

import hashlib
import math
from collections.abc import Callable, Iterable, Iterator, Sequence

import numpy as np

from genimg_ui.evaluation.metrics import distributions, pixel, seam, structural, weights
from genimg_ui.evaluation.metrics.base import (
    Pair,
    Region,
    Rgb,
    Score,
    SetScore,
    Unavailable,
    Undefined,
)
from genimg_ui.evaluation.metrics.catalogue import METRICS
from genimg_ui.evaluation.metrics.features import Inception, Lpips, StandIn
from genimg_ui.evaluation.metrics.text import ClipScore

Measure = Callable[[Pair], dict[str, Score]]
Network = Callable[[Sequence[Rgb]], distributions.Features]
_Rows = tuple[list[distributions.Features], list[distributions.Features]]
FEW, FEW_PIXELS = 32, 16_000_000  # pairs that are held at a time, and about how many pixels
CROP_SIDE = 32  # pixels: the least side of what is cut out around a hole
_STAND_IN = "_stand_in"
_PLAIN: tuple[tuple[tuple[str, ...], Measure], ...] = (
    (("mse", "psnr", "mse_hole", "psnr_hole"), pixel.differences),
    (("changed_outside", "psnr_outside"), pixel.outside),
    (("sharpness",), pixel.sharpness),
    (("ssim", "ssim_hole"), structural.ssim),
    (("ms_ssim",), structural.ms_ssim),
    (("gmsd", "gmsd_hole"), structural.gmsd),
    (("seam", "colour_shift"), seam.seams),
)


class Scorer:
    """Computes the metrics it was opened for; those in `unavailable` it leaves out."""

    def __init__(
        self,
        names: Sequence[str],
        measures: Sequence[Measure],
        networks: dict[str, Network],
        unavailable: Sequence[Unavailable],
    ) -> None:
        lacking = {item.name for item in unavailable}
        found = [METRICS[name] for name in names if name not in lacking]
        self._pair_names = [m.name for m in found if m.region is not Region.SET]
        self._set_names = [m.name for m in found if m.region is Region.SET]
        self._measures = measures
        self._networks = networks
        self.unavailable = tuple(unavailable)
        # Originals are the same for every model.
        self._originals: dict[tuple[str, str], distributions.Features] = {}

    def score(self, pairs: Sequence[Pair]) -> list[dict[str, Score]]:
        """The metrics of each pair, in the order of the names; every float is finite."""
        return [self._score(pair) for pair in pairs]

    def score_set(self, pairs: Iterable[Pair]) -> dict[str, SetScore]:
        """The metrics of all pairs of one model together, the pairs in the order of the cases.

        Around the hole means the hole's box made square, where the picture allows, and at least
        32 pixels wide and high, cut out of results and originals; pairs without a hole are left
        out there. Only a few pairs are held at a time.
        """
        kinds = {name: _of_set(name) for name in self._set_names}
        found: dict[tuple[str, bool], _Rows] = {(n, cut): ([], []) for n, _, cut in kinds.values()}
        for some in _few(pairs) if found else ():
            for (network, cut), rows in found.items():
                self._add(rows, some, network, cut=cut)
        features = {key: (_whole(real), _whole(fake)) for key, (real, fake) in found.items()}
        return {
            name: distributions.set_score(kind, name, *features[network, cut])
            for name, (network, kind, cut) in kinds.items()
        }

    def _add(self, rows: _Rows, pairs: Sequence[Pair], network: str, *, cut: bool) -> None:
        """Add the features of originals and of results."""
        boxes = [around_hole(pair) if cut else (slice(None), slice(None)) for pair in pairs]
        kept = [(pair, box) for pair, box in zip(pairs, boxes, strict=True) if box is not None]
        if not kept:
            return
        originals = [np.ascontiguousarray(pair.original[box]) for pair, box in kept]
        compute = self._networks[network]
        key = (network, _digest(originals))
        if key not in self._originals:
            self._originals[key] = compute(originals)
        rows[0].append(self._originals[key])
        rows[1].append(compute([pair.result[box] for pair, box in kept]))

    def _score(self, pair: Pair) -> dict[str, Score]:
        found: dict[str, Score] = {}
        for measure in self._measures:
            found |= measure(pair)
        return {name: _finite(name, found[name]) for name in self._pair_names}


def open_scorer(names: Sequence[str]) -> Scorer:
    """What computes `names` of `catalogue.METRICS`; reads the feature networks that are needed.

    A metric whose network has no weights here is told in `unavailable`, and nothing stands in
    for it under its name.
    """
    measures = [measure for made, measure in _PLAIN if set(made) & set(names)]
    networks: dict[str, Network] = {}
    unavailable: list[Unavailable] = []
    lpips = [name for name in names if name in ("lpips", "lpips_hole")]
    if lpips:
        lack = weights.ALEXNET.lack()
        unavailable += _told(lpips, lack)
        measures += [Lpips()] if lack is None else []
    if "clip_score" in names:
        clip = _clip()
        unavailable += _told(["clip_score"], weights.clip_lack() if clip is None else None)
        measures += [clip] if clip is not None else []
    sets = [name for name in names if METRICS[name].region is Region.SET]
    plain = [name for name in sets if _of_set(name)[0] == "inception"]
    if plain:
        lack = weights.INCEPTION.lack()
        unavailable += _told(plain, lack)
        networks |= {"inception": Inception(weights.INCEPTION.path)} if lack is None else {}
    if len(plain) < len(sets):
        networks["stand_in"] = StandIn()
    return Scorer(names, measures, networks, unavailable)


def _told(names: Sequence[str], lack: str | None) -> list[Unavailable]:
    return [Unavailable(name, f"{METRICS[name].title} {lack}") for name in names if lack]


def around_hole(pair: Pair) -> tuple[slice, slice] | None:
    """Rows and columns of the hole's box, made square where the picture allows; None if empty."""
    spans = []
    for axis in (1, 0):
        found = np.flatnonzero(pair.hole.any(axis=axis))
        if not found.size:
            return None
        spans.append((int(found[0]), int(found[-1]) + 1))
    side = max(CROP_SIDE, *(end - start for start, end in spans))
    rows, columns = (
        _widened(span, side, most) for span, most in zip(spans, pair.mask.shape, strict=True)
    )
    return rows, columns


def _widened(span: tuple[int, int], side: int, most: int) -> slice:
    side = min(side, most)
    start = (span[0] + span[1] - side) // 2
    start = min(max(start, 0), most - side)
    return slice(start, start + side)


def _of_set(name: str) -> tuple[str, str, bool]:
    """The network, the kind of distance, and whether it looks around the hole only."""
    network = "stand_in" if _STAND_IN in name else "inception"
    rest = name.replace(_STAND_IN, "")
    return network, rest.removesuffix("_hole"), rest.endswith("_hole")


def _clip() -> ClipScore | None:
    folder = weights.clip_folder()
    if folder is None:
        return None
    try:
        return ClipScore(folder)
    except (OSError, ValueError):
        return None


def _few(pairs: Iterable[Pair]) -> Iterator[list[Pair]]:
    """The pairs in groups that memory holds, whatever their sizes."""
    some: list[Pair] = []
    for pair in pairs:
        some.append(pair)
        if len(some) == FEW or sum(one.mask.size for one in some) >= FEW_PIXELS:
            yield some
            some = []
    if some:
        yield some


def _whole(parts: Sequence[distributions.Features]) -> distributions.Features:
    return np.concatenate(parts) if parts else np.zeros((0, 1))


def _digest(pictures: Sequence[Rgb]) -> str:
    digest = hashlib.sha256()
    for picture in pictures:
        digest.update(repr(picture.shape).encode())
        digest.update(picture.data)
    return digest.hexdigest()


def _finite(name: str, score: Score) -> Score:
    if isinstance(score, Undefined) or math.isfinite(score):
        return score
    return Undefined(name, f"The value came out as {score}.")
