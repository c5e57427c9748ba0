"""The annotators: what can draw a control map of each kind, and their own parameters, as data.

A kind is what a ControlNet was trained on (`canny`, `depth`). An annotator draws maps of one kind;
the first of a kind is the one that is meant where a unit names none. Defaults are those of the
published ControlNets' own annotators, and stay: an entry that does not name a value replays with
it. `backend.control` does the drawing.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from genimg_ui.core.values import check_range
from genimg_ui.errors import RefusedInput

INPAINT = "inpaint"  # the kind whose map has a hole where the picture is repainted


@dataclass(frozen=True, slots=True, kw_only=True)
class Knob:
    """A number that an annotator takes, in [low, high]; `whole`: without decimals."""

    name: str
    label: str
    default: float
    low: float
    high: float
    whole: bool = False

    def check(self, value: float) -> None:
        """Refuse a value outside the range, or a broken one where whole ones are meant."""
        check_range(self.name, value, self.low, self.high)
        if self.whole and value != int(value):
            raise RefusedInput(f"{self.name} must be a whole number, got {value:g}.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Annotator:
    """One way to draw a map of a kind. `source` is where its weights are published, "" without."""

    name: str
    kind: str
    title: str
    knobs: tuple[Knob, ...] = ()
    source: str = ""  # hub id; models.yaml may name another place under `annotators`
    download_mb: int = 0

    def values(self, given: Mapping[str, float]) -> dict[str, float]:
        """All parameters: the given ones, and the default of every other; raises RefusedInput."""
        known = {knob.name: knob for knob in self.knobs}
        for name, value in given.items():
            if name not in known:
                allowed = ", ".join(known) or "no parameters"
                raise RefusedInput(f"The annotator {self.name} takes {allowed}; got {name!r}.")
            known[name].check(value)
        values = {name: float(given.get(name, knob.default)) for name, knob in known.items()}
        if values.get("low_threshold", 0) > values.get("high_threshold", 0):
            raise RefusedInput(
                "low_threshold must be at most high_threshold, got "
                f"{values['low_threshold']:g} and {values['high_threshold']:g}."
            )
        return values


_HUB = "lllyasviel/Annotators"
# The shorter side at which a network looks at the crop. Networks were trained around 512.
_SIGHT = Knob(
    name="detect_resolution", label="Resolution", default=512, low=64, high=2048, whole=True
)
_SAFE = Knob(name="safe", label="Few levels (0 or 1)", default=0, low=0, high=1, whole=True)


def _whole(name: str, label: str, default: float, low: float, high: float) -> Knob:
    return Knob(name=name, label=label, default=default, low=low, high=high, whole=True)


_ALL = (
    Annotator(
        name="canny",
        kind="canny",
        title="Canny edges",
        knobs=(
            _whole("low_threshold", "Low threshold", 100, 1, 255),
            _whole("high_threshold", "High threshold", 200, 1, 255),
        ),
    ),
    Annotator(
        name="lineart_standard",
        kind="lineart",
        title="Lines darker than their surroundings",
        knobs=(
            Knob(name="gaussian_sigma", label="Sigma", default=6.0, low=0.5, high=32),
            _whole("intensity_threshold", "Threshold", 8, 0, 64),
        ),
    ),
    Annotator(
        name="lineart",
        kind="lineart",
        title="Line drawing (network)",
        knobs=(_SIGHT, _whole("coarse", "Coarse (0 or 1)", 0, 0, 1)),
        source=_HUB,
        download_mb=34,
    ),
    Annotator(
        name="lineart_anime",
        kind="lineart",
        title="Anime line drawing (network)",
        knobs=(_SIGHT,),
        source=_HUB,
        download_mb=218,
    ),
    Annotator(
        name="gradient",
        kind="softedge",
        title="Colour gradient",
        knobs=(
            Knob(name="sigma", label="Sigma", default=1.5, low=0.5, high=16),
            Knob(name="percentile", label="White at percentile", default=99, low=50, high=100),
        ),
    ),
    Annotator(
        name="hed",
        kind="softedge",
        title="HED (network)",
        knobs=(_SIGHT, _SAFE),
        source=_HUB,
        download_mb=59,
    ),
    Annotator(
        name="pidinet",
        kind="softedge",
        title="PiDiNet (network)",
        knobs=(_SIGHT, _SAFE),
        source=_HUB,
        download_mb=3,
    ),
    Annotator(
        name="xdog",
        kind="scribble",
        title="Difference of Gaussians",
        knobs=(_whole("threshold", "Threshold", 32, 1, 255),),
    ),
    Annotator(
        name="hed_scribble",
        kind="scribble",
        title="Thinned HED (network)",
        knobs=(_SIGHT,),
        source=_HUB,
        download_mb=59,
    ),
    Annotator(
        name="pidinet_scribble",
        kind="scribble",
        title="Thinned PiDiNet (network)",
        knobs=(_SIGHT,),
        source=_HUB,
        download_mb=3,
    ),
    Annotator(
        name="depth_anything",
        kind="depth",
        title="Depth Anything V2 small (network)",
        knobs=(_SIGHT,),
        source="depth-anything/Depth-Anything-V2-Small-hf",
        download_mb=99,
    ),
    Annotator(
        name="midas",
        kind="depth",
        title="MiDaS DPT hybrid (network)",
        knobs=(_SIGHT,),
        source="Intel/dpt-hybrid-midas",
        download_mb=490,
    ),
    Annotator(
        name="zoe",
        kind="depth",
        title="ZoeDepth (network)",
        knobs=(_SIGHT,),
        source="Intel/zoedepth-nyu-kitti",
        download_mb=1380,
    ),
    Annotator(
        name="normalbae",
        kind="normal",
        title="Normals, Bae et al. (network)",
        knobs=(_SIGHT,),
        source=_HUB,
        download_mb=291,
    ),
    Annotator(
        name="openpose",
        kind="pose",
        title="OpenPose (network)",
        knobs=(
            _SIGHT,
            _whole("include_hand", "Hands (0 or 1)", 0, 0, 1),
            _whole("include_face", "Face (0 or 1)", 0, 0, 1),
        ),
        source=_HUB,
        download_mb=510,
    ),
    Annotator(
        name="upernet",
        kind="segmentation",
        title="UperNet, colours of ADE20K (network)",
        knobs=(_SIGHT,),
        source="openmmlab/upernet-convnext-small",
        download_mb=328,
    ),
    Annotator(
        name="mlsd",
        kind="mlsd",
        title="Straight lines (network)",
        knobs=(
            _SIGHT,
            Knob(name="thr_v", label="Score above", default=0.1, low=0.01, high=2),
            Knob(name="thr_d", label="Length above", default=0.1, low=0.01, high=20),
        ),
        source=_HUB,
        download_mb=6,
    ),
    Annotator(
        name="tile",
        kind="tile",
        title="The picture itself",
        knobs=(
            Knob(
                name="down_sampling_rate", label="Blurred down and up by", default=1, low=1, high=8
            ),
        ),
    ),
    Annotator(name="inpaint", kind="inpaint", title="The picture with its hole"),
    Annotator(
        name="shuffle",
        kind="shuffle",
        title="The picture, warped at random",
        knobs=(
            _whole("frequency", "Size of the waves", 256, 16, 1024),
            _whole("shuffle_seed", "Seed of the warp", 0, 0, 2**31 - 1),
        ),
    ),
)
ANNOTATORS: Mapping[str, Annotator] = MappingProxyType({item.name: item for item in _ALL})
KINDS: tuple[str, ...] = tuple(dict.fromkeys(item.kind for item in _ALL))
