"""What the flags of an edit mean: drawn context, colour match, anchored noise."""

import argparse
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest

from genimg_ui.cli import _parser
from genimg_ui.commands.edits import request_of
from genimg_ui.core.geometry import Box
from genimg_ui.core.request import ColourMatch, EditRequest
from genimg_ui.history.store import Store
from genimg_ui.registry import FAMILIES, ModelSpec
from tests.editing import EXEMPLAR

MODEL = ModelSpec(
    id="m", title="M", engine="diffusers", licence="-", family="sd15", **FAMILIES["sd15"]
)


Asked = Callable[..., EditRequest]


@pytest.fixture
def asked(tmp_path: Path) -> Iterator[Asked]:
    store = Store.open(tmp_path)
    yield partial(_asked, store)
    store.close()


def _asked(store: Store, *flags: str, model: ModelSpec = MODEL) -> EditRequest:
    command = ["edit", "photo.png", "--out", "result.png", *flags]
    parsed: argparse.Namespace = _parser().parse_args(command)
    return request_of(parsed, model, store)


def test_without_flags_the_model_decides_and_noise_and_context_are_anchored(asked: Asked) -> None:
    assert asked().inpaint.colour_match is ColourMatch.BLEND
    assert asked(model=EXEMPLAR).inpaint.colour_match is ColourMatch.OFF
    assert asked().sampling.anchor_step_noise
    assert asked().inpaint.anchor_context
    assert asked().inpaint.box is None


def test_each_flag_reaches_the_request(asked: Asked) -> None:
    assert asked("--colour-match", "offset").inpaint.colour_match is ColourMatch.OFFSET
    assert not asked("--no-anchor-step-noise").sampling.anchor_step_noise
    assert not asked("--no-anchor-context").inpaint.anchor_context
    assert asked("--context-box", "8,16,200,190").inpaint.box == Box(8, 16, 200, 190)
    assert asked("--context-box=-8,0,20,19").inpaint.box == Box(-8, 0, 20, 19)


@pytest.mark.parametrize("flags", [("--context-box", "1,2,3"), ("--colour-match", "magic")])
def test_what_cannot_be_read_is_refused(
    asked: Asked, flags: tuple[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        asked(*flags)
    assert f"got '{flags[1]}'" in capsys.readouterr().err
