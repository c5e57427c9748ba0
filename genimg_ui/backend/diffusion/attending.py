"""Looks on where diffusers' pipelines do not: before each of their networks is run.

A pipeline tells of each step when it is over, but not of the text encoders before the first one,
nor of the autoencoder, whose tiles are run one after the other. Here a job learns of all of them:
to stop, and to know where it was when memory ran out.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any

from genimg_ui.backend.diffusion.memo import AUTOENCODERS, ENCODERS
from genimg_ui.core.memory import Stage

OnStage = Callable[[Stage], None]


@contextmanager
def attended(pipe: Any, denoisers: Sequence[Any], look: OnStage) -> Iterator[None]:
    """While the block runs, call `look` before each network and each VAE tile.

    It is called after text encoders too, which take longest where weights are offloaded.
    """
    with ExitStack() as stack:

        def before(network: Any, stage: Stage) -> None:
            hook = network.register_forward_pre_hook(lambda *_: look(stage))
            stack.callback(hook.remove)

        for name in ENCODERS:
            encoder = getattr(pipe, name, None)
            if encoder is not None:
                before(encoder, Stage.ENCODE)
                after = encoder.register_forward_hook(lambda *_: look(Stage.ENCODE))
                stack.callback(after.remove)
        for name in AUTOENCODERS:
            vae = getattr(pipe, name, None)
            if vae is not None:
                before(vae.encoder, Stage.ENCODE)
                before(vae.decoder, Stage.DECODE)
        for denoiser in denoisers:
            before(denoiser, Stage.STEP)
        yield
