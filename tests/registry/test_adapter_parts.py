"""References need their image encoder, too: it is a part, and said before the queue."""

from dataclasses import replace
from pathlib import Path

import pytest

from genimg_ui.core.request import EditRequest, ReferenceUnit
from genimg_ui.registry import ModelSpec
from genimg_ui.registry.adapter_checks import adapter_findings
from genimg_ui.registry.adapters import ReferenceSpec
from genimg_ui.registry.parts import parts_of
from genimg_ui.weights import folders
from genimg_ui.weights.fetch import Kind

TINY = ModelSpec(id="tiny", title="Tiny", engine="diffusers", licence="-", source="nowhere")
ASKED = EditRequest(model="tiny", references=(ReferenceUnit(picture="0" * 64),))


def reading(source: Path | str, **values: str) -> ModelSpec:
    return replace(
        TINY, references=(ReferenceSpec(kind="ip_adapter", source=str(source), **values),)
    )


def touch(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"x")


@pytest.mark.parametrize("alone", [False, True])
def test_an_edit_is_refused_until_the_encoder_is_whole(tmp_path: Path, alone: bool) -> None:
    file = tmp_path / "adapter.safetensors"
    touch(file)
    spec = reading(file if alone else tmp_path, encoder="deep/encoder")
    for name in ("config.json", "model.safetensors"):
        finding = adapter_findings(ASKED, spec)[0]
        assert finding.blocking
        said = f"The image encoder of references cannot be used: {tmp_path} lacks deep/encoder/"
        assert finding.sentence == f"{said}{name}."
        [part] = [each for each in parts_of(spec) if each.role == "image encoder"]
        assert str(part.absent()) == f"it lacks deep/encoder/{name}"
        touch(tmp_path / "deep" / "encoder" / name)
    assert adapter_findings(ASKED, spec) == [] and part.absent() is None
    assert adapter_findings(replace(ASKED, references=()), reading(tmp_path / "none")) == []


def test_on_the_hub_both_files_are_fetched_and_one_encoder_is_one_part(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(folders.constants, "HF_HUB_CACHE", str(tmp_path))
    kinds = ("ip_adapter", "ip_adapter_plus")
    references = tuple(ReferenceSpec(kind=kind, source="o/adapters", file=kind) for kind in kinds)
    found = parts_of(replace(TINY, references=references))
    [part] = [each for each in found if each.role == "image encoder"]
    assert part.name == "ip_adapter, ip_adapter_plus"
    absent = part.absent()
    assert absent is not None and absent.wanted is not None
    assert absent.wanted.kind is Kind.FILES and absent.wanted.files == (
        "image_encoder/config.json",
        "image_encoder/model.safetensors",
    )
    monkeypatch.setattr(folders, "hub_reachable", lambda: False)
    said = [
        finding.sentence
        for finding in adapter_findings(ASKED, replace(TINY, references=references))
    ]
    assert said[-1].startswith("The image encoder of references cannot be used: o/adapters is not")
