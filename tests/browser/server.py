"""The real program as a process of its own, on a free port and a data folder of its own."""

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

from genimg_ui.history.locks import is_held

ROOT = Path(__file__).parents[2]
START_SECONDS = 60.0  # a busy machine of two cores needs ten


class Server:
    """`python app.py`; start it again after a kill to find everything as it was."""

    def __init__(self, folder: Path, *flags: str) -> None:
        self.data_dir = folder / "data"
        self.log = folder / "server.log"
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}/"
        self.first_byte = 0.0  # seconds from the start of the process
        self._flags = flags
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start the process and wait for its first answer."""
        command = [sys.executable, "app.py", "--port", str(self.port), *self._flags]
        command += ["--data-dir", str(self.data_dir), "--host", "127.0.0.1"]
        started = time.perf_counter()
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                command, cwd=ROOT, stdout=log, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL
            )
        while not self._answers():
            waited = time.perf_counter() - started
            if self._process.poll() is not None or waited > START_SECONDS:
                raise AssertionError(f"no answer after {waited:.0f} s:\n{self.log.read_text()}")
            time.sleep(0.02)
        self.first_byte = time.perf_counter() - started

    def _answers(self) -> bool:
        try:
            with urllib.request.urlopen(self.url, timeout=START_SECONDS) as answer:
                return bool(answer.read(1))
        except OSError:
            return False

    def kill(self) -> None:
        """End the process so that it can do nothing about it."""
        self._end(signal.SIGKILL)

    def stop(self) -> None:
        """End the process as Ctrl+C does."""
        self._end(signal.SIGINT)

    def _end(self, how: signal.Signals) -> None:
        if self._process is None:
            return
        os.kill(self._process.pid, how)
        try:
            self._process.wait(20)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process = None

    def living_workers(self) -> set[str]:
        """Names of the workers that live: the kernel frees a worker's lock at its end."""
        locks = (self.data_dir / "workers").glob("*.lock")
        return {path.stem for path in locks if is_held(path)}


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
