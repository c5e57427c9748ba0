"""LoRAs, embeddings and references of models.yaml: what is read, and what is refused where."""

import json
from pathlib import Path
from typing import Any

import pytest

from genimg_ui.core.adapters import FewSteps
from genimg_ui.errors import RefusedInput
from genimg_ui.registry import ModelSpec, abilities, load_registry
from genimg_ui.registry.adapters import EmbeddingSpec, LoraSpec, ReferenceSpec

FEW = {"scheduler": "lcm", "num_inference_steps": 4, "guidance_scale": 1}


def read(folder: Path, **values: Any) -> ModelSpec:
    path = folder / "models.yaml"
    entry = {"source": "a/b", "family": "sd15"} | values
    path.write_text(json.dumps({"models": {"one": entry}}))
    return load_registry(path).get("one")


def test_a_lora_is_a_source_or_a_table(tmp_path):
    (tmp_path / "ink.safetensors").touch()
    table = {"source": "o/lcm", "file": "deep/lcm.safetensors", "scale": 0.7, "trigger": "ink on"}
    table |= {"note": "Few steps.", "licence": "MIT", "few_steps": FEW}
    spec = read(tmp_path, loras={"ink": "ink.safetensors", "lcm": table})
    assert spec.loras == (
        LoraSpec(name="ink", source=str(tmp_path / "ink.safetensors")),
        LoraSpec(
            name="lcm",
            source="o/lcm",
            file="deep/lcm.safetensors",
            scale=0.7,
            trigger="ink on",
            note="Few steps.",
            licence="MIT",
            few_steps=FewSteps(scheduler="lcm", num_inference_steps=4, guidance_scale=1.0),
        ),
    )
    assert [offer.name for offer in abilities(spec).loras] == ["ink", "lcm"]
    assert abilities(spec).loras[1].few_steps == spec.loras[1].few_steps


def test_embeddings_and_references_are_read(tmp_path):
    adapter = {"source": "h/ip", "file": "models/ip.safetensors", "encoder": "models/encoder"}
    spec = read(tmp_path, embeddings={"<toy>": "o/toy"}, references={"ip_adapter": adapter})
    assert spec.embeddings == (EmbeddingSpec(token="<toy>", source="o/toy"),)
    assert spec.references == (ReferenceSpec(kind="ip_adapter", **adapter),)
    assert abilities(spec).references == ("ip_adapter",)
    assert abilities(spec).uses_prompt_weighting


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"loras": {"ink": {"scale": 1}}}, "models.one.loras.ink.source is missing"),
        (
            {"loras": {"ink": {"source": "a/b", "scale": 3}}},
            r"loras.ink.scale must be in \[-2, 2\], got \"3\"",
        ),
        (
            {"loras": {"ink": {"source": "a/b", "file": "ink.bin"}}},
            "loras.ink.file must be a .safetensors file",
        ),
        (
            {"loras": {"ink": {"source": "a/b", "file": "../ink.safetensors"}}},
            "loras.ink.file must lie inside its source",
        ),
        (
            {"loras": {"ink": {"source": "a/b", "few_steps": {"scheduler": "lcm"}}}},
            "few_steps.num_inference_steps is missing",
        ),
        (
            {"loras": {"ink": {"source": "a/b", "few_steps": FEW | {"scheduler": "magic"}}}},
            'loras.ink.few_steps.scheduler must be one of default, euler.*got "magic"',
        ),
        ({"embeddings": {"two words": "a/b"}}, "must be one word without spaces"),
        ({"references": {"style": "a/b"}}, "references.style is unknown; known keys: ip_adapter"),
        (
            {"family": "flux", "references": {"ip_adapter": "a/b"}},
            "models.one.references is for sd15 and sdxl only, got flux",
        ),
        (
            {"family": "flux", "uses_prompt_weighting": True},
            "models.one.uses_prompt_weighting is for sd15 and sdxl only, got flux",
        ),
    ],
)
def test_what_cannot_be_is_refused_by_its_key(tmp_path, values, sentence):
    with pytest.raises(RefusedInput, match=sentence):
        read(tmp_path, **values)
