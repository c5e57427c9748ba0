"""Whether a seed gives the same pixels again, and how long one picture takes."""

import hashlib
import multiprocessing
import statistics
import time
from dataclasses import replace
from pathlib import Path

from benchmarks.shapes_cases import add_a_thing
from benchmarks.shapes_studio import open_studio

ROUNDS = 9


def repeatability(models: Path, count: int) -> str:
    """Each seed alone, as one of four variants, and in a fresh process: the digests compared."""
    context = multiprocessing.get_context("spawn")
    with context.Pool(1) as one:
        alone = one.apply(_digests, (models, count, 1))
    with context.Pool(1) as two:
        again = two.apply(_digests, (models, count, 1))
        batch = two.apply(_digests, (models, count, 4))
    same = sum(a == b for a, b in zip(alone, again, strict=True))
    fours = sum(a == b for a, b in zip(alone, batch, strict=True))
    return (
        f"Same seed in a second process: {same} of {count} identical; "
        f"as the third of 4 variants: {fours} of {count} identical."
    )


def _digests(models: Path, count: int, variants: int) -> list[str]:
    """Of the variant with the case's own seed."""
    studio = open_studio(models, "shapes", threads=2)
    found = []
    for index in range(count):
        case = add_a_thing(index)
        # As one of four: the third, so that two others were painted before it.
        place = 0 if variants == 1 else 2
        painted = studio.paint(replace(case, seed=case.seed - place, variants=variants))
        found.append(hashlib.sha256(painted[place].patch.tobytes()).hexdigest())
    return found


def seconds_per_picture(models: Path) -> str:
    """20 steps with guidance on two threads, warm, at the model's working size."""
    context = multiprocessing.get_context("spawn")
    with context.Pool(1) as pool:
        seconds = pool.apply(_seconds, (models,))
    return (
        f"128×128, 20 steps, CFG 3, two threads: median {statistics.median(seconds):.2f} s, "
        f"worst {max(seconds):.2f} s (n = {len(seconds)}; limit 2 s)."
    )


def _seconds(models: Path) -> list[float]:
    studio = open_studio(models, "shapes", threads=2)
    studio.paint(add_a_thing(0))
    found = []
    for index in range(ROUNDS):
        case = add_a_thing(index)
        start = time.perf_counter()
        studio.paint(case)
        found.append(time.perf_counter() - start)
    return found
