"""The command `measure`, as a shell calls it."""

import json
from pathlib import Path

import pytest

from genimg_ui.cli import main
from genimg_ui.history.store import Store
from genimg_ui.masks import mask_png
from tests.editing import painted, photograph, png


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A data folder with two results of the command line."""
    (tmp_path / "a.png").write_bytes(png(photograph(64, 64)))
    (tmp_path / "m.png").write_bytes(mask_png(painted(64, 64, (20, 20, 40, 40))))
    for seed in ("1", "2"):
        files = [str(tmp_path / "a.png"), "--mask", str(tmp_path / "m.png")]
        out = ["--out", str(tmp_path / f"{seed}.png"), "--data-dir", str(tmp_path / "data")]
        assert main(["edit", *files, "--model", "exemplar", "--seed", seed, *out]) == 0
    return tmp_path / "data"


def measure(folder: Path, *more: str, out: str = "out") -> int:
    return main(["measure", "--out", str(folder / out), "--data-dir", str(folder / "data"), *more])


@pytest.mark.torch
def test_the_last_results_and_those_of_a_list_are_measured(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    capsys.readouterr()
    assert measure(tmp_path, "--last", "50") == 0
    told = capsys.readouterr()
    assert "exemplar: 2 results, 0 failed; changed_outside 0," in told.out
    assert "Results: 2 of 2" in told.err and "not measured: CLIPScore" in told.err
    with_store = Store.open(data)
    (first, _) = with_store.entries()
    with_store.close()
    (tmp_path / "listed.txt").write_text(f"{first.id} 0\n\n")
    listed = ("--listed", str(tmp_path / "listed.txt"), "--json")
    assert measure(tmp_path, *listed, out="one") == 0
    result = json.loads(capsys.readouterr().out)["result"]
    assert result["models"][0]["done"] == 1 and result["models"][0]["title"] != "exemplar"
    own = next(v for v in result["values"] if v["metric"] == "seam")
    assert own["summary"]["mean"] == pytest.approx(first.results[0].report.seam, abs=5e-4)


@pytest.mark.parametrize(
    ("more", "words"),
    [
        (("--last", "2", "--session", "me"), "--session must be the id of a session"),
        (("--starred",), "no result of this session has a star"),
        (("--run", "nothing"), "the run has no picture"),
        (("--listed", "nowhere.txt"), "nowhere.txt cannot be read"),
    ],
)
def test_what_names_no_results_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], more: tuple[str, ...], words: str
) -> None:
    assert measure(tmp_path, *more) == 2
    assert words in capsys.readouterr().err


def test_a_list_names_its_bad_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "listed.txt").write_text("abc zero\n")
    assert measure(tmp_path, "--listed", str(tmp_path / "listed.txt")) == 2
    assert "Line 1 of listed.txt must be the id of an entry" in capsys.readouterr().err
