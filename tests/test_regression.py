"""The committed regression log replays to what it says: to the pixel where nothing else differs."""

from collections.abc import Iterator
from dataclasses import replace
from hashlib import sha256

import numpy as np
import pytest

from genimg_ui.history.record import LogEntry
from genimg_ui.replay import Subject, Verdict, log_lines, replay
from tests.regression import (
    LOG,
    TOLERANCE,
    Bench,
    apart,
    cases,
    kept_sketches,
    lines,
    mask,
    sketch,
    source,
)

ENTRIES = {entry.id: entry for entry in lines()}


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    opened = Bench(tmp_path_factory.mktemp("regression"))
    yield opened
    opened.close()


def machine(entry: LogEntry) -> tuple[object, ...]:
    """What the last bit of a result may depend on, but not this program's own version."""
    versions = {name: v for name, v in entry.environment.items() if name != "genimg_ui"}
    runtime = entry.runtime
    assert runtime is not None
    return (runtime.device, runtime.dtype, runtime.cpu, runtime.instructions, versions)


@pytest.mark.parametrize("name", ENTRIES)
def test_every_entry_of_the_log_gives_its_pixels(bench: Bench, name: str) -> None:
    wanted = ENTRIES[name]
    outcome = replay(bench.editor, Subject(entry=wanted, store=bench.store))
    if outcome.verdict is Verdict.IDENTICAL:
        return
    assert outcome.verdict is not Verdict.REFUSED, outcome.reason
    seeds = [record.seed for record in wanted.results]
    sampling = replace(wanted.request.sampling, seed=seeds[0], variants=len(seeds))
    again = bench.edit(f"{name}-again", replace(wanted.request, sampling=sampling))
    assert machine(again) != machine(wanted), "; ".join(outcome.sentences())
    levels = [
        apart(old, new)
        for old, new in zip(kept_sketches()[name], bench.sketches(again), strict=True)
    ]
    print(f"{name}: another machine, so its sketch is compared: {levels} levels apart")
    assert max(levels) <= TOLERANCE, "; ".join(outcome.sentences())
    assert all(record.report.changed_outside == 0 for record in again.results)


def test_the_log_holds_every_case(bench: Bench) -> None:
    """`python benchmarks/replay.py --write-regression` writes it anew."""
    assert {name: entry.request for name, entry in ENTRIES.items()} == cases(bench.registry)
    assert [line.problem for line in log_lines(bench.store, str(LOG))] == [""] * len(ENTRIES)


def test_the_pictures_are_the_same_everywhere(bench: Bench) -> None:
    inputs = {(entry.inputs.source, entry.inputs.mask) for entry in ENTRIES.values()}
    assert inputs == {(sha256(source()).hexdigest(), sha256(mask()).hexdigest())}
    assert bench.inputs.source == sha256(source()).hexdigest()


def test_a_sketch_tells_a_changed_picture_from_a_changed_bit() -> None:
    rgb = np.random.default_rng(1).integers(0, 256, (40, 48, 3), np.uint8)
    other = rgb.copy()
    other[0, 0, 0] ^= 1
    assert apart(sketch(rgb), sketch(other)) < 0.1
    assert apart(sketch(rgb), sketch(255 - rgb // 2)) > TOLERANCE
    assert apart(sketch(rgb), sketch(rgb[:, 8:])) == float("inf")
