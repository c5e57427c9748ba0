"""The files of what an edit adds: found where they lie, fetched from the hub, or said."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from genimg_ui.backend.base import CancelToken, Preview, Progress
from genimg_ui.backend.diffusion.added_files import added_file
from genimg_ui.backend.fetching import FetchWatch
from genimg_ui.core.request import EditRequest, LoraUnit, ReferenceUnit, SamplingParams
from genimg_ui.errors import Cancelled, ModelUnavailable
from genimg_ui.registry import ModelSpec
from genimg_ui.registry.adapter_checks import adapter_findings
from genimg_ui.registry.adapters import AddedFile, EmbeddingSpec, LoraSpec, ReferenceSpec
from tests.hub_server import Hub, be_the_only_hub, running


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Hub]:
    """A hub with a LoRA alone, and with adapters in folders."""
    with running(Hub()) as served:
        be_the_only_hub(served, monkeypatch, tmp_path / "hub")
        served.models["o/ink"] = {"ink.safetensors": b"ink", "README.md": b"-"}
        deep = ("models/a.safetensors", "models/b.safetensors", "models/encoder/config.json")
        served.models["o/deep"] = {name: name.encode() for name in deep}
        yield served


def found(source: str, file: str = "", told: list[str] | None = None) -> Path:
    seen = [] if told is None else told

    def on_event(event: Progress | Preview) -> None:
        if isinstance(event, Progress):
            seen.append(event.text)

    watch = FetchWatch(on_event, CancelToken())
    return added_file("The LoRA ink", AddedFile(source=source, file=file), watch)


def test_it_is_fetched_once_and_told(hub: Hub) -> None:
    told: list[str] = []
    assert found("o/ink", told=told).read_bytes() == b"ink"
    assert any("ink.safetensors" in text for text in told)
    assert [name for name, _ in hub.asked] == ["ink.safetensors"]
    hub.asked.clear()
    assert found("o/ink").name == "ink.safetensors"
    assert not hub.asked


@pytest.mark.usefixtures("hub")
def test_files_of_one_place_come_one_by_one() -> None:
    first = found("o/deep", "models/a.safetensors")
    second = found("o/deep", "models/encoder/config.json")
    assert first.read_bytes() == b"models/a.safetensors"
    assert second.parent.parent == first.parent
    assert first.is_file()


def test_what_the_hub_has_not_is_said(hub: Hub) -> None:
    with pytest.raises(ModelUnavailable, match=r"it has no file other\.safetensors"):
        found("o/deep", "other.safetensors")
    with pytest.raises(ModelUnavailable, match=r"must hold one \.safetensors file, got models/a"):
        found("o/deep")
    hub.info_trouble = "unknown"
    with pytest.raises(ModelUnavailable, match="The hub has no model o/gone, or it is private"):
        found("o/gone")


def test_a_cancelled_edit_fetches_nothing(hub: Hub) -> None:
    cancel = CancelToken()
    cancel.cancel()
    with pytest.raises(Cancelled):
        added_file("It", AddedFile(source="o/ink"), FetchWatch(lambda _: None, cancel))
    assert not hub.asked


def test_a_folder_a_file_and_a_name_in_a_folder_are_found(tmp_path: Path) -> None:
    (tmp_path / "deep").mkdir()
    for name in ("ink.safetensors", "deep/oil.safetensors"):
        (tmp_path / name).touch()
    for source, file in (
        (tmp_path, ""),
        (tmp_path / "ink.safetensors", ""),
        (tmp_path, "deep/oil.safetensors"),
    ):
        assert found(str(source), file).is_file()
    with pytest.raises(ModelUnavailable, match="The LoRA ink cannot be used: .* lacks no.safe"):
        found(str(tmp_path), "no.safetensors")
    (tmp_path / "ink.bin").touch()
    with pytest.raises(ModelUnavailable, match="is no .safetensors file"):
        found(str(tmp_path / "ink.bin"))


def test_what_is_absent_is_found_before_the_edit_is_queued(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("genimg_ui.weights.folders.hub_reachable", lambda: False)
    (tmp_path / "ink.safetensors").touch()
    spec = ModelSpec(
        id="m",
        title="M",
        engine="diffusers",
        licence="-",
        uses_prompt=True,
        loras=(
            LoraSpec(name="ink", source=str(tmp_path)),
            LoraSpec(name="oil", source="o/oil"),
        ),
        embeddings=(EmbeddingSpec(token="<toy>", source=str(tmp_path / "toy")),),
        references=(ReferenceSpec(kind="ip_adapter", source="o/ip"),),
    )
    request = EditRequest(
        loras=(LoraUnit(name="ink"), LoraUnit(name="oil")),
        references=(ReferenceUnit(picture="0" * 64),),
        sampling=SamplingParams(prompt="a <toy> and a <bear>"),
    )
    said = [(finding.blocking, finding.sentence) for finding in adapter_findings(request, spec)]
    assert [blocking for blocking, _ in said] == [True, True, True, True, False]
    for words, (_, sentence) in zip(
        (
            "The LoRA oil",
            "The embedding <toy>",
            "The reference adapter",
            "The image encoder of references",
            "knows no embedding <bear>",
        ),
        said,
        strict=True,
    ):
        assert words in sentence
    assert adapter_findings(EditRequest(loras=(LoraUnit(name="ink"),)), spec) == []
