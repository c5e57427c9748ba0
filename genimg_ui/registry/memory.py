"""What an edit with a model needs of memory, from the model's files and the size of the work.

The factors say how many numbers are held at the peak of one evaluation. They were counted with
tensors that hold no data, on the published configurations of Stable Diffusion 1.5 and XL, 3, FLUX
and Qwen-Image (`benchmarks/activations.py`), and rounded up.
"""

from collections.abc import Sequence
from typing import Any

from genimg_ui.core.geometry import Size
from genimg_ui.core.memory import Needs
from genimg_ui.registry.adapters import AddedFile
from genimg_ui.registry.networks import DENOISERS, network_bytes, networks_of
from genimg_ui.registry.spec import ModelSpec
from genimg_ui.weights import folders
from genimg_ui.weights.single_file import find_file
from genimg_ui.weights.volumes import Network, elements_of, network

PER_CELL = 26  # of a UNet's first width, for each latent cell
PER_TOKEN = 16  # of a transformer's width, for each token
PER_PIXEL = 6  # of an autoencoder's first width, for each pixel
PER_PIXEL_VIDEO = 18  # the same of autoencoders that were made for videos (Qwen-Image)
CELL = 8  # pixels along a latent cell's side
TOKEN = 16  # pixels along a token's side: 2 × 2 cells
PROMPT_TOKENS = 512  # at most, beside those of the picture
TILE = 512  # pixels along a VAE tile's side
FULL, HALF = 4, 2  # bytes of a number
DECODERS = ("vae", "movq")


def needs_of(
    spec: ModelSpec,
    working: Size,
    *,
    guided: bool,
    number: int,
    controls: tuple[str, ...] = (),
    references: tuple[str, ...] = (),
) -> Needs | None:
    """What one picture of `working` pixels needs; None where the weights are not here to count.

    `number` is the bytes of a number on the device (2 for half precision), `guided` whether
    classifier-free guidance runs both of its evaluations at once, `controls` and `references` the
    kinds in use.
    """
    by_name = {item.name: item for item in networks_of(spec) if item.name != "safety_checker"}
    decoder = next((name for name in DECODERS if name in by_name), "")
    running = [name for name in DENOISERS if name in by_name]
    if not decoder or not running:
        return None
    beside = _controls(spec, controls)
    weights = {name: network_bytes(spec, item, number) for name, item in by_name.items()}
    adapters, encoders = _references(spec, references)
    counts = {name: item.elements for name, item in beside.items()} | adapters | encoders
    weights |= {name: count * number for name, count in counts.items()}
    pixels = FULL if by_name[decoder].config.get("force_upcast") else number
    weights[decoder] = by_name[decoder].elements * pixels
    return Needs(
        weights=weights,
        denoisers=(running[0], *beside, *adapters),
        decoder=decoder,
        sampling=number * _sampling(by_name[running[0]], working),
        decoding=pixels * _decoding(by_name[decoder], working.area),
        tile=pixels * _decoding(by_name[decoder], TILE * TILE),
        guided=guided,
    )


def _controls(spec: ModelSpec, kinds: tuple[str, ...]) -> dict[str, Network]:
    found: dict[str, Network] = {}
    for kind, source in spec.controls:
        folder = folders.local_folder(source) if kind in kinds else None
        item = None if folder is None else network(folder, spec.variant)
        if item is not None:
            found[f"controlnet {source}"] = item
    return found


def _references(spec: ModelSpec, kinds: tuple[str, ...]) -> tuple[dict[str, int], dict[str, int]]:
    """Numbers of reference adapters, which run in each step, and of their image encoders."""
    used = [reference for reference in spec.references if reference.kind in kinds]
    return _numbers("reference", used), _numbers(
        "image encoder", [reference.encoder_files[1] for reference in used]
    )


def _numbers(what: str, added: Sequence[AddedFile]) -> dict[str, int]:
    """Numbers of each file that is here."""
    paths = [find_file(each.source, each.file)[0] for each in added]
    return {f"{what} {path}": elements_of(path) for path in paths if path is not None}


def _sampling(denoiser: Network, working: Size) -> int:
    """Numbers that one evaluation of the denoiser holds at its peak."""
    config = denoiser.config
    if denoiser.name == "unet":
        return PER_CELL * _first(config) * (working.area // CELL**2)
    heads, size = config.get("num_attention_heads"), config.get("attention_head_dim")
    width = int(heads) * int(size) if heads and size else int(config.get("dim", 0))
    return PER_TOKEN * width * (working.area // TOKEN**2 + PROMPT_TOKENS)


def _decoding(decoder: Network, pixels: int) -> int:
    video = "base_dim" in decoder.config
    width = int(decoder.config["base_dim"]) if video else _first(decoder.config)
    return (PER_PIXEL_VIDEO if video else PER_PIXEL) * width * pixels


def _first(config: dict[str, Any]) -> int:
    widths = config.get("block_out_channels") or config.get("decoder_block_out_channels") or [0]
    return int(widths[0])
