"""The model card of a completion network: what it is, of what data, how trained, what it scores."""

import platform
from dataclasses import dataclass
from pathlib import Path

import torch

from genimg_ui.backend.completion.weights import WEIGHTS
from training.completion.gallery import Scores
from training.completion.pictures import Pictures
from training.completion.recipe import Recipe
from training.completion.start import said_of_before
from training.loop import Run

WHAT = {
    "iizuka": "The completion network of Iizuka, Simo-Serra and Ishikawa 2017 (17 convolutions, "
    "dilation).",
    "fourier": "A U-shaped network with gated and Fourier convolutions at an eighth of the size "
    "(after\nSuvorov et al. 2022), which adds to a smooth fill of the hole.",
}
UNKNOWN = "Not stated: the training was given no `--provenance`. Do not pass these weights on.\n"


@dataclass(frozen=True)
class Outcome:
    """Scores on held-out pictures: as painted, with the edge blended, and of a smooth fill."""

    painted: Scores
    blended: Scores
    smooth: Scores


def write_card(folder: Path, run: Run, recipe: Recipe, data: Pictures, outcome: Outcome) -> None:
    """Write README.md beside the weights; the data's origin is `provenance.md` of the run."""
    provenance = run.options.out / "provenance.md"
    origin = provenance.read_text(encoding="utf-8") if provenance.exists() else UNKNOWN
    megabytes = (folder / WEIGHTS).stat().st_size / 1e6
    size = sum(p.numel() for p in run.model.parameters())
    blend = outcome.blended.mse < outcome.painted.mse
    text = (
        "---\nlicense: apache-2.0\npipeline_tag: image-to-image\ntags: [inpainting]\n---\n\n"
        f"# completion ({recipe.architecture})\n\n{WHAT[recipe.architecture]}\n"
        "It fills holes of photographs in one forward pass, on a CPU, without a prompt.\n"
        f"{size:,} parameters, {megabytes:.1f} MB in half precision; the engine `completion` of "
        "genimg_ui\nloads this folder.\n\n"
        f"## Data\n{origin}\n"
        f"{len(data):,} pictures (sha256 of their names and sizes {data.digest}), {recipe.held} of "
        f"them held\nout. Crops of {recipe.size} px of any scale, mirrored; holes: "
        f"{', '.join(recipe.holes)}.\n\n"
        "## Training\n"
        f"{run.step:,} steps, {run.pictures:,} crops, {run.elapsed() / 60:.0f} minutes, seed "
        f"{run.options.seed}, on {hardware(run)}.\n{_phases(recipe)}\n"
        f"{said_of_before(run.options.out)}\n"
        "## Scores\n"
        f"On the {recipe.held} held-out pictures at {recipe.size} px, 1 to 3 rectangles of at most "
        "25 %, in single precision:\n\n"
        "| | MSE | PSNR in dB |\n|---|---|---|\n"
        f"{_row('smooth fill', outcome.smooth)}{_row('as painted', outcome.painted)}"
        f"{_row('edge blended', outcome.blended)}\n"
        f"The engine {'blends the edge' if blend else 'takes it as painted'}.\n\n"
        "## What it cannot do\n"
        "Alone it leaves large holes blurred (in the app, patches of the picture can follow it);\n"
        "it invents no faces, hands or writing. It was trained on few kinds of photographs.\n"
        "Regions larger than its crops are reduced before it sees them.\n"
    )
    (folder / "README.md").write_text(text, encoding="utf-8")


def hardware(run: Run) -> str:
    """The processor or GPU of the run."""
    if run.options.device.startswith("cuda"):
        return str(torch.cuda.get_device_name())
    return f"{run.options.threads} threads of a {platform.machine()} processor"


def _phases(recipe: Recipe) -> str:
    first = f"Loss {recipe.loss} in the hole"
    if recipe.discriminators == "none":
        return f"{first}; no discriminators."
    return (
        f"{first} for {recipe.reconstruction:.0%} of the budget; discriminators "
        f"({recipe.discriminators}) alone for {recipe.discriminators_alone:.0%}; then\nboth, "
        f"adversarial weight {recipe.adversarial:g}, feature matching {recipe.feature_matching:g}."
    )


def _row(name: str, scores: Scores) -> str:
    return f"| {name} | {scores.mse:.5f} | {scores.psnr:.2f} |\n"
