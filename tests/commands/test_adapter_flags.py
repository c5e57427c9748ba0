"""--lora, --reference and --prompt-weighting: what they mean, and what a few-step LoRA brings."""

import argparse
from dataclasses import replace
from pathlib import Path

import pytest

from genimg_ui.commands.adapters import adapter_notes, add_adapter_flags, added_to
from genimg_ui.core.adapters import FewSteps
from genimg_ui.core.request import EditRequest, LoraUnit, ReferenceUnit, SamplingParams
from genimg_ui.errors import RefusedInput
from genimg_ui.history.store import Store
from genimg_ui.registry.adapters import LoraSpec
from tests.editing import SQUARE, photograph, png

FEW = FewSteps(scheduler="ddim", num_inference_steps=4, guidance_scale=1.5)
SPEC = replace(
    SQUARE,
    loras=(
        LoraSpec(name="ink", source="a/i", scale=0.7),
        LoraSpec(name="lcm", source="a/l", few_steps=FEW),
    ),
)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store.open(tmp_path / "kept")


def request_of(store: Store, *arguments: str) -> EditRequest:
    parser = argparse.ArgumentParser()
    add_adapter_flags(parser)
    parser.add_argument("--steps", type=int)
    parser.add_argument("--guidance-scale", type=float)
    parser.add_argument("--scheduler", default="default")
    flags = parser.parse_args(arguments)
    sampling = SamplingParams(
        num_inference_steps=flags.steps or 30,
        guidance_scale=flags.guidance_scale or 7.0,
        scheduler=flags.scheduler,
    )
    return added_to(EditRequest(sampling=sampling), flags, SPEC, store)


def test_a_lora_has_the_weight_of_its_entry_unless_one_is_said(store: Store) -> None:
    request = request_of(store, "--lora", "ink", "--lora", "other:-0.5")
    assert request.loras == (LoraUnit(name="ink", scale=0.7), LoraUnit(name="other", scale=-0.5))
    assert request.sampling == SamplingParams(num_inference_steps=30)


def test_a_few_step_lora_brings_what_no_flag_says(store: Store) -> None:
    sampling = request_of(store, "--lora", "lcm").sampling
    asked = (sampling.scheduler, sampling.num_inference_steps, sampling.guidance_scale)
    assert asked == ("ddim", 4, 1.5)
    request = request_of(store, "--lora", "lcm", "--steps", "20")
    assert (request.sampling.num_inference_steps, request.sampling.guidance_scale) == (20, 1.5)
    assert "was made for 4 steps, got 20" in adapter_notes(request, SPEC)[0]


def test_references_are_kept_with_their_numbers(store: Store, tmp_path: Path) -> None:
    file = tmp_path / "like:me.png"
    file.write_bytes(png(photograph(20, 30)))
    [one, two] = request_of(
        store, "--reference", str(file), "--reference", f"{file}:0.5:0.1:0.6"
    ).references
    assert one == ReferenceUnit(picture=one.picture)
    assert two == ReferenceUnit(picture=one.picture, scale=0.5, start=0.1, end=0.6)
    assert store.source_path(one.picture).read_bytes() == file.read_bytes()


def test_prompt_weighting_is_a_switch(store: Store) -> None:
    assert request_of(store, "--prompt-weighting").sampling.prompt_weighting
    assert not request_of(store).sampling.prompt_weighting


def test_what_cannot_be_meant_is_refused(
    store: Store, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        request_of(store, "--lora", "ink:much")
    assert "must be NAME or NAME:WEIGHT" in capsys.readouterr().err
    with pytest.raises(RefusedInput, match="There is no file"):
        request_of(store, "--reference", str(tmp_path / "none.png"))
    (tmp_path / "text.png").write_text("no picture")
    with pytest.raises(RefusedInput):
        request_of(store, "--reference", str(tmp_path / "text.png"))
