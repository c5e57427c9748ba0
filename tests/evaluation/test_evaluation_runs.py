"""Whole evaluations with real engines: equal twice, whole after a kill, honest about failures."""

import json
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

from genimg_ui.backend.base import CancelToken
from genimg_ui.core.serial import to_json
from genimg_ui.errors import Cancelled, RefusedInput
from genimg_ui.evaluation.folder import MASK, ORIGINAL, EvaluationFolder, file_of
from genimg_ui.evaluation.protocol import Case
from genimg_ui.evaluation.results import read_result
from genimg_ui.evaluation.runner import case_request
from genimg_ui.evaluation.staging import Staged
from genimg_ui.evaluations.kept import fraction
from genimg_ui.history.metadata import entry_from_file
from genimg_ui.history.record import EntryState
from genimg_ui.history.seed_log import SeedLog
from genimg_ui.registry import ModelSpec, Registry
from tests.editing import EXEMPLAR, SQUARE
from tests.evaluation.evaluating import (
    LACKING,
    REGISTRY,
    SESSION,
    asked,
    pictures,
    protocol,
    run,
)

ROOT = Path(__file__).parents[2]


def pixels(folder: Path) -> dict[tuple[str, int], tuple[str, dict[str, float]]]:
    cases = EvaluationFolder(folder).cases()
    return {(c.model, c.case): (c.pixels_sha256, c.scores) for c in cases}


def test_the_same_protocol_gives_the_same_numbers(tmp_path: Path) -> None:
    place = pictures(tmp_path / "shared", 2)
    found = []
    for name in ("first", "second"):
        what = asked(tmp_path, "exemplar,fill:telea,fill:noise", pictures=place)
        found.append(run(replace(what, out=tmp_path / name)).result)
    assert found[0].values == found[1].values
    assert found[0].leads == found[1].leads
    assert found[0].run != found[1].run
    assert pixels(tmp_path / "first") == pixels(tmp_path / "second")
    assert {v.summary.n for v in found[0].values if not v.mask_kind} == {4}
    assert found[0].unavailable == {"lpips": LACKING}
    assert read_result(tmp_path / "first" / "result.json") == found[0]


def test_every_result_lies_with_its_case_and_carries_its_entry(tmp_path: Path) -> None:
    run(asked(tmp_path))
    folder = EvaluationFolder(tmp_path / "out")
    records = folder.cases()
    assert len(records) == 12
    for record in records:
        entry = entry_from_file(folder.picture(record.case, file_of(record.model)))
        assert entry.id == record.entry
        assert entry.request.model == record.model
        assert entry.inputs.source == record.source
        assert record.report is not None
        assert record.report.changed_outside == 0
        assert folder.picture(record.case, ORIGINAL).is_file()
        assert folder.picture(record.case, MASK).is_file()


KILLED = """
from pathlib import Path
from tests.evaluation.evaluating import asked, run
run(asked(Path({folder!r}), {models!r}))
"""


def test_after_a_kill_it_goes_on_to_the_same_numbers(tmp_path: Path) -> None:
    models = "fill:telea,fill:blur"
    pictures(tmp_path / "pictures", 6)
    code = KILLED.format(folder=str(tmp_path), models=models)
    lines = tmp_path / "out" / "cases.jsonl"
    child = subprocess.Popen([sys.executable, "-c", code], cwd=ROOT)
    try:
        while child.poll() is None and not (lines.exists() and lines.stat().st_size):
            time.sleep(0.005)
    finally:
        child.send_signal(signal.SIGKILL)
        child.wait()
    assert not (tmp_path / "out" / "result.json").exists()
    begun = len(EvaluationFolder(tmp_path / "out").cases())
    assert 0 < begun < 24
    with lines.open("ab") as file:
        file.write(b'{"case": 5, "mod')  # a line that the kill tore
    again = run(asked(tmp_path, models)).result
    whole = run(replace(asked(tmp_path, models), out=tmp_path / "whole")).result
    assert again.values == whole.values
    assert pixels(tmp_path / "out") == pixels(tmp_path / "whole")


def test_an_edit_whose_line_is_lost_is_found_in_the_seed_log(tmp_path: Path) -> None:
    first = run(asked(tmp_path)).result
    folder = EvaluationFolder(tmp_path / "out")
    lines = (folder.path / "cases.jsonl").read_bytes().splitlines(keepends=True)
    (folder.path / "cases.jsonl").write_bytes(b"".join(lines[:-3]))
    told: list[str] = []
    assert run(asked(tmp_path), told.append).result.values == first.values
    with SeedLog.opened(folder.path / "store" / "sessions" / SESSION / "seed_log.jsonl") as log:
        assert len(list(log.entries())) == 12
    assert any("case 6 of 6" in line for line in told)


def test_only_the_very_same_evaluation_goes_on(tmp_path: Path) -> None:
    what = asked(tmp_path)
    run(what)
    changed_protocol = replace(what, protocol=protocol(version=2))
    slower = to_json(replace(REGISTRY.get("fill:telea"), context_ratio=3.0))
    changed_model = replace(what, models={**what.models, "fill:telea": slower})
    more_models = asked(tmp_path, "fill:telea,fill:neutral,fill:blur")
    for other, words in (
        (changed_protocol, "another protocol"),
        (
            changed_model,
            "other models: fill:telea, context_ratio, it has '1.5', asked for is '3.0'",
        ),
        (more_models, "other models: fill:blur"),
    ):
        with pytest.raises(RefusedInput, match=words) as refused:
            run(other)
        assert "Choose another folder with --out" in str(refused.value)
    picture = what.pictures / "p1.png"
    picture.write_bytes((what.pictures / "p2.png").read_bytes())
    with pytest.raises(RefusedInput, match=r"other pictures: p1\.png"):
        run(what)


def test_other_weights_under_the_same_name_are_refused(tmp_path: Path) -> None:
    run(asked(tmp_path))
    path = tmp_path / "out" / "cases.jsonl"
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    for line in lines:
        line["model_digest"] = "0" * 64
    kept = [line for line in lines if line["case"] != 4]
    path.write_text("".join(json.dumps(line) + "\n" for line in kept))
    with pytest.raises(RefusedInput, match="The weights of fill:telea must be those"):
        run(asked(tmp_path))
    assert len(EvaluationFolder(tmp_path / "out").cases()) == len(kept)


def test_a_folder_of_something_else_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "thesis.txt").write_text("mine")
    with pytest.raises(RefusedInput, match=r"holds 'thesis.txt'"):
        run(asked(tmp_path))


def test_two_runs_do_not_share_a_folder(tmp_path: Path) -> None:
    with (
        EvaluationFolder(tmp_path / "out").locked(),
        pytest.raises(RefusedInput, match="Another evaluation is running"),
    ):
        run(asked(tmp_path))


def test_a_case_that_fails_is_counted_with_its_sentence(tmp_path: Path) -> None:
    broken = ModelSpec(id="broken", title="Broken", engine="magic", licence="-")
    what = asked(tmp_path)
    registry_specs = (what.specs[0], broken)
    done = run(replace(what, specs=registry_specs, models={"fill:telea": 1, "broken": 2}))
    outcome = done.result.models[1]
    assert (outcome.done, outcome.failed, outcome.seconds) == (0, 6, None)
    records = [c for c in EvaluationFolder(tmp_path / "out").cases() if c.model == "broken"]
    assert {record.state for record in records} == {EntryState.FAILED}
    assert all("model must be one of" in record.error for record in records)
    value = done.result.value("broken", "mse")
    assert value is not None
    assert (value.summary.n, value.summary.mean) == (0, None)
    assert "model must be one of" in (tmp_path / "out" / "report.html").read_text()


def test_the_protocols_parameters_reach_the_edits(tmp_path: Path) -> None:
    run(asked(tmp_path, "fill:telea"))
    grown = protocol(parameters={"mask.grow": 3, "mask.feather": 0})
    run(replace(asked(tmp_path, "fill:telea"), protocol=grown, out=tmp_path / "grown"))
    tight, wide = (EvaluationFolder(tmp_path / name).cases() for name in ("out", "grown"))
    for before, after in zip(tight, wide, strict=True):
        assert before.report is not None
        assert after.report is not None
        assert after.report.pixels_inside > before.report.pixels_inside


def test_prompt_and_seed_are_the_cases_own() -> None:
    case = Case(index=0, picture="p", mask_kind="blob", mask_seed=1, prompt="a red ring", seed=9)
    staged = Staged(case=case, source="s", mask="m")
    painted = case_request(protocol(), SQUARE, staged)
    assert (painted.sampling.prompt, painted.sampling.seed) == ("a red ring", 9)
    assert painted.mask.grow == 0
    filled = case_request(protocol(), REGISTRY.get("fill:telea"), staged)
    assert filled.sampling.prompt == ""


def test_a_stopped_run_goes_on(tmp_path: Path) -> None:
    cancel = CancelToken()

    def stop(line: str) -> None:
        if line.startswith("fill:neutral"):
            cancel.cancel()

    what = asked(tmp_path, "fill:telea,fill:neutral,fill:blur")
    with pytest.raises(Cancelled):
        run(what, stop, cancel)
    assert not (tmp_path / "out" / "result.json").exists()
    assert {c.model for c in EvaluationFolder(tmp_path / "out").cases()} >= {"fill:telea"}
    done = run(what).result
    assert all(model.done == 6 for model in done.models)


def test_cases_that_failed_are_tried_again_and_count_once(tmp_path: Path) -> None:
    what = asked(tmp_path, "fill:telea")
    lacking = Registry((EXEMPLAR,), "exemplar")
    assert run(what, registry=lacking).result.failed == 6
    assert fraction(what.out, 1) == 1.0
    done = run(what).result
    assert (done.failed, done.models[0].done) == (0, 6)
    lines = (what.out / "cases.jsonl").read_bytes().splitlines()
    assert len(lines) == 12
    assert all(record.done for record in EvaluationFolder(what.out).cases())
    assert fraction(what.out, 2) == 0.5
    again = run(what).result
    assert again.values == done.values
    assert len((what.out / "cases.jsonl").read_bytes().splitlines()) == 12


def test_a_models_own_parameters_are_over_the_protocols_and_must_stay(tmp_path: Path) -> None:
    what = asked(tmp_path, "fill:telea,fill:blur", own={"fill:blur": {"mask.grow": 3}})
    run(what)
    inside: dict[str, int] = {}
    for record in EvaluationFolder(what.out).cases():
        assert record.report is not None
        inside[record.model] = inside.get(record.model, 0) + record.report.pixels_inside
    assert inside["fill:blur"] > inside["fill:telea"]
    with pytest.raises(RefusedInput, match=r"fill:blur, own, mask\.grow"):
        run(replace(what, own={"fill:blur": {"mask.grow": 4}}))
