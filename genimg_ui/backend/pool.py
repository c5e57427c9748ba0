"""Gives each model's engine, and imports the engine only when it is first asked for.

torch and numba take seconds to import, so this one file imports late. There is one instance of
each engine; a diffusers engine keeps one pipeline in memory and frees it when another is asked.
"""

import importlib
import threading
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from genimg_ui.backend.base import Backend, CancelToken, ControlInput, Rgb
from genimg_ui.backend.fetching import CancelWatch
from genimg_ui.core.annotators import INPAINT
from genimg_ui.core.provenance import Again, PartRecord
from genimg_ui.core.request import ControlUnit, InpaintParams
from genimg_ui.errors import RefusedInput
from genimg_ui.registry import ModelSpec
from genimg_ui.weights.hashes import WeightHashes

FILL_SEED = 0  # one for all seeds, so that a variant finds the same fill as alone
_ENGINES: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "exemplar": ("genimg_ui.backend.exemplar", "ExemplarBackend"),
        "lanczos": ("genimg_ui.backend.lanczos", "LanczosBackend"),
        "fill": ("genimg_ui.backend.fills", "FillBackend"),
        "diffusers": ("genimg_ui.backend.diffusion.engine", "DiffusersBackend"),
        "spandrel": ("genimg_ui.backend.spandrel.engine", "SpandrelBackend"),
        "completion": ("genimg_ui.backend.completion.engine", "CompletionBackend"),
    }
)
_OF_TORCH = ("diffusers", "spandrel", "completion")
MOST_THREADS = 1024


class BackendPool:
    """All engines of one process; safe to share between threads.

    `safety` loads the safety checker of models that have one, for public hosting; `hashes` is
    where the digests of weight files are kept; `backends` are engines that are made already;
    `annotators` says where the weights of an annotator lie, by its name, if not where published;
    `budget` is how many bytes of weights are kept between edits (None: the machine's share).
    """

    def __init__(
        self,
        *,
        safety: bool = False,
        hashes: Path | None = None,
        backends: Mapping[str, Backend] | None = None,
        annotators: Mapping[str, str] | None = None,
        budget: int | None = None,
    ) -> None:
        self._hashes = WeightHashes(hashes)
        self._sources = dict(annotators or {})
        self._maps: Any = None  # the annotators, once one is asked for
        self._options: dict[str, dict[str, Any]] = {
            "diffusers": {
                "safety": safety,
                "hashes": self._hashes,
                "kernels": None if hashes is None else hashes.parent / "kernels",
                "budget": budget,
            },
            "spandrel": {"hashes": self._hashes},
            "completion": {"hashes": self._hashes},
        }
        self._backends: dict[str, Backend] = dict(backends or {})
        self._lock = threading.Lock()

    def get(self, spec: ModelSpec) -> Backend:
        """The engine of this model."""
        with self._lock:
            if spec.engine not in self._backends:
                _check_engine(spec)
                module, name = _ENGINES[spec.engine]
                make = getattr(importlib.import_module(module), name)
                self._backends[spec.engine] = make(**self._options.get(spec.engine, {}))
            return self._backends[spec.engine]

    def settle(self) -> None:
        """Let the engines do what makes their next edits faster, while none waits."""
        with self._lock:
            engines = tuple(self._backends.values())
        for engine in engines:
            settle = getattr(engine, "settle", None)
            if settle is not None:
                settle()

    @contextmanager
    def as_before(self, spec: ModelSpec, again: Again | None) -> Iterator[None]:
        """While the block runs, an engine of torch has the threads and switches of a run before.

        The order of its sums depends on the threads. Nothing is done where they are unknown or
        more than any machine has (a record may come from anywhere), and for other engines.
        """
        if spec.engine not in _OF_TORCH or again is None:
            yield
            return
        module = importlib.import_module("genimg_ui.backend.device")
        with ExitStack() as stack:
            if 0 < again.threads <= MOST_THREADS:
                stack.enter_context(module.threads(again.threads))
            stack.enter_context(module.switched(again.determinism))
            yield

    def annotate(
        self,
        unit: ControlUnit,
        image: Rgb,
        hole: NDArray[np.bool_],
        cancel: CancelToken | None = None,
    ) -> ControlInput:
        """A unit with its map of a crop: uint8 (h, w, 3) of the crop's very size.

        `hole` is what is repainted of the crop; `cancel` ends the download of an annotator.
        Raises RefusedInput, BackendError.
        """
        watch = CancelWatch(cancel or CancelToken())
        drawn: Rgb = self._annotators().annotate(unit, image, hole, watch)
        return ControlInput(unit, drawn, hole if unit.kind == INPAINT else None)

    def annotator(self, unit: ControlUnit) -> PartRecord:
        """What made the control map of a unit, for the log."""
        part: PartRecord = self._annotators().record(unit)
        return part

    def _annotators(self) -> Any:
        with self._lock:
            if self._maps is None:
                module = importlib.import_module("genimg_ui.backend.control.annotating")
                self._maps = module.Annotators(
                    importlib.import_module, sources=self._sources, hashes=self._hashes
                )
            return self._maps

    def fill(
        self, image: Rgb, hole: NDArray[np.bool_], *, params: InpaintParams, cancel: CancelToken
    ) -> Rgb:
        """The crop with `params.fill` in its hole; the mode must not be `auto`."""
        module = importlib.import_module("genimg_ui.core.fill")
        filled: Rgb = module.fill(
            image,
            hole,
            name=params.fill,
            mode=params.fill_mode,
            seed=FILL_SEED,
            cancel=cancel.check,
        )
        return filled

    def release(self) -> None:
        """Free the memory of all weights; the next job loads them again."""
        with self._lock:
            if self._maps is not None:
                self._maps.release()
            for backend in self._backends.values():
                release = getattr(backend, "release", None)
                if release is not None:
                    release()


def _check_engine(spec: ModelSpec) -> None:
    if spec.engine not in _ENGINES:
        known = ", ".join(_ENGINES)
        raise RefusedInput(f'engine of {spec.id} must be one of {known}, got "{spec.engine}"')
