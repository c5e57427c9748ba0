"""Runs a kernel over bands of targets on several threads, and stops when asked.

The bands do not depend on the number of threads, so neither does the result. The kernels release
the GIL; no thread outlives the `with` block.
"""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, wait
from types import TracebackType
from typing import Self

import numba

BAND = 2500  # targets in a band: about 3 ms of work, so that cancelling is quick
PATIENCE = 0.05  # seconds between two looks at the cancel token


def available_threads() -> int:
    """Threads that this process may use: NUMBA_NUM_THREADS, by default its processors."""
    return max(1, int(numba.config.NUMBA_NUM_THREADS))


class Workers:
    """A pool for the time of one fill."""

    def __init__(self, threads: int, cancel: Callable[[], None] | None) -> None:
        self._cancel = cancel if cancel is not None else _never
        self._pool = ThreadPoolExecutor(threads) if threads > 1 else None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._pool is not None:
            self._pool.shutdown(cancel_futures=True)

    def check(self) -> None:
        """Raise what the caller's `cancel` raises."""
        self._cancel()

    def run(self, task: Callable[[int, int], None], count: int, *, shifted: bool = False) -> None:
        """Call task(low, high) for bands that cover range(count).

        `shifted` moves the inner borders by half a band: what does not cross a border in one pass
        crosses it in the next.
        """
        bounds = band_bounds(count, shifted=shifted)
        pairs = list(zip(bounds[:-1], bounds[1:], strict=True))
        if self._pool is None or len(pairs) == 1:
            for low, high in pairs:
                self._cancel()
                task(low, high)
            return
        waiting = {self._pool.submit(task, low, high) for low, high in pairs}
        try:
            while waiting:
                done, waiting = wait(waiting, timeout=PATIENCE)
                for future in done:
                    future.result()
                self._cancel()
        finally:
            for future in waiting:
                future.cancel()


def band_bounds(count: int, *, shifted: bool) -> list[int]:
    """Borders of the bands: two at least where there is enough to share."""
    bands = max(1, -(-count // BAND)) if count > BAND else min(2, max(1, count // 64))
    width = count / bands
    offset = 0.5 if shifted and bands > 1 else 0.0
    inner = [round((k + offset) * width) for k in range(0 if offset else 1, bands)]
    return [0, *inner, count]


def _never() -> None:
    return None
