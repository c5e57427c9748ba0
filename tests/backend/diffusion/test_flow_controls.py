"""ControlNets of the flow families: each number acts, and what a family cannot join is refused."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sampling_support import flow_spec, generate, hole, job, painted_change, patch, picture

from genimg_ui.backend.base import ControlInput, Rgb
from genimg_ui.backend.diffusion.engine import DiffusersBackend
from genimg_ui.core.request import ControlUnit
from genimg_ui.errors import BackendError, ModelUnavailable, RefusedInput
from genimg_ui.registry import ModelSpec

pytestmark = pytest.mark.torch

CANNY, DEPTH = ControlUnit(kind="canny"), ControlUnit(kind="depth")
MAPS = {"canny": picture()[:, ::-1].copy(), "depth": picture()[::-1].copy()}
MAPS["lineart"] = MAPS["canny"]
FAMILIES = ("sd3", "flux", "qwen", "zimage")


def controlled(root: Path, name: str, **kinds: str) -> ModelSpec:
    """The tiny model with a ControlNet's folder for each kind."""
    return flow_spec(
        root / name, controls=tuple((kind, str(root / folder)) for kind, folder in kinds.items())
    )


def painted(
    backend: DiffusersBackend,
    model: ModelSpec,
    *asked: ControlUnit,
    maps: Mapping[str, Rgb] = MAPS,
    **rest: Any,
) -> Rgb:
    work = job(model, num_inference_steps=4, **rest)
    controls = tuple(ControlInput(unit, maps[unit.kind]) for unit in asked)
    request = replace(work.resolved.request, controls=asked)
    resolved = replace(work.resolved, request=request)
    return generate(backend, replace(work, resolved=resolved, controls=controls)).patches[0]


@pytest.mark.parametrize("name", FAMILIES)
def test_each_control_parameter_changes_the_picture(backend, flow_models, name):
    model = controlled(flow_models, name, canny=f"{name}_control")
    full = painted(backend, model, CANNY)
    for unit in (
        replace(CANNY, controlnet_conditioning_scale=0.4),
        replace(CANNY, control_guidance_end=0.4),
        replace(CANNY, control_guidance_start=0.4),
    ):
        assert painted_change(full, painted(backend, model, unit)) > 0.02, unit


@pytest.mark.parametrize("name", FAMILIES)
def test_a_control_of_scale_0_is_no_control(backend, flow_models, name):
    model = controlled(flow_models, name, canny=f"{name}_control")
    off = painted(backend, model, replace(CANNY, controlnet_conditioning_scale=0.0))
    np.testing.assert_array_equal(off, painted(backend, model))


@pytest.mark.parametrize("name", FAMILIES)
def test_a_seed_gives_the_same_picture_with_a_control(backend, flow_models, name):
    """Some pipelines draw a map's latents from a generator that is everyone's."""
    model = controlled(flow_models, name, canny=f"{name}_control")
    alone = painted(backend, model, CANNY, seeds=(7,))
    np.testing.assert_array_equal(painted(backend, model, CANNY, seeds=(7,)), alone)


@pytest.mark.parametrize("name", ["sd3", "flux"])
def test_two_controls_act_each_with_its_own_numbers(backend, flow_models, name):
    folder = f"{name}_control"
    model = controlled(flow_models, name, canny=folder, depth=folder)
    both = painted(backend, model, CANNY, DEPTH)
    others = [
        painted(backend, model, CANNY),
        painted(backend, model, DEPTH),
        painted(backend, model, CANNY, replace(DEPTH, controlnet_conditioning_scale=0.4)),
        painted(backend, model, CANNY, replace(DEPTH, control_guidance_end=0.4)),
    ]
    assert min(painted_change(both, other) for other in others) > 0.02


def test_one_network_of_qwen_takes_two_maps(backend, flow_models):
    model = controlled(flow_models, "qwen", canny="qwen_control", depth="qwen_control")
    both = painted(backend, model, CANNY, DEPTH)
    assert painted_change(both, painted(backend, model, CANNY)) > 0.02
    assert painted_change(both, painted(backend, model, DEPTH)) > 0.02


def test_a_union_network_of_flux_is_told_the_kind(backend, flow_models):
    model = controlled(flow_models, "flux", canny="flux_union", depth="flux_union")
    maps = {"canny": MAPS["canny"], "depth": MAPS["canny"]}
    by_kind = [painted(backend, model, unit, maps=maps) for unit in (CANNY, DEPTH)]
    assert painted_change(*by_kind) > 0
    assert painted_change(painted(backend, model, CANNY, DEPTH), by_kind[0]) > 0.02
    other = controlled(flow_models, "flux", lineart="flux_union")
    with pytest.raises(RefusedInput, match="takes the kinds canny, tile, depth, pose, got lineart"):
        painted(backend, other, ControlUnit(kind="lineart", controlnet_conditioning_scale=0.5))


@pytest.mark.parametrize("name", ["sd3", "qwen"])
def test_an_inpainting_network_sees_the_hole(backend, flow_models, name):
    """What is under the hole must not matter, and where the hole is must."""
    model = controlled(flow_models, name, canny=f"{name}_control_inpaint")
    work = job(model, control=CANNY)
    under = np.where(hole()[..., None] > 0, 255, work.controls[0].image).astype(np.uint8)
    other = replace(work, controls=(replace(work.controls[0], image=under),))
    one, two = (generate(backend, each).patches[0] for each in (work, other))
    np.testing.assert_array_equal(one, two)
    moved = patch(backend, model, control=CANNY, mask=np.roll(hole(), 24, axis=1))
    off = replace(CANNY, controlnet_conditioning_scale=0.0)
    assert painted_change(one, patch(backend, model, control=off)) > 0.02
    assert not np.array_equal(one, moved)


@pytest.mark.parametrize(
    ("name", "kinds", "sentence"),
    [
        ("zimage", {"canny": "zimage_control", "depth": "zimage_control"}, "takes one control"),
        ("qwen", {"canny": "qwen_control", "depth": "qwen_control_inpaint"}, "one union"),
        ("sd3", {"canny": "sd3_control", "depth": "sd3_control_inpaint"}, "cannot be joined"),
        ("flux_fill", {"canny": "flux_control"}, "takes no ControlNet|made for another family"),
        ("qwen_edit", {"canny": "qwen_control"}, "takes no ControlNet|made for another family"),
        ("flux", {"canny": "qwen_control"}, "made for another family"),
        ("sd3", {"canny": "flux_control"}, "made for another family"),
    ],
)
def test_what_cannot_be_joined_is_refused(backend, flow_models, name, kinds, sentence):
    model = controlled(flow_models, name, **kinds)
    asked = tuple(ControlUnit(kind=kind) for kind in kinds)
    with pytest.raises((RefusedInput, ModelUnavailable, BackendError), match=sentence) as error:
        painted(backend, model, *asked)
    assert isinstance(error.value, RefusedInput | ModelUnavailable)
