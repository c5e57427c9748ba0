"""Whole edits with tiny real models of the flow families: locked pixels, knobs and replays."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from genimg_ui.core.geometry import Sides
from genimg_ui.core.request import FillUnderMask, InpaintParams
from genimg_ui.history.record import EntryState
from genimg_ui.registry import load_registry
from genimg_ui.replay import Subject, Verdict, replay
from tests.editing import Desk, changed, may_change, painted, photograph, png, request

pytestmark = pytest.mark.torch

# Families are read from the folders.
MODELS = """
models:
  blended: {{source: {root}/flux, native_size: 64}}
  native: {{source: {root}/flux_fill, native_size: 64}}
  video: {{source: {root}/qwen, native_size: 64}}
"""
HOLE = painted(53, 37, (20, 10, 31, 20))
CASES = {
    "inner": (HOLE, {"grow": 2, "feather": 3}),
    "soft": (np.tile(np.linspace(0, 255, 53).astype(np.uint8), (37, 1)), {}),
    "border": (None, {"border": Sides(3, 0, 11, 5)}),
}


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    builders = "tests.backend.tiny_flow_models"
    tiny = pytest.importorskip(builders, reason="torch and diffusers are not installed")
    tiny.torch.set_num_threads(1)  # more only wait for each other on models this small
    root: Path = tmp_path_factory.mktemp("tiny")
    for name in ("flux", "flux_fill", "qwen"):
        getattr(tiny, f"make_{name}")(root / name)
    (root / "models.yaml").write_text(MODELS.format(root=root), encoding="utf-8")
    opened = Desk(root / "data", *load_registry(root / "models.yaml").all())
    yield opened
    opened.pool.release()
    opened.close()


def steps(model: str, **parts: object) -> object:
    usual = {"num_inference_steps": 2, "prompt": "a red house"}
    if model == "video":  # its guidance has a name of its own: true_cfg_scale
        usual["guidance_scale"] = 1.0
    return request(model, **(usual | parts))


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("model", ["native", "blended", "video"])
def test_no_locked_pixel_changes(desk: Desk, model: str, case: str) -> None:
    mask, parts = CASES[case]
    asked, source = steps(model, **parts), photograph(53, 37)
    entry = desk.edit(asked, png(source), mask)
    assert entry.state is EntryState.DONE, entry.error
    allowed = may_change(mask, source.size, asked)
    difference = changed(source, desk.result(entry), asked.border)
    assert not (difference & ~allowed).any()
    assert difference[allowed].any()


def test_every_knob_changes_the_pixels(desk: Desk) -> None:
    knobs = [
        {},
        {"prompt": "a blue cat"},
        {"guidance_scale": 2.0},
        {"true_cfg_scale": 3.0},
        {"true_cfg_scale": 3.0, "negative_prompt": "blurry"},
        {"scheduler": "flow_heun"},
        {"seed": 8},
        {"inpaint": InpaintParams(fill=FillUnderMask.NEUTRAL)},
    ]
    digests = []
    for knob in knobs:
        asked = steps("blended", num_inference_steps=3, strength=0.9, **knob)
        entry = desk.edit(asked, png(photograph(53, 37)), HOLE)
        assert entry.state is EntryState.DONE, (knob, entry.error)
        digests.append(entry.results[0].pixels_sha256)
    assert len(set(digests)) == len(knobs)


@pytest.mark.parametrize("model", ["native", "blended", "video"])
def test_replay_is_identical(desk: Desk, model: str) -> None:
    asked = steps(model, seed=None, scheduler="flow_heun", true_cfg_scale=2.0)
    entry = desk.edit(asked, png(photograph(53, 37)), HOLE)
    outcome = replay(desk.editor, Subject(entry=entry, store=desk.store))
    assert outcome.verdict is Verdict.IDENTICAL


def test_a_sampler_of_noise_is_refused_before_anything_is_loaded(desk: Desk) -> None:
    entry = desk.edit(steps("video", scheduler="ddim"), png(photograph(53, 37)), HOLE)
    assert entry.refused
    assert "default or one of default, flow_euler, flow_heun, got 'ddim'" in str(entry.error)
