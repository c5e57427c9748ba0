"""--control and what follows it: units in their order, with maps, annotators and numbers."""

import argparse
from pathlib import Path

import pytest

from genimg_ui.commands.controls import add_control_flags, units_of
from genimg_ui.core.request import ControlUnit
from genimg_ui.errors import RefusedInput
from genimg_ui.history.store import Store
from tests.editing import noise, png


def units(store: Store, *words: str) -> tuple[ControlUnit, ...]:
    parser = argparse.ArgumentParser()
    add_control_flags(parser)
    return units_of(parser.parse_args(words), store)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store.open(tmp_path / "data")


def test_units_come_in_their_order_with_what_follows_each(store: Store, tmp_path: Path):
    ready = tmp_path / "depth.png"
    ready.write_bytes(png(noise(8, 6)))
    found = units(
        store,
        *("--control", "canny:0.8:0.1:0.6", "--control-set", "low_threshold=50"),
        *("--control", "depth", "--control-map", str(ready)),
        *("--control", "softedge/hed::0.2"),
    )
    sha256 = found[1].map or ""
    assert store.source_path(sha256).read_bytes() == ready.read_bytes()
    assert found == (
        ControlUnit(
            kind="canny",
            controlnet_conditioning_scale=0.8,
            control_guidance_start=0.1,
            control_guidance_end=0.6,
            parameters={"low_threshold": 50.0},
        ),
        ControlUnit(kind="depth", map=sha256),
        ControlUnit(kind="softedge", annotator="hed", control_guidance_start=0.2),
    )
    assert units(store) == ()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--control", "canny:x"], "must be KIND"),
        (["--control", "canny:1:0:1:2"], "must be KIND"),
        (["--control", ":1"], "must be KIND"),
        (["--control-map", "a.png"], "belongs to a --control that stands before it"),
        (["--control", "canny", "--control-set", "sigma"], "must be NAME=VALUE with a number"),
    ],
)
def test_what_cannot_be_read_is_refused(
    store: Store, words: list[str], said: str, capsys: pytest.CaptureFixture[str]
):
    with pytest.raises(SystemExit):
        units(store, *words)
    assert said in capsys.readouterr().err


def test_a_map_that_is_no_picture_is_refused(store: Store, tmp_path: Path):
    (tmp_path / "x.png").write_bytes(b"no picture")
    with pytest.raises(RefusedInput):
        units(store, "--control", "depth", "--control-map", str(tmp_path / "x.png"))
    with pytest.raises(RefusedInput, match="There is no file"):
        units(store, "--control", "depth", "--control-map", str(tmp_path / "y.png"))
