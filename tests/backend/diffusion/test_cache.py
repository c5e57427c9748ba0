"""What stays in memory, what goes first, and what is loaded once for several entries."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from sampling_support import generate, job, patch, spec

from genimg_ui.backend.diffusion.cache import ModelCache, weight_bytes
from genimg_ui.backend.diffusion.engine import DiffusersBackend
from genimg_ui.core.request import ControlUnit
from genimg_ui.registry import ModelSpec

pytestmark = pytest.mark.torch

KIB = 256  # float32 numbers


class Shelf:
    """A cache of single networks, and what was loaded and released."""

    def __init__(self, budget: int) -> None:
        self.loaded: list[str] = []
        self.released = 0
        self.cache = ModelCache(budget * 1024, lambda network: [network], self._release)

    def _release(self) -> None:
        self.released += 1

    def get(self, name: str, kib: int, **options: object) -> torch.nn.Module:
        def load() -> torch.nn.Module:
            self.loaded.append(name)
            return torch.nn.Linear(KIB, kib, bias=False)

        return self.cache.get(name, load, **options)


def test_the_least_recently_used_goes_first():
    shelf = Shelf(10)
    first = shelf.get("a", 4)
    shelf.get("b", 4)
    assert shelf.get("a", 4) is first
    shelf.get("c", 4)
    assert shelf.cache.keys == ("a", "c")
    assert shelf.cache.bytes == 8 * 1024
    assert (shelf.loaded, shelf.released) == (["a", "b", "c"], 1)


def test_room_is_made_before_the_next_is_loaded():
    shelf = Shelf(10)
    shelf.get("a", 4)
    seen: list[tuple[object, ...]] = []
    shelf.cache.get("b", lambda: seen.append(shelf.cache.keys) or torch.nn.Linear(1, 1), needs=8000)
    assert seen == [()]


def test_what_is_too_large_for_the_budget_stays_alone():
    shelf = Shelf(2)
    shelf.get("a", 1)
    shelf.get("b", 64)
    assert shelf.cache.keys == ("b",)


def test_what_is_in_use_is_not_given_up():
    shelf = Shelf(2)
    shelf.get("model", 2)
    shelf.get("control", 2, keep=("model",))
    assert shelf.cache.keys == ("model", "control")


def test_a_load_that_fails_leaves_no_value():
    shelf = Shelf(2)
    with pytest.raises(ZeroDivisionError):
        shelf.cache.get("a", lambda: 1 // 0)
    assert shelf.cache.keys == ()


def test_shared_storage_counts_once():
    one, two = torch.nn.Linear(4, 4, bias=False), torch.nn.Linear(4, 4, bias=False)
    assert weight_bytes([one, two]) == 128
    two.weight = one.weight
    assert weight_bytes([one, two]) == 64
    assert weight_bytes([one, one]) == 64


def both(models: Path) -> tuple[ModelSpec, ModelSpec]:
    return spec(models / "sd15"), spec(models / "sd15_inpaint")


def test_models_stay_in_memory_within_the_budget(models):
    own = DiffusersBackend(budget=2**30)
    one, two = both(models)
    patch(own, one)
    first = own._loaded.pipe
    patch(own, two)
    patch(own, one)
    assert own._loaded.pipe is first
    own.release()
    assert own._loaded is None and own._models.bytes == 0


def test_a_small_budget_keeps_only_the_last(models):
    own = DiffusersBackend(budget=1)
    one, two = both(models)
    patch(own, one)
    size = own._models.bytes
    patch(own, two)
    assert own._models.kept(one) is None
    assert own._models.kept(two) is not None
    assert own._models.bytes < 1.5 * size


def test_entries_of_the_same_weights_share_them(models):
    own = DiffusersBackend(budget=2**30)
    model = spec(models / "sd15")
    patch(own, model)
    first = own._loaded.pipe
    other = replace(model, id="other", title="Other", default_steps=3, controls=())
    result = generate(own, job(other))
    assert own._loaded.pipe is first
    assert result.model.id == "other"
    patch(own, replace(model, lora_scale=0.5))
    assert own._loaded.pipe is not first


def test_a_control_network_is_loaded_once_for_several_models(models):
    own = DiffusersBackend(budget=2**30)
    unit = ControlUnit(kind="canny")
    networks = []
    for model in (*both(models), spec(models / "sd15")):
        patch(own, model, control=unit)
        networks.append(next(iter(own._control.networks.values())))
    assert networks[0] is networks[1] is networks[2]
    patch(own, spec(models / "sd15"))
    assert own._control is None
