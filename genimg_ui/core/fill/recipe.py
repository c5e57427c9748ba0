"""What the modes of the exemplar fill mean in numbers."""

from dataclasses import dataclass, replace

from genimg_ui.core.request import FillMode


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """Numbers of one mode; colours in levels 0..255, lengths in pixels of a level."""

    mirror: bool  # the mirrored picture is a source too
    limit: int  # largest colour shift of a copied patch
    anchor: tuple[float, ...]  # pull of the low frequencies to a smooth fill; finest level first
    thickness: float  # the coarsest level's hole is at most so deep
    least_sources: int  # patches on the coarsest level; few ones are large parts of the picture
    variety: float  # share of the sources that the coarsest level may use, drawn by the seed
    short_seam: bool  # the rougher a place, the less deep is the seam corrected (see `seam`)
    slope: float  # depth to which the slopes at the edge are carried on (see `plate`); 0: not
    plate: float  # share of the smooth continuation in the result, at most (see `blend`)
    keep_detail: bool  # of the patches, what is finest; False: the continuation has a share of all
    peel: bool  # start from the edge inwards, by exact search; False: from a smooth fill
    foreign: float  # cost per pixel of colours that are not seen around the hole, in levels squared
    final: float  # softness of the last vote (see kernels.vote)

    def pull(self, level: int) -> float:
        return self.anchor[min(level, len(self.anchor) - 1)] if self.anchor else 0.0


RECIPES = {
    FillMode.REMOVE: Recipe(
        mirror=False,  # a mirrored neighbour of the object would come in as a new one
        limit=0,
        anchor=(),  # would bring a haze of the surroundings' mean colour
        thickness=9.0,
        least_sources=64,
        variety=0.9,  # the background is scarce: none of it may be lost
        short_seam=True,
        slope=0.0,  # next to an object they are often its own
        plate=0.0,
        keep_detail=True,
        peel=True,
        foreign=15_000.0,
        final=0.03,
    ),
    FillMode.EXTEND: Recipe(
        mirror=True,
        limit=12,
        anchor=(0.1, 0.1, 0.2, 0.3),
        thickness=5.0,
        least_sources=2000,  # so that patches are texture; larger ones would repeat landmarks
        variety=0.7,
        short_seam=False,
        slope=0.0,  # far outside there is nothing that a slope could lead to
        plate=0.0,
        keep_detail=True,
        peel=True,
        foreign=150_000.0,  # a face or a tower must not come again beside the picture
        final=0.03,
    ),
    FillMode.BALANCED: Recipe(
        mirror=True,
        limit=12,
        anchor=(0.5, 0.6, 0.7, 0.8),
        thickness=9.0,
        least_sources=1000,
        variety=0.7,
        short_seam=False,
        slope=16.0,
        plate=1.0,
        keep_detail=True,
        peel=True,
        foreign=0.0,
        final=0.02,
    ),
    FillMode.CLOSEST: Recipe(
        mirror=True,
        limit=12,
        anchor=(0.8, 0.9, 0.9, 0.9),
        thickness=5.0,
        least_sources=1000,
        variety=0.7,
        short_seam=False,
        slope=8.0,
        plate=0.55,
        keep_detail=False,
        peel=False,
        foreign=0.0,
        final=3.0,
    ),
}

# With a guide (see `exemplar.follow`), which says with what colours the coarsest level begins.
FOLLOW = Recipe(
    mirror=True,
    limit=12,
    anchor=(),
    thickness=9.0,
    least_sources=1000,
    variety=0.7,
    short_seam=False,
    slope=6.0,
    plate=0.0,
    keep_detail=True,
    peel=True,  # for the texture that patches bring; the colours are the guide's
    foreign=0.0,
    final=0.2,
)
# Of a border, for the reasons of `extend`; its slopes lead to what the guide shows.
FOLLOW_OUTWARDS = replace(FOLLOW, foreign=RECIPES[FillMode.EXTEND].foreign)


@dataclass(frozen=True, slots=True)
class Rounds:
    """How often one level is searched and voted."""

    rounds: int
    sweeps: int  # passes of the search in each round
    exact: int  # first rounds that search all sources, where that is affordable


def rounds_at(level: int, targets: int) -> Rounds:
    """Many rounds where they are cheap and decide the shapes, few where only detail is left."""
    if targets > MANY_TARGETS:
        return Rounds(1, 2, 0)
    return _ROUNDS[min(level, len(_ROUNDS) - 1)]


MANY_TARGETS = 200_000  # a level above it only carries the offsets of the coarser one over
_ROUNDS = (Rounds(2, 1, 0), Rounds(3, 2, 0), Rounds(5, 4, 2), Rounds(8, 5, 3), Rounds(12, 5, 4))
