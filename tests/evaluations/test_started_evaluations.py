"""Evaluations beside the page: started, followed, stopped, gone on with, one at a time."""

import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from genimg_ui.errors import RefusedInput, UnknownItem
from genimg_ui.evaluations import process
from genimg_ui.evaluations.kept import Evaluation, State, Wanted, fraction, last_line
from genimg_ui.evaluations.runs import Evaluations, Own
from genimg_ui.history.names import session_id
from genimg_ui.history.private import PrivateSecret
from genimg_ui.links import Links

ANN, BOB = session_id("a" * 32), session_id("b" * 32)
SECONDS = 60.0
# Stands for `python -m genimg_ui evaluate`: writes what that one writes, and hears Ctrl+C.
COMMAND = """
import json, pathlib, signal, sys, time
# As the command itself does: what was started in the background may ignore it from the start.
signal.signal(signal.SIGINT, signal.default_int_handler)
out = pathlib.Path(sys.argv[sys.argv.index("--out") + 1])
out.mkdir(exist_ok=True)
told = {"id": "1", "protocol": {}, "protocol_digest": "", "models": {}, "pictures": {},
        "environment": {}, "cases": 4}
(out / "run.json").write_text(json.dumps(told))
print(" ".join(sys.argv[1:]), flush=True)
lines = out / "cases.jsonl"
try:
    while not (out.parent / "go").exists():
        if not lines.exists():
            lines.write_text("".join(json.dumps({"case": n, "model": "a"}) + "\\n" for n in (0, 1)))
            print("exemplar (1 of 2): case 2 of 4", flush=True)
        time.sleep(0.02)
except KeyboardInterrupt:
    print("Stopped. The same command goes on from here.")
    sys.exit(1)
(out / "report.html").write_text("<p>report</p>")
"""


@pytest.fixture
def wanted(tmp_path: Path) -> Wanted:
    protocol = tmp_path / "own.yaml"
    protocol.write_text("name: own")
    return Wanted(protocol=str(protocol), models=("exemplar", "fill:telea"))


@pytest.fixture
def runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Evaluations]:
    script = tmp_path / "command.sh"
    (tmp_path / "command.py").write_text(COMMAND)
    script.write_text(f'#!/bin/sh\nexec "{sys.executable}" "{tmp_path}/command.py" "$@"\n')
    script.chmod(0o700)
    monkeypatch.setattr(process, "sys", type("S", (), {"executable": str(script)}))
    made = Evaluations(tmp_path / "data", tmp_path / "models.yaml")
    yield made
    made.close()


def until(runs: Evaluations, right: Callable[[Evaluation], bool]) -> Evaluation:
    end = time.monotonic() + SECONDS
    while time.monotonic() < end:
        (now,) = runs.of_session(ANN)
        if right(now):
            return now
        time.sleep(0.02)
    raise AssertionError(now)


def finish(data: Path, evaluation: str) -> None:
    (data / "evaluations" / evaluation / "go").touch()


def test_it_is_followed_and_ends_with_a_report(
    runs: Evaluations, wanted: Wanted, tmp_path: Path
) -> None:
    started = runs.start(ANN, wanted)
    now = until(runs, lambda one: one.fraction > 0)
    assert now.state is State.RUNNING and now.fraction == 0.25  # 2 lines of 4 cases x 2 models
    assert now.text == "exemplar (1 of 2): case 2 of 4" and now.report is None
    with pytest.raises(RefusedInput, match="one is running"):
        runs.start(BOB, wanted)
    with pytest.raises(RefusedInput, match="must be stopped before"):
        runs.remove(ANN, started)
    finish(tmp_path / "data", started)
    done = until(runs, lambda one: not one.state.active)
    assert done.state is State.DONE and done.fraction == 1 and done.report
    assert done.report.parent == runs.result_folder(ANN, started)
    links = Links(tmp_path / "data", PrivateSecret(tmp_path / "data"))
    _, proof, name = links.url(done.report).split("/", 2)
    assert links.find(proof, name) == done.report
    for secret in ("asked.json", "log.txt"):
        with pytest.raises(ValueError, match="must match"):
            links.url(tmp_path / "data" / "evaluations" / started / secret)
    told = (tmp_path / "data" / "evaluations" / started / "log.txt").read_text()
    assert f"evaluate {wanted.protocol} --models exemplar,fill:telea --out" in told
    assert "--pictures" not in told
    runs.remove(ANN, started)
    assert runs.of_session(ANN) == []


def test_it_is_stopped_and_goes_on(runs: Evaluations, wanted: Wanted, tmp_path: Path) -> None:
    started = runs.start(ANN, wanted)
    until(runs, lambda one: one.fraction > 0)
    runs.stop(ANN, started)
    stopped = until(runs, lambda one: not one.state.active)
    assert stopped.state is State.STOPPED and stopped.fraction == 0.25
    finish(tmp_path / "data", started)
    runs.resume(ANN, started)
    assert until(runs, lambda one: not one.state.active).state is State.DONE


def test_another_program_sees_what_runs(runs: Evaluations, wanted: Wanted, tmp_path: Path) -> None:
    started = runs.start(ANN, wanted)
    until(runs, lambda one: one.fraction > 0)
    other = Evaluations(tmp_path / "data", tmp_path / "models.yaml")
    assert other.of_session(ANN)[0].state is State.RUNNING
    other.stop(ANN, started)
    assert until(runs, lambda one: not one.state.active).state is State.STOPPED


def test_closing_the_program_ends_it(runs: Evaluations, wanted: Wanted) -> None:
    runs.start(ANN, wanted)
    until(runs, lambda one: one.fraction > 0)
    runs.close()
    assert runs.of_session(ANN)[0].state is State.STOPPED


def test_results_are_copied_and_named_as_its_pictures(
    runs: Evaluations, wanted: Wanted, tmp_path: Path
) -> None:
    picture = tmp_path / "one.png"
    picture.write_bytes(b"pixels")
    twice = [Own(entry="e", index=0, path=picture)] * 2
    started = runs.start(ANN, wanted, twice)
    folder = tmp_path / "data" / "evaluations" / started
    assert [path.read_bytes() for path in (folder / "pictures").iterdir()] == [b"pixels"]
    until(runs, lambda one: one.fraction > 0)
    assert f"--pictures {folder / 'pictures'}" in (folder / "log.txt").read_text()


def test_a_folder_of_the_machine_is_its_pictures(
    runs: Evaluations, wanted: Wanted, tmp_path: Path
) -> None:
    started = runs.start(ANN, replace(wanted, pictures=str(tmp_path)))
    until(runs, lambda one: one.fraction > 0)
    log = tmp_path / "data" / "evaluations" / started / "log.txt"
    assert f"--pictures {tmp_path}" in log.read_text()


def test_what_names_nothing_is_refused(runs: Evaluations, wanted: Wanted, tmp_path: Path) -> None:
    for change, words in (
        ({"models": ()}, "one model or more"),
        ({"protocol": "nothing"}, "protocol must be one of"),
        ({"protocol": __file__}, "path of a YAML file"),
        ({"pictures": str(tmp_path / "nowhere")}, "must be a folder on the machine"),
    ):
        with pytest.raises(RefusedInput, match=words):
            runs.start(ANN, replace(wanted, **change))
    assert list((tmp_path / "data" / "evaluations").iterdir()) == []


def test_a_public_page_starts_none(wanted: Wanted, tmp_path: Path) -> None:
    closed = Evaluations(tmp_path / "data", tmp_path / "models.yaml", public=True)
    with pytest.raises(RefusedInput, match="open to everyone"):
        closed.start(ANN, wanted)
    with pytest.raises(RefusedInput, match="open to everyone"):
        closed.resume(ANN, "1" * 32)


def test_it_belongs_to_its_session(runs: Evaluations, wanted: Wanted) -> None:
    started = runs.start(ANN, wanted)
    assert runs.of_session(BOB) == []
    for act in (runs.stop, runs.remove, runs.result_folder, runs.resume):
        with pytest.raises(RefusedInput, match="not in this session|one is running"):
            act(BOB, started)
    with pytest.raises(UnknownItem):
        runs.stop(ANN, "../../secret")


def test_the_last_line_and_the_fraction_of_nothing(tmp_path: Path) -> None:
    log = tmp_path / "log.txt"
    assert last_line(log) == "" and fraction(tmp_path, 2) == 0.0
    log.write_text("x" * 9000 + "\nlast words\n\n")
    assert last_line(log) == "last words"


def test_results_are_measured_as_they_are(runs: Evaluations, tmp_path: Path) -> None:
    wanted = Wanted(as_they_are=True, by_settings=True)
    with pytest.raises(RefusedInput, match="1 to 1000 results can be evaluated, got 0"):
        runs.start(ANN, wanted)
    owns = [Own(entry=f"e{n}", index=n, path=tmp_path / "unused.png") for n in range(4)]
    started = runs.start(ANN, wanted, owns)
    now = until(runs, lambda one: one.fraction > 0)
    assert now.fraction == 0.5  # 2 lines of 4 results
    folder = tmp_path / "data" / "evaluations" / started
    assert (folder / "listed.txt").read_text() == "e0 0\ne1 1\ne2 2\ne3 3\n"
    assert not (folder / "pictures").exists()
    told = (folder / "log.txt").read_text()
    assert f"measure --session {ANN} --listed {folder / 'listed.txt'} --compare settings" in told
    finish(tmp_path / "data", started)
    assert until(runs, lambda one: not one.state.active).state is State.DONE
