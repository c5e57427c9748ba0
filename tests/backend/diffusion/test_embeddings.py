"""Textual inversions: read where their token stands, and gone after the edit."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from sampling_support import generate, job, painted_change, patch, spec
from tiny_additions import make_embedding

from genimg_ui.backend.diffusion.engine import DiffusersBackend
from genimg_ui.errors import ModelUnavailable
from genimg_ui.registry import ModelSpec
from genimg_ui.registry.adapters import EmbeddingSpec

pytestmark = pytest.mark.torch

MODELS = ("sd15", "sdxl_inpaint")
PROMPT = "a red <toy>"


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("embeddings")
    make_embedding(root / "sd15.safetensors")
    make_embedding(root / "other.safetensors", seed=6)
    make_embedding(root / "wide.safetensors", width=48)
    make_embedding(root / "sdxl.safetensors", both=True)
    (root / "broken.safetensors").write_bytes(b"no weights")
    return root


def taught(models: Path, name: str, file: Path) -> ModelSpec:
    known = (EmbeddingSpec(token="<toy>", source=str(file)),)
    return replace(spec(models / name), embeddings=known)


def of(files: Path, name: str) -> Path:
    return files / ("sdxl.safetensors" if "xl" in name else "sd15.safetensors")


@pytest.mark.parametrize("name", MODELS)
def test_a_token_acts_where_it_is_known_and_stands_in_the_prompt(backend, models, files, name):
    model = taught(models, name, of(files, name))
    unknown, known = (patch(backend, each, prompt=PROMPT) for each in (spec(models / name), model))
    assert painted_change(unknown, known) > 1
    np.testing.assert_array_equal(patch(backend, model), patch(backend, spec(models / name)))


@pytest.mark.parametrize("name", MODELS)
def test_nothing_of_it_reaches_the_next_edit(backend, models, files, name):
    model = taught(models, name, of(files, name))
    plain = replace(model, embeddings=())
    before = patch(backend, plain, prompt=PROMPT)
    first = patch(backend, model, prompt=PROMPT)
    np.testing.assert_array_equal(patch(backend, plain, prompt=PROMPT), before)
    np.testing.assert_array_equal(patch(backend, model, prompt=PROMPT), first)


def test_its_vectors_matter_and_it_works_in_the_negative_prompt(backend, models, files):
    one, other = (
        patch(backend, taught(models, "sd15", files / f"{name}.safetensors"), prompt=PROMPT)
        for name in ("sd15", "other")
    )
    assert painted_change(one, other) > 1
    model = taught(models, "sd15", files / "sd15.safetensors")
    avoided, plain = (
        patch(backend, each, negative_prompt="<toy>") for each in (model, spec(models / "sd15"))
    )
    assert painted_change(avoided, plain) > 1


def test_it_is_recorded_where_it_was_read(backend, models, files):
    model = taught(models, "sd15", files / "sd15.safetensors")
    read = generate(backend, job(model, prompt=PROMPT, num_inference_steps=1)).model.parts
    assert [(part.role, part.name) for part in read] == [("embedding", "<toy>")]
    assert len(read[0].files[0].sha256) == 64
    assert generate(backend, job(model, num_inference_steps=1)).model.parts == ()


@pytest.mark.parametrize(
    ("name", "file", "sentence"),
    [
        ("sd15", "wide", "its vectors must have 32 numbers, got 48"),
        ("sd15", "broken", "The embedding <toy> could not be loaded"),
        ("sd15", "sdxl", "must be a file with one table of vectors, got clip_g, clip_l"),
        ("sdxl_inpaint", "sd15", "need clip_l and clip_g; it has emb_params"),
        ("sd15", "nowhere", "The embedding <toy> cannot be used: .* is not on this machine"),
    ],
)
def test_a_broken_or_foreign_one_is_refused_and_leaves_nothing(models, files, name, file, sentence):
    own = DiffusersBackend()
    before = patch(own, spec(models / name), prompt=PROMPT)
    wrong = taught(models, name, files / f"{file}.safetensors")
    with pytest.raises(ModelUnavailable, match=sentence):
        patch(own, wrong, prompt=PROMPT)
    np.testing.assert_array_equal(patch(own, spec(models / name), prompt=PROMPT), before)
