"""Study 3: what a completion network loses without one channel of one of its layers.

    python -m benchmarks.studies.channels --data cc0/test [--network DIR] [--count 32]
        [--layers NAME,NAME]

Each output channel of the chosen layers is set to 0 in turn, and the error in the holes of the
published protocol is measured again. The tables of docs/studies/channels.md and the curves beside
it are written anew, the rest of the page stays; pictures of what the channels do lie in --out.
"""

import argparse
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

import numpy as np
import torch
from matplotlib.figure import Figure
from torch import nn

from benchmarks.studies import measuring
from benchmarks.studies.ablation import (
    Loss,
    Portrait,
    Scenes,
    activation_map,
    errors,
    losses,
    painted,
    portrait,
    usual_layers,
    without,
)
from benchmarks.studies.pages import PAGES, put_tables
from genimg_ui.backend.completion.weights import BadWeights, NetworkConfig, load
from genimg_ui.errors import GenimgError, RefusedInput
from genimg_ui.evaluation.masks import case_mask
from genimg_ui.evaluation.pictures import case_picture
from genimg_ui.evaluation.protocol import cases
from genimg_ui.evaluation.statistics import Sample, summarise

NAME: Final = "channels"
SHOWN: Final = 3  # channels of a layer that the table names
PICTURES: Final = 4  # that the most important channel is shown on
STRONG: Final = 0.3  # a correlation from here on is put in words


def main(arguments: Sequence[str]) -> int:
    """Measure every channel, and write page, curves and pictures."""
    flags = _parser().parse_args(arguments)
    try:
        network, config = load(flags.network)
        layers = tuple(filter(None, flags.layers.split(","))) or usual_layers(config)
        _check(network, layers)
        scenes = scenes_of(flags.data, flags.count)
        whole = errors(network, scenes)
        found = {}
        for layer in layers:
            found[layer] = losses(network, layer, scenes, whole)
            print(f"{layer}: {len(found[layer])} channels", file=sys.stderr, flush=True)
        firsts = [portrait(network, name, own[0].channel, scenes) for name, own in found.items()]
        text = _text(config, scenes, whole, found, firsts)
        put_tables(flags.page, NAME, text)
    except (GenimgError, BadWeights) as problem:
        print(problem, file=sys.stderr)
        return 1
    draw_curves(found, flags.page.with_name(f"{flags.page.stem}-curves.png"))
    flags.out.mkdir(parents=True, exist_ok=True)
    draw_channel(network, firsts, scenes, flags.out / "channels-pictures.png")
    print(flags.page)
    return 0


def scenes_of(folder: Path, count: int) -> Scenes:
    """Pictures and masks of the published protocol."""
    protocol = measuring.protocol_of("published", count)
    every = cases(protocol, folder)
    pictures = [case_picture(protocol.pictures, folder, case) for case in every]
    masks = [
        case_mask(protocol, case, *picture.shape[:2])
        for case, picture in zip(every, pictures, strict=True)
    ]
    image = torch.from_numpy(np.stack(pictures)).permute(0, 3, 1, 2).float() / 255
    hole = (torch.from_numpy(np.stack(masks))[:, None] > 0).float()
    return Scenes(image.contiguous(), hole, tuple(case.picture for case in every))


def in_words(found: Portrait) -> str:
    """What the portrait's numbers say, in a sentence."""
    answers = [
        f"{'rises' if value > 0 else 'falls'} with {name} ({value:+.2f})"
        for name, value in found.correlations.items()
        if abs(value) >= STRONG
    ]
    to = f"Its answer {', '.join(answers)}"
    if not answers:
        to = "Its answer follows neither hole, brightness nor edges"
    colour = ", ".join(
        f"{value:+.2f} {name}"
        for name, value in zip(("red", "green", "blue"), found.colour, strict=True)
    )
    kind = "coarse colour" if found.coarse > 0.5 else "fine detail"
    return (
        f"{to}, and is {found.inside:.2f} times as large in holes as outside. Without it holes "
        f"change by {colour} levels on average, {found.coarse:.0%} of the change in areas of 8 "
        f"pixels and more: it makes {kind}."
    )


def draw_curves(found: Mapping[str, Sequence[Loss]], path: Path) -> None:
    """The drop of PSNR by rank, a line for each layer."""
    figure = Figure(figsize=(7, 4), layout="constrained")
    axes = figure.subplots()
    for layer, own in found.items():
        ranks = np.arange(1, len(own) + 1) / len(own)
        axes.plot(ranks, [loss.drop for loss in own], marker=".", label=f"{layer} ({len(own)})")
    axes.axhline(0, color="grey", linewidth=0.5)
    axes.set_xlabel("channels of the layer, the most important first (share)")
    axes.set_ylabel("drop of PSNR in the hole, dB")
    axes.legend()
    figure.savefig(path, dpi=100)


def draw_channel(
    network: nn.Module, firsts: Sequence[Portrait], scenes: Scenes, path: Path
) -> None:
    """Each layer's most important channel: what was made, made without it, and its answer."""
    count = min(PICTURES, len(scenes.image))
    figure = Figure(figsize=(2 * count, 2 * (1 + 2 * len(firsts))), layout="constrained")
    grid = figure.subplots(1 + 2 * len(firsts), count, squeeze=False)
    for axes in grid.flat:
        axes.set_axis_off()
    for column in range(count):
        image, hole = (
            values[column : column + 1].contiguous() for values in (scenes.image, scenes.hole)
        )
        _show(grid[0][column], painted(network, image, hole), "made")
        for row, one in enumerate(firsts):
            name = f"{one.layer}, {one.channel}"
            with without(network, one.layer, one.channel):
                _show(grid[1 + 2 * row][column], painted(network, image, hole), f"without {name}")
            answer = activation_map(network, one.layer, one.channel, (image, hole))
            grid[2 + 2 * row][column].imshow(answer, cmap="viridis")
            grid[2 + 2 * row][column].set_title(f"answer of {name}", fontsize=7)
    figure.savefig(path, dpi=100)


def _show(axes: object, picture: torch.Tensor, title: str) -> None:
    axes.imshow(picture[0].permute(1, 2, 0).numpy())  # type: ignore[attr-defined]
    axes.set_title(title, fontsize=7)  # type: ignore[attr-defined]


def _text(
    config: NetworkConfig,
    scenes: Scenes,
    whole: np.ndarray,
    found: Mapping[str, Sequence[Loss]],
    firsts: Sequence[Portrait],
) -> str:
    psnr = float(np.mean(-10 * np.log10(whole)))
    blocks = f", blocks {config.blocks}" if config.architecture == "fourier" else ""
    lines = [
        f"Architecture `{config.architecture}`, width {config.width}{blocks}; {len(whole)} "
        f"pictures; with all channels: MSE in the hole {whole.mean():.5f}, PSNR {psnr:.2f} dB.",
        "",
        "| layer | channels | channel | drop of PSNR in the hole, dB | 95 % | rise of MSE |",
        "|---|---|---|---|---|---|",
    ]
    for layer, own in found.items():
        lines += [_row(layer, len(own), loss, scenes) for loss in own[:SHOWN]]
    heads = ("layer", "median drop, dB", "channels whose removal helps")
    lines += ["", f"| {' | '.join(heads)} | share of all drops in the best tenth |"]
    lines.append("|---|---|---|---|")
    lines += [_spread(layer, own) for layer, own in found.items()]
    lines += ["", "The most important channel of each layer:", ""]
    lines += [f"- `{one.layer}`, channel {one.channel}. {in_words(one)}" for one in firsts]
    return "\n".join(lines)


def _row(layer: str, count: int, loss: Loss, scenes: Scenes) -> str:
    samples = [
        Sample(group=name, value=float(value))
        for name, value in zip(scenes.names, loss.psnr, strict=True)
    ]
    found = summarise(samples)
    span = "–" if found.low is None else f"{found.low:.3f} to {found.high:.3f}"
    rise = float(loss.mse.mean())
    return f"| `{layer}` | {count} | {loss.channel} | {loss.drop:.3f} | {span} | {rise:+.6f} |"


def _spread(layer: str, own: Sequence[Loss]) -> str:
    drops = np.array([loss.drop for loss in own])
    positive = np.maximum(drops, 0)
    tenth = max(1, len(own) // 10)
    share = positive[:tenth].sum() / positive.sum() if positive.any() else 0.0
    helps = int((drops < 0).sum())
    return f"| `{layer}` | {np.median(drops):.4f} | {helps} of {len(own)} | {share:.0%} |"


def _check(network: nn.Module, layers: Sequence[str]) -> None:
    known = [name for name, _ in network.named_modules() if name]
    for layer in layers:
        if layer not in known:
            raise RefusedInput(
                f"--layers must name layers of the network, got {layer[:60]!r}; among them are "
                f"{', '.join(known[:40])}."
            )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    add = parser.add_argument
    add("--data", type=Path, required=True, help="folder of test pictures")
    add("--network", type=Path, default=measuring.ROOT / "assets" / "models" / "completion")
    add("--count", type=int, default=32, help="pictures (32)")
    add("--layers", default="", metavar="A,B,...", help="modules by name; absent: the usual ones")
    add("--page", type=Path, default=PAGES / f"{NAME}.md")
    add("--out", type=Path, default=measuring.ROOT / "benchmarks" / "output" / NAME)
    return parser


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
