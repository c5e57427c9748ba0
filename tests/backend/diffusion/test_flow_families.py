"""The flow families: every parameter acts, and the mask is respected, on tiny real models."""

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sampling_support import (
    FLOWS,
    Events,
    canceller,
    flow_spec,
    generate,
    hole,
    job,
    painted_change,
    patch,
    picture,
)

from genimg_ui.backend.base import BackendJob, CancelToken
from genimg_ui.backend.diffusion.engine import DiffusersBackend
from genimg_ui.backend.diffusion.sampling import Watch
from genimg_ui.errors import BackendError, Cancelled, ModelUnavailable, RefusedInput

pytestmark = pytest.mark.torch

MODELS = tuple(name for name in FLOWS if name != "qwen_edit")  # which has tests of its own


@pytest.fixture(scope="module", params=[name for name in MODELS if name != "flux_schnell"])
def model(request: pytest.FixtureRequest, flow_models: Path):
    return flow_spec(flow_models / request.param)


@pytest.fixture(scope="module")
def usual(backend, model):
    """What the changes of single parameters are compared with."""
    return patch(backend, model)


CHANGES: tuple[dict[str, Any], ...] = (
    {"prompt": "a blue cat"},
    {"strength": 0.6},
    {"num_inference_steps": 4},
    {"scheduler": "flow_heun"},
    {"seeds": (2,)},
    {"origin": (64, 0)},
)


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: next(iter(change)))
def test_each_parameter_changes_the_picture(backend, model, usual, change):
    assert painted_change(usual, patch(backend, model, **change)) > 0.1


@pytest.mark.parametrize("name", MODELS)
def test_guidance_acts_in_the_models_that_have_it(backend, flow_models, name):
    model = flow_spec(flow_models / name)
    plain = patch(backend, model)
    for parameter, used in (
        ("guidance_scale", model.uses_guidance),
        ("true_cfg_scale", model.uses_true_cfg),
    ):
        changed = painted_change(plain, patch(backend, model, **{parameter: 3.0}))
        assert (changed > 0.1) == used, parameter


@pytest.mark.parametrize("name", [name for name in MODELS if name != "flux_fill"])
def test_a_negative_prompt_acts_by_the_guidance_that_reads_it(backend, flow_models, name):
    model = flow_spec(flow_models / name)
    scale = {"true_cfg_scale": 4.0} if model.uses_true_cfg else {"guidance_scale": 4.0}
    without, others = (
        patch(backend, model, negative_prompt=text, **scale) for text in ("", "blurry tree")
    )
    assert painted_change(without, others) > 0.1


def test_latents_outside_the_mask_end_as_the_source(backend, model):
    for scheduler in ("flow_euler", "flow_heun"):
        seen: list[Any] = []
        blends = spied(backend, job(model, scheduler=scheduler, strength=0.7), seen)
        changed = (seen[-1] != blends[-1].source.numpy()).any(axis=(0, 1))
        np.testing.assert_array_equal(changed, blends[-1].cells.numpy() > 0)


def test_noise_moves_with_the_canvas(backend, model):
    white = np.full((64, 64), 255, np.uint8)
    one, other = (
        spied(backend, job(model, mask=white, origin=origin), [])[0].noise.numpy()
        for origin in ((0, 0), (16, 8))
    )
    np.testing.assert_array_equal(one[..., 1:, 2:], other[..., :-1, :-2])


def spied(backend: DiffusersBackend, work: BackendJob, seen: list[Any]) -> list[Any]:
    """Run a job and see each evaluation's latents; returns what held them."""
    blends: list[Any] = []

    def report(_watch, _step, blend, latents):
        blends.append(blend)
        seen.append(latents.numpy().copy())

    with pytest.MonkeyPatch.context() as patcher:
        patcher.setattr(Watch, "_report", report)
        generate(backend, work)
    return blends


def test_a_softer_mask_changes_less(backend, model):
    kept = patch(backend, model, mask=hole(value=0), num_inference_steps=6)
    soft, hard = (
        painted_change(kept, patch(backend, model, mask=hole(value=value), num_inference_steps=6))
        for value in (60, 255)  # 60 of 255: the last of six steps
    )
    assert 0 < soft < hard


def test_lower_strength_stays_nearer_to_what_is_under_the_mask(backend, model):
    kept = patch(backend, model, mask=hole(value=0))
    near, middle, far = (
        painted_change(kept, patch(backend, model, strength=s, num_inference_steps=8))
        for s in (0.125, 0.375, 1.0)
    )
    # Random networks paint noise, so that beyond the middle one picture is as far as another.
    assert 0 < near < middle < 1.1 * far


def test_a_seed_gives_its_picture_alone_and_in_a_batch(backend, model):
    together = generate(backend, job(model, seeds=(5, 6, 7))).patches
    np.testing.assert_array_equal(patch(backend, model, seeds=(6,)), together[1])
    assert painted_change(together[0], together[1]) > 1


@pytest.mark.parametrize("size", [(61, 75), (40, 33), (1, 1)])
def test_patches_have_the_size_of_the_crop(backend, model, size):
    white = np.full(size, 255, np.uint8)
    result = patch(backend, model, image=picture(*size), mask=white)
    assert (result.shape, result.dtype) == ((*size, 3), np.uint8)


def test_previews_and_progress(backend, model, monkeypatch):
    monkeypatch.setattr("genimg_ui.backend.diffusion.preview.MIN_SECONDS", 0)
    events = Events()
    work = job(model, num_inference_steps=6, strength=0.5, scheduler="flow_heun")
    backend.generate(work, events.append, CancelToken())
    assert {preview.image.shape for preview in events.previews()} == {(8, 8, 3)}
    assert "step 3 of 3" in events.texts()
    assert events.fractions() == sorted(events.fractions())


def test_cancel_stops_within_one_step(backend, model):
    token, seen = CancelToken(), []
    work = job(model, num_inference_steps=8)
    with pytest.raises(Cancelled):
        backend.generate(work, canceller(token, "step 2 of 8", seen), token)
    assert seen[-1].endswith("step 2 of 8")


def test_a_sampler_of_noise_is_refused(backend, flow_models):
    sentence = "scheduler of this family must be one of default, flow_euler, flow_heun, got"
    for scheduler in ("ddim", "lcm"):
        with pytest.raises(RefusedInput, match=sentence):
            generate(backend, job(flow_spec(flow_models / "sd3"), scheduler=scheduler))


def test_a_prompt_that_is_too_long_is_said(backend, model):
    tokenizer, room = tokens(backend, model)
    word = tokenizer("red", add_special_tokens=False).input_ids
    text = "red " * (room // len(word) + 2)
    said = generate(backend, job(model, prompt=text)).warnings
    assert len(said) == 1
    assert said[0].startswith(f"prompt must have at most {room} tokens, got ")


def tokens(backend: DiffusersBackend, model: Any) -> Any:
    patch(backend, model)
    return backend._loaded.family.prompt_room(backend._loaded.pipe)


@pytest.mark.parametrize(
    ("name", "asked", "sentence"),
    [
        ("flux_fill", {"negative_prompt": "cat"}, "negative_prompt has no effect: Tiny reads none"),
        ("flux", {"negative_prompt": "cat"}, "negative_prompt has no effect at true_cfg_scale 1"),
        ("sd3", {"true_cfg_scale": 3.0}, "true_cfg_scale 3 has no effect: Tiny has none"),
        (
            "zimage",
            {"negative_prompt": "cat", "guidance_scale": 1.0},
            "negative_prompt has no effect at guidance_scale 1",
        ),
    ],
)
def test_what_has_no_effect_is_said(backend, flow_models, name, asked, sentence):
    said = generate(backend, job(flow_spec(flow_models / name), **asked)).warnings
    assert sentence in said[0]


def test_fill_sees_the_touched_cells_and_nothing_under_them(backend, flow_models):
    model = flow_spec(flow_models / "flux_fill")
    patch(backend, model)
    inputs: list[Any] = []
    handle = backend._loaded.pipe.transformer.register_forward_pre_hook(
        lambda _network, _places, named: inputs.append(named["hidden_states"].numpy().copy()),
        with_kwargs=True,
    )
    for value in (0, 255):
        work = job(model)
        filled = np.where(hole()[..., None] > 0, value, work.filled).astype(np.uint8)
        generate(backend, replace(work, filled=filled))
    handle.remove()
    steps = len(inputs) // 2
    beside = slice(64, None)  # latents of the masked picture, then the mask's pixels
    np.testing.assert_array_equal(inputs[0][..., beside], inputs[steps][..., beside])
    mask = inputs[0][0, :, 128:]
    assert set(np.unique(mask)) == {0, 1}
    assert 0 < mask.mean() < 1


@pytest.mark.usefixtures("small_looks")
def test_the_edit_variant_is_shown_the_picture_without_its_fill(backend, flow_models):
    model = flow_spec(flow_models / "qwen_edit")
    work = job(model)
    other = replace(work, image=np.ascontiguousarray(work.image[::-1]))
    one, two = (generate(backend, each) for each in (work, other))
    assert one.facts["pipeline"] == "QwenImageEditPipeline"
    assert painted_change(one.patches[0], two.patches[0]) > 0
    for change in ({"prompt": "a blue cat"}, {"true_cfg_scale": 4.0}, {"seeds": (2,)}):
        assert painted_change(one.patches[0], patch(backend, model, **change)) > 0


def test_a_single_step_is_enough(backend, model):
    """Also where the levels are stretched to end above 0, as those of Qwen-Image are."""
    one, two = (patch(backend, model, num_inference_steps=1, seeds=(s,)) for s in (1, 2))
    assert painted_change(one, two) > 1


def test_the_record_says_with_what_it_was_done(backend, flow_models):
    for name, masking in (("flux", "blended"), ("flux_fill", "native")):
        result = generate(backend, job(flow_spec(flow_models / name)))
        assert result.facts["masking"] == masking
        assert result.model.family == FLOWS[name]
        assert {"transformer", "vae", "text_encoder"} <= {
            Path(record.name).parent.name for record in result.model.files
        }


def test_nan_is_an_error_and_no_picture(flow_models):
    own = DiffusersBackend()
    model = flow_spec(flow_models / "zimage")
    patch(own, model)
    own._loaded.pipe.vae.decoder.conv_out.bias.data.fill_(float("nan"))
    with pytest.raises(BackendError, match="produced values that are no numbers"):
        patch(own, model)


def test_a_model_declared_as_another_family_is_refused(backend, flow_models):
    wrong = flow_spec(flow_models / "flux_fill", family="flux")
    with pytest.raises(ModelUnavailable, match="in models.yaml is flux, but .* flux-fill"):
        generate(backend, job(wrong))


@pytest.mark.parametrize(("name", "allowed"), [("flux_fill", 64), ("flux", 384)])
def test_a_transformer_of_other_channels_is_refused(flow_models, tmp_path, name, allowed):
    folder = Path(shutil.copytree(flow_models / name, tmp_path / name))
    index = json.loads((folder / "model_index.json").read_text())
    other = "FluxPipeline" if name == "flux_fill" else "FluxFillPipeline"
    (folder / "model_index.json").write_text(json.dumps(index | {"_class_name": other}))
    family = "flux" if name == "flux_fill" else "flux-fill"
    with pytest.raises(ModelUnavailable, match=f"must have {allowed} input channels"):
        generate(DiffusersBackend(), job(flow_spec(folder, family=family)))
