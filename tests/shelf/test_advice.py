"""What fits a machine, what is suggested, and what nvidia-smi says."""

from pathlib import Path

from genimg_ui.registry import Registry, load_registry
from genimg_ui.registry.spec import ModelSpec
from genimg_ui.shelf.advice import Level, fit, headline, suggested
from genimg_ui.shelf.machine import Machine, read_nvidia, this_machine

REGISTRY = load_registry(Path(__file__).parents[2] / "models.yaml")
LAPTOP = Machine(cores=2, ram_gib=16.0)
STATION = Machine(cores=16, ram_gib=64.0, gpu="Big GPU", vram_gib=24.0)


def model(memory: float, **more: object) -> ModelSpec:
    options = {"id": f"m{memory:g}", "title": f"M{memory:g}", "engine": "diffusers"}
    options |= {"licence": "", "source": "owner/name", "uses_prompt": True, **more}
    return ModelSpec(memory_gib=memory, **options)  # type: ignore[arg-type]


def test_memory_decides_what_runs() -> None:
    levels = {size: fit(model(size), STATION).level for size in (4, 24, 25, 65)}
    assert levels == {4: Level.YES, 24: Level.YES, 25: Level.SLOW, 65: Level.NO}
    assert "Larger than this GPU's 24 GiB (about 25 GiB)" in fit(model(25), STATION).text
    assert "this GPU has 24 GiB, the main memory 64 GiB" in fit(model(65), STATION).text
    assert {size: fit(model(size), LAPTOP).level for size in (0.5, 8, 9)} == {
        0.5: Level.YES,
        8: Level.SLOW,
        9: Level.NO,
    }
    assert "about 18 GiB of memory without a GPU, here are 16 GiB" in fit(model(9), LAPTOP).text


def test_suggestions_are_real_models_that_fit() -> None:
    free = (model(4), model(10), model(12), model(20), model(30))
    others = (model(11, non_commercial=True), model(13, source="/a"), model(14, uses_prompt=False))
    registry = Registry((*free, *others), "m4")
    assert [spec.memory_gib for spec in suggested(registry, STATION)] == [20, 12, 10]
    assert [spec.memory_gib for spec in suggested(registry, LAPTOP)] == [4]


def test_one_line_says_what_this_machine_can_run() -> None:
    assert "No GPU was found; 16 GiB of memory and 2 processor cores." in headline(REGISTRY, LAPTOP)
    told = headline(REGISTRY, STATION)
    assert told.startswith("Big GPU with 24 GiB, 64 GiB of memory") and "Suggested: " in told
    small = Machine(cores=1, ram_gib=1.0)
    assert "the larger models do not fit" in headline(REGISTRY, small)


def test_the_largest_gpu_counts() -> None:
    assert read_nvidia("NVIDIA A, 8192\nNVIDIA B, Super, 24576\n") == ("NVIDIA B, Super", 24.0)
    assert read_nvidia("No devices were found") is None


def test_this_machine_has_memory_and_cores() -> None:
    assert this_machine().cores >= 1 and this_machine().ram_gib > 0.5
