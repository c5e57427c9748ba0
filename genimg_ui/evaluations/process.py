"""The command `evaluate` or `measure` as a process that holds a lock for as long as it lives."""

import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from genimg_ui.errors import RefusedInput, StorageError
from genimg_ui.history.locks import hold

LAZY = 10  # niceness: edits go first


def spawn(arguments: Sequence[str], alive: Path, log: Path) -> "subprocess.Popen[bytes]":
    """Start the command; the kernel holds the lock on `alive` until it ends, however it does."""
    try:
        descriptor = hold(alive)
    except BlockingIOError:
        raise RefusedInput("This evaluation is running.") from None
    try:
        with log.open("wb") as file:
            process = subprocess.Popen(
                [sys.executable, "-m", "genimg_ui", *arguments],
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=subprocess.STDOUT,
                pass_fds=(descriptor,),
                start_new_session=True,  # Ctrl+C at the page's terminal is for the page
                env=_environment(),
            )
    except OSError as error:
        raise StorageError(f"The evaluation could not be started: {error.strerror}.") from error
    finally:
        os.close(descriptor)
    with suppress(OSError):
        os.setpriority(os.PRIO_PROCESS, process.pid, LAZY)
    return process


def ask_to_end(pid: int) -> None:
    """As Ctrl+C: the command ends after the case that runs, and tells how to go on."""
    with suppress(OSError):
        os.kill(pid, signal.SIGINT)


def _environment() -> dict[str, str]:
    """This process's own, in which the command finds the package from any folder."""
    package = str(Path(__file__).resolve().parents[2])
    known = os.environ.get("PYTHONPATH")
    return os.environ | {"PYTHONPATH": f"{package}{os.pathsep}{known}" if known else package}
