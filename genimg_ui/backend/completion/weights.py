"""The folder of a completion network: config.json and model.safetensors, written and read.

config.json says `architecture`, its sizes, and what training found: `trained_side` (pixels along
the crops) and `blend` (whether blending the edge lowered the error on held-out pictures).
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from genimg_ui.backend.completion.fourier import Fourier
from genimg_ui.backend.completion.iizuka import Iizuka

CONFIG, WEIGHTS = "config.json", "model.safetensors"
_RANGES = {"width": (2, 256), "blocks": (0, 64), "trained_side": (8, 4096)}


class BadWeights(ValueError):
    """A folder that holds no usable network; the text follows "could not be loaded:"."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NetworkConfig:
    """What config.json says. `blocks` counts for `fourier` only."""

    architecture: str = "fourier"  # one of ARCHITECTURES
    width: int = 32
    blocks: int = 8
    trained_side: int = 96
    blend: bool = False


# Each has `multiple`, of which its sides must be, and `stages`, its deepest layers in order.
ARCHITECTURES: Mapping[str, Callable[[NetworkConfig], nn.Module]] = MappingProxyType(
    {
        "fourier": lambda config: Fourier(config.width, config.blocks),
        "iizuka": lambda config: Iizuka(config.width),
    }
)


def build(config: NetworkConfig) -> nn.Module:
    """The untrained network."""
    return ARCHITECTURES[config.architecture](config)


def save(network: nn.Module, config: NetworkConfig, folder: Path) -> None:
    """Write the folder, with weights in half precision."""
    folder.mkdir(parents=True, exist_ok=True)
    weights = {
        name: (value.half() if value.is_floating_point() else value).contiguous().cpu()
        for name, value in network.state_dict().items()
    }
    save_file(weights, folder / WEIGHTS)
    text = json.dumps(asdict(config), indent=2)
    (folder / CONFIG).write_text(text + "\n", encoding="utf-8")


def load(folder: Path) -> tuple[nn.Module, NetworkConfig]:
    """The network in single precision, for evaluation. Raises BadWeights."""
    config = read_config(folder / CONFIG)
    network = build(config)
    try:
        weights = load_file(folder / WEIGHTS)
    except (OSError, ValueError, SafetensorError) as error:
        raise BadWeights(f"{WEIGHTS} is damaged or not whole ({error})") from error
    _check(network, weights)
    network.load_state_dict(weights)
    return network.float().eval(), config


def read_config(path: Path) -> NetworkConfig:
    """config.json, checked. Raises BadWeights."""
    try:
        told = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise BadWeights(f"{path.name} cannot be read ({error})") from error
    if not isinstance(told, dict):
        raise BadWeights(f"{path.name} must hold an object, got {type(told).__name__}")
    known = NetworkConfig.__dataclass_fields__
    for name in told:
        if name not in known:
            raise BadWeights(f'{path.name} knows {", ".join(known)}, got "{name}"')
    if told.get("architecture") not in ARCHITECTURES:
        raise BadWeights(
            f"architecture in {path.name} must be one of {', '.join(ARCHITECTURES)}, "
            f"got {told.get('architecture')!r}"
        )
    for name, value in told.items():
        _check_value(path.name, name, value)
    return NetworkConfig(**told)


def _check_value(place: str, name: str, value: Any) -> None:
    if name == "blend" and not isinstance(value, bool):
        raise BadWeights(f"blend in {place} must be true or false, got {value!r}")
    if name in _RANGES:
        low, high = _RANGES[name]
        if type(value) is not int or not low <= value <= high:
            raise BadWeights(f"{name} in {place} must be {low} to {high}, got {value!r}")


def _check(network: nn.Module, weights: Mapping[str, Tensor]) -> None:
    wanted = network.state_dict()
    lacking, strange = sorted(set(wanted) - set(weights)), sorted(set(weights) - set(wanted))
    if lacking or strange:
        what = f"lacks {lacking[0]}" if lacking else f"holds {strange[0]}, which is unknown"
        raise BadWeights(f"{WEIGHTS} does not fit {CONFIG}: it {what}")
    for name, value in weights.items():
        if value.shape != wanted[name].shape:
            got, right = tuple(value.shape), tuple(wanted[name].shape)
            raise BadWeights(f"{WEIGHTS} does not fit {CONFIG}: {name} is {got}, must be {right}")
        if not bool(torch.isfinite(value).all()):
            raise BadWeights(f"{name} in {WEIGHTS} holds values that are no numbers (NaN or inf)")
