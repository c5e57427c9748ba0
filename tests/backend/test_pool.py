"""Engines are made once, and torch is not imported before a model needs it."""

import subprocess
import sys
from pathlib import Path

import pytest
from sampling_support import spec

from genimg_ui.backend.exemplar import ExemplarBackend
from genimg_ui.backend.pool import BackendPool
from genimg_ui.errors import RefusedInput
from genimg_ui.registry import ModelSpec

EXEMPLAR = ModelSpec(id="exemplar", title="Exemplar", engine="exemplar", licence="Apache-2.0")


def test_an_engine_is_made_once():
    pool = BackendPool()
    assert isinstance(pool.get(EXEMPLAR), ExemplarBackend)
    assert pool.get(EXEMPLAR) is pool.get(EXEMPLAR)
    pool.release()


@pytest.mark.torch
def test_models_share_one_sampler_that_knows_the_hosts_wish(models: Path):
    pool = BackendPool(safety=True)
    backend = pool.get(spec(models / "sd15"))
    assert backend is pool.get(spec(models / "sdxl"))
    assert backend._safety
    assert not BackendPool().get(spec(models / "sd15"))._safety
    pool.release()


def test_an_unknown_engine_is_refused():
    other = ModelSpec(id="x", title="X", engine="magic", licence="-")
    with pytest.raises(
        RefusedInput,
        match="must be one of exemplar, lanczos, fill, diffusers, spandrel, completion, "
        'got "magic"',
    ):
        BackendPool().get(other)


def test_pool_and_registry_import_neither_torch_nor_numba():
    code = (
        "import sys, genimg_ui.backend.pool, genimg_ui.registry; "
        "print([name for name in ('torch', 'diffusers', 'numba') if name in sys.modules])"
    )
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert result.stdout.strip() == "[]"
