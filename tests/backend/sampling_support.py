"""Jobs for the sampler, spelled by what a test changes."""

from pathlib import Path
from typing import Any

import numpy as np

from genimg_ui.backend.base import (
    Backend,
    BackendJob,
    BackendResult,
    CancelToken,
    ControlInput,
    Grey,
    OnEvent,
    Preview,
    Progress,
    Rgb,
)
from genimg_ui.backend.control.edges import canny
from genimg_ui.core.request import (
    ControlUnit,
    EditRequest,
    FillMode,
    ResolvedRequest,
    SamplingParams,
)
from genimg_ui.registry import FAMILIES, ModelSpec

SIZE = 64


def picture(height: int = SIZE, width: int = SIZE) -> Rgb:
    """A gradient with a square in it: something to keep and edges to find."""
    y, x = np.mgrid[:height, :width]
    image = np.stack([x * 255 // width, y * 255 // height, (x + y) % 256], axis=2).astype(np.uint8)
    image[height // 4 : height // 2, width // 4 : width // 2] = (250, 240, 10)
    return image


def hole(height: int = SIZE, width: int = SIZE, value: int = 255) -> Grey:
    mask = np.zeros((height, width), np.uint8)
    mask[height // 2 :, width // 4 : width // 2] = value
    return mask


def spec(folder: Path, **changes: Any) -> ModelSpec:
    family = "sdxl" if "xl" in folder.name else "sd15"
    control = folder.parent / f"{family}_control"
    values = dict(FAMILIES[family]) | {
        "id": "tiny",
        "title": "Tiny",
        "engine": "diffusers",
        "licence": "Apache-2.0",
        "family": family,
        "source": str(folder),
        "controls": (("canny", str(control)),),
    }
    return ModelSpec(**(values | changes))


# Folder of a tiny model of a flow family → the family.
FLOWS = {
    "sd3": "sd3",
    "flux": "flux",
    "flux_schnell": "flux",
    "flux_fill": "flux-fill",
    "qwen": "qwen-image",
    "qwen_edit": "qwen-image-edit",
    "zimage": "z-image",
}


def flow_spec(folder: Path, **changes: Any) -> ModelSpec:
    family = FLOWS[folder.name]
    values = dict(FAMILIES[family]) | {
        "id": "tiny",
        "title": "Tiny",
        "engine": "diffusers",
        "licence": "Apache-2.0",
        "family": family,
        "source": str(folder),
        "uses_guidance": FAMILIES[family].get("uses_guidance", False)
        and folder.name != "flux_schnell",
    }
    return ModelSpec(**(values | changes))


def job(
    model: ModelSpec,
    *,
    seeds: tuple[int, ...] = (1,),
    scheduler: str = "default",
    image: Rgb | None = None,
    mask: Grey | None = None,
    control: ControlUnit | None = None,
    origin: tuple[int, int] = (0, 0),
    **sampling: Any,
) -> BackendJob:
    image = picture() if image is None else image
    mask = hole(*image.shape[:2]) if mask is None else mask
    values = {"prompt": "a red house", "num_inference_steps": 3} | sampling
    maps = (
        ()
        if control is None
        else (ControlInput(control, canny(image, low_threshold=100, high_threshold=200)),)
    )
    request = EditRequest(
        model=model.id,
        sampling=SamplingParams(**values),
        controls=() if control is None else (control,),
    )
    return BackendJob(
        resolved=ResolvedRequest(
            request=request, seeds=seeds, scheduler=scheduler, fill_mode=FillMode.REMOVE
        ),
        spec=model,
        image=image,
        filled=image,
        mask=mask,
        controls=maps,
        origin=origin,
    )


class Events(list[Progress | Preview]):
    """Collects what a back end reports."""

    def texts(self) -> list[str]:
        return [event.text for event in self if isinstance(event, Progress)]

    def fractions(self) -> list[float]:
        return [event.fraction for event in self if isinstance(event, Progress)]

    def previews(self) -> list[Preview]:
        return [event for event in self if isinstance(event, Preview)]


def canceller(token: CancelToken, after: str, seen: list[str]) -> OnEvent:
    """Cancels as soon as a progress text contains `after`."""

    def on_event(event: Progress | Preview) -> None:
        if isinstance(event, Progress):
            seen.append(event.text)
            if after in event.text:
                token.cancel()

    return on_event


def generate(backend: Backend, work: BackendJob) -> BackendResult:
    return backend.generate(work, Events().append, CancelToken())


def patch(backend: Backend, model: Any, **changes: Any) -> Rgb:
    return generate(backend, job(model, **changes)).patches[0]


def painted_change(one: Rgb, other: Rgb) -> float:
    """Mean difference under the mask, in grey levels."""
    difference = np.abs(one.astype(int) - other.astype(int))
    return float(difference[hole() > 0].mean())
