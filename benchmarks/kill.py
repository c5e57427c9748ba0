"""Kill the worker, the page's process or both at random moments of edits, and look what is left.

    python benchmarks/kill.py [--kills 200] [--seed 1] [--json]

Each round forks a page's process, which queues small edits and notes what it has shown, and a
worker, which runs them with the exemplar engine and one that only paints. One of them, or both,
are killed with SIGKILL; then a fresh process opens the folder and examines it. Exit status 0
where every promise held.
"""

import argparse
import json
import os
import random
import signal
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from benchmarks.kill_inspector import examine  # noqa: E402  # found by the path above
from benchmarks.kill_scene import serve, session_of, shown_in, work  # noqa: E402
from genimg_ui.backend.control import annotating  # noqa: E402, F401  # imported before any fork
from genimg_ui.backend.exemplar import ExemplarBackend  # noqa: E402
from genimg_ui.core.fill import exemplar  # noqa: E402

MOST_SHOWN = 2  # edits that a round may show before its window opens
WINDOW = 0.8  # seconds, after that and the first edit that the worker took, in which the kill falls
STARTING = 0.15  # share of the kills that fall into the opening of the folder instead
PATIENCE = 60.0  # seconds for a process to come up, or to end after its pipe
VICTIMS = ("worker", "page", "both")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    flags = parser.parse_args()
    # Imported and compiled once, before any fork: a round must not wait for it.
    exemplar.warm_up()
    ExemplarBackend()
    started = time.perf_counter()
    with tempfile.TemporaryDirectory(prefix="kill-") as folder:
        report = run(Path(folder), flags.kills, random.Random(flags.seed))
    report["seconds"] = round(time.perf_counter() - started, 1)
    print(json.dumps(report) if flags.json else _told(report))
    return 0 if not report["broken"] else 1


def run(folder: Path, kills: int, rng: random.Random) -> dict[str, Any]:
    """Play the rounds; `broken` holds a sentence for every promise that did not hold."""
    total: dict[str, Any] = {"kills": 0, "victims": dict.fromkeys(VICTIMS, 0), "broken": []}
    data, checked = folder / "data", folder / "checked.json"
    checked.write_text("[]")
    for number in range(kills):
        victim = rng.choice(VICTIMS)
        _round(data, number, victim, rng)
        session, whole = session_of(number), number == kills - 1
        _in_child(partial(examine, data, session, checked, whole=whole), folder)
        _add(total, json.loads((folder / "report.json").read_text()), number, victim)
    return total


def _round(data: Path, number: int, victim: str, rng: random.Random) -> None:
    """Start both processes, kill at a random moment, and wait until both are gone."""
    begun = data.parent / f"begun-{number}"
    reader, writer = os.pipe()
    page = _fork(lambda: serve(data, number, begun), close=(reader,))
    worker = _fork(lambda: work(data, number, reader), close=(writer,))
    os.close(reader)
    os.close(writer)  # the page alone holds it now: its death ends the worker
    if rng.random() < STARTING:
        time.sleep(rng.uniform(0, WINDOW / 4))
    else:
        wanted = rng.randint(0, MOST_SHOWN)
        _wait(begun.exists)
        _wait(lambda: shown_in(data, number) >= wanted)
        time.sleep(rng.uniform(0, WINDOW))
    order = {"worker": [worker], "page": [page], "both": [page, worker]}[victim]
    rng.shuffle(order)
    for process in order:
        os.kill(process, signal.SIGKILL)
    if victim == "worker":
        time.sleep(rng.uniform(0, 0.1))  # the page goes on, and meets the loss
        os.kill(page, signal.SIGKILL)
    os.waitpid(page, 0)
    _wait(lambda: os.waitpid(worker, os.WNOHANG)[0] == worker)


def _in_child(task: Callable[[], dict[str, Any]], folder: Path) -> None:
    """Run `task` in a process of its own, since SQLite's connections do not survive a fork."""
    report = folder / "report.json"
    report.unlink(missing_ok=True)
    child = _fork(lambda: report.write_text(json.dumps(task())))
    os.waitpid(child, 0)


def _fork(task: Callable[[], object], close: tuple[int, ...] = ()) -> int:
    child = os.fork()
    if child:
        return child
    try:
        for descriptor in close:
            os.close(descriptor)
        task()
        os._exit(0)
    except BaseException as problem:  # the parent's stack must not go on in the child
        print(f"{type(problem).__name__}: {problem}", file=sys.stderr)
        os._exit(1)


def _wait(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + PATIENCE
    while not condition():
        if time.monotonic() > end:
            raise TimeoutError("a process did not come up, or did not end")
        time.sleep(0.002)


def _add(total: dict[str, Any], report: dict[str, Any], number: int, victim: str) -> None:
    total["kills"] += 1
    total["victims"][victim] += 1
    for name, count in report["counts"].items():
        total[name] = total.get(name, 0) + count
    total["broken"] += [f"kill {number} ({victim}): {sentence}" for sentence in report["broken"]]


def _told(report: dict[str, Any]) -> str:
    broken = report["broken"]
    lines = [f"{name}: {value}" for name, value in report.items() if name != "broken"]
    return "\n".join([*lines, f"broken promises: {len(broken)}", *broken])


if __name__ == "__main__":
    sys.exit(main())
