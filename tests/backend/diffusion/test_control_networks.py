"""Several ControlNets at once, union networks, and networks that do not belong to the model."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from sampling_support import generate, job, painted_change, picture, spec

from genimg_ui.backend.base import ControlInput, Rgb
from genimg_ui.backend.device import Device
from genimg_ui.backend.diffusion.engine import DiffusersBackend
from genimg_ui.backend.diffusion.models import Models
from genimg_ui.backend.diffusion.placing import _is_grouped
from genimg_ui.core.memory import Offload
from genimg_ui.core.request import ControlUnit
from genimg_ui.errors import ModelUnavailable, RefusedInput
from genimg_ui.registry import ModelSpec
from genimg_ui.weights.fetch import OnFetching
from genimg_ui.weights.hashes import WeightHashes

pytestmark = pytest.mark.torch

MAPS = {"canny": picture(), "depth": picture()[::-1].copy()}


def units(model: ModelSpec, *asked: ControlUnit) -> Any:
    """A job with these units; each kind has a map of its own."""
    controls = tuple(ControlInput(unit, MAPS[unit.kind]) for unit in asked)
    work = job(model, scheduler="ddim")
    request = replace(work.resolved.request, controls=asked)
    return replace(work, resolved=replace(work.resolved, request=request), controls=controls)


def painted(backend: DiffusersBackend, model: ModelSpec, *asked: ControlUnit) -> Rgb:
    return generate(backend, units(model, *asked)).patches[0]


@pytest.fixture(scope="module", params=["sd15", "sdxl", "union"])
def model(request: pytest.FixtureRequest, models: Path) -> ModelSpec:
    if request.param == "union":
        source = str(models / "sdxl_union")
        return replace(spec(models / "sdxl"), controls=(("canny", source), ("depth", source)))
    found = spec(models / request.param)
    return replace(found, controls=(*found.controls, ("depth", found.controls[0][1])))


CANNY, DEPTH = ControlUnit(kind="canny"), ControlUnit(kind="depth")


def test_each_of_two_controls_acts_with_its_own_numbers(backend, model):
    both = painted(backend, model, CANNY, DEPTH)
    others = [
        painted(backend, model, CANNY),
        painted(backend, model, DEPTH),
        painted(backend, model, replace(CANNY, controlnet_conditioning_scale=0.4), DEPTH),
        painted(backend, model, CANNY, replace(DEPTH, controlnet_conditioning_scale=0.4)),
        painted(backend, model, CANNY, replace(DEPTH, control_guidance_end=0.4)),
        painted(backend, model, replace(CANNY, control_guidance_start=0.4), DEPTH),
    ]
    assert min(painted_change(both, other) for other in others) > 0.1


def test_controls_of_one_kind_may_differ_in_their_maps(backend, models):
    model = spec(models / "sd15")
    work = units(model, CANNY, CANNY)
    other = replace(work.controls[1], image=MAPS["depth"])
    one, two = (
        generate(backend, replace(work, controls=(work.controls[0], second))).patches[0]
        for second in (work.controls[1], other)
    )
    assert not np.array_equal(one, two)


def test_a_second_control_of_scale_0_is_none(backend, models):
    model = spec(models / "sd15")
    off = replace(CANNY, controlnet_conditioning_scale=0.0)
    one, two = painted(backend, model, CANNY), painted(backend, model, CANNY, off)
    assert np.abs(one.astype(int) - two).max() <= 1  # summed in another order


def test_a_union_network_is_told_the_kind(backend, models):
    source = str(models / "sdxl_union")
    model = replace(spec(models / "sdxl"), controls=(("canny", source), ("depth", source)))
    work = units(model, DEPTH)
    same_map = replace(work.controls[0], image=MAPS["canny"])
    depth = generate(backend, replace(work, controls=(same_map,))).patches[0]
    assert not np.array_equal(painted(backend, model, CANNY), depth)


def test_a_network_of_several_kinds_is_loaded_once_and_recorded_for_each(models):
    own = DiffusersBackend()
    source = str(models / "sdxl_union")
    model = replace(spec(models / "sdxl"), controls=(("canny", source), ("depth", source)))
    result = generate(own, units(model, CANNY, DEPTH))
    assert [(p.role, p.name) for p in result.model.parts] == [
        ("controlnet", "canny"),
        ("controlnet", "depth"),
    ]
    [network] = own._control.networks.values()
    painted(own, model, DEPTH)
    assert list(own._control.networks.values()) == [network]


def test_a_union_network_refuses_what_it_was_not_trained_on(backend, models):
    model = replace(spec(models / "sdxl"), controls=(("qr", str(models / "sdxl_union")),))
    unit = ControlUnit(kind="qr")
    work = replace(units(model), controls=(ControlInput(unit, picture()),))
    with pytest.raises(RefusedInput, match="union ControlNet takes the kinds pose, .* got qr"):
        generate(backend, work)


def test_union_and_other_networks_do_not_mix(backend, models):
    controls = (("canny", str(models / "sdxl_union")), ("depth", str(models / "sdxl_control")))
    model = replace(spec(models / "sdxl"), controls=controls)
    with pytest.raises(RefusedInput, match="all use union ControlNets or none"):
        painted(backend, model, CANNY, DEPTH)


def test_a_network_is_read_again_where_weights_lie_elsewhere(models):
    """The hooks that offload it would stay on it."""
    own = Models(Device("cpu", torch.float32), WeightHashes(), safety=False, budget=2**40)
    model, watch = spec(models / "sd15"), OnFetching()

    def read(offload: Offload) -> Any:
        loaded = own.load(model, watch, offload)
        [network] = own.controlled(loaded, model, ("canny",), watch).networks.values()
        return network

    whole = read(Offload.NONE)
    assert read(Offload.NONE) is whole
    held = own.bytes
    layered = read(Offload.GROUP)
    assert layered is not whole
    assert own.bytes == held  # the other one was given up
    again = read(Offload.NONE)
    assert again is not layered
    assert [_is_grouped(network) for network in (whole, layered, again)] == [False, True, False]


@pytest.mark.parametrize(
    ("name", "network", "sentence"),
    [
        ("sd15", "sdxl_control", r"another family than Tiny \(sd15\): its cross_attention_dim"),
        ("sdxl", "sd15_control", r"another family than Tiny \(sdxl\): its cross_attention_dim"),
        ("sd15", "sdxl_union", "takes ControlNetModel, got ControlNetUnionModel"),
    ],
)
def test_a_control_of_the_wrong_family_is_said(backend, models, name, network, sentence):
    model = replace(spec(models / name), controls=(("canny", str(models / network)),))
    with pytest.raises(ModelUnavailable, match=sentence):
        painted(backend, model, CANNY)
