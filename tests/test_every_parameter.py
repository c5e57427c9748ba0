"""Every field of a request acts: one whole edit with it and one without give different pixels.

`CASES` is the table. A field that has no row fails the first test, one that is ignored its own.
"""

import importlib
from collections.abc import Iterator
from dataclasses import dataclass, fields, is_dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from genimg_ui.core.geometry import Box, Sides
from genimg_ui.core.parameters import PARAMETERS, Kind
from genimg_ui.core.request import (
    ColourMatch,
    ControlUnit,
    EditRequest,
    FillMode,
    FillUnderMask,
    InpaintParams,
    LoraUnit,
    MaskParams,
    PassParams,
    ReferenceUnit,
    Region,
    SamplingParams,
)
from genimg_ui.core.speed import SpeedParams, StepCache
from genimg_ui.core.tasks import Task
from genimg_ui.history.record import EntryState, LogEntry
from genimg_ui.registry import ModelSpec, load_registry
from tests.editing import Desk, noise, painted, photograph, png

SIZE = (53, 37)
MASK = painted(*SIZE, (20, 10, 31, 20))
UNITS = {"controls": ControlUnit, "loras": LoraUnit, "references": ReferenceUnit}
LANCZOS = ModelSpec(
    id="lanczos",
    title="Lanczos",
    engine="lanczos",
    licence="-",
    tasks=(Task.UPSCALE,),
    uses_seed=False,
)
MODELS = """
models:
  native:
    source: {root}/inpaint
    family: sd15
    native_size: 64
    controls: {{canny: {root}/control, softedge: {root}/control}}
    loras: {{ink: {root}/ink, oil: {root}/oil}}
    references: {{ip_adapter: {{source: {root}/adapter, file: adapter.safetensors}}}}
  refined: {{source: {root}/xl, family: sdxl, native_size: 64, refiner: {root}/refiner}}
  flow: {{source: {root}/flux, family: flux, native_size: 64}}
"""


def _sampled(model: str, **sampling: Any) -> EditRequest:
    values = {"seed": 7, "prompt": "a red house", "num_inference_steps": 2} | sampling
    return EditRequest(
        model=model,
        sampling=SamplingParams(**values),
        mask=MaskParams(grow=0, feather=0),
        inpaint=InpaintParams(fill=FillUnderMask.TELEA, padding=4),
    )


NOISE = _sampled("plain")  # an engine that paints noise by the seed, at the canvas's own scale
SQUARE = _sampled("square")  # the same at a native size
NATIVE = _sampled("native", guidance_scale=5.0, scheduler="euler_a")
FLOW = _sampled("flow", num_inference_steps=8)
CANNY = ControlUnit(kind="canny")
RED, BLUE, READY = "red", "blue", "ready"  # stored pictures; the desk puts in their digests
GROUNDS = {
    "noise": NOISE,
    "square": SQUARE,
    "strips": replace(SQUARE, border=Sides(right=60), passes=PassParams(progressive=True)),
    "fill": replace(NOISE, model="exemplar"),
    "enlarged": replace(NOISE, model="lanczos", region=Region.WHOLE, upscale=2),
    "native": NATIVE,
    "half": replace(NATIVE, sampling=replace(NATIVE.sampling, strength=0.5)),
    "weighted": replace(NATIVE, sampling=replace(NATIVE.sampling, prompt="a (red)1.6 house")),
    "controlled": replace(NATIVE, controls=(CANNY,)),
    "styled": replace(NATIVE, loras=(LoraUnit(name="ink"),)),
    "referred": replace(NATIVE, references=(ReferenceUnit(picture=RED),)),
    "refined": _sampled("refined", num_inference_steps=5, scheduler="ddim"),
    "flow": FLOW,
    "cached": replace(
        FLOW, speed=SpeedParams(step_cache=StepCache.FIRST_BLOCK, step_cache_threshold=1e-6)
    ),
}


@dataclass(frozen=True)
class Case:
    """The field of `ground` is set to `value`; `refused` are words where that cannot be done."""

    ground: str
    value: Any
    refused: str = ""


CASES = {
    "model": Case("noise", "exemplar"),
    "sampling.prompt": Case("native", "a blue cat"),
    "sampling.negative_prompt": Case("native", "blurry tree"),
    "sampling.strength": Case("native", 0.5),
    "sampling.guidance_scale": Case("native", 2.0),
    "sampling.true_cfg_scale": Case("flow", 3.0),
    "sampling.num_inference_steps": Case("native", 3),
    "sampling.refiner_switch_at": Case("refined", 0.4),
    "sampling.scheduler": Case("native", "ddim"),
    "sampling.seed": Case("noise", 8),
    "sampling.variants": Case("noise", 2),
    "sampling.anchor_step_noise": Case("native", True),
    "sampling.prompt_weighting": Case("weighted", True),
    "mask.grow": Case("noise", 3),
    "mask.feather": Case("noise", 3),
    "inpaint.fill": Case("half", FillUnderMask.NEUTRAL),
    "inpaint.fill_mode": Case("fill", FillMode.EXTEND),
    "inpaint.only_masked": Case("noise", False),
    "inpaint.padding": Case("noise", 9),
    "inpaint.box": Case("noise", Box(3, 2, 45, 31)),
    "inpaint.colour_match": Case("native", ColourMatch.OFFSET),
    "inpaint.anchor_context": Case("square", True),
    "border": Case("noise", Sides(right=5)),
    "controls.kind": Case("controlled", "softedge"),
    "controls.controlnet_conditioning_scale": Case("controlled", 0.3),
    "controls.control_guidance_start": Case("controlled", 0.5),
    "controls.control_guidance_end": Case("controlled", 0.5),
    "controls.annotator": Case("controlled", "midas", refused="midas"),
    "controls.parameters": Case("controlled", {"low_threshold": 5, "high_threshold": 9}),
    "controls.map": Case("controlled", READY),
    "region": Case("noise", Region.WHOLE),
    "upscale": Case("enlarged", 4),
    "passes.progressive": Case("strips", False),
    "passes.overlap": Case("strips", 16),
    "loras.name": Case("styled", "oil"),
    "loras.scale": Case("styled", 0.4),
    "references.picture": Case("referred", BLUE),
    "references.kind": Case("referred", "style", refused="got 'style'"),
    "references.scale": Case("referred", 0.4),
    "references.start": Case("referred", 0.5),
    "references.end": Case("referred", 0.5),
    "speed.guidance_end": Case("native", 0.5),
    "speed.step_cache": Case("flow", StepCache.TAYLORSEER),
    "speed.step_cache_threshold": Case("cached", 1.0),
}


def every_field() -> set[str]:
    """The fields of a request as `CASES` names them."""
    names: set[str] = set()
    for field in fields(EditRequest):
        value = getattr(EditRequest(), field.name)
        kind = UNITS.get(field.name) or (type(value) if is_dataclass(value) else None)
        names |= {f"{field.name}.{each.name}" for each in fields(kind)} if kind else {field.name}
    return names


def value_of(request: EditRequest, name: str) -> Any:
    part, _, field = name.partition(".")
    held = getattr(request, part)
    if part in UNITS:
        return tuple(getattr(unit, field) for unit in held)
    return getattr(held, field) if field else held


def changed(request: EditRequest, name: str, value: Any) -> EditRequest:
    part, _, field = name.partition(".")
    held = getattr(request, part)
    if part in UNITS:
        value = tuple(replace(unit, **{field: value}) for unit in held)
    elif field:
        value = replace(held, **{field: value})
    return replace(request, **{part: value})


class Bench(Desk):
    """A desk with tiny models, which remembers what each ground gave."""

    made: dict[str, LogEntry]

    def stored(self, request: EditRequest) -> EditRequest:
        """With the digests of its pictures in the place of their names."""
        ready = {
            RED: Image.new("RGB", (70, 30), (250, 20, 10)),
            BLUE: Image.new("RGB", (70, 30), (10, 20, 250)),
            READY: noise(*SIZE),
        }
        digests = {name: self.store.put_source(png(image)) for name, image in ready.items()}
        return replace(
            request,
            controls=tuple(
                replace(unit, map=digests.get(unit.map or "", unit.map))
                for unit in request.controls
            ),
            references=tuple(
                replace(unit, picture=digests.get(unit.picture, unit.picture))
                for unit in request.references
            ),
        )

    def run(self, request: EditRequest) -> LogEntry:
        mask = MASK if request.region is Region.MASK else None
        return self.edit(self.stored(request), png(photograph(*SIZE)), mask)

    def ground(self, name: str) -> LogEntry:
        if name not in self.made:
            self.made[name] = self.run(GROUNDS[name])
        return self.made[name]


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    tiny = pytest.importorskip("tests.backend.tiny_models", reason="torch is not installed")
    more = importlib.import_module("tests.backend.tiny_additions")
    flows = importlib.import_module("tests.backend.tiny_flow_models")
    tiny.torch.set_num_threads(1)
    root: Path = tmp_path_factory.mktemp("tiny")
    unet = tiny.make_sd15_inpaint(root / "inpaint") / "unet"
    tiny.make_sd15_control(root / "control")
    tiny.make_sdxl(root / "xl")
    tiny.make_sdxl_refiner(root / "refiner")
    flows.make_flux(root / "flux")
    more.make_lora(unet, root / "ink", seed=1)
    more.make_lora(unet, root / "oil", seed=2)
    more.make_ip_adapter(unet, root / "adapter")
    (root / "models.yaml").write_text(MODELS.format(root=root), encoding="utf-8")
    made = Bench(root / "data", LANCZOS, *load_registry(root / "models.yaml").all())
    made.made = {}
    yield made
    made.pool.release()
    made.close()


def test_every_field_of_a_request_has_a_row() -> None:
    assert set(CASES) == every_field()


def test_every_parameter_of_a_sweep_sets_one_of_these_fields() -> None:
    units = {"controls": (CANNY,), "loras": (LoraUnit(name="a"),)}
    before = EditRequest(**units, references=(ReferenceUnit(picture="0" * 64),))
    names = {"scheduler": "ddim", "fill_mode": "closest", "colour_match": "blend", "model": "x"}
    usual = {Kind.NUMBER: 0.5, Kind.WHOLE: 7, Kind.SEED: 5, Kind.PROMPT: "x"}
    reached = []
    for name, parameter in PARAMETERS.items():
        if name.startswith("controls."):  # of one control, or of annotators that others have
            continue
        after = parameter.put(before, names.get(name, usual.get(parameter.kind, "x")))
        found = [each for each in CASES if value_of(before, each) != value_of(after, each)]
        assert len(found) == 1, f"{name} changes {found}"
        reached += found
    assert len(set(reached)) == len(reached)


@pytest.mark.torch
@pytest.mark.parametrize("name", CASES)
def test_it_changes_the_pixels(bench: Bench, name: str) -> None:
    case = CASES[name]
    before = bench.ground(case.ground)
    assert before.state is EntryState.DONE, before.error
    after = bench.run(changed(GROUNDS[case.ground], name, case.value))
    if case.refused:
        assert after.state is EntryState.FAILED and case.refused in after.error
        return
    assert after.state is EntryState.DONE, after.error
    pixels = [[record.pixels_sha256 for record in entry.results] for entry in (before, after)]
    assert pixels[0] != pixels[1], f"{name} is ignored"
    assert len(pixels[1]) == after.request.sampling.variants
