"""The protocol between the editor and the engines; knows nothing of files, Gradio or torch.

An engine gets one crop at its working size and returns one patch for each seed, at the same
size. It reports by events and looks at the cancel token at least once a step.
"""

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from genimg_ui.core.provenance import Again, ExecutionRecord, ModelRecord, RuntimeRecord
from genimg_ui.core.request import ControlUnit, ReferenceUnit, ResolvedRequest
from genimg_ui.errors import Cancelled
from genimg_ui.registry import ModelSpec

Rgb = NDArray[np.uint8]  # (height, width, 3)
Grey = NDArray[np.uint8]  # (height, width), 0..255


class CancelToken:
    """Says whether the person wants the edit to stop; safe to share between threads."""

    def __init__(self) -> None:
        self._event = threading.Event()

    def cancel(self) -> None:
        self._event.set()

    @property
    def cancelled(self) -> bool:
        return self._event.is_set()

    def check(self) -> None:
        """Raise Cancelled once `cancel` was called."""
        if self._event.is_set():
            raise Cancelled


@dataclass(frozen=True, slots=True)
class Progress:
    """How far the whole job is: fraction in [0, 1] and a few words ("step 7 of 30")."""

    fraction: float
    text: str


@dataclass(frozen=True, slots=True)
class Preview:
    """What variant `index` looks like so far: uint8 RGB, any size of the crop's aspect."""

    index: int
    image: Rgb


OnEvent = Callable[[Progress | Preview], None]


@dataclass(frozen=True, slots=True)
class ControlInput:
    """A control map at the crop's exact size, and how strongly it holds.

    `hole` (bool (h, w)) is where an inpaint ControlNet is told -1: nothing is known there. None
    for other kinds.
    """

    unit: ControlUnit
    image: Rgb
    hole: NDArray[np.bool_] | None = None


@dataclass(frozen=True, slots=True)
class ReferenceInput:
    """A reference picture at its own size: nothing of the crop's plan applies to it."""

    unit: ReferenceUnit
    image: Rgb


@dataclass(frozen=True, slots=True, kw_only=True)
class BackendJob:
    """One crop to repaint. `spec` is the model's entry in models.yaml.

    `image` is the source's own content, `filled` the same with the fill under the mask
    (`request.inpaint.fill`) already in place; both uint8 (h, w, 3).
    `mask` is the denoise mask, uint8 (h, w): 255 repaint, 0 keep, between: partial strength.
    `origin` is the canvas coordinate of the crop's pixel (0, 0), and `scale` the working
    pixels per canvas pixel: what canvas-anchored noise needs.
    `source` is the whole source at its own size where the canvas is an enlargement of it, else
    None: what an upscaler starts from, uint8 (h, w, 3).
    `again` says how the job was run before, where it is run again to give the same pixels.
    """

    resolved: ResolvedRequest
    spec: ModelSpec
    image: Rgb
    filled: Rgb
    mask: Grey
    controls: tuple[ControlInput, ...] = ()
    origin: tuple[int, int] = (0, 0)
    scale: float = 1.0
    source: Rgb | None = None
    references: tuple[ReferenceInput, ...] = ()
    again: Again | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class BackendResult:
    """One patch for each seed, in the seeds' order, each uint8 (h, w, 3) like the crop.

    The rest is for the log: `model` and `runtime` say with what it was done, `environment` the
    versions of the libraries that took part, `facts` what else is worth knowing of the way,
    `executions` how each look of the model was fitted to the machine;
    `fallbacks` are sentences about what was done in another way than the usual one.
    """

    patches: tuple[Rgb, ...]
    model: ModelRecord | None = None
    runtime: RuntimeRecord | None = None
    executions: tuple[ExecutionRecord, ...] = ()
    environment: dict[str, str] = field(default_factory=dict)
    facts: dict[str, str] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()
    fallbacks: tuple[str, ...] = ()


class Backend(Protocol):
    """An engine. Raises BackendError (or ModelUnavailable), or Cancelled."""

    def generate(self, job: BackendJob, on_event: OnEvent, cancel: CancelToken) -> BackendResult:
        """Repaint the crop once for each seed."""
        ...
