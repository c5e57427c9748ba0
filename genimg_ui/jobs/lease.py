"""Whether a worker lives: it holds the lock on a file of its name as long as it does.

The kernel lets the lock go however the process ends, so no clock and no process id is trusted.
"""

import os
import re
import secrets
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self

from genimg_ui.history.files import make_folder
from genimg_ui.history.locks import hold, is_held

_NAME = re.compile(r"[a-z0-9-]{1,64}")


def new_worker_name() -> str:
    return f"worker-{secrets.token_hex(6)}"


class WorkerLease:
    """Says to other processes that the worker `name` lives, from `with` to its end."""

    def __init__(self, data_dir: Path, name: str) -> None:
        if not _NAME.fullmatch(name):
            raise ValueError(f"a worker's name must match {_NAME.pattern}, got {name!r}")
        self.name = name
        self._path = make_folder(data_dir / "workers") / f"{name}.lock"
        self._descriptor: int | None = None

    def __enter__(self) -> Self:
        self._descriptor = hold(self._path)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._descriptor is not None:
            with suppress(OSError):
                self._path.unlink()
            os.close(self._descriptor)
            self._descriptor = None


def is_alive(data_dir: Path, name: str | None) -> bool:
    """Whether a worker of this name holds its lease."""
    if name is None or not _NAME.fullmatch(name):
        return False
    return is_held(data_dir / "workers" / f"{name}.lock")


def forget(data_dir: Path, name: str) -> None:
    """Remove the lock file of a worker that is gone."""
    if _NAME.fullmatch(name) and not is_alive(data_dir, name):
        with suppress(OSError):
            (data_dir / "workers" / f"{name}.lock").unlink()
