"""How much memory an edit needs, and where its weights must lie so that it fits: pure arithmetic.

Weights are counted; activations follow from a simple model. What the denoiser holds at its peak
grows with the latent cells (UNets) or tokens (transformers) times the network's width, and what
the autoencoder holds with the pixels of the working size times its first width. The factors in
`registry.memory` were counted, tensor by tensor, on the published configurations.
All sizes are bytes.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from genimg_ui.core.geometry import Size

GIB = 2**30
SPARE = 0.9  # share of the free memory that is planned with: allocators leave gaps
WORKSPACE = 1.25  # kernels need room beside the tensors
KEPT_ON_GPU = 0.8  # share of a GPU's memory for weights between edits
KEPT_IN_MEMORY = 0.5  # the same of main memory, which other programs need too
GROUP_SHARE = 0.05  # of the largest network, what is on the device at once in group offload
PAIR = 2  # evaluations that guidance runs as one batch


class Offload(StrEnum):
    """Where the weights lie while they are not used."""

    NONE = "none"
    """All of them on the device, all the time."""
    MODEL = "model"
    """In main memory; each network comes to the device as a whole when it is its turn."""
    GROUP = "group"
    """In main memory; a network's layers come one after the other."""


@dataclass(frozen=True, slots=True)
class Placement:
    """How an edit is fitted into memory.

    `tiled` encodes and decodes in overlapping tiles, which changes pixels slightly at their
    seams; `halved` runs guidance's two evaluations one after the other.
    """

    offload: Offload = Offload.NONE
    tiled: bool = False
    halved: bool = False

    def words(self, device: str) -> str:
        """What this means, as the log and the page say it."""
        place = {
            Offload.NONE: f"whole on {device}",
            Offload.MODEL: "model offload: one network on the device at a time",
            Offload.GROUP: "group offload: layer by layer on the device",
        }[self.offload]
        more = ["VAE tiling"] * self.tiled + ["batch split"] * self.halved
        return ", ".join([place, *more])


WHOLE = Placement()
# From the fastest to the one that needs least. Offloading changes no pixel, tiling does.
_ON_HOST = (WHOLE, Placement(tiled=True), Placement(tiled=True, halved=True))
_ON_DEVICE = (
    WHOLE,
    Placement(Offload.MODEL),
    Placement(Offload.MODEL, tiled=True),
    Placement(Offload.MODEL, tiled=True, halved=True),
    Placement(Offload.GROUP, tiled=True, halved=True),
)


def ladder(*, offloads: bool) -> tuple[Placement, ...]:
    """All placements in order; a processor has nowhere to offload to."""
    return _ON_DEVICE if offloads else _ON_HOST


@dataclass(frozen=True, slots=True)
class Host:
    """The memory that models run in: a GPU's, or that of the machine."""

    device: str
    gpu: bool
    bytes: int


def kept_between_edits(host: Host) -> int:
    """Bytes of weights that are kept between edits; the rest is for the work itself."""
    return int((KEPT_ON_GPU if host.gpu else KEPT_IN_MEMORY) * host.bytes)


class Stage(StrEnum):
    """Where in an edit memory can run out."""

    LOAD = "load"
    ENCODE = "encode"
    STEP = "step"
    DECODE = "decode"


@dataclass(frozen=True, slots=True, kw_only=True)
class Needs:
    """What an edit needs: bytes of each network's weights, and of what is held while they run.

    `sampling` is for one evaluation of the denoiser; `guided` says that there are two at once.
    """

    weights: Mapping[str, int]
    denoisers: tuple[str, ...]  # those of `weights` that are run in each step, together
    decoder: str  # that of `weights` which turns latents into pixels
    sampling: int
    decoding: int
    tile: int  # the same as `decoding`, for one tile
    guided: bool

    def peak(self, placement: Placement) -> int:
        """The most that is on the device at once."""
        return max(self.at(stage, placement) for stage in Stage)

    def at(self, stage: Stage, placement: Placement) -> int:
        """What is on the device in a stage."""
        batch = PAIR if self.guided and not placement.halved else 1
        held = {
            Stage.LOAD: 0,
            Stage.ENCODE: self._pixels(placement),
            Stage.STEP: self.sampling * batch,
            Stage.DECODE: self._pixels(placement),
        }[stage]
        return self._weights(stage, placement.offload) + round(held * WORKSPACE)

    def _pixels(self, placement: Placement) -> int:
        return min(self.tile, self.decoding) if placement.tiled else self.decoding

    def _weights(self, stage: Stage, offload: Offload) -> int:
        if offload is Offload.NONE:
            return sum(self.weights.values())
        if offload is Offload.GROUP:
            return round(GROUP_SHARE * max(self.weights.values(), default=0))
        if stage is Stage.STEP:
            return sum(self.weights[name] for name in self.denoisers)
        if stage is Stage.LOAD:
            return max(self.weights.values(), default=0)
        return self.weights.get(self.decoder, 0)


def choose(needs: Needs, free: int, places: tuple[Placement, ...]) -> Placement:
    """The first of `places` that fits into `free` bytes; the last where none does."""
    for placement in places:
        if needs.peak(placement) <= free * SPARE:
            return placement
    return places[-1]


def fits(needs: Needs, free: int, placement: Placement) -> bool:
    """Whether an edit fits into `free` bytes."""
    return needs.peak(placement) <= free * SPARE


def at_least(placement: Placement, floor: Offload, places: tuple[Placement, ...]) -> Placement:
    """`placement`, or the first after it in `places` that offloads as much as `floor`.

    Weights that are offloaded already stay so: putting them back would take longer than it saves.
    """
    order = tuple(Offload)
    for place in places[places.index(placement) :]:
        if order.index(place.offload) >= order.index(floor):
            return place
    return places[-1]


def next_place(
    placement: Placement, stage: Stage, places: tuple[Placement, ...]
) -> Placement | None:
    """The next of `places` that needs less in the stage where memory ran out; None: there is none.

    Decided by what a placement does, not by an estimate, which has just proved wrong.
    """
    for place in places[places.index(placement) + 1 :]:
        if place.offload is not placement.offload:
            return place
        if stage in (Stage.ENCODE, Stage.DECODE) and place.tiled and not placement.tiled:
            return place
        if stage is Stage.STEP and place.halved and not placement.halved:
            return place
    return None


def gib(count: int) -> str:
    """Bytes as a person reads them."""
    return f"{count / GIB:.1f} GiB" if count >= GIB / 10 else f"{count / 2**20:.0f} MiB"


def scaled(needs: Needs, size: Size, to: Size) -> Needs:
    """The needs of the same edit at another working size."""
    share = to.area / size.area
    return Needs(
        weights=needs.weights,
        denoisers=needs.denoisers,
        decoder=needs.decoder,
        sampling=round(needs.sampling * share),
        decoding=round(needs.decoding * share),
        tile=needs.tile,
        guided=needs.guided,
    )


def largest_side(
    needs: Needs, size: Size, free: int, places: tuple[Placement, ...], multiple: int
) -> int:
    """The side of the largest square that fits at all, in whole multiples; 0 where none does."""
    sides = range(max(size) // multiple * multiple, 0, -multiple)
    for side in sides:
        smaller = scaled(needs, size, Size(side, side))
        if fits(smaller, free, choose(smaller, free, places)):
            return side
    return 0
