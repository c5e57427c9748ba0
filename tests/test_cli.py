"""The command line as a person or a script meets it: files, sentences, exit codes, JSON."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from genimg_ui.backend.base import BackendJob, BackendResult
from genimg_ui.backend.exemplar import ExemplarBackend
from genimg_ui.cli import _parser, main
from genimg_ui.commands.edits import request_of
from genimg_ui.core.request import EditRequest, PassParams, Region
from genimg_ui.errors import StorageError
from genimg_ui.history.names import session_id
from genimg_ui.history.store import Store
from genimg_ui.registry import load_registry
from tests.editing import decoded, painted, photograph, png, saved

Run = Callable[..., tuple[int, str, str]]
ROOT = Path(__file__).parents[1]
MASK = painted(60, 44, (20, 14, 34, 26))


@pytest.fixture(autouse=True)
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder with a picture and a mask, which is where the person stands."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("NUMBA_CACHE_DIR", os.environ.get("NUMBA_CACHE_DIR", ""))
    monkeypatch.delenv("GENIMG_DATA_DIR", raising=False)
    Path("photo.png").write_bytes(png(photograph(60, 44)))
    Image.fromarray(MASK).save("mask.png")


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    """Run a command with the data folder `kept`; exit status, stdout and stderr."""

    def call(*arguments: str) -> tuple[int, str, str]:
        try:
            status = main([*arguments, "--data-dir", "kept"])
        except SystemExit as end:  # argparse ends the program itself
            status = int(end.code or 0)
        told = capsys.readouterr()
        return status, told.out, told.err

    return call


EDIT = ("edit", "photo.png", "--out", "out.png", "--mask", "mask.png", "--seed", "3")


def last_entry(run: Run) -> dict[str, Any]:
    status, out, _ = run("log", "--json")
    assert status == 0
    return json.loads(out)["entries"][-1]


def test_an_edit_writes_the_result_and_says_its_proof(run: Run) -> None:
    status, out, err = run(*EDIT)
    assert (status, err) == (0, "")
    assert out == f"out.png  seed 3  changed outside the mask: 0 of {last_outside(run)}\n"
    source, result = Image.open("photo.png"), Image.open("out.png")
    before, after = np.asarray(source), np.asarray(result)
    assert result.size == source.size
    assert (before != after).any()
    rows, columns = np.nonzero((before != after).any(axis=2))
    assert rows.min() >= 10 and rows.max() < 30 and columns.min() >= 16 and columns.max() < 38
    assert not list(Path().glob("*.part"))


def last_outside(run: Run) -> int:
    return int(last_entry(run)["results"][0]["report"]["pixels_outside"])


def test_json_is_one_object_with_the_names_of_the_contract(run: Run) -> None:
    status, out, err = run(*EDIT, "--variants", "2", "--json")
    assert (status, err) == (0, "")
    told = json.loads(out)
    assert {"results", "entry", "report", "seconds"} <= set(told)
    assert [Path(item["path"]).name for item in told["results"]] == ["out.png", "out-2.png"]
    assert [item["seed"] for item in told["results"]] == [3, 4]
    for item in told["results"]:
        assert item["sha256"] == sha256(Path(item["path"]).read_bytes()).hexdigest()
    report = told["report"]
    assert {"changed_outside", "pixels_outside", "seam", "colour_shift"} <= set(report)
    assert report["changed_outside"] == 0 < report["pixels_outside"] < 60 * 44
    assert report["seam"] > 0 and report["colour_shift"] >= 0
    assert told["entry"] == last_entry(run)["id"]
    assert 0 < told["seconds"] < 60


# Each option with a part of the log's request that must then be as it says.
OPTIONS = [
    (["--prompt", "a cat"], ("sampling", "prompt"), "a cat"),
    (["--negative-prompt", "dogs"], ("sampling", "negative_prompt"), "dogs"),
    (["--strength", "0.5"], ("sampling", "strength"), 0.5),
    (["--guidance-scale", "3.5"], ("sampling", "guidance_scale"), 3.5),
    (["--true-cfg-scale", "2.5"], ("sampling", "true_cfg_scale"), 2.5),
    (["--refiner-switch-at", "0.6"], ("sampling", "refiner_switch_at"), 0.6),
    (["--steps", "12"], ("sampling", "num_inference_steps"), 12),
    (["--scheduler", "ddim"], ("sampling", "scheduler"), "ddim"),
    (["--seed", "77"], ("sampling", "seed"), 77),
    (["--variants", "2"], ("sampling", "variants"), 2),
    (["--grow", "9"], ("mask", "grow"), 9),
    (["--feather", "1"], ("mask", "feather"), 1),
    (["--fill", "telea"], ("inpaint", "fill"), "telea"),
    (["--fill-mode", "closest"], ("inpaint", "fill_mode"), "closest"),
    (["--padding", "5"], ("inpaint", "padding"), 5),
    (["--whole-picture"], ("inpaint", "only_masked"), False),
    (["--border", "1,2,3,4"], ("border",), [1, 2, 3, 4]),
    (["--model", "exemplar"], ("model",), "exemplar"),
]


@pytest.mark.parametrize(("option", "where", "value"), OPTIONS, ids=lambda v: str(v)[:24])
def test_every_option_is_in_the_log(run: Run, option, where, value) -> None:
    status, _, _ = run(*EDIT, *option)
    assert status == 0
    found: Any = last_entry(run)["request"]
    for name in where:
        found = found[name]
    assert found == value


@pytest.mark.parametrize(
    "option",
    [
        ["--seed", "4"],
        ["--grow", "9"],
        ["--feather", "0"],
        ["--fill-mode", "closest"],
        ["--border", "0,5,0,0"],
    ],
    ids=lambda v: v[0],
)
def test_options_of_the_embedded_engine_change_the_picture(run: Run, option: list[str]) -> None:
    run(*EDIT)
    before = Path("out.png").read_bytes()
    status, _, _ = run(*EDIT, *option)
    assert status == 0
    assert decoded(before).tobytes() != Image.open("out.png").tobytes()


@pytest.mark.parametrize(
    ("option", "sentence"),
    [
        (["--guidance-end", "0.5"], "guidance_end must be 1, got 0.5"),
        (["--step-cache", "taylorseer"], "takes these step caches: none; got taylorseer"),
        (["--step-cache-threshold", "0.1"], "step_cache_threshold belongs to"),
    ],
)
def test_savings_that_a_model_has_not_are_refused(run: Run, option: list[str], sentence) -> None:
    status, _, err = run(*EDIT, *option)
    assert status == 2 and sentence in err


def test_what_the_model_does_not_use_is_said(run: Run) -> None:
    status, _, err = run(*EDIT, "--prompt", "a cat", "--steps", "5")
    assert status == 0
    assert err == (
        "note: Exemplar (removal and borders, no download) does not use --prompt, --steps.\n"
    )
    assert run(*EDIT)[2] == ""


def test_a_border_alone_extends_the_picture(run: Run) -> None:
    status, _, err = run("edit", "photo.png", "--out", "out.png", "--border", "7,0,5,3")
    assert status == 0, err
    result = Image.open("out.png")
    assert result.size == (72, 47)
    assert result.crop((7, 0, 67, 44)).tobytes() == Image.open("photo.png").tobytes()


REFUSED = [
    (["absent.png"], r"There is no file absent\.png"),
    (["notes.txt"], "must be a PNG, JPEG, WebP, TIFF or BMP picture, got text"),
    (["cut.jpg"], "JPEG must be whole, got a truncated"),
    (["photo.png", "--mask", "absent.png"], r"There is no file absent\.png"),
    (["photo.png", "--mask", "small.png"], r"as large as the picture \(60×44\), got 9×8"),
    (["photo.png", "--mask", "notes.txt"], "got text"),
    (["photo.png", "--mask", "empty.png"], "Nothing is painted and no border"),
    (["photo.png"], "Nothing is painted and no border"),
    (["photo.png", "--mask", "mask.png", "--model", "magic"], 'model must be one of .*got "magic"'),
    (["photo.png", "--mask", "mask.png", "--strength", "1.4"], r"\(0, 1\], got 1\.4"),
    (["photo.png", "--mask", "mask.png", "--strength", "nan"], "got nan"),
    (["photo.png", "--mask", "mask.png", "--steps", "999"], r"\[1, 150\], got 999"),
    (["photo.png", "--mask", "mask.png", "--seed", "-1"], "seed must be in"),
    (["photo.png", "--mask", "mask.png", "--variants", "0"], r"\[1, 16\], got 0"),
    (["photo.png", "--mask", "mask.png", "--grow", "-30"], "vanishes when it is shrunk by 30 px"),
    (["photo.png", "--mask", "mask.png", "--feather", "-1"], "feather must be in"),
    (["photo.png", "--mask", "mask.png", "--control", "canny"], "takes these controls: none"),
    (["photo.png", "--border", "1,2,3"], "four whole numbers L,T,R,B, got '1,2,3'"),
    (["photo.png", "--border", "1,2,3,x"], "four whole numbers"),
    (["photo.png", "--border", "99999,0,0,0"], r"border left must be in \[0, 30000\]"),
    (["photo.png", "--border", "1,0,0,0", "--fill", "magic"], "must be one of original,"),
    (["photo.png", "--border", "1,0,0,0", "--control", "canny:x"], "must be KIND"),
    (["photo.png", "--border", "1,0,0,0", "--out", "out.jpg"], r"\.png file, got 'out\.jpg'"),
    (["photo.png", "--border", "1,0,0,0", "--out", "no/out.png"], "a folder that exists"),
    (["photo.png", "--border", "1,0,0,0", "--models", "absent.yaml"], r"absent\.yaml"),
]


@pytest.mark.parametrize(("arguments", "sentence"), REFUSED, ids=lambda v: str(v)[:50])
def test_bad_input_is_refused_with_a_sentence(run: Run, arguments, sentence) -> None:
    Path("notes.txt").write_text("no picture\n")
    Path("cut.jpg").write_bytes(saved(photograph(60, 44), "JPEG")[:700])
    Image.new("L", (9, 8)).save("small.png")
    Image.new("L", (60, 44)).save("empty.png")
    given = arguments if "--out" in arguments else [*arguments, "--out", "out.png"]
    status, out, err = run("edit", *given)
    assert (status, out) == (2, "")
    assert re.search(sentence, err), err
    assert "Traceback" not in err
    assert not Path("out.png").exists()


def test_a_refused_edit_is_in_the_log(run: Run) -> None:
    run(*EDIT, "--strength", "1.4")
    entry = last_entry(run)
    assert (entry["state"], entry["refused"]) == ("failed", True)
    assert "got 1.4" in entry["error"]
    status, out, _ = run("log")
    assert status == 0 and entry["id"] in out and "got 1.4" in out


@pytest.mark.torch
def test_a_model_that_is_out_of_reach_is_a_failure_with_its_sentence(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("genimg_ui.weights.folders.hub_reachable", lambda: False)
    Path("models.yaml").write_text("models:\n  far: {source: ./nowhere, family: sd15}\n")
    status, out, err = run(*EDIT, "--models", "models.yaml", "--fill", "neutral")
    assert (status, out) == (1, "")
    assert "nowhere" in err and "Traceback" not in err
    assert last_entry(run)["refused"] is False


def test_a_result_that_cannot_be_written_is_a_failure_and_kept_in_the_log(run: Run) -> None:
    Path("out.png").mkdir()
    status, _, err = run(*EDIT)
    assert status == 1 and "out.png could not be written" in err
    assert last_entry(run)["state"] == "done"
    assert not list(Path().glob(".*.part"))


def test_a_broken_models_file_is_refused(run: Run) -> None:
    Path("models.yaml").write_text("models:\n  a: {engine: magic}\n")
    for command in (["models"], [*EDIT]):
        status, _, err = run(*command, "--models", "models.yaml")
        assert status == 2 and "models.yaml" in err and "engine" in err


def test_models_says_what_each_can_do_here(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("genimg_ui.weights.folders.hub_reachable", lambda: False)
    monkeypatch.setattr(
        "genimg_ui.weights.folders.constants.HF_HUB_CACHE", str(Path("hub").resolve())
    )
    status, out, _ = run("models")
    assert status == 0 and "exemplar (default)" in out and "ready" in out
    status, out, _ = run("models", "--json")
    models = {model["id"]: model for model in json.loads(out)["models"]}
    assert models["exemplar"]["unavailable"] is None
    assert "exemplar" in models["sd15"]["unavailable"]
    assert models["sd15"]["licence"].startswith("CreativeML")


def test_log_of_one_session(run: Run) -> None:
    run(*EDIT)
    [session] = [path.name for path in Path("kept/sessions").iterdir()]
    assert session != session_id("0" * 32)  # no key that somebody might try opens it
    mine = json.loads(run("log", "--json", "--session", session)[1])["entries"]
    other = json.loads(run("log", "--json", "--session", "f" * 32)[1])["entries"]
    assert (len(mine), other) == (1, [])
    assert run("log", "--session", "../x")[0] == 2


def test_log_is_exported(run: Run) -> None:
    assert run(*EDIT, "--prompt", "<b>a door</b>")[0] == 0
    status, out, _ = run("log", "--format", "jsonl")
    assert status == 0 and json.loads(out)["request"]["sampling"]["prompt"] == "<b>a door</b>"
    assert run("log", "--out", "log.html")[0] == 0
    assert "&lt;b&gt;a door" in Path("log.html").read_text()
    assert run("log", "--out", "table", "--format", "csv")[0] == 0
    assert Path("table").read_text().startswith("entry,created,state")
    assert run("log", "--out", "log.xml") == (
        2,
        "",
        "--format must be one of jsonl, csv, html, got 'log.xml'.\n",
    )
    assert run("log", "--out", "absent/log.csv")[0] == 2
    assert run("log", "--out", "out.png/log.csv")[0] == 2
    assert "There is no session" in run("log", "--format", "csv", "--session", "f" * 32)[2]


def test_a_damaged_index_is_made_anew(run: Run) -> None:
    assert run(*EDIT)[0] == 0
    before = run("log")[1]
    for path in Path("kept").glob("genimg.db*"):
        path.write_bytes(b"no database" * 1000)
    status, _, said = run("log")
    assert status == 1 and "`python -m genimg_ui reindex --data-dir kept`" in said
    status, out, _ = run("reindex")
    assert status == 0 and "The index holds 1 edits of 1 sessions with 1 results." in out
    assert run("log")[1] == before
    assert json.loads(run("reindex", "--json")[1])["entries"] == 1


def test_replay_of_entry_and_png(run: Run) -> None:
    told = json.loads(run(*EDIT, "--json")[1])
    for name in ("out.png", told["entry"]):
        status, out, _ = run("replay", name)
        assert (status, out) == (0, "seed 3: identical\n")
    status, out, _ = run("replay", "out.png", "--json")
    assert json.loads(out)["identical"] is True and json.loads(out)["entry"] == told["entry"]


def test_replay_says_what_differs_and_fails(run: Run) -> None:
    run(*EDIT)
    original = Image.open("out.png")
    text = original.text["genimg_ui"]
    pixels = np.asarray(original).copy()
    pixels[0, 0, 0] ^= 1
    info = PngInfo()
    info.add_text("genimg_ui", text)
    Image.fromarray(pixels).save("touched.png", pnginfo=info)
    status, out, _ = run("replay", "touched.png")
    assert status == 1 and "largest difference 1, in 1 of 2640 pixels, from 0,0 to 0,0" in out
    for bad in ("absent.png", "photo.png", "0" * 16):
        status, out, err = run("replay", bad)
        assert (status, out) == (2, "") and err and "Traceback" not in err


def test_replay_of_a_whole_log(run: Run) -> None:
    run(*EDIT, "--strength", "1.4")
    run(*EDIT)
    run(*EDIT, "--seed", "4")
    [session] = [path.name for path in Path("kept/sessions").iterdir()]
    status, out, _ = run("replay", "--all", session)
    assert status == 0
    assert out.splitlines()[-1] == (
        "2 entries: 2 identical, 0 differs, 0 refused; 1 without a result passed over"
    )
    log = Path("kept/sessions", session, "seed_log.jsonl")
    lines = log.read_text().splitlines()
    digest = json.loads(lines[2])["results"][0]["pixels_sha256"]
    Path("log.jsonl").write_text("\n".join([lines[1], lines[2].replace(digest, "0" * 64), "{}"]))
    [entry] = [json.loads(lines[2])]
    for record in entry["results"]:
        [kept] = Path("kept/results").glob(f"{record['sha256']}.*")
        kept.unlink()
    status, out, _ = run("replay", "--all", "log.jsonl", "--json")
    told = json.loads(out)
    assert status == 1 and told["verdict"] == "differs"
    verdicts = [item["verdict"] for item in told["entries"]]
    assert verdicts == ["identical", "differs", "refused"]
    assert told["entries"][2]["reason"].startswith("line 3 is no entry")
    for wrong in (("replay",), ("replay", "out.png", "--all", session), ("replay", "--all", "x")):
        status, out, err = run(*wrong)
        assert (status, out) == (2, "") and err and "Traceback" not in err


def test_a_log_without_results_is_nothing_to_replay(run: Run) -> None:
    Path("empty.jsonl").write_text("\n")
    run(*EDIT, "--strength", "1.4")
    [session] = [path.name for path in Path("kept/sessions").iterdir()]
    for name, count in (("empty.jsonl", 0), ("0" * 32, 0), (session, 1)):
        for form in ((), ("--json",)):
            status, out, err = run("replay", "--all", name, *form)
            assert (status, out) == (2, "")
            assert err == (
                f"There is nothing to replay in {name}: {count} entries, none with a result.\n"
            )


def test_an_entry_that_names_a_path_writes_nothing_outside(run: Run) -> None:
    run(*EDIT)
    [log] = Path("kept/sessions").glob("*/seed_log.jsonl")
    line = json.loads(log.read_text())
    line["id"] = "../evil"
    Path("log.jsonl").write_text(json.dumps(line))
    [result] = Path("kept/results").iterdir()
    result.chmod(0o600)
    result.write_bytes(png(photograph(60, 44)))  # so that there is a heat map to be written
    status, out, _ = run("replay", "--all", "log.jsonl", "--heatmap", "maps")
    assert status == 2 and "An entry's id must be 1 to 64 letters" in out
    assert not list(Path().glob("**/*evil*")) and not list(Path("maps").iterdir())


@pytest.mark.parametrize(
    ("problem", "words"),
    [
        (MemoryError(), "There is not enough memory"),
        (StorageError("The disk is full."), "The disk is full."),
        (ZeroDivisionError("by zero"), "failed unexpectedly (ZeroDivisionError: by zero)"),
    ],
)
def test_one_entry_that_fails_does_not_end_the_replay(
    run: Run, monkeypatch: pytest.MonkeyPatch, problem: Exception, words: str
) -> None:
    run(*EDIT)
    run(*EDIT, "--seed", "4")
    [session] = [path.name for path in Path("kept/sessions").iterdir()]
    whole = ExemplarBackend.generate

    def broken(self: ExemplarBackend, job: BackendJob, *rest: Any) -> BackendResult:
        if job.resolved.seeds == (3,):
            raise problem
        return whole(self, job, *rest)

    monkeypatch.setattr(ExemplarBackend, "generate", broken)
    status, out, _ = run("replay", "--all", session)
    first, second, summary = out.splitlines()
    assert status == 2 and "cannot run: " in first and words in first
    assert second.endswith("seed 4: identical")
    assert summary.startswith("2 entries: 1 identical, 0 differs, 1 refused")


def test_a_damaged_result_does_not_pass(run: Run) -> None:
    run(*EDIT)
    [result] = Path("kept/results").iterdir()
    result.chmod(0o600)
    result.write_bytes(result.read_bytes()[:300])
    [session] = [path.name for path in Path("kept/sessions").iterdir()]
    status, out, _ = run("replay", "--all", session)
    assert status == 1 and "the result's file is damaged" in out
    assert out.splitlines()[-1].startswith("1 entries: 0 identical, 1 differs, 0 refused")


def test_the_exit_status_is_in_the_help(run: Run) -> None:
    told = " ".join(run("replay", "--help")[1].split())
    assert "1 pixels differ, 2 it cannot run" in told and "3 the program failed" in told


@pytest.mark.parametrize("kind", ["webp", "tiff", "jpeg"])
def test_replay_of_other_formats(run: Run, kind: str) -> None:
    run(*EDIT)
    status, _, err = run("export", "out.png", "--out", f"out.{kind}")
    assert status == 0, err
    status, out, err = run("replay", f"out.{kind}")
    note = " to what the entry says; the result itself is not here" if kind == "jpeg" else ""
    assert (status, out, err) == (0, f"seed 3: identical{note}\n", "")


def test_replay_writes_heat_maps(run: Run) -> None:
    run(*EDIT)
    original = Image.open("out.png")
    info = PngInfo()
    info.add_text("genimg_ui", original.text["genimg_ui"])
    pixels = np.asarray(original).copy()
    pixels[3:5, 7:9] ^= 1
    Image.fromarray(pixels).save("touched.png", pnginfo=info)
    status, out, _ = run("replay", "touched.png", "--heatmap", "maps", "--json")
    [result] = json.loads(out)["results"]
    assert status == 1 and result["difference"]["box"] == [7, 3, 9, 5]
    assert result["difference"]["pixels"] == 4
    with Image.open(result["heat_map"]) as shown:
        assert shown.size == original.size


def test_a_bundle_replays_elsewhere(run: Run) -> None:
    told = json.loads(run(*EDIT, "--variants", "2", "--json")[1])
    for name, count in ((told["entry"], 2), ("out-2.png", 1)):
        status, out, err = run("bundle", name, "--out", "sent.zip")
        assert status == 0, err
        assert out.startswith(f"sent.zip  entry {told['entry']}")
        shutil.move("kept", "away")
        status, out, err = run("replay", "sent.zip")
        assert (status, err) == (0, "") and out.count("identical") == count
        shutil.rmtree("kept")
        shutil.move("away", "kept")
    for wrong in (("out.png", "o.tar"), ("absent.png", "o.zip"), ("photo.png", "o.zip")):
        status, out, err = run("bundle", wrong[0], "--out", wrong[1])
        assert (status, out) == (2, "") and err and "Traceback" not in err
    Path("sent.zip").write_bytes(b"PK\x03\x04 cut")
    status, out, err = run("replay", "sent.zip")
    assert (status, out) == (2, "") and "whole ZIP file" in err


def test_what_nobody_foresaw_is_a_sentence_and_a_failure(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(*EDIT)

    def broken(*_: object) -> None:
        raise ZeroDivisionError("by zero")

    monkeypatch.setattr("genimg_ui.backend.exemplar.ExemplarBackend.generate", broken)
    for command, failure in ((["replay", "out.png"], 3), ([*EDIT], 1)):
        status, out, err = run(*command)
        assert (status, out) == (failure, "")
        assert "failed unexpectedly (ZeroDivisionError: by zero)" in err.splitlines()[-1]


def test_every_command_keeps_to_its_data_folder(run: Run) -> None:
    run(*EDIT)
    run("log")
    run("models")
    run("replay", "out.png")
    assert {path.name for path in Path().iterdir()} == {"kept", "photo.png", "mask.png", "out.png"}


def test_ctrl_c_ends_the_edit_and_is_logged(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("genimg_ui.backend.exemplar.ExemplarBackend.generate", interrupted)
    status, out, err = run(*EDIT)
    assert (status, out, err) == (1, "", "The edit was cancelled.\n")
    assert last_entry(run)["state"] == "cancelled"
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def interrupted(*arguments: Any) -> None:
    """Press Ctrl+C, and look at the cancel token as an engine does."""
    cancel = arguments[-1]
    os.kill(os.getpid(), signal.SIGINT)
    threading.Event().wait(0.05)
    cancel.check()
    raise AssertionError("the edit went on")


def test_the_module_runs_as_a_program(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "genimg_ui"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    helped = subprocess.run(
        [*command, "--help"], capture_output=True, text=True, env=environment, check=True
    )
    assert all(name in helped.stdout for name in ("edit", "models", "log", "replay"))
    refused = subprocess.run(
        [*command, "edit", "absent.png", "--out", "o.png", "--data-dir", str(tmp_path / "d")],
        capture_output=True,
        text=True,
        env=environment,
    )
    assert (refused.returncode, refused.stderr) == (2, "There is no file absent.png.\n")


# -- other tasks than painting


def test_an_enlargement_without_a_model(run: Run) -> None:
    status, _, err = run(
        "edit", "photo.png", "--out", "out.png", "--upscale", "2", "--model", "lanczos"
    )
    assert (status, err) == (0, "")
    assert Image.open("out.png").size == (120, 88)
    entry = last_entry(run)
    assert entry["request"]["upscale"] == 2 and entry["request"]["region"] == "whole"


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        (("--out", "o.png"), "Name a picture, or a new canvas"),
        (("photo.png", "--new", "64x64", "--out", "o.png"), "one of the two"),
        (("--new", "64", "--out", "o.png"), "must be WIDTHxHEIGHT"),
        (("--new", "64x64", "--colour", "redd", "--out", "o.png"), "must be written as #RRGGBB"),
        (("--new", "64x9", "--out", "o.png"), "sides in [16, 30000]"),
        (("photo.png", "--upscale", "3", "--out", "o.png"), "invalid choice: 3"),
        (
            ("photo.png", "--region", "whole", "--out", "o.png"),
            "serves these tasks: inpaint, outpaint; got",
        ),
        (
            ("photo.png", "--region", "mask", "--upscale", "2", "--out", "o.png"),
            "region must be whole, got mask",
        ),
        (
            ("photo.png", "--mask", "mask.png", "--upscale", "2", "--model", "lanczos")
            + ("--out", "o.png"),
            "no mask is used, and one came",
        ),
    ],
)
def test_what_no_task_can_do_is_refused(run: Run, flags: tuple[str, ...], said: str) -> None:
    status, _, err = run("edit", *flags)
    assert status == 2 and said in err


def test_passes_of_the_command_line(tmp_path: Path) -> None:
    store = Store.open(tmp_path / "store")
    spec = load_registry(ROOT / "models.yaml").get("shapes")

    def asked(*flags: str) -> EditRequest:
        return request_of(_parser().parse_args(["edit", *flags, "--out", "o.png"]), spec, store)

    new = asked("--new", "64x48")
    assert new.passes == PassParams(progressive=True) and new.sampling.strength == 1
    assert new.region is Region.WHOLE and new.upscale == 1
    single = asked("photo.png", "--one-pass", "--overlap", "32")
    assert single.passes == PassParams(progressive=False, overlap=32)
    assert single.region is Region.MASK
    store.close()


def test_a_reader_that_wants_no_more_is_no_error(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "genimg_ui", "models", "--data-dir", str(tmp_path / "kept")]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with subprocess.Popen(command, cwd=ROOT, **pipes) as process:
        assert process.stdout is not None and process.stderr is not None
        process.stdout.close()  # as `head` does once it has its lines
        told = process.stderr.read()
    assert (process.returncode, told) == (0, b"")
