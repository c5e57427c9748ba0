"""A ready map follows the crop: things come where it says, at any place and scale of the canvas.

The pictures have a meaning to `shapes`. Cases are few, so bounds are loose.
"""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from benchmarks.shapes_cases import SIDE, Case, guided_by_edges
from benchmarks.shapes_rows import outlined
from benchmarks.shapes_studio import Painted
from genimg_ui.core.request import (
    ControlUnit,
    EditRequest,
    FillUnderMask,
    InpaintParams,
    MaskParams,
    SamplingParams,
)
from genimg_ui.history.record import EntryState
from genimg_ui.registry import load_registry
from tests.editing import Desk, png

pytestmark = pytest.mark.torch
MODELS = Path(__file__).parents[1] / "models.yaml"
CASES = tuple(guided_by_edges(7 * index) for index in range(4))
LEFT, TOP, RIGHT, BOTTOM = 83, 41, 30, 57  # canvas around the picture, in its own pixels
STEPS = 12
Pixels = NDArray[np.uint8]


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    made = Desk(tmp_path_factory.mktemp("crops"), load_registry(MODELS).get("shapes"))
    yield made
    made.pool.release()
    made.close()


def surrounded(pixels: Pixels, scale: int, mode: str) -> Pixels:
    """The picture `scale` times as large, within a larger canvas."""
    sides = ((TOP * scale, BOTTOM * scale), (LEFT * scale, RIGHT * scale))
    larger = pixels.repeat(scale, axis=0).repeat(scale, axis=1)
    return np.pad(larger, sides + ((0, 0),) * (pixels.ndim - 2), mode=mode)


def overlap(desk: Desk, case: Case, scale: int) -> float:
    """IoU of what was painted with the area that the map's edges enclose; scale 0: all in one."""
    assert case.control is not None
    picture, mask, edges = case.picture, case.mask, case.control
    if scale:
        picture = surrounded(picture, scale, "edge")
        mask, edges = (surrounded(each, scale, "constant") for each in (mask, edges))
    request = EditRequest(
        model="shapes",
        sampling=SamplingParams(
            prompt=case.prompt, guidance_scale=3.0, num_inference_steps=STEPS, seed=case.seed
        ),
        mask=MaskParams(grow=0, feather=0),
        inpaint=InpaintParams(
            fill=FillUnderMask.ORIGINAL, only_masked=bool(scale), padding=16 * max(scale, 1)
        ),
        controls=(
            ControlUnit(kind="canny", map=desk.store.put_source(png(Image.fromarray(edges)))),
        ),
    )
    entry = desk.edit(request, png(Image.fromarray(picture)), mask)
    assert entry.state is EntryState.DONE, entry.error
    result = desk.result(entry).convert("RGB")
    if scale:
        left, top, side = LEFT * scale, TOP * scale, SIDE * scale
        result = result.crop((left, top, left + side, top + side)).resize((SIDE, SIDE))
    pixels = np.asarray(result)
    return outlined(case, [Painted(pixels, pixels)])["iou"]


def test_the_outline_of_a_map_comes_as_well_in_a_crop_as_in_the_whole_picture(desk: Desk) -> None:
    whole, placed, enlarged = (
        float(np.mean([overlap(desk, case, scale) for case in CASES])) for scale in (0, 1, 2)
    )
    assert whole >= 0.7, (whole, placed, enlarged)
    assert min(placed, enlarged) >= whole - 0.1, (whole, placed, enlarged)
