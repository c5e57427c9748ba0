"""The models as their files say now: an entry that is added needs no restart."""

import logging
import threading
from collections.abc import Callable
from pathlib import Path

from genimg_ui.errors import RefusedInput
from genimg_ui.registry.reading import load_registry
from genimg_ui.registry.spec import Registry

OWN_FILE = "own-models.yaml"  # in the data folder
RegistrySource = Callable[[], Registry]
_Stamp = tuple[tuple[int, int] | None, ...]
_LOG = logging.getLogger(__name__)


class LiveRegistry:
    """Call it for the registry of now. Raises RefusedInput where its files are wrong at first.

    Later, a file that is wrong leaves what was there before, and `problem` says what is wrong.
    """

    def __init__(self, models: Path, own: Path) -> None:
        self.models = models
        self.own = own
        self.problem = ""
        self._lock = threading.Lock()
        self._stamp = self._look()
        self._registry = load_registry(models, own)

    def __call__(self) -> Registry:
        with self._lock:
            stamp = self._look()
            if stamp != self._stamp:
                self._stamp = stamp
                self._reload()
            return self._registry

    def _reload(self) -> None:
        try:
            self._registry = load_registry(self.models, self.own)
            self.problem = ""
        except RefusedInput as problem:
            self.problem = str(problem)
            _LOG.warning("the list of models is not read anew: %s", problem)

    def _look(self) -> _Stamp:
        return tuple(_stamp(path) for path in (self.models, self.own))


def as_source(registry: Registry | RegistrySource) -> RegistrySource:
    """A registry that never changes as a source; a source as it is."""
    if not isinstance(registry, Registry):
        return registry

    def fixed() -> Registry:
        return registry

    return fixed


def _stamp(path: Path) -> tuple[int, int] | None:
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_mtime_ns, status.st_size
