"""Puts a pipeline's weights where a placement wants them, by diffusers' own means."""

from dataclasses import dataclass
from typing import Any

import torch

from genimg_ui.backend.base import BackendJob
from genimg_ui.backend.device import Device
from genimg_ui.backend.diffusion.families import ADAPTERS
from genimg_ui.backend.diffusion.guidance import Guided
from genimg_ui.core.geometry import Size
from genimg_ui.core.memory import (
    WHOLE,
    Needs,
    Offload,
    Placement,
    at_least,
    choose,
    gib,
    ladder,
    largest_side,
)
from genimg_ui.core.provenance import ExecutionRecord
from genimg_ui.registry.memory import TILE, needs_of

GROUP = "leaf_level"  # one layer at a time: what needs least


@dataclass(frozen=True, slots=True)
class Planned:
    """Where a job's weights shall lie, and why; `needs` is None where nothing can be counted.

    `asked` says that the placement is that of an earlier run of the same edit.
    """

    placement: Placement
    places: tuple[Placement, ...]
    size: Size
    available: int
    needs: Needs | None
    asked: bool = False

    def told(self, title: str, device: str) -> tuple[str, ...]:
        """A sentence where the placement is not the usual one."""
        if self.needs is None or self.placement == WHOLE or self.asked:
            return ()
        need, free = gib(self.needs.peak(WHOLE)), gib(self.available)
        return (
            f"{title} at {self.size} would need about {need} of memory, {free} can be had: it ran "
            f"in {self.placement.words(device)}.",
        )

    def too_large(self, title: str, device: str, multiple: int) -> str:
        """What to do where memory ran out in the last placement too."""
        sentence = (
            f"{title} ran out of memory on {device} at {self.size}: reduce the padding or the "
            "painted region, or choose a smaller model; `exemplar` needs none of it."
        )
        if self.needs is None:
            return sentence
        peak = gib(min(self.needs.peak(place) for place in self.places))
        side = largest_side(self.needs, self.size, self.available, self.places, multiple)
        fitting = f"; {side}×{side} should fit" if 0 < side < min(self.size) else ""
        return f"{sentence} It needs about {peak}, {gib(self.available)} can be had{fitting}."


def plan(job: BackendJob, device: Device, *, available: int, floor: Offload) -> Planned:
    """Choose the placement of a job; `floor` is how far the model is offloaded already.

    A job that is run again gets the placement that it had, unless that would not fit here.
    """
    height, width = job.filled.shape[:2]
    size, places = Size(width, height), ladder(offloads=device.name == "cuda")
    family = ADAPTERS.get(job.spec.family)
    needs = None
    if family is not None:
        at_once = family.guided is not Guided.TURNS
        needs = needs_of(
            job.spec,
            size,
            guided=at_once and job.resolved.request.sampling.guidance_scale > 1,
            number=family.precision(device.dtype).itemsize,
            controls=tuple(control.unit.kind for control in job.controls),
            references=tuple(reference.unit.kind for reference in job.references),
        )
    earlier = execution_of(job)
    if earlier is not None:
        asked = _placement(earlier, device)
        if needs is None or needs.peak(asked) <= available:
            every = places if asked in places else (asked, *places)
            return Planned(asked, every, size, available, needs, asked=True)
    wanted = WHOLE if needs is None else choose(needs, available, places)
    return Planned(at_least(wanted, floor, places), places, size, available, needs)


def execution_of(job: BackendJob) -> ExecutionRecord | None:
    """How the job was fitted to a machine before; None where it was not, or nobody knows."""
    looks = () if job.again is None else job.again.executions
    return looks[0] if looks else None


def _placement(earlier: ExecutionRecord, device: Device) -> Placement:
    """The same placement here: a processor has nowhere to offload to, which changes no pixel."""
    known = device.name == "cuda" and earlier.offload in tuple(Offload)
    offload = Offload(earlier.offload) if known else Offload.NONE
    return Placement(offload, tiled=earlier.tiled, halved=earlier.halved)


def put(pipe: Any, offload: Offload, device: Device) -> None:
    """Put all networks of a pipeline where `offload` wants them to lie between their turns."""
    if offload is Offload.NONE:
        pipe.to(device.torch)
    elif offload is Offload.MODEL:
        pipe.enable_model_cpu_offload(device=device.torch)
    else:
        pipe.enable_group_offload(
            onload_device=device.torch,
            offload_device=torch.device("cpu"),
            offload_type=GROUP,
            use_stream=device.name == "cuda",
            exclude_modules=_placed(pipe),
        )


def tile(pipe: Any, *, on: bool) -> None:
    """Encode and decode in tiles from now on, or no more; nothing where a model cannot."""
    vae: Any = getattr(pipe, "vae", None)
    if not hasattr(vae, "enable_tiling"):
        return
    if not on:
        vae.disable_tiling()
        return
    vae.enable_tiling()
    side = getattr(vae, "tile_sample_min_size", 0)
    if isinstance(side, int) and side > TILE:
        vae.tile_latent_min_size = vae.tile_latent_min_size * TILE // side
        vae.tile_sample_min_size = TILE


def _placed(pipe: Any) -> list[str]:
    """The networks that are offloaded by group already: a twin's that it shares."""
    return [
        name
        for name, part in pipe.components.items()
        if isinstance(part, torch.nn.Module) and _is_grouped(part)
    ]


def _is_grouped(network: torch.nn.Module) -> bool:
    hooks: list[Any] = [getattr(part, "_diffusers_hook", None) for part in network.modules()]
    return any(hook is not None and hook.get_hook("group_offloading") for hook in hooks)
