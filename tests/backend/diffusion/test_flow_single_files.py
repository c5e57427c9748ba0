"""A transformer alone in one file takes the rest from its configuration's model."""

import shutil

import numpy as np
import pytest
from sampling_support import FLOWS, flow_spec, generate, job, patch

from genimg_ui.backend.diffusion.engine import DiffusersBackend
from genimg_ui.registry import load_registry
from genimg_ui.weights.recognise import recognise_file

pytestmark = pytest.mark.torch

NAMES = ("flux", "flux_schnell", "flux_fill", "qwen", "zimage")


@pytest.mark.parametrize("name", NAMES)
def test_a_transformer_alone_paints_the_pixels_of_its_folder(flow_models, tmp_path, name):
    folder = flow_models / name
    path = tmp_path / "mine.safetensors"
    shutil.copy(folder / "transformer" / "diffusion_pytorch_model.safetensors", path)
    found = recognise_file(path)
    assert found is not None
    assert (found.family, found.whole) == (FLOWS[name], False)
    assert found.native == (name == "flux_fill")
    text = f"models:\n  tiny: {{source: {path}, config: {folder}, title: Tiny}}\n"
    (tmp_path / "models.yaml").write_text(text, encoding="utf-8")
    model = load_registry(tmp_path / "models.yaml").get("tiny")
    assert model.family == FLOWS[name]
    result = generate(DiffusersBackend(), job(model))
    np.testing.assert_array_equal(result.patches[0], patch(DiffusersBackend(), flow_spec(folder)))
