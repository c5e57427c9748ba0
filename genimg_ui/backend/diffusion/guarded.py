"""What the libraries say about unreadable weights, turned into one sentence."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from diffusers.utils import logging as diffusers_logging
from safetensors import SafetensorError
from transformers.utils import logging as transformers_logging

from genimg_ui.backend.device import is_out_of_memory
from genimg_ui.errors import ModelUnavailable


def guarded(title: str, place: Path, read: Callable[[], Any]) -> Any:
    """The value of `read`, which reads weights of `title` from `place`; or ModelUnavailable.

    Running out of memory is passed on as it is: that is not the weights' fault.
    """
    try:
        return read()
    except (OSError, ValueError, KeyError, TypeError, SafetensorError, RuntimeError) as error:
        if is_out_of_memory(error):
            raise
        raise ModelUnavailable(
            f"{title} could not be loaded from {place}: {first_line(error)}"
        ) from error


def first_line(error: Exception) -> str:
    """What an error says, without the pages that some libraries add."""
    return (str(error).strip() or type(error).__name__).splitlines()[0]


def quieten() -> None:
    """What a person must know is said by events and sentences; the rest would fill the log."""
    for logging in (diffusers_logging, transformers_logging):
        logging.disable_progress_bar()
        logging.set_verbosity_error()
