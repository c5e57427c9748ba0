"""`export` and `verify` as a person or a script meets them: files, sentences, exit codes, JSON."""

import json
import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from genimg_ui.cli import main
from tests.editing import painted, photograph, png

Run = Callable[..., tuple[int, str, str]]
EDIT = ("edit", "photo.png", "--out", "out.png", "--mask", "mask.png", "--seed", "3")


@pytest.fixture(autouse=True)
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder with a picture and a mask, which is where the person stands."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("NUMBA_CACHE_DIR", os.environ.get("NUMBA_CACHE_DIR", ""))
    for name in ("DATA_DIR", "RECORD", "CREDENTIALS", "CREDENTIAL_CERT", "CREDENTIAL_KEY"):
        monkeypatch.delenv(f"GENIMG_{name}", raising=False)
    Path("photo.png").write_bytes(png(photograph(60, 44)))
    Image.fromarray(painted(60, 44, (20, 14, 34, 26))).save("mask.png")


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    """Run a command with the data folder `kept`; exit status, stdout and stderr."""

    def call(*arguments: str) -> tuple[int, str, str]:
        try:
            status = main([*arguments, "--data-dir", "kept"])
        except SystemExit as end:  # argparse ends the program itself
            status = int(end.code or 0) if not isinstance(end.code, str) else 2
        told = capsys.readouterr()
        return status, told.out, told.err

    return call


@pytest.fixture
def entry(run: Run) -> str:
    """The id of an edit with two results."""
    status, out, err = run(*EDIT, "--variants", "2", "--json")
    assert status == 0, err
    return str(json.loads(out)["entry"])


def test_a_result_leaves_in_the_format_of_its_suffix(run: Run, entry: str) -> None:
    status, out, err = run("export", f"{entry}:2", "--out", "two.tif")
    assert (status, err) == (0, "") and out.startswith("two.tif  tiff  ")
    with Image.open("two.tif") as two, Image.open("out-2.png") as stored:
        assert two.format == "TIFF" and np.array_equal(np.asarray(two), np.asarray(stored))


@pytest.mark.parametrize("name", ["file", "digest", "entry"])
def test_a_result_is_named_in_three_ways(run: Run, entry: str, name: str) -> None:
    stored = sorted(Path("kept/results").iterdir())
    digest = next(p.stem for p in stored if p.read_bytes() == Path("out.png").read_bytes())
    given = {"file": "out.png", "digest": digest, "entry": entry}[name]
    status, out, _ = run("export", given, "--out", "again.png", "--json")
    assert status == 0 and json.loads(out)["index"] == 0
    assert Path("again.png").read_bytes() == Path("out.png").read_bytes()


def test_the_format_wins_over_the_suffix_and_the_quality_counts(run: Run, entry: str) -> None:
    sizes = []
    for quality in ("95", "30"):
        made = run("export", entry, "--out", "x.bin", "--format", "jpeg", "--quality", quality)
        assert made[0] == 0 and "locked" in made[1]
        sizes.append(Path("x.bin").stat().st_size)
    assert Path("x.bin").read_bytes()[:2] == b"\xff\xd8" and sizes[1] < sizes[0]


def test_a_signed_file_is_verified_until_a_byte_changes(run: Run, entry: str) -> None:
    status, out, _ = run("export", entry, "--out", "signed.webp", "--credentials")
    assert status == 0 and "test certificate" in out
    status, out, _ = run("verify", "signed.webp")
    assert status == 0 and "whole" in out
    assert "edit: edited, by genimg_ui, with non-generative tools" in out
    data = bytearray(Path("signed.webp").read_bytes())
    data[60] ^= 1
    Path("signed.webp").write_bytes(data)
    status, out, _ = run("verify", "signed.webp", "--json")
    assert status == 1 and json.loads(out)["state"] == "invalid"


def test_a_file_without_credentials_is_told(run: Run) -> None:
    status, out, _ = run("verify", "photo.png")
    assert (status, out) == (1, "The file carries no content credentials.\n")


@pytest.mark.parametrize("how", ["flag", "variable"])
@pytest.mark.parametrize("command", ["edit", "export"])
def test_the_record_stays_out_where_that_is_said(
    run: Run, entry: str, how: str, command: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if how == "variable":
        monkeypatch.setenv("GENIMG_RECORD", "0")
    flags = ("--no-record",) if how == "flag" else ()
    words = EDIT if command == "edit" else ("export", entry, "--out", "out.png")
    assert b"genimg_ui" in Path("out.png").read_bytes()
    assert run(*words, *flags)[0] == 0
    assert b"genimg_ui" not in Path("out.png").read_bytes()


def test_an_edit_can_be_signed_at_once(run: Run) -> None:
    status, _, err = run(*EDIT, "--credentials")
    assert status == 0 and "test certificate" in err
    assert run("verify", "out.png")[0] == 0


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("export", "nothing", "--out", "x.png"), "'nothing' is not in this session"),
        (("export", "ENTRY:3", "--out", "x.png"), "number must be in [1, 2], got 3"),
        (("export", "ENTRY", "--out", "x.gif"), "got '.gif'"),
        (("export", "ENTRY", "--out", "x"), "one of png, webp"),
        (("export", "photo.png", "--out", "x.png"), "must carry the entry of an edit"),
        (("export", "ENTRY", "--out", "x.jpg", "--quality", "0"), "[1, 100], got 0"),
        (("export", "ENTRY", "--out", "x.ora", "--credentials"), "no content credentials"),
        (
            ("export", "ENTRY", "--out", "x.png", "--credentials")
            + ("--credential-cert", "no.pem", "--credential-key", "no.pem"),
            "readable files, got no.pem",
        ),
        (("verify", "nowhere.png"), "readable file, got nowhere.png"),
        (("verify", "kept/genimg.db"), "must be a PNG, JPEG"),
    ],
)
def test_what_cannot_be_done_is_refused(
    run: Run, entry: str, words: tuple[str, ...], said: str
) -> None:
    status, _, err = run(*(word.replace("ENTRY", entry) for word in words))
    assert status == 2 and said in err and err.count("\n") == 1
    assert not [*Path().glob("x*"), *Path().glob(".x*")]
