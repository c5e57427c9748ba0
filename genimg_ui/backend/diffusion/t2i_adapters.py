"""T2I-Adapters (Mou et al. 2023, arXiv:2302.08453) as controls: a map, a weight, a part of steps.

An adapter looks at its map once, and adds what it found to the UNet's first blocks in every step;
it costs a fraction of a ControlNet. diffusers has no pipeline that inpaints with one, so its
features are handed to the UNet directly, beside ControlNets where there are some.
"""

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from diffusers import T2IAdapter

from genimg_ui.backend.base import BackendJob, ControlInput, Rgb
from genimg_ui.backend.diffusion.families import Family
from genimg_ui.backend.diffusion.guarded import guarded
from genimg_ui.backend.diffusion.steering import Steer, holds
from genimg_ui.backend.weight_records import fallbacks
from genimg_ui.core.request import ControlUnit
from genimg_ui.errors import ModelUnavailable
from genimg_ui.weights import folders
from genimg_ui.weights.fetch import Kind, OnFetching, Wanted, fetch

CLASS_NAME = "T2IAdapter"


@dataclass(frozen=True, slots=True)
class Adapted:
    """A job's controls, divided: `job` has those left that are ControlNets."""

    job: BackendJob
    inputs: tuple[ControlInput, ...]


def divided(job: BackendJob, watch: OnFetching) -> Adapted:
    """Take the units whose network is a T2I-Adapter out of the job's controls.

    What an entry's `controls` names is known by its config.json, which is fetched where it is
    on the hub and not here.
    """
    sources = dict(job.spec.controls)
    kinds = {
        control.unit.kind
        for control in job.controls
        if _is_adapter(sources.get(control.unit.kind, ""), job.spec.variant, watch)
    }
    nets = tuple(control for control in job.controls if control.unit.kind not in kinds)
    inputs = tuple(control for control in job.controls if control.unit.kind in kinds)
    return Adapted(replace(job, controls=nets), inputs)


def adapter_steers(
    family: Family, pipe: Any, job: BackendJob, inputs: Sequence[ControlInput]
) -> tuple[Steer, ...]:
    """One steer that hands the features of all adapters to the UNet; () without any.

    Raises ModelUnavailable where an adapter is broken or was made for another model.
    """
    if not inputs:
        return ()
    sources = dict(job.spec.controls)
    found = []
    for control in inputs:
        source = sources[control.unit.kind]
        folder = folders.local_folder(source)
        if folder is None:
            raise ModelUnavailable(f"The T2I-Adapter {source} is not on this machine.")
        what = f"The T2I-Adapter {source}"
        variant = None if fallbacks(what, job.spec, folder) else job.spec.variant
        network = guarded(what, folder, partial(_network, family, pipe, folder, variant))
        _check(family, pipe, network, what=what, title=job.spec.title)
        multiple = math.lcm(
            family.factor(pipe), job.spec.size_multiple, int(network.config.downscale_factor)
        )
        found.append((control.unit, _features(network, control.image, multiple)))
    return (partial(_steer, found),)


def _network(family: Family, pipe: Any, folder: Path, variant: str | None) -> Any:
    network = T2IAdapter.from_pretrained(
        folder, variant=variant, local_files_only=True, use_safetensors=True
    )
    return network.to(family.place(pipe), family.dtype(pipe)).eval()


def _check(family: Family, pipe: Any, network: Any, *, what: str, title: str) -> None:
    """The features must have the channels of the UNet's blocks, or they cannot be added."""
    config = getattr(family.denoiser(pipe), "config", None)
    widths = tuple(getattr(config, "block_out_channels", ()))
    found = tuple(network.config.channels)[: len(widths)]
    if not widths or found != widths:
        raise ModelUnavailable(
            f"{what} was made for another family than {title}: its channels must begin with "
            f"{', '.join(map(str, widths)) or 'those of a UNet'}, got {', '.join(map(str, found))}."
        )


@torch.no_grad()
def _features(network: Any, image: Rgb, multiple: int) -> list[torch.Tensor]:
    """What the adapter sees in a map, uint8 (h, w, 3), at each of its scales.

    The map is extended to whole multiples, as the crop is.
    """
    grey = network.config.in_channels == 1
    values = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)[..., None] if grey else image
    missing = [(0, -side % multiple) for side in values.shape[:2]]
    padded = np.pad(values, (*missing, (0, 0)), mode="edge").astype(np.float32) / 255.0
    first = next(network.parameters())
    pixels = torch.from_numpy(padded).permute(2, 0, 1)[None].to(first.device, first.dtype)
    features: list[torch.Tensor] = network(pixels)
    return features


def _steer(
    found: Sequence[tuple[ControlUnit, list[torch.Tensor]]],
    fraction: float,
    kwargs: dict[str, Any],
) -> None:
    """Add up the features of the adapters that hold now, for each picture of the batch."""
    held = [
        (unit.controlnet_conditioning_scale, features)
        for unit, features in found
        if holds(fraction, unit.control_guidance_start, unit.control_guidance_end)
    ]
    if not held:
        return
    batch = kwargs["encoder_hidden_states"].shape[0]
    summed = [
        torch.stack([scale * features[level] for scale, features in held]).sum(0)
        for level in range(len(held[0][1]))
    ]
    kwargs["down_intrablock_additional_residuals"] = [
        level.repeat(batch, 1, 1, 1) for level in summed
    ]


def _is_adapter(source: str, variant: str | None, watch: OnFetching) -> bool:
    folder = folders.local_folder(source) if source else None
    if folder is None and folders.is_hub_id(source) and folders.hub_reachable():
        folder = fetch(Wanted(hub_id=source, kind=Kind.COMPONENT, variant=variant), watch)
    if folder is None:
        return False  # whoever reads ControlNets says what is absent
    try:
        name = json.loads((folder / "config.json").read_text(encoding="utf-8"))["_class_name"]
    except (OSError, ValueError, KeyError, TypeError):
        return False
    return bool(name == CLASS_NAME)
