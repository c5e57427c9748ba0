"""Every metric by name, without what computes it: light, so that protocols can be checked."""

from collections.abc import Mapping
from types import MappingProxyType

from genimg_ui.evaluation.metrics.base import Direction, Metric, Region

INCEPTION = "weights of the InceptionV3 feature network"
ALEXNET = "weights of AlexNet for LPIPS"
CLIP = "weights of a CLIP model"
STAND_IN = "random network"
_STAND_IN = f"(stand-in {STAND_IN})"
_UP, _DOWN = Direction.HIGHER, Direction.LOWER


def _both(name: str, title: str, direction: Direction, unit: str = "") -> tuple[Metric, Metric]:
    return (
        Metric(name=name, title=title, direction=direction, region=Region.WHOLE, unit=unit),
        Metric(
            name=f"{name}_hole",
            title=f"{title} in the hole",
            direction=direction,
            region=Region.HOLE,
            unit=unit,
        ),
    )


def _set(name: str, title: str, direction: Direction, needs: str) -> tuple[Metric, Metric]:
    both = ((name, title), (f"{name}_hole", f"{title} around the hole"))
    first, second = (
        Metric(name=n, title=t, direction=direction, region=Region.SET, needs=needs)
        for n, t in both
    )
    return first, second


_ALL: tuple[Metric, ...] = (
    *_both("mse", "MSE", _DOWN, "of values in [0, 1]"),
    *_both("psnr", "PSNR", _UP, "dB"),
    *_both("ssim", "SSIM", _UP),
    Metric(name="ms_ssim", title="MS-SSIM", direction=_UP, region=Region.WHOLE),
    *_both("gmsd", "GMSD", _DOWN),
    Metric(
        name="sharpness",
        title="Sharpness in the hole",
        direction=Direction.ONE,
        region=Region.HOLE,
        unit="of the original's",
    ),
    Metric(name="seam", title="Seam score", direction=_DOWN, region=Region.PAIR_FREE),
    Metric(
        name="colour_shift",
        title="Colour shift",
        direction=_DOWN,
        region=Region.PAIR_FREE,
        unit="ΔE",
    ),
    Metric(
        name="changed_outside",
        title="Pixels changed outside the mask",
        direction=_DOWN,
        region=Region.OUTSIDE,
    ),
    Metric(
        name="psnr_outside",
        title="PSNR outside the mask",
        direction=_UP,
        region=Region.OUTSIDE,
        unit="dB",
    ),
    Metric(name="lpips", title="LPIPS", direction=_DOWN, region=Region.WHOLE, needs=ALEXNET),
    Metric(
        name="lpips_hole",
        title="LPIPS in the hole",
        direction=_DOWN,
        region=Region.HOLE,
        needs=ALEXNET,
    ),
    Metric(
        name="clip_score", title="CLIPScore", direction=_UP, region=Region.PAIR_FREE, needs=CLIP
    ),
    *_set("fid", "FID", _DOWN, INCEPTION),
    *_set("kid", "KID", _DOWN, INCEPTION),
    *_set("precision", "Precision", _UP, INCEPTION),
    *_set("recall", "Recall", _UP, INCEPTION),
    *_set("fid_stand_in", f"FID {_STAND_IN}", _DOWN, ""),
    *_set("kid_stand_in", f"KID {_STAND_IN}", _DOWN, ""),
    *_set("precision_stand_in", f"Precision {_STAND_IN}", _UP, ""),
    *_set("recall_stand_in", f"Recall {_STAND_IN}", _UP, ""),
)
METRICS: Mapping[str, Metric] = MappingProxyType({metric.name: metric for metric in _ALL})
# Of a protocol that names none: all but what every edit of this program proves in its own report.
USUAL = tuple(metric.name for metric in _ALL if metric.region is not Region.OUTSIDE)
# Of results that are there: what needs no picture of how it should have come out.
AS_THEY_ARE = (
    "changed_outside",
    "psnr_outside",
    "sharpness",
    "seam",
    "colour_shift",
    "clip_score",
    *(name for name in METRICS if name.endswith(("_stand_in", "_stand_in_hole"))),
)
