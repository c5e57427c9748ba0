"""How far a removal reaches: never to the files of another part without a word."""

from pathlib import Path

import pytest

from genimg_ui.core.memory import GIB
from genimg_ui.errors import RefusedInput, StorageError
from genimg_ui.shelf.fetches import State
from genimg_ui.shelf.machine import Machine, model_memory
from genimg_ui.shelf.shelf import ModelShelf
from genimg_ui.weights.folders import cached_snapshot
from tests.hub_models import pipeline, safetensors
from tests.hub_server import Hub
from tests.shelf.conftest import MakeShelf
from tests.shelf.test_shelf import ended


def with_loras(shelf: ModelShelf, **sources: tuple[object, str]) -> None:
    """Give the model `tiny` LoRAs: name=(source, file)."""
    lines = [
        f"      {name}: {{source: {source}{f', file: {file}' if file else ''}}}\n"
        for name, (source, file) in sources.items()
    ]
    models = shelf.registry.models
    control = "    controls: {canny: tiny/control, depth: tiny/control}\n"
    models.write_text(models.read_text().replace(control, f"{control}    loras:\n{''.join(lines)}"))
    assert not shelf.registry.problem and shelf.registry().get("tiny").loras


def fetched(shelf: ModelShelf, *parts: str) -> None:
    for part in parts:
        shelf.fetch("tiny", part)
        assert ended(shelf, "tiny", part).state is State.DONE


def test_of_a_folder_of_loras_only_the_one_goes(make: MakeShelf) -> None:
    shelf = make()
    folder = shelf.registry.own.parent / "loras"
    folder.mkdir()
    for name in ("a", "b"):
        (folder / f"{name}.safetensors").write_bytes(safetensors(1000))
    with_loras(shelf, a=(folder, "a.safetensors"), b=(folder, "b.safetensors"))
    going = shelf.removal("tiny", "lora:a")
    assert going.file == "a.safetensors" and going.also == () and going.bytes < 1200
    shelf.remove("tiny", "lora:a")
    assert [path.name for path in folder.iterdir()] == ["b.safetensors"]


def test_a_file_outside_the_data_folder_stays(make: MakeShelf, tmp_path: Path) -> None:
    shelf = make()
    mine = tmp_path / "a.safetensors"
    mine.write_bytes(safetensors(1000))
    with_loras(shelf, a=(tmp_path, "a.safetensors"))
    with pytest.raises(RefusedInput, match="Nothing of Tiny can be removed"):
        shelf.remove("tiny", "lora:a")
    assert mine.is_file()


def test_of_one_repository_only_the_file_and_its_content_go(hub: Hub, make: MakeShelf) -> None:
    same = safetensors(3000)
    hub.models["tiny/loras"] = {
        "a.safetensors": safetensors(2000),
        "b.safetensors": same,
        "c.safetensors": same,
    }
    shelf = make()
    with_loras(shelf, **{name: ("tiny/loras", f"{name}.safetensors") for name in "abc"})
    fetched(shelf, "lora:a", "lora:b", "lora:c")
    folder = cached_snapshot("tiny/loras")
    assert folder is not None
    blob = (folder / "a.safetensors").resolve()
    shelf.remove("tiny", "lora:a")
    assert not blob.exists() and not (folder / "a.safetensors").is_symlink()
    with pytest.raises(RefusedInput, match="Nothing of Tiny can be removed"):
        shelf.removal("tiny", "lora:b")  # nothing is freed: c has the same content
    assert (folder / "b.safetensors").read_bytes() == (folder / "c.safetensors").read_bytes()


def test_a_lora_in_the_models_own_repository_leaves_the_model(hub: Hub, make: MakeShelf) -> None:
    hub.models["tiny/model"] = pipeline() | {"ink.safetensors": safetensors(2000)}
    shelf = make()
    with_loras(shelf, ink=("tiny/model", "ink.safetensors"))
    fetched(shelf, "", "lora:ink")
    assert shelf.removal("tiny").also == ("lora:ink of Tiny", "Twin")
    shelf.remove("tiny", "lora:ink")
    folder = cached_snapshot("tiny/model")
    assert folder is not None and (folder / "model_index.json").is_file()
    assert not (folder / "ink.safetensors").exists()


def test_a_lora_without_a_file_never_takes_the_model_with_it(hub: Hub, make: MakeShelf) -> None:
    hub.models["tiny/model"] = pipeline() | {"ink.safetensors": safetensors(2000)}
    shelf = make()
    with_loras(shelf, ink=("tiny/model", ""))
    fetched(shelf, "")
    with pytest.raises(RefusedInput, match="lora:ink of Tiny cannot be removed alone: tiny/model"):
        shelf.remove("tiny", "lora:ink")
    assert cached_snapshot("tiny/model") is not None


def test_a_folder_within_the_folder_is_named(make: MakeShelf) -> None:
    shelf = make()
    outer = shelf.registry.own.parent / "loras"
    (outer / "inner").mkdir(parents=True)
    for folder in (outer, outer / "inner"):
        (folder / "one.safetensors").write_bytes(safetensors(1000))
    with_loras(shelf, a=(outer, ""), b=(outer / "inner", ""))
    with pytest.raises(RefusedInput, match="also holds lora:b of Tiny"):
        shelf.remove("tiny", "lora:a")
    shelf.remove("tiny", "lora:b")
    shelf.remove("tiny", "lora:a")
    assert not outer.exists()


@pytest.mark.parametrize("file", ["a.safetensors", ""])
def test_files_that_the_disk_does_not_give_up_are_a_sentence(
    make: MakeShelf, monkeypatch: pytest.MonkeyPatch, file: str
) -> None:
    shelf = make()
    folder = shelf.registry.own.parent / "loras"
    folder.mkdir()
    (folder / "a.safetensors").write_bytes(safetensors(1000))
    with_loras(shelf, ink=(folder, file))

    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied", str(folder))

    with monkeypatch.context() as patch:
        patch.setattr(Path, "unlink", refuse)
        patch.setattr("shutil.rmtree", refuse)
        with pytest.raises(StorageError, match=r"loras could not be removed: Permission denied\."):
            shelf.remove("tiny", "lora:ink")
    assert (folder / "a.safetensors").is_file()
    shelf.remove("tiny", "lora:ink")
    assert not (folder / "a.safetensors").exists()


def test_the_memory_of_models_is_told(make: MakeShelf) -> None:
    assert "Up to 8.0 GiB of models stay in memory between edits" in make().headline()
    assert "Up to 3.5 GiB of models" in make(model_memory_gib=3.5).headline()
    assert model_memory(Machine(cores=1, ram_gib=9, gpu="G", vram_gib=10.0), None) == 8 * GIB
