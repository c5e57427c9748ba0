"""The judge, and its own trial.

`judge_region` says what thing stands in a region, `judge_background` what lies behind;
`python -m training.shapes.judge --count 1000` measures both on scenes whose truth is known.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

import cv2
import torch

from training.shapes.ground import Ground
from training.shapes.validation import table
from training.shapes.verdict import Verdict, judge_background, judge_region

__all__ = ["Ground", "Verdict", "judge_background", "judge_region"]


def main(arguments: Sequence[str] | None = None) -> None:
    """Print how often the judge is right."""
    parser = argparse.ArgumentParser(description="Measure the judge on scenes of known truth.")
    parser.add_argument("--count", type=int, default=1000, help="scenes (1000)")
    parser.add_argument("--autoencoder", type=Path, help="folder of one to look through as well")
    chosen = parser.parse_args(arguments)
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    for line in table(chosen.count, chosen.autoencoder):
        print(line, flush=True)


if __name__ == "__main__":
    main()
