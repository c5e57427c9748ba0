"""Whole edits: what lies under the mask, the drawn context and each step's noise reach a model."""

from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest

from genimg_ui.backend.fake import FakeBackend
from genimg_ui.core.fill import fill
from genimg_ui.core.geometry import Box
from genimg_ui.core.request import ColourMatch, FillMode, FillUnderMask, InpaintParams
from genimg_ui.history.record import EntryState, LogEntry
from genimg_ui.registry import load_registry
from genimg_ui.replay import Subject, Verdict, replay
from tests.editing import Desk, painted, photograph, png, request

MODELS = """
models:
  blended:
    source: {root}/plain
    family: sd15
    native_size: 64
"""
SIZE, MASK = (53, 37), painted(53, 37, (20, 10, 31, 20))


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    tiny = pytest.importorskip("tests.backend.tiny_models", reason="torch is not installed")
    tiny.torch.set_num_threads(1)
    root: Path = tmp_path_factory.mktemp("tiny")
    tiny.make_sd15(root / "plain")
    (root / "models.yaml").write_text(MODELS.format(root=root), encoding="utf-8")
    opened = Desk(root / "data", *load_registry(root / "models.yaml").all())
    yield opened
    opened.pool.release()
    opened.close()


def edit(desk: Desk, inpaint: InpaintParams, mask: np.ndarray = MASK, **parts: object) -> LogEntry:
    known = {"num_inference_steps": 3, "prompt": "a red house", "strength": 0.7}
    asked = request("blended", inpaint=inpaint, **(known | parts))
    entry = desk.edit(asked, png(photograph(*SIZE)), mask)
    assert entry.state is EntryState.DONE, entry.error
    return entry


@pytest.mark.torch
def test_every_fill_box_and_match_makes_another_picture(desk: Desk) -> None:
    variants = [InpaintParams(fill=fill) for fill in FillUnderMask]
    variants.append(InpaintParams(box=Box(8, 2, 45, 35)))
    variants += [InpaintParams(padding=3, anchor_context=anchored) for anchored in (True, False)]
    variants.append(InpaintParams(colour_match=ColourMatch.OFFSET))  # a tiny model is far off
    digests = [edit(desk, inpaint).results[0].pixels_sha256 for inpaint in variants]
    assert len(set(digests)) == len(variants)


@pytest.mark.torch
def test_anchored_step_noise_is_another_rule_and_both_replay(desk: Desk) -> None:
    entries = [
        edit(desk, InpaintParams(), scheduler="euler_a", anchor_step_noise=anchored)
        for anchored in (True, False)
    ]
    assert len({entry.results[0].pixels_sha256 for entry in entries}) == 2
    for entry in entries:
        again = replay(desk.editor, Subject(entry=entry, store=desk.store))
        assert again.verdict is Verdict.IDENTICAL


def test_noise_and_blur_are_made_at_the_size_that_the_model_sees(tmp_path: Path) -> None:
    desk = Desk(tmp_path, fake=FakeBackend())
    asked = request("square", inpaint=InpaintParams(fill=FillUnderMask.NOISE, padding=4))
    entry = desk.edit(asked, png(photograph(*SIZE)), MASK)
    assert entry.state is EntryState.DONE and entry.plan is not None
    job = desk.fake.jobs[-1]
    assert job.scale > 2  # the region is enlarged, and its grain is not
    rows, columns = np.nonzero(job.mask)
    part = job.filled[rows.min() : rows.max(), columns.min() : columns.max(), 0].astype(float)
    part -= part.mean()
    assert abs(np.mean(part[:, 1:] * part[:, :-1])) < 0.15 * part.var()
    desk.close()


def test_a_blur_is_as_wide_as_its_hole() -> None:
    image, hole = np.asarray(photograph(*SIZE)), MASK > 0
    large = cv2.resize(image, (212, 148), interpolation=cv2.INTER_LINEAR)
    wide = np.kron(hole, np.ones((4, 4), bool))
    options = {"name": FillUnderMask.BLUR, "mode": FillMode.REMOVE, "seed": 1}
    small, blurred = fill(image, hole, **options), fill(large, wide, **options)
    shrunk = cv2.resize(blurred, SIZE, interpolation=cv2.INTER_AREA).astype(int)
    assert np.abs(shrunk - small)[hole].mean() < 8
