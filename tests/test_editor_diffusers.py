"""Whole edits with tiny real diffusion models: locked pixels, variants and every knob."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from genimg_ui.core.geometry import Sides
from genimg_ui.core.request import ControlUnit, FillUnderMask, InpaintParams
from genimg_ui.history.record import EntryState
from genimg_ui.registry import load_registry
from genimg_ui.replay import Subject, Verdict, opened, replay
from tests.editing import Desk, changed, may_change, painted, photograph, png, request

pytestmark = pytest.mark.torch

MODELS = """
models:
  native:
    source: {root}/inpaint
    family: sd15
    native_size: 64
    controls: {{canny: {root}/control}}
  blended:
    source: {root}/plain
    family: sd15
    native_size: 64
"""


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    builders = "tests.backend.tiny_models"
    tiny = pytest.importorskip(builders, reason="torch and diffusers are not installed")
    tiny.torch.set_num_threads(1)  # more only wait for each other on models this small
    root: Path = tmp_path_factory.mktemp("tiny")
    tiny.make_sd15_inpaint(root / "inpaint")
    tiny.make_sd15(root / "plain")
    tiny.make_sd15_control(root / "control")
    (root / "models.yaml").write_text(MODELS.format(root=root), encoding="utf-8")
    opened = Desk(root / "data", *load_registry(root / "models.yaml").all())
    yield opened
    opened.pool.release()
    opened.close()


def steps(model: str = "native", **parts: object) -> object:
    return request(model, num_inference_steps=2, prompt="a red house", **parts)


SOFT = np.tile(np.linspace(0, 255, 53).astype(np.uint8), (37, 1))
CASES = {
    "inner": (painted(53, 37, (20, 10, 31, 20)), {}),
    "feathered": (painted(53, 37, (20, 10, 31, 20)), {"grow": 5, "feather": 4}),
    "corner": (painted(53, 37, (0, 0, 9, 9)), {"grow": 2}),
    "soft": (SOFT, {}),
    "pixel": (painted(53, 37, (52, 36, 53, 37)), {}),
    "whole-context": (
        painted(53, 37, (20, 10, 31, 20)),
        {"inpaint": InpaintParams(only_masked=False)},
    ),
    "border": (None, {"border": Sides(3, 0, 11, 5)}),
    "border-and-mask": (painted(53, 37, (20, 10, 31, 20)), {"border": Sides(top=9)}),
}


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("model", ["native", "blended"])
def test_no_locked_pixel_changes(desk: Desk, model: str, case: str) -> None:
    mask, parts = CASES[case]
    asked, source = steps(model, **parts), photograph(53, 37)
    entry = desk.edit(asked, png(source), mask)
    assert entry.state is EntryState.DONE, entry.error
    allowed = may_change(mask, source.size, asked)
    difference = changed(source, desk.result(entry), asked.border)
    assert not (difference & ~allowed).any()
    assert difference[allowed].any()
    assert entry.results[0].report.changed_outside == 0
    assert entry.results[0].report.pixels_outside == np.count_nonzero(~allowed)


@pytest.mark.parametrize("fill", [FillUnderMask.EXEMPLAR, FillUnderMask.NOISE])
def test_a_seed_gives_the_same_pixels_alone_and_as_a_variant(desk: Desk, fill: str) -> None:
    source, mask = png(photograph(53, 37)), painted(53, 37, (20, 10, 31, 20))
    inpaint = InpaintParams(fill=fill)
    two = desk.edit(steps(seed=4, variants=2, strength=0.7, inpaint=inpaint), source, mask)
    alone = desk.edit(steps(seed=5, strength=0.7, inpaint=inpaint), source, mask)
    assert two.results[1].pixels_sha256 == alone.results[0].pixels_sha256
    assert two.results[0].pixels_sha256 != two.results[1].pixels_sha256


def test_every_knob_changes_the_pixels(desk: Desk) -> None:
    source, mask = png(photograph(53, 37)), painted(53, 37, (20, 10, 31, 20))
    base = {"num_inference_steps": 3, "prompt": "a red house", "strength": 0.9}
    knobs = [
        {},
        {"prompt": "a blue cat"},
        {"negative_prompt": "blurry"},
        {"strength": 0.5},
        {"guidance_scale": 2.0},
        {"num_inference_steps": 4},
        {"scheduler": "ddim"},
        {"seed": 8},
        {"inpaint": InpaintParams(fill=FillUnderMask.NEUTRAL)},
        {"inpaint": InpaintParams(padding=0, fill=FillUnderMask.ORIGINAL)},
        {"controls": (ControlUnit(kind="canny"),)},
        {"controls": (ControlUnit(kind="canny", controlnet_conditioning_scale=0.3),)},
    ]
    digests = []
    for knob in knobs:
        entry = desk.edit(request("native", **(base | knob)), source, mask)
        assert entry.state is EntryState.DONE, (knob, entry.error)
        digests.append(entry.results[0].pixels_sha256)
    assert len(set(digests)) == len(knobs)


def test_replay_is_identical(desk: Desk) -> None:
    source, mask = png(photograph(53, 37)), painted(53, 37, (20, 10, 31, 20))
    entry = desk.edit(steps(seed=None, variants=2, feather=3), source, mask)
    outcome = replay(desk.editor, Subject(entry=entry, store=desk.store))
    assert outcome.verdict is Verdict.IDENTICAL and len(outcome.results) == 2
    second = desk.store.result_path(entry.results[1].sha256)
    with opened(desk.store, str(second)) as subject:
        [alone] = replay(desk.editor, subject).results
    assert alone.identical and alone.seed == entry.results[1].seed


def test_other_weights_are_another_model(desk: Desk) -> None:
    entry = desk.edit(steps(), png(photograph(53, 37)), painted(53, 37, (20, 10, 31, 20)))
    assert entry.model is not None and entry.model.files
    first = replace(entry.model.files[0], sha256="0" * 64)
    model = replace(entry.model, files=(first, *entry.model.files[1:]))
    same = replay(desk.editor, Subject(entry=replace(entry, model=model), store=desk.store))
    assert same.verdict is Verdict.IDENTICAL and first.name in same.sentences()[-1]
    [record] = entry.results
    other = replace(
        entry, model=model, results=(replace(record, pixels_sha256="1" * 64, sha256="2" * 64),)
    )
    outcome = replay(desk.editor, Subject(entry=other, store=desk.store))
    assert outcome.verdict is Verdict.REFUSED
    assert (
        f"not those of the edit: the file {first.name} of native was 000000000000" in outcome.reason
    )
