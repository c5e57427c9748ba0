"""Average the weights of two networks of one training, an earlier and a later stage.

    python -m training.completion.average EARLIER/final LATER/final --out assets/models/completion

Between weights that began together lie better ones than either (Wortsman et al. 2022, "Model
soups"). The configuration and the card are the later one's.
"""

import argparse
import shutil
from collections.abc import Sequence
from pathlib import Path

from safetensors.torch import load_file, save_file
from torch import Tensor

from genimg_ui.backend.completion.weights import WEIGHTS

CARD = "README.md"
SAID = (
    "\n## Averaged\nThese weights are the mean of those of this training's end and of an earlier "
    "one's, from which\nit descends. The scores above are this training's own.\n"
)


def average(earlier: Path, later: Path, out: Path) -> None:
    """Write the mean of two networks' weights, in their own precision, as the folder `out`.

    Raises ValueError where they are not of one network.
    """
    first, second = load_file(earlier / WEIGHTS), load_file(later / WEIGHTS)
    if {n: w.shape for n, w in first.items()} != {n: w.shape for n, w in second.items()}:
        raise ValueError(f"{earlier} and {later} must hold one network, got different weights")
    shutil.copytree(later, out, dirs_exist_ok=True)
    save_file({name: _mean(first[name], second[name]) for name in first}, out / WEIGHTS)
    with (out / CARD).open("a", encoding="utf-8") as card:
        card.write(SAID)


def _mean(one: Tensor, other: Tensor) -> Tensor:
    if not one.is_floating_point():
        return other.clone()
    return ((one.float() + other.float()) / 2).to(one.dtype)


def main(argv: Sequence[str] | None = None) -> None:
    """Average as the command line says."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("earlier", type=Path)
    parser.add_argument("later", type=Path)
    parser.add_argument("--out", type=Path, required=True)
    arguments = parser.parse_args(argv)
    average(arguments.earlier, arguments.later, arguments.out)


if __name__ == "__main__":
    main()
