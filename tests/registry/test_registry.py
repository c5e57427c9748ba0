"""models.yaml: what it gives, and how it says what is wrong."""

import json
from dataclasses import fields
from pathlib import Path

import pytest

from genimg_ui.errors import RefusedInput
from genimg_ui.registry import (
    FAMILIES,
    SCHEDULERS,
    ModelSpec,
    Registry,
    availability,
    load_registry,
)
from genimg_ui.registry.adapters import EmbeddingSpec, LoraSpec, ReferenceSpec
from genimg_ui.weights import folders

ROOT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def empty_cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(folders.constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.setattr(folders, "hub_reachable", lambda: False)


def load(tmp_path: Path, text: str) -> Registry:
    path = tmp_path / "models.yaml"
    path.write_text(text, encoding="utf-8")
    return load_registry(path)


def test_the_shipped_file_loads_and_starts_with_the_embedded_engine():
    registry = load_registry(ROOT / "models.yaml")
    assert registry.default == "exemplar"
    embedded = registry.get("exemplar")
    assert (embedded.native_size, embedded.context_ratio, embedded.source) == (0, 1.5, "")
    assert not embedded.uses_prompt
    assert availability(embedded) is None
    for spec in registry.all():
        assert spec.title and spec.licence and spec.note
        if spec.engine == "diffusers":
            assert spec.memory_gib and spec.native_size
            downloaded = folders.is_hub_id(spec.source)
            assert downloaded == bool(spec.download_gib)
            assert downloaded or availability(spec) is None, "what ships must be whole"
    restricted = [spec for spec in registry.all() if "non-commercial" in spec.licence.lower()]
    assert all("non-commercial" in spec.title for spec in restricted)


def test_a_model_of_a_folder_is_called_by_its_name_not_its_path(tmp_path):
    (tmp_path / "made" / "qwen").mkdir(parents=True)
    text = "models:\n  mine:\n    source: ./made/qwen\n    family: qwen-image\n"
    assert load(tmp_path, text).get("mine").title == "qwen"


@pytest.mark.parametrize(
    ("line", "family", "size"),
    [
        ("runwayml/stable-diffusion-inpainting", "sd15", 512),
        ("stabilityai/stable-diffusion-xl-base-1.0", "sdxl", 1024),
        ("stabilityai/stable-diffusion-3.5-medium", "sd3", 1024),
        ("black-forest-labs/FLUX.1-schnell", "flux", 1024),
        ("black-forest-labs/FLUX.1-Fill-dev", "flux-fill", 1024),
        ("Qwen/Qwen-Image-Edit-2511", "qwen-image-edit", 1024),
        ("Qwen/Qwen-Image", "qwen-image", 1024),
        ("Tongyi-MAI/Z-Image-Turbo", "z-image", 1024),
    ],
)
def test_one_line_adds_a_model(tmp_path, line, family, size):
    spec = load(tmp_path, f"models:\n  my-model: {line}\n").get("my-model")
    assert spec.source == spec.title == line
    assert (spec.engine, spec.family, spec.native_size) == ("diffusers", family, size)
    assert spec.uses_prompt and spec.uses_strength and spec.uses_steps
    assert spec.uses_guidance or spec.uses_true_cfg
    flow = family not in ("sd15", "sdxl")
    assert spec.size_multiple == (16 if flow else 8)
    offered = [name for name in SCHEDULERS if name.startswith("flow_") == flow]
    assert spec.schedulers == ("default", *offered)


def test_the_family_of_a_folder_is_read_from_its_index(tmp_path):
    (tmp_path / "plain").mkdir()
    index = {"_class_name": "StableDiffusionXLPipeline"}
    (tmp_path / "plain" / "model_index.json").write_text(json.dumps(index))
    spec = load(tmp_path, "models:\n  mine: ./plain\n").get("mine")
    assert spec.family == "sdxl"
    assert spec.source == str(tmp_path / "plain")


def test_the_first_model_is_the_default_where_none_is_named(tmp_path):
    registry = load(tmp_path, "models:\n  one: a/b\n  two: c/d\n")
    assert registry.default == "one"
    assert [spec.id for spec in registry.all()] == ["one", "two"]


def test_what_an_entry_says_goes_before_its_family(tmp_path):
    text = (
        "models:\n  one:\n    source: a/b\n    family: sdxl\n    native_size: 768\n"
        "    schedulers: [lcm]\n    controls: {canny: c/d}\n    uses_guidance: false\n"
        "    revision: 1234567\n    default_steps: 4\n"
    )
    spec = load(tmp_path, text).get("one")
    assert (spec.native_size, spec.schedulers, spec.default_steps) == (768, ("lcm",), 4)
    assert spec.controls == (("canny", "c/d"),)
    assert spec.revision == "1234567"
    assert not spec.uses_guidance
    assert spec.memory_gib == FAMILIES["sdxl"]["memory_gib"]


def test_patches_that_follow_a_network_have_seeds_and_no_size_of_their_own(tmp_path):
    entry = "    engine: completion\n    source: a/b\n"
    text = f"models:\n  one:\n{entry}  two:\n{entry}    texture: patches\n"
    registry = load(tmp_path, text)
    plain, patched = registry.get("one"), registry.get("two")
    assert (plain.patched, plain.native_size, plain.uses_seed) == (False, 256, False)
    assert (patched.patched, patched.native_size, patched.uses_seed) == (True, 0, True)


def test_every_field_of_a_model_can_be_said(tmp_path):
    values = {
        field.name: {"str": "x", "int": 8, "float": 1.0, "bool": True}.get(
            getattr(field.type, "__name__", ""), "x"
        )
        for field in fields(ModelSpec)
        if field.name != "id"
    }
    values |= {"engine": "diffusers", "family": "sd15", "source": "a/b", "native_size": 64}
    values |= {"schedulers": ["ddim"], "controls": {"canny": "a/c"}, "lora": "a/l"}
    values |= {"tasks": ["inpaint", "upscale"], "scale": 4, "loras": {"ink": "a/i"}}
    values |= {"config": "a/f", "refiner": "a/x", "prior": "a/p", "default_colour_match": "off"}
    values |= {"step_caches": ["taylorseer"], "preview": "a/taesd", "quantisation": {}}
    values |= {"texture": "network"}
    values |= {"embeddings": {"<toy>": "a/t"}, "references": {"ip_adapter": "a/r"}}
    spec = load(tmp_path, json.dumps({"models": {"one": values}})).get("one")
    for name, value in values.items():
        tuples = {"schedulers": ("ddim",), "controls": (("canny", "a/c"),)}
        tuples |= {
            "step_caches": ("taylorseer",),
            "quantisation": (),  # beside a fused LoRA there can be none
            "loras": (LoraSpec(name="ink", source="a/i"),),
            "embeddings": (EmbeddingSpec(token="<toy>", source="a/t"),),
            "references": (ReferenceSpec(kind="ip_adapter", source="a/r"),),
        }
        expected = (tuples | {"tasks": ("inpaint", "upscale")}).get(name, value)
        assert getattr(spec, name) == expected


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (
            "models:\n  sdxl:\n    source: a/b\n    family: sdx1\n",
            "models.yaml line 4: models.sdxl.family must be one of sd15, sdxl, sd3,",
        ),
        (
            "default: two\nmodels:\n  one: a/b\n",
            'models.yaml line 1: default must be one of one, got "two"',
        ),
        (
            "models:\n  one: a/b\n  one: c/d\n",
            "models.yaml line 3: models.one appears twice",
        ),
        (
            "models:\n  one:\n    source: a/b\n    native_size: big\n",
            'models.yaml line 4: models.one.native_size must be in [0, 4096], got "big"',
        ),
        (
            "models:\n  one:\n    source: a/b\n    native_size: 64.5\n",
            'models.yaml line 4: models.one.native_size must be a whole number, got "64.5"',
        ),
        (
            "models:\n  one:\n    source: a/b\n    memory_gib: .nan\n",
            'models.yaml line 4: models.one.memory_gib must be in [0, 1024], got ".nan"',
        ),
        (
            "models:\n  one:\n    source: a/b\n    uses_prompt: yes\n",
            'models.yaml line 4: models.one.uses_prompt must be true or false, got "yes"',
        ),
        (
            "models:\n  one:\n    source: a/b\n    schedulers: [ddim, k_lms]\n",
            "models.yaml line 4: models.one.schedulers must be one of default, euler,",
        ),
        (
            "models:\n  one:\n    source: a/b\n    family: flux\n    schedulers: [euler]\n",
            "models.yaml line 3: models.one.schedulers of family flux must be among default, flow_",
        ),
        (
            "models:\n  one:\n    source: a/b\n    family: sdxl\n    schedulers: [flow_heun]\n",
            "models.yaml line 3: models.one.schedulers of family sdxl must be among default, euler",
        ),
        (
            "models:\n  one:\n    title: One\n",
            "models.yaml line 3: models.one.source is missing: a hub id or a folder",
        ),
        (
            "models:\n  one:\n    engine: exemplar\n    source: a/b\n",
            "models.yaml line 3: models.one.source is not used by the engine exemplar",
        ),
        (
            "models:\n  one:\n    source: a/b\n    texture: patches\n",
            "models.yaml line 3: models.one.texture is not used by the engine diffusers",
        ),
        (
            "models:\n  one:\n    engine: completion\n    source: a/b\n    texture: glossy\n",
            'models.yaml line 5: models.one.texture must be one of network, patches, got "glossy"',
        ),
        (
            "models:\n  one:\n    engine: completion\n    source: a/b\n    texture: patches\n"
            "    native_size: 512\n",
            "models.yaml line 3: models.one.native_size is not used with texture: patches",
        ),
        (
            "models:\n  one: https://huggingface.co/a/b\n",
            'models.yaml line 2: models.one must be a hub id "owner/name", a folder or a file, got',
        ),
        (
            "models:\n  one:\n    source:\n",
            "models.yaml line 3: models.one.source must be a text, got nothing",
        ),
        ("models: [a/b]\n", "models.yaml line 1: models must be a table of keys, got a list"),
        ("models: {}\n", "models.yaml line 1: models must name at least one model, got none"),
        ("default: one\n", "models.yaml line 1: models is missing"),
        ("", "models.yaml line 1: the file must be a table of keys, got nothing"),
        ("models:\n  one: [a\n", "models.yaml line 3: "),
        ("models:\n  one: \x00\n", "models.yaml is no YAML: "),
    ],
)
def test_an_error_names_file_line_and_key(tmp_path, text, sentence):
    with pytest.raises(RefusedInput) as error:
        load(tmp_path, text)
    assert str(error.value).startswith(sentence)
    assert "\n" not in str(error.value)


def test_an_unknown_key_is_refused_with_the_known_ones(tmp_path):
    with pytest.raises(RefusedInput) as error:
        load(tmp_path, "models:\n  one:\n    source: a/b\n    licens: MIT\n")
    assert "models.yaml line 4: models.one.licens is unknown; known keys: title" in str(error.value)


def test_a_file_that_is_not_there_is_said(tmp_path):
    with pytest.raises(RefusedInput, match="none.yaml cannot be read: No such file"):
        load_registry(tmp_path / "none.yaml")
    (tmp_path / "latin.yaml").write_bytes(b"models:\n  one: \xe9\n")
    with pytest.raises(RefusedInput, match="latin.yaml must be UTF-8 text, byte 15 is not"):
        load_registry(tmp_path / "latin.yaml")


def test_an_unknown_model_is_refused_with_the_known_ones(tmp_path):
    registry = load(tmp_path, "models:\n  one: a/b\n  two: c/d\n")
    with pytest.raises(RefusedInput, match='model must be one of one, two, got "three"'):
        registry.get("three")


def test_a_hub_model_is_usable_once_the_hub_answers(tmp_path, monkeypatch):
    spec = load(tmp_path, "models:\n  one: a/b\n").get("one")
    assert str(availability(spec)).startswith("a/b needs a download of several GB")
    monkeypatch.setattr(folders, "hub_reachable", lambda: True)
    assert availability(spec) is None


def test_a_folder_that_is_not_there_is_said(tmp_path):
    spec = load(tmp_path, "models:\n  one: ./none\n").get("one")
    assert availability(spec) == (
        f"none cannot be used: the folder {tmp_path / 'none'} does not exist."
    )
