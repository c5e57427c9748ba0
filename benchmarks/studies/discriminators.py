"""Study 1: what the two discriminators are worth to a completion network.

    python -m benchmarks.studies.discriminators --data cc0/test \
        [--network both=DIR --network global=DIR --network local=DIR] [--count 280]

Networks that were trained alike but for `--discriminators` are measured in the form of both
published tables: one random hole with sides of 0.3 to 0.6 of the picture's, and one to three
rectangles of at most a quarter. A network whose folder is not there is told as not measured. The
tables of docs/studies/discriminators.md are written anew and the rest of the page stays.
"""

import argparse
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Final

from benchmarks.studies import measuring
from benchmarks.studies.montage import draw_montage
from benchmarks.studies.pages import PAGES, put_tables
from benchmarks.studies.tables import (
    Published,
    facts,
    leads_line,
    numbers_table,
    published_table,
    ratios_table,
)
from genimg_ui.errors import GenimgError, RefusedInput
from genimg_ui.evaluation.folder import EvaluationFolder

NAME: Final = "discriminators"
NAMES: Final[Mapping[str, str]] = MappingProxyType(
    {"global": "global discriminator only", "local": "local only", "both": "both"}
)
TRAINED: Final = measuring.ROOT / "training" / "output"
# Protocol of the app → what it is, and the published rows.
PUBLISHED: Final[Mapping[str, tuple[str, tuple[Published, ...]]]] = MappingProxyType(
    {
        "one-hole": (
            "One hole with sides of 0.3 to 0.6",
            (
                Published(
                    name=NAMES["global"], mse="0.020", psnr="17.22", ssim="0.683", fid="100.75"
                ),
                Published(
                    name=NAMES["local"], mse="0.053", psnr="12.94", ssim="0.595", fid="69.57"
                ),
                Published(name=NAMES["both"], mse="0.015", psnr="18.45", ssim="0.708", fid="37.51"),
            ),
        ),
        "published": (
            "One to three rectangles, at most a quarter",
            (
                Published(
                    name=NAMES["global"], mse="0.0011", psnr="31.94", ssim="0.972", fid="8.83"
                ),
                Published(
                    name=NAMES["local"], mse="0.0011", psnr="31.91", ssim="0.971", fid="8.64"
                ),
                Published(name=NAMES["both"], mse="0.0010", psnr="31.98", ssim="0.973", fid="7.74"),
            ),
        ),
    }
)
SHOWN: Final = 6  # cases of each montage


def main(arguments: Sequence[str]) -> int:
    """Measure both protocols, and write the page, and montages into --out."""
    flags = _parser().parse_args(arguments)
    try:
        folders = _folders(flags.network)
        found = measuring.together(
            [measuring.of_network(name, folder) for name, folder in folders.items()]
        )
        if not found.present:
            raise RefusedInput(
                f"One network or more must be there, got none: {'; '.join(found.absent.values())}",
                remedy="Name one with --network NAME=DIR.",
            )
        text = "\n\n".join(_of_protocol(name, flags, found) for name in PUBLISHED)
        put_tables(flags.page, NAME, text)
    except GenimgError as problem:
        print(problem, file=sys.stderr)
        return 1
    print(flags.page)
    return 0


def _of_protocol(name: str, flags: argparse.Namespace, found: measuring.Entrants) -> str:
    out = flags.out / name
    protocol = measuring.protocol_of(name, flags.count)
    result = measuring.measure(found, protocol, flags.data, out)
    labels = {one.spec.id: one.spec.id for one in found.present}
    draw_montage(out, labels, out / "montage.jpg", SHOWN)
    title, rows = PUBLISHED[name]
    parts = [
        f"### {title}",
        facts(result),
        numbers_table(result, NAMES, found.absent),
        leads_line(result, NAMES),
        "95 % intervals:",
        numbers_table(result, NAMES, found.absent, intervals=True),
        published_table(rows, "published, CelebA"),
    ]
    if "both" in labels and len(labels) > 1:
        parts.append(ratios_table(EvaluationFolder(out).cases(), NAMES, "both"))
    return "\n\n".join(parts)


def _folders(texts: Sequence[str]) -> dict[str, Path]:
    """Each network's folder; those that are not named lie where the training left them."""
    found = {name: TRAINED / f"completion-iizuka-{name}" / "final" for name in NAMES}
    for text in texts:
        name, _, folder = text.partition("=")
        if name not in NAMES or not folder:
            raise RefusedInput(
                f"--network must be NAME=DIR with a name of {', '.join(NAMES)}, got {text[:80]!r}."
            )
        found[name] = Path(folder)
    return found


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    add = parser.add_argument
    add("--data", type=Path, required=True, help="folder of test pictures")
    add("--network", action="append", default=[], metavar="NAME=DIR", help=", ".join(NAMES))
    add("--count", type=int, default=280, help="pictures (280)")
    add("--out", type=Path, default=measuring.OUTPUT / NAME, help="folder of the evaluations")
    add("--page", type=Path, default=PAGES / f"{NAME}.md")
    return parser


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
