"""Downloads within a job: told as its progress, stopped by its cancel."""

from genimg_ui.backend.base import CancelToken, OnEvent, Progress
from genimg_ui.weights.fetch import Fetching, OnFetching


class FetchWatch(OnFetching):
    """Tells a job's person how far a fetch is, and lets them cancel it."""

    def __init__(self, on_event: OnEvent, cancel: CancelToken) -> None:
        self._on_event = on_event
        self._cancel = cancel

    def tell(self, state: Fetching) -> None:
        self._on_event(Progress(state.fraction, state.sentence))

    def check(self) -> None:
        self._cancel.check()


class CancelWatch(OnFetching):
    """Lets the person cancel, where there is nobody to tell."""

    def __init__(self, cancel: CancelToken) -> None:
        self._cancel = cancel

    def check(self) -> None:
        self._cancel.check()
