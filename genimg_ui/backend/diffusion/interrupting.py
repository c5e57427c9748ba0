"""Lets a job stop where diffusers' pipelines do not look: in their encoders and decoders.

A pipeline tells of each step, but not of the text encoders before the first one, nor of the
autoencoder, whose tiles are run one after the other.
"""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

ASKED_BEFORE_AND_AFTER = ("text_encoder", "text_encoder_2", "text_encoder_3", "image_encoder")
TILED = ("encoder", "decoder")  # parts of an autoencoder that are run for each tile


@contextmanager
def interruptible(pipe: Any, check: Callable[[], None]) -> Iterator[None]:
    """While the block runs, call `check` around each text encoder and before each VAE tile."""
    with ExitStack() as stack:
        for name in ASKED_BEFORE_AND_AFTER:
            encoder = getattr(pipe, name, None)
            if encoder is not None:
                stack.callback(encoder.register_forward_pre_hook(_before(check)).remove)
                stack.callback(encoder.register_forward_hook(_after(check)).remove)
        for name in TILED:
            part = getattr(getattr(pipe, "vae", None), name, None)
            if part is not None:
                stack.callback(part.register_forward_pre_hook(_before(check)).remove)
        yield


def _before(check: Callable[[], None]) -> Callable[..., None]:
    def before(_network: Any, _given: Any) -> None:
        check()

    return before


def _after(check: Callable[[], None]) -> Callable[..., None]:
    def after(_network: Any, _given: Any, _answer: Any) -> None:
        check()

    return after
