"""The command `evaluate`, as a shell calls it, with the real metrics."""

import json
from pathlib import Path

import pytest

from genimg_ui.cli import DEFAULT_MODELS, main
from genimg_ui.core.serial import Json
from genimg_ui.evaluation.folder import EvaluationFolder
from genimg_ui.evaluation.protocol_file import read_protocol
from tests.evaluation.evaluating import pictures

PROTOCOLS = DEFAULT_MODELS.parent / "assets" / "protocols"
PROTOCOL = """
name: tiny
version: 1
pictures: {folder: pictures, side: 48}
masks: {kinds: {rectangles: {}}}
parameters: {mask.grow: 0, mask.feather: 0}
metrics: [mse, psnr, ssim_hole]
tolerances: {mse: 0.0001}
"""


@pytest.fixture
def place(tmp_path: Path) -> Path:
    pictures(tmp_path / "pictures", 2)
    (tmp_path / "tiny.yaml").write_text(PROTOCOL)
    return tmp_path


def evaluate(
    folder: Path, *more: str, models: str = "fill:telea,fill:neutral", out: str = "out"
) -> int:
    places = ["--out", str(folder / out), "--data-dir", str(folder / "data")]
    return main(["evaluate", str(folder / "tiny.yaml"), "--models", models, *places, *more])


def worse(path: Path, target: Path, change: float) -> Path:
    """The same result with a better PSNR, so that what comes now has fallen by `change`."""
    plain: Json = json.loads(path.read_text())
    for value in plain["values"]:
        if value["metric"] == "psnr":
            value["summary"]["mean"] += change
    target.write_text(json.dumps(plain))
    return target


def test_it_measures_tells_and_goes_on(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert evaluate(place) == 0
    told = capsys.readouterr()
    assert "fill:telea: 2 results, 0 failed; mse 0." in told.out
    assert "fill:neutral (2 of 2): case 2 of 2" in told.err
    assert "left" in told.err
    for name in ("result.json", "cases.csv", "report.html", "cases.jsonl"):
        assert (place / "out" / name).stat().st_size > 0
    rows = (place / "out" / "cases.csv").read_text().splitlines()
    assert len(rows) == 1 + 4
    assert rows[0].startswith("case,model,picture,")
    assert "psnr" in rows[0]
    assert evaluate(place, "--json") == 0
    again = capsys.readouterr()
    assert again.err == ""
    values = json.loads(again.out)["result"]["values"]
    assert values == json.loads((place / "out" / "result.json").read_text())["values"]


def test_the_gate_ends_with_1_and_the_list_of_what_fell(
    place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert evaluate(place) == 0
    same = place / "out" / "result.json"
    capsys.readouterr()
    assert evaluate(place, "--baseline", str(same), out="second") == 0
    assert "Nothing fell below the baseline." in capsys.readouterr().out
    better = worse(same, place / "better.json", 0.5)
    assert evaluate(place, "--baseline", str(better)) == 1
    told = capsys.readouterr().out
    assert "fell: fill:telea: PSNR was" in told
    assert "worse by 0.5, allowed is 0." in told
    assert "PSNR was" in (place / "out" / "report.html").read_text()
    assert evaluate(place, "--baseline", str(better), "--tolerance", "psnr=0.6") == 0


@pytest.mark.parametrize(
    ("more", "models", "words"),
    [
        ((), "nobody", "model must be one of"),
        ((), "lanczos", "must fill masks (task inpaint), and lanczos does upscale only"),
        ((), "fill:telea,fill:telea", "each once"),
        (("--tolerance", "speed=1"), "fill:telea", "--tolerance must be METRIC=NUMBER"),
        (("--baseline", "nowhere.json"), "fill:telea", "nowhere.json cannot be read"),
        (("--pictures", "nowhere"), "fill:telea", "must lie in a folder"),
    ],
)
def test_what_cannot_be_measured_is_refused_before_anything_runs(
    place: Path, capsys: pytest.CaptureFixture[str], more: tuple[str, ...], models: str, words: str
) -> None:
    assert evaluate(place, *more, models=models) == 2
    assert words in capsys.readouterr().err
    assert not (place / "out" / "cases.jsonl").exists()


def test_a_baseline_of_another_protocol_is_refused_before_anything_runs(
    place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert evaluate(place) == 0
    (place / "tiny.yaml").write_text(PROTOCOL.replace("side: 48", "side: 40"))
    baseline = str(place / "out" / "result.json")
    assert evaluate(place, "--baseline", baseline, out="other") == 2
    assert "of the same protocol" in capsys.readouterr().err
    assert not (place / "other" / "cases.jsonl").exists()


def test_a_model_without_any_result_fails_the_command(
    place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shrunk = PROTOCOL.replace("mask.grow: 0", "mask.grow: -60")  # nothing is left to fill
    (place / "tiny.yaml").write_text(shrunk.replace(", psnr, ssim_hole", ""))
    assert evaluate(place, models="fill:telea") == 1
    assert "fill:telea: 0 results, 2 failed" in capsys.readouterr().out
    assert "Without a result" in (place / "out" / "report.html").read_text()


@pytest.mark.parametrize(
    ("entry", "words"),
    [
        ("{source: ./nowhere, family: sd15}", "Leave it out of --models"),
        (
            "{source: ./nowhere, family: sd15, licence: NC, non_commercial: true}",
            "accept its licence",
        ),
    ],
)
def test_a_model_that_is_not_here_is_refused_before_anything_runs(
    place: Path, capsys: pytest.CaptureFixture[str], entry: str, words: str
) -> None:
    (place / "models.yaml").write_text(f"default: gone\nmodels:\n  gone: {entry}\n")
    names = ("--models-file", str(place / "models.yaml"))
    assert evaluate(place, *names, models="fill:telea,gone") == 2
    assert words in capsys.readouterr().err
    assert not (place / "out").exists()


def test_the_protocols_that_come_with_the_program_are_what_they_say(tmp_path: Path) -> None:
    published = read_protocol(PROTOCOLS / "published.yaml")
    assert (published.pictures.limit, published.pictures.side) == (280, 160)
    (shape,) = published.masks.kinds
    assert (shape.count, shape.cover[1]) == ((1, 3), 0.25)  # type: ignore[union-attr]
    assert (
        main(
            ["evaluate", str(PROTOCOLS / "published.yaml"), "--models", "fill:telea"]
            + ["--out", str(tmp_path / "out"), "--data-dir", str(tmp_path / "data")]
        )
        == 2
    )  # it names no folder of pictures
    place = ["--out", str(tmp_path / "out"), "--data-dir", str(tmp_path / "data")]
    examples = str(PROTOCOLS / "examples.yaml")
    assert main(["evaluate", examples, "--models", "fill:telea", *place]) == 0
    assert len((tmp_path / "out" / "cases.jsonl").read_text().splitlines()) == 16


def test_a_plain_fill_of_an_evaluation_can_be_replayed(
    place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (place / "tiny.yaml").write_text(PROTOCOL.replace("[mse, psnr, ssim_hole]", "[mse]"))
    assert evaluate(place, models="fill:noise") == 0
    entry = EvaluationFolder(place / "out").cases()[0].entry
    capsys.readouterr()
    assert main(["replay", entry, "--data-dir", str(place / "out" / "store"), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["identical"]
