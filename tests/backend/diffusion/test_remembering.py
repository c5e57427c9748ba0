"""What is not computed twice: texts and pictures that the encoders have read before."""

import gc
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from sampling_support import canceller, generate, hole, job, patch, picture, spec

from genimg_ui.backend.base import CancelToken
from genimg_ui.backend.diffusion.engine import DiffusersBackend
from genimg_ui.backend.diffusion.memo import Memo
from genimg_ui.core.request import ControlUnit
from genimg_ui.errors import Cancelled

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.torch

KINDS = ("sd15", "sd15_inpaint", "sdxl")


@contextmanager
def counted(backend: Any):
    """How often the encoders of the loaded model are run."""
    pipe = backend._loaded.pipe
    counts = {"text_encoder": 0, "vae": 0}
    parts = {"text_encoder": pipe.text_encoder.get_input_embeddings(), "vae": pipe.vae.encoder}
    hooks = []
    for name, part in parts.items():

        def count(*_: Any, name: str = name) -> None:
            counts[name] += 1

        hooks.append(part.register_forward_hook(count))
    yield counts
    for hook in hooks:
        hook.remove()


@pytest.mark.parametrize("kind", KINDS)
def test_pixels_are_those_of_encoders_that_are_asked_every_time(models, kind, monkeypatch):
    model = spec(models / kind)
    own = DiffusersBackend()
    work = job(model, seeds=(1, 2), scheduler="euler_a")
    found = [generate(own, work).patches, generate(own, work).patches]
    assert own._loaded.memo.hits > 0
    monkeypatch.setattr(Memo, "answer", lambda _self, _owner, _given, ask: ask())
    plain = generate(DiffusersBackend(), work).patches
    for patches in found:
        assert all(np.array_equal(a, b) for a, b in zip(patches, plain, strict=True))


def test_variants_and_repeated_edits_read_text_and_picture_once(models):
    own = DiffusersBackend()
    model = spec(models / "sd15_inpaint")
    patch(own, model, prompt="tree", image=picture()[::-1].copy())
    with counted(own) as counts:
        generate(own, job(model, seeds=(1, 2, 3)))
        assert counts == {"text_encoder": 1, "vae": 2}  # the prompt; the picture, and masked
        generate(own, job(model, seeds=(4,)))
        assert counts == {"text_encoder": 1, "vae": 2}
        generate(own, job(model, mask=hole(value=255)[::-1].copy()))
        assert counts == {"text_encoder": 1, "vae": 3}  # masked in another way
        generate(own, job(model, prompt="a cat"))
        assert counts == {"text_encoder": 2, "vae": 3}
        generate(own, job(model, prompt="a cat", negative_prompt="red"))
        assert counts == {"text_encoder": 3, "vae": 3}
        generate(own, job(model, prompt="a cat", image=picture()[:, ::-1].copy()))
        assert counts == {"text_encoder": 3, "vae": 5}


def test_a_controlled_edit_reads_what_a_plain_one_has_read(models):
    own = DiffusersBackend()
    model = spec(models / "sd15")
    patch(own, model)
    with counted(own) as counts:
        patch(own, model, control=ControlUnit(kind="canny"))
        assert counts == {"text_encoder": 0, "vae": 0}


def _tensor_bytes() -> int:
    gc.collect()
    found = {
        item.untyped_storage().data_ptr(): item.untyped_storage().nbytes()
        for item in gc.get_objects()
        if isinstance(item, torch.Tensor)
    }
    return sum(found.values())


@pytest.mark.parametrize("text", ["reading", "step 2", "decoding"])
def test_a_cancelled_job_gives_its_memory_back(models, text):
    own = DiffusersBackend()
    work = job(spec(models / "sd15"), scheduler="ddim", num_inference_steps=4)
    generate(own, work)
    before = _tensor_bytes()
    token = CancelToken()
    with pytest.raises(Cancelled):
        own.generate(work, canceller(token, text, []), token)
    assert _tensor_bytes() <= before
    assert np.array_equal(generate(own, work).patches[0], generate(own, work).patches[0])


@pytest.mark.parametrize(
    ("part", "calls"), [("text_encoder", 1), ("vae.encoder", 1), ("unet", 2), ("vae.decoder", 1)]
)
def test_cancel_is_noticed_before_each_network(models, part, calls):
    own = DiffusersBackend()
    model = spec(models / "sd15")
    patch(own, model, prompt="tree", image=picture()[::-1].copy())
    pipe = own._loaded.pipe
    module: Any = pipe
    for name in part.split("."):
        module = getattr(module, name)
    token, seen = CancelToken(), []

    def cancel(*_: Any) -> None:
        seen.append(part)
        if len(seen) == calls:
            token.cancel()

    hook = module.register_forward_pre_hook(cancel)
    ran: list[str] = []
    counting = module.register_forward_hook(lambda *_: ran.append(part))
    with pytest.raises(Cancelled):
        own.generate(job(model, scheduler="ddim"), lambda _: None, token)
    hook.remove()
    counting.remove()
    assert len(ran) == calls - 1


def test_cancel_is_noticed_between_tiles(models):
    own = DiffusersBackend(memory=1)  # nothing fits, so everything is tiled
    model = spec(models / "sd15")
    large = job(model, image=picture(128, 128), mask=hole(128, 128))
    ran: list[int] = []
    generate(own, large)
    own._loaded.memo.clear()
    hook = own._loaded.pipe.vae.decoder.register_forward_hook(lambda *_: ran.append(1))
    token = CancelToken()
    generate(own, replace(large))
    tiles = len(ran)
    assert tiles > 1
    ran.clear()
    stop = own._loaded.pipe.vae.decoder.register_forward_hook(lambda *_: token.cancel())
    with pytest.raises(Cancelled):
        own.generate(large, lambda _: None, token)
    assert len(ran) == 1
    hook.remove()
    stop.remove()
