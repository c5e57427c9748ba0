"""How fast the completion networks are: one picture forwards, and crops a second in training.

    python -m benchmarks.completion --threads 2
    python -m benchmarks.completion --architecture iizuka --width 64

Seconds are given twice: by the clock, and of the processor over all threads. On a machine that does
other work at the same time, the second divided by the threads is nearer to what it would take.
"""

import argparse
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from genimg_ui.backend.completion.weights import build
from training.completion.batches import draw_holes, to_batch
from training.completion.objective import Lesson, Phase
from training.completion.pictures import open_pictures
from training.completion.recipe import Recipe
from training.completion.train import begin
from training.loop import Options

Run = Callable[[], object]


def measured(run: Run, repeats: int) -> tuple[float, float]:
    """The least of `repeats` runs after one that does not count: clock and processor seconds."""
    run()
    found = []
    for _ in range(repeats):
        clock, processor = time.perf_counter(), time.process_time()
        run()
        found.append((time.perf_counter() - clock, time.process_time() - processor))
    return min(c for c, _ in found), min(p for _, p in found)


def forwards(recipe: Recipe, sides: list[int], repeats: int) -> None:
    """Time one picture of each side, a quarter of it masked."""
    network = build(recipe.config).eval()
    size = sum(p.numel() for p in network.parameters())
    print(f"{recipe.architecture}, width {recipe.width}: {size:,} parameters, {size * 2e-6:.1f} MB")
    for side in sides:
        image, hole = torch.rand(1, 3, side, side), torch.zeros(1, 1, side, side)
        hole[..., side // 4 : 3 * side // 4, side // 4 : 3 * side // 4] = 1
        with torch.inference_mode():
            clock, processor = measured(lambda: network(image, hole), repeats)  # noqa: B023
        print(f"  forward at {side} px: {clock:.3f} s, {processor:.3f} s of processor")


def training(recipe: Recipe, threads: int, repeats: int) -> None:
    """Time steps of the first and the last phase."""
    with tempfile.TemporaryDirectory() as folder:
        Image.new("RGB", (64, 64), (90, 80, 70)).save(Path(folder) / "a.png")
        data = open_pictures(Path(folder), Path(folder) / "cache")
        options = Options(out=Path(folder), steps=1, threads=threads)
        lesson = Lesson(begin(options, recipe, data, torch.device("cpu")), recipe)
        rng = np.random.default_rng(0)
        shape = (recipe.batch, recipe.size, recipe.size, 3)
        pixels = rng.integers(0, 256, shape).astype(np.uint8)
        masks = draw_holes(recipe.holes, recipe.batch, recipe.size, rng)
        batch = to_batch(pixels, masks, torch.device("cpu"))
        for phase in (Phase.RECONSTRUCTION, Phase.BOTH):
            clock, processor = measured(lambda: lesson.step(batch, phase), repeats)  # noqa: B023
            speeds = recipe.batch / clock, recipe.batch / processor * threads
            low = ", bfloat16" if recipe.bfloat16 else ""
            print(
                f"  training at {recipe.size} px, {phase}{low}: {speeds[0]:.0f} crops/s, "
                f"{speeds[1]:.0f} by processor time"
            )


def main() -> None:
    """Measure as the command line says."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--architecture", default="fourier")
    parser.add_argument("--width", type=int, default=32)
    parser.add_argument("--blocks", type=int, default=8)
    parser.add_argument("--size", type=int, default=96)
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--discriminator-width", type=int, default=32)
    parser.add_argument("--sides", type=int, nargs="*", default=[256, 1024])
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--no-training", action="store_true")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    names = ("architecture", "width", "blocks", "size", "batch", "discriminator_width")
    recipe = Recipe(**{name: getattr(arguments, name) for name in names})
    forwards(recipe, arguments.sides, arguments.repeats)
    for low in () if arguments.no_training else (False, True):
        training(replace(recipe, bfloat16=low), arguments.threads, arguments.repeats)


if __name__ == "__main__":
    main()
