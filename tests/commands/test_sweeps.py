"""The commands `sweep` and `presets`, as a shell calls them."""

import json
from pathlib import Path

import pytest
from PIL import Image

from genimg_ui.cli import main
from genimg_ui.run_exports import METADATA
from tests.editing import painted, photograph

PICTURE, HOLE = (80, 60), (30, 20, 50, 40)


@pytest.fixture
def files(tmp_path: Path) -> Path:
    photograph(*PICTURE).save(tmp_path / "photo.png")
    Image.fromarray(painted(*PICTURE, HOLE)).save(tmp_path / "mask.png")
    return tmp_path


def sweep(folder: Path, *more: str, out: str = "sheet.png") -> int:
    place = ["--mask", str(folder / "mask.png"), "--data-dir", str(folder / "data")]
    return main(["sweep", str(folder / "photo.png"), *place, "--out", str(folder / out), *more])


def test_a_sweep_makes_every_picture_and_the_sheet(
    files: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    values = ("--vary", "fill_mode=remove,closest", "--vary", "seed=3,9", "--json")
    assert sweep(files, *values) == 0
    told = json.loads(capsys.readouterr().out)
    assert [cell["varies"] for cell in told["cells"]] == [
        {"fill_mode": "remove", "seed": "3"}, {"fill_mode": "closest", "seed": "3"},
        {"fill_mode": "remove", "seed": "9"}, {"fill_mode": "closest", "seed": "9"},
    ]  # fmt: skip
    assert sorted(cell["rank"] for cell in told["cells"]) == [1, 2, 3, 4]
    with Image.open(files / "sheet.png") as sheet:
        inside = json.loads(sheet.info[METADATA])
    assert [cell["entry"] for cell in inside["cells"]] == [c["entry"] for c in told["cells"]]
    assert main(["log", "--data-dir", str(files / "data"), "--json"]) == 0
    entries = json.loads(capsys.readouterr().out)["entries"]
    assert {entry["inputs"]["group"]["id"] for entry in entries} == {told["run"]}


def test_a_sheet_tells_no_setting_where_the_record_is_left_out(
    files: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    values = ("--vary", "seed=3,9")
    assert sweep(files, *values, "--no-record", "--credentials") == 0
    assert "A contact sheet carries no content credentials" in capsys.readouterr().err
    monkeypatch.setenv("GENIMG_RECORD", "0")
    assert sweep(files, *values, out="second.png") == 0
    for name in ("sheet.png", "second.png"):
        with Image.open(files / name) as sheet:
            assert METADATA not in sheet.info


def test_a_dry_run_says_how_many_and_makes_nothing(
    files: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert sweep(files, "--vary", "seed=5", "--dry-run") == 0
    assert capsys.readouterr().out.startswith("5 pictures; how long is known")
    assert not (files / "sheet.png").exists()


@pytest.mark.parametrize(
    ("more", "out", "words"),
    [
        ((), "sheet.png", "must vary 1 or 2 parameters, got 0"),
        (("--vary", "seed"), "sheet.png", "--vary must be NAME=VALUES, got 'seed'"),
        (("--vary", "strength=0.5"), "sheet.png", "does not use Denoise"),
        (("--vary", "seed=65"), "sheet.png", "at most 64 pictures, got 65"),
        (("--vary", "seed=2"), "sheet.jpg", "--out must name a .png file"),
        (("--vary", "seed=2", "--field", "nonsense"), "sheet.png", "must be name = value"),
    ],
)
def test_what_cannot_run_is_refused_before_anything_runs(
    files: Path, capsys: pytest.CaptureFixture[str], more: tuple[str, ...], out: str, words: str
) -> None:
    assert sweep(files, *more, out=out) == 2
    assert words in capsys.readouterr().err


def test_presets_are_listed_and_a_file_is_checked(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    where = ["--data-dir", str(tmp_path / "data")]
    assert main(["presets", *where]) == 0
    assert "Remove an object (removal)" in capsys.readouterr().out
    path = tmp_path / "mine.yaml"
    path.write_text("presets:\n  mine:\n    settings: {model: dreamy-xl, grow: 3}\n")
    assert main(["presets", str(path), *where]) == 0
    assert "sets model, grow; not here: the model dreamy-xl" in capsys.readouterr().out
    path.write_text("presets:\n  mine:\n    settings: {grow: wide}\n")
    assert main(["presets", str(path), *where]) == 2
    assert "mine.yaml line 3: presets.mine.settings.grow must be" in capsys.readouterr().err
