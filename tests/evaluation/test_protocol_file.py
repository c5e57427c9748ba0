"""Protocols from YAML: every key is read, and every mistake is named with its line."""

from pathlib import Path

import pytest

from genimg_ui.core.request import EditRequest, FillUnderMask
from genimg_ui.errors import RefusedInput
from genimg_ui.evaluation.mask_shapes import Blob, Border, Rectangles, Strokes
from genimg_ui.evaluation.metrics.catalogue import USUAL
from genimg_ui.evaluation.protocol import Protocol, apply_parameters
from genimg_ui.evaluation.protocol_file import parameter_names, read_protocol

LEAST = "name: n\nversion: 1\nmasks: {kinds: {blob: {}}}\n"
WHOLE = """
name: everything
version: 3
pictures: {folder: here, glob: "*.png", limit: 5, side: 160}
masks:
  seed: 4
  per_picture: 2
  kinds:
    rectangles: {count: [1, 1], side: [0.3, 0.6], cover: [0.05, 0.4]}
    strokes: {count: [2, 3], segments: [1, 2], length: [20, 40], width: [8, 9], cover: [0.01, 0.5]}
    blob: {cover: [0.1, 0.2], roughness: 0.1, elongation: 0}
    border: {share: 0.4, sides: [left, top]}
prompts: ["", a red ring]
seeds: [0, 7]
parameters: {sampling.strength: 0.5, mask.grow: 0, inpaint.fill: telea, speed.guidance_end: 0.5}
metrics: [mse, psnr]
tolerances: {psnr: 0.2}
"""


def _read(folder: Path, text: str) -> Protocol:
    path = folder / "p.yaml"
    path.write_text(text)
    return read_protocol(path)


def test_reads_every_key(tmp_path: Path) -> None:
    protocol = _read(tmp_path, WHOLE)
    assert (protocol.name, protocol.version) == ("everything", 3)
    pictures = protocol.pictures
    assert (pictures.folder, pictures.glob, pictures.limit, pictures.side) == (
        "here",
        "*.png",
        5,
        160,
    )
    assert (protocol.masks.seed, protocol.masks.per_picture) == (4, 2)
    assert protocol.masks.kinds == (
        Rectangles(count=(1, 1), side=(0.3, 0.6), cover=(0.05, 0.4)),
        Strokes(count=(2, 3), segments=(1, 2), length=(20, 40), width=(8, 9), cover=(0.01, 0.5)),
        Blob(cover=(0.1, 0.2), roughness=0.1, elongation=0),
        Border(share=0.4, sides=("left", "top")),
    )
    assert protocol.prompts == ("", "a red ring") and protocol.seeds == (0, 7)
    assert protocol.metrics == ("mse", "psnr") and protocol.tolerances == {"psnr": 0.2}
    request = apply_parameters(protocol, EditRequest(model="m"))
    assert request.model == "m" and request.sampling.strength == 0.5
    assert request.mask.grow == 0 and request.inpaint.fill is FillUnderMask.TELEA
    assert request.speed.guidance_end == 0.5 and request.mask.feather == EditRequest().mask.feather


def test_what_is_left_out_has_its_usual_value(tmp_path: Path) -> None:
    protocol = _read(tmp_path, LEAST)
    assert protocol.prompts == ("",) and protocol.seeds == (0,)
    assert protocol.metrics == USUAL
    assert protocol.masks.kinds == (Blob(),)
    assert apply_parameters(protocol, EditRequest()) == EditRequest()


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("name: n\nversion: 1\n", "p.yaml line 1: masks is missing"),
        (LEAST + "masques: 1\n", "line 4: masques is unknown; known keys: name"),
        (LEAST.replace("1", "one"), 'line 2: version must be in [1, 1e+06], got "one"'),
        (LEAST + "pictures: {side: 3}\n", "line 4: pictures.side must be in [16, 4096]"),
        (LEAST + "pictures: {glob: ../*}\n", "pictures.glob must stay inside the folder"),
        (LEAST + "prompts: hello\n", 'line 4: prompts must be a list, got "hello"'),
        (LEAST + "seeds: [1, 1]\n", 'line 4: seeds[1] appears twice, got "1"'),
        (LEAST + "seeds: []\n", "seeds must have 1 to 1000 items, got 0"),
        (LEAST + "metrics: [mse, fud]\n", "line 4: metrics[1] must be one of mse, "),
        (LEAST + "tolerances: {psnr: -1}\n", "tolerances.psnr must be in [0, 1e+09]"),
        (LEAST + "parameters: {sampling.seed: 3}\n", "is set by `seeds` of the protocol"),
        (LEAST + "parameters: {sampling.cfg: 3}\n", "sampling.cfg is unknown; known names: "),
        (LEAST + "parameters: {mask.grow: 999}\n", "mask.grow must be in [-256, 256]"),
        (
            LEAST + "parameters: {speed.step_cache: hot}\n",
            "line 4: parameters.speed.step_cache must be one of off, first_block",
        ),
        (
            LEAST + "parameters: {sampling.prompt_weighting: 3}\n",
            "prompt_weighting must be bool, got 3",
        ),
        ("name: n\nversion: 1\nmasks: {kinds: {}}\n", "must name at least one kind of rectangles"),
        (
            "name: n\nversion: 1\nmasks: {kinds: {blob: {cover: [0.3, 0.1]}}}\n",
            "masks.kinds.blob.cover must be [least, most], got [0.3, 0.1]",
        ),
        (
            "name: n\nversion: 1\nmasks: {kinds: {rectangles: {count: [1, 2.5]}}}\n",
            'rectangles.count must be a whole number, got "2.5"',
        ),
        (
            "name: n\nversion: 1\nmasks: {kinds: {border: {sides: [north]}}}\n",
            "sides[0] must be one of left, right, top, bottom",
        ),
        ("name: [\n", "p.yaml line 2:"),
    ],
)
def test_refuses_with_line_and_what_is_allowed(tmp_path: Path, text: str, sentence: str) -> None:
    with pytest.raises(RefusedInput) as refused:
        _read(tmp_path, text)
    assert sentence in str(refused.value)


def test_parameters_are_those_of_a_request_that_no_picture_decides() -> None:
    names = parameter_names()
    assert {"sampling.strength", "mask.feather", "passes.overlap", "inpaint.padding"} <= {*names}
    assert not {"sampling.seed", "sampling.prompt", "model", "inpaint.box"} & {*names}
