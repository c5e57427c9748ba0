"""Draws the control map of a unit, and says for the log with what.

Annotators with weights are loaded when they are asked for first, one at a time: the one before
leaves the memory. Safe to share between threads, which then wait for each other.
"""

import threading
from collections.abc import Callable, Mapping
from types import MappingProxyType, ModuleType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from genimg_ui.backend.base import Rgb
from genimg_ui.backend.control import copies, edges
from genimg_ui.core.annotators import INPAINT, Annotator
from genimg_ui.core.control import annotator_of
from genimg_ui.core.provenance import FileRecord, PartRecord
from genimg_ui.core.request import ControlUnit
from genimg_ui.environment import version
from genimg_ui.errors import BackendError, ModelUnavailable
from genimg_ui.weights import folders
from genimg_ui.weights.fetch import OnFetching
from genimg_ui.weights.hashes import WeightHashes
from genimg_ui.weights.small_files import folder_with

_PLAIN: Mapping[str, Callable[..., Rgb]] = MappingProxyType(
    {
        "canny": edges.canny,
        "lineart_standard": edges.lineart_standard,
        "gradient": edges.gradient,
        "xdog": edges.xdog,
        "tile": copies.tile,
        "shuffle": copies.shuffle,
    }
)
_HERE = "genimg_ui.backend.control"
# Modules that take seconds to import; the annotators that each has.
_BY_MODULE: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        f"{_HERE}.depth": ("depth_anything", "midas", "zoe"),
        f"{_HERE}.classes": ("upernet",),
        f"{_HERE}.detectors": (
            "lineart",
            "lineart_anime",
            "hed",
            "hed_scribble",
            "pidinet",
            "pidinet_scribble",
            "normalbae",
            "openpose",
            "mlsd",
        ),
    }
)
_MODULES = MappingProxyType(
    {name: module for module, names in _BY_MODULE.items() for name in names}
)
READY = "ready map"  # what the log calls a map that was uploaded


class Annotators:
    """The annotators of one process.

    `late` imports a module by its name. `sources` says of an annotator where its weights lie
    instead of where they are published: a hub id or a folder.
    """

    def __init__(
        self,
        late: Callable[[str], ModuleType],
        *,
        sources: Mapping[str, str] | None = None,
        hashes: WeightHashes | None = None,
    ) -> None:
        self._late = late
        self._sources = dict(sources or {})
        self._hashes = hashes or WeightHashes()
        self._lock = threading.Lock()
        self._name = ""
        self._loaded: Any = None

    def annotate(
        self, unit: ControlUnit, image: Rgb, hole: NDArray[np.bool_], watch: OnFetching
    ) -> Rgb:
        """The map of `image` (uint8 (h, w, 3)) at its very size; `hole` is what is repainted.

        Raises RefusedInput for what cannot be drawn, ModelUnavailable where weights are absent.
        """
        annotator = annotator_of(unit)
        values = annotator.values(unit.parameters)
        if annotator.kind == INPAINT:
            return copies.inpaint(image, hole)
        if annotator.name in _PLAIN:
            return _PLAIN[annotator.name](image, **values)
        with self._lock:
            return self._by_network(annotator, image, values, watch)

    def record(self, unit: ControlUnit) -> PartRecord:
        """What made the map of a unit, for the log; of weights, those that have been read."""
        if unit.map is not None:
            return PartRecord(role="annotator", name=unit.kind, source=READY, revision=unit.map)
        annotator = annotator_of(unit)
        if annotator.name in _MODULES:
            network = self._network(annotator)
            return PartRecord(
                role="annotator",
                name=unit.kind,
                source=f"{annotator.name} of {network.library}",
                revision=version(network.library),
                files=self._files(annotator, network.files),
            )
        return PartRecord(
            role="annotator", name=unit.kind, source="opencv", revision=version("opencv")
        )

    def release(self) -> None:
        """Free the weights of the annotator that was used last."""
        with self._lock:
            self._name, self._loaded = "", None

    def _by_network(
        self,
        annotator: Annotator,
        image: Rgb,
        values: Mapping[str, float],
        watch: OnFetching,
    ) -> Rgb:
        network = self._network(annotator)
        common = self._late(f"{_HERE}.network")
        if self._name != annotator.name:
            self._name, self._loaded = "", None  # its memory is needed for the next one
            folder = folder_with(
                self._source(annotator),
                network.files,
                watch,
                title=f"The annotator {annotator.name}",
                download_mb=annotator.download_mb,
            )
            try:
                self._loaded = common.on_device(network, folder)
            except Exception as error:  # unpickling hostile or torn bytes raises anything
                raise ModelUnavailable(
                    f"The annotator {annotator.name} could not be loaded from {folder.name}: "
                    f"{_first_line(error)}"
                ) from error
            self._name = annotator.name
        try:
            drawn: Rgb = common.drawn(network, self._loaded, image, values)
        except (RuntimeError, ValueError, IndexError, TypeError) as error:
            raise BackendError(
                f"The annotator {annotator.name} failed: {_first_line(error)}"
            ) from error
        return drawn

    def _network(self, annotator: Annotator) -> Any:
        return self._late(_MODULES[annotator.name]).NETWORKS[annotator.name]

    def _source(self, annotator: Annotator) -> str:
        return self._sources.get(annotator.name, annotator.source)

    def _files(self, annotator: Annotator, names: tuple[str, ...]) -> tuple[FileRecord, ...]:
        folder = folders.local_folder(self._source(annotator))
        if folder is None:
            return ()
        return self._hashes.records(folder, [folder / name for name in names])


def _first_line(error: Exception) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0]
