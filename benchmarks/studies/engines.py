"""Study 2: patches against completion networks, the embedded model and OpenCV's fills.

    python -m benchmarks.studies.engines --data cc0/test [--count 280]

The published protocol (assets/protocols/published.yaml): one to three rectangles of at most a
quarter of the picture, 160 x 160 pixels, the same masks for all. The tables of
docs/studies/engines.md are written anew and the rest of the page stays; the whole report lies in
--out. The same command goes on where it was stopped.
"""

import argparse
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Final

from benchmarks.studies import measuring
from benchmarks.studies.measuring import Entrants
from benchmarks.studies.montage import draw_montage
from benchmarks.studies.opencv import NavierStokes
from benchmarks.studies.pages import PAGES, put_tables
from benchmarks.studies.tables import (
    Published,
    facts,
    leads_line,
    numbers_table,
    published_table,
    ratios_table,
)
from genimg_ui.errors import GenimgError
from genimg_ui.evaluation.baselines import with_baselines
from genimg_ui.evaluation.folder import EvaluationFolder
from genimg_ui.evaluation.results import Result
from genimg_ui.registry import Registry, load_registry

NAME: Final = "engines"
ALONE: Final = "completion-network"
PATCHES: Final = "exemplar-balanced"  # what stands beside the published patches
NAMES: Final[Mapping[str, str]] = MappingProxyType(
    {
        PATCHES: "patches (`exemplar`, balanced)",
        "exemplar-closest": "patches (`exemplar`, closest)",
        "completion": "completion network and patches (`completion`)",
        ALONE: "the same network alone",
        "completion-iizuka": "completion network of 2017 (`completion-iizuka`)",
        "shapes": "diffusion on a made world (`shapes`)",
        "fill:telea": "OpenCV, Telea",
        NavierStokes.SPEC.id: "OpenCV, Navier-Stokes",
    }
)
PUBLISHED: Final = (
    Published(
        name="patches (Newson et al. 2014)", mse="0.0036", psnr="26.37", ssim="0.943", fid="33.30"
    ),
    Published(name="completion network", mse="0.0010", psnr="31.98", ssim="0.973", fid="7.74"),
)
PUBLISHED_RATIO: Final = 0.28
SHOWN: Final = 8  # cases of the montage


def entrants(models: Path) -> Entrants:
    """All of `NAMES`, as models.yaml has them."""
    registry = with_baselines(load_registry(models))
    of = measuring.of_registry
    return measuring.together(
        [
            of(registry, "exemplar", name=PATCHES, own={"inpaint.fill_mode": "balanced"}),
            of(registry, "exemplar", name="exemplar-closest", own={"inpaint.fill_mode": "closest"}),
            of(registry, "completion"),
            _alone(registry),
            of(registry, "completion-iizuka"),
            of(registry, "shapes"),
            of(registry, "fill:telea"),
            Entrants(present=(measuring.Entrant(spec=NavierStokes.SPEC),)),
        ]
    )


def _alone(registry: Registry) -> Entrants:
    """The network of `completion` without the patches that follow it."""
    given = measuring.of_registry(registry, "completion", name=ALONE)
    if not given.present:
        return given
    return measuring.of_network(ALONE, Path(given.present[0].spec.source))


def tables(result: Result, out: Path, absent: Mapping[str, str]) -> str:
    """What the page gets."""
    cases = EvaluationFolder(out).cases()
    ratios = [
        ratios_table(cases, NAMES, PATCHES),
        f"Published: {PUBLISHED_RATIO:g} (completion network over patches, CelebA).",
    ]
    return "\n\n".join(
        [
            facts(result),
            numbers_table(result, NAMES, absent),
            leads_line(result, NAMES),
            "95 % intervals:",
            numbers_table(result, NAMES, absent, intervals=True),
            published_table(PUBLISHED, "published, CelebA"),
            *ratios,
        ]
    )


def main(arguments: Sequence[str]) -> int:
    """Measure, and write the page, and the montage into --out."""
    flags = _parser().parse_args(arguments)
    found = entrants(flags.models_file)
    wanted = [name for name in flags.only.split(",") if name]
    present = tuple(one for one in found.present if not wanted or one.spec.id in wanted)
    left_out = {one.spec.id: "left out by --only" for one in found.present if one not in present}
    chosen = Entrants(present=present, absent={**found.absent, **left_out})
    protocol = measuring.protocol_of("published", flags.count)
    try:
        result = measuring.measure(chosen, protocol, flags.data, flags.out)
        put_tables(flags.page, NAME, tables(result, flags.out, chosen.absent))
    except GenimgError as problem:
        print(problem, file=sys.stderr)
        return 1
    labels = {one.spec.id: one.spec.id for one in present}
    draw_montage(flags.out, labels, flags.out / "montage.jpg", SHOWN)
    print(flags.page)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    add = parser.add_argument
    add("--data", type=Path, required=True, help="folder of test pictures")
    add("--count", type=int, default=280, help="pictures (280, as published)")
    add("--only", default="", metavar="A,B,...", help=f"some of {', '.join(NAMES)}")
    add("--out", type=Path, default=measuring.OUTPUT / NAME, help="the evaluation's folder")
    add("--page", type=Path, default=PAGES / f"{NAME}.md")
    add("--models-file", type=Path, default=measuring.ROOT / "models.yaml")
    return parser


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
