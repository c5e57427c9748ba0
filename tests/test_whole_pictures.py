"""Whole pictures, enlargements and passes with tiny real diffusion models."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from genimg_ui.core.geometry import Sides
from genimg_ui.core.request import (
    ControlUnit,
    EditRequest,
    FillUnderMask,
    InpaintParams,
    PassParams,
    Region,
)
from genimg_ui.history.record import EntryState
from genimg_ui.registry import load_registry
from genimg_ui.replay import Subject, Verdict, replay
from tests.editing import Desk, changed, photograph, png, request

pytestmark = pytest.mark.torch
MODELS = """
models:
  native:
    source: {root}/inpaint
    family: sd15
    native_size: 64
  blended:
    source: {root}/plain
    family: sd15
    native_size: 64
    controls: {{tile: {root}/control}}
"""
GREY = InpaintParams(fill=FillUnderMask.NEUTRAL)
PASSES = PassParams(progressive=True, overlap=16)


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    builders = "tests.backend.tiny_models"
    tiny = pytest.importorskip(builders, reason="torch and diffusers are not installed")
    tiny.torch.set_num_threads(1)
    root: Path = tmp_path_factory.mktemp("tiny")
    tiny.make_sd15_inpaint(root / "inpaint")
    tiny.make_sd15(root / "plain")
    tiny.make_sd15_control(root / "control")
    (root / "models.yaml").write_text(MODELS.format(root=root), encoding="utf-8")
    opened = Desk(root / "data", *load_registry(root / "models.yaml").all())
    yield opened
    opened.pool.release()
    opened.close()


def asked(model: str = "blended", **parts: object) -> EditRequest:
    steps = {"num_inference_steps": 4, "prompt": "a red house", "passes": PASSES, "inpaint": GREY}
    return request(model, **(steps | parts))


def done(desk: Desk, wanted: EditRequest, source: bytes):
    entry = desk.edit(wanted, source)
    assert entry.state is EntryState.DONE, entry.error
    return entry


def again(desk: Desk, entry) -> None:
    outcome = replay(desk.editor, Subject(entry=entry, store=desk.store))
    assert outcome.verdict is Verdict.IDENTICAL


@pytest.mark.parametrize("model", ["blended", "native"])
def test_strength_says_how_far_a_whole_picture_changes(desk: Desk, model: str) -> None:
    source = photograph(64, 48)
    distances = []
    for strength in (0.25, 0.5, 1.0):
        entry = done(desk, asked(model, region=Region.WHOLE, strength=strength), png(source))
        difference = np.asarray(desk.result(entry), int) - np.asarray(source, int)
        distances.append(float(np.abs(difference).mean()))
    assert len({round(distance, 3) for distance in distances}) == 3
    assert distances[0] < distances[2]


def test_an_empty_canvas_gives_what_the_prompt_and_the_seed_say(desk: Desk) -> None:
    blank = png(photograph(64, 48).point(lambda _: 128))
    other = png(photograph(64, 48))
    wanted = asked(region=Region.WHOLE)
    first = done(desk, wanted, blank)
    again(desk, first)
    digests = {first.results[0].pixels_sha256}
    for changed_knob in ({"prompt": "a blue cat"}, {"seed": 8}):
        digests.add(
            done(desk, asked(region=Region.WHOLE, **changed_knob), blank).results[0].pixels_sha256
        )
    assert len(digests) == 3
    # At strength 1 nothing of what lies on the canvas is kept.
    same = np.asarray(desk.result(first), int) - np.asarray(
        desk.result(done(desk, wanted, other)), int
    )
    assert np.abs(same).max() <= 1


def test_an_enlargement_in_tiles_replays_and_reads_its_control(desk: Desk) -> None:
    source = png(photograph(56, 40))
    wanted = asked(region=Region.WHOLE, upscale=2, strength=0.5)
    plain = done(desk, wanted, source)
    assert desk.result(plain).size == (112, 80) and len(plain.passes) == 4
    again(desk, plain)
    unit = ControlUnit(kind="tile", controlnet_conditioning_scale=1.5)
    held = done(desk, replace(wanted, controls=(unit,)), source)
    assert held.results[0].pixels_sha256 != plain.results[0].pixels_sha256
    assert len(held.control_sha256) == len(held.passes)
    overlap = done(desk, replace(wanted, passes=PassParams(overlap=32)), source)
    assert len(overlap.passes) > len(plain.passes)


def test_a_border_grows_in_passes_and_the_picture_stays(desk: Desk) -> None:
    source = photograph(48, 40)
    border = Sides(0, 0, 60, 0)
    entry = done(desk, asked(border=border, variants=2), png(source))
    assert len(entry.passes) == 2 and len(entry.results) == 2
    for index in range(2):
        assert not changed(source, desk.result(entry, index), border)[:, :48].any()
        assert entry.results[index].report.changed_outside == 0
    again(desk, entry)
    single = done(desk, asked(border=border, passes=PassParams()), png(source))
    assert single.passes == () and single.results[0].pixels_sha256 != entry.results[0].pixels_sha256
