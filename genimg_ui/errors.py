"""Every error that a person may read.

GenimgError
├── RefusedInput      what was asked cannot be done: what / received / allowed (exit 2)
│   └── UnknownItem   an id that names nothing that this session owns
├── BackendError      the engine could not do its work (exit 1; of `replay` 2: it cannot run)
│   └── ModelUnavailable   weights are absent, incomplete or out of reach
└── StorageError      the data folder refused to keep something (exit 1; of `replay` 3)

Cancelled is no error: it travels from the cancel token to the job.
"""


class GenimgError(Exception):
    """Base of all errors whose text is written for the person who uses the program."""


class RefusedInput(GenimgError):
    """What was asked cannot be done; `remedy` says what to change where there is one."""

    def __init__(self, sentence: str, *, remedy: str | None = None) -> None:
        super().__init__(sentence if remedy is None else f"{sentence} {remedy}")
        self.sentence = sentence
        self.remedy = remedy


class UnknownItem(RefusedInput):
    """An id that names nothing that this session owns."""


class BackendError(GenimgError):
    """The engine could not do its work."""


class ModelUnavailable(BackendError):
    """The weights of a model are absent, incomplete or out of reach."""


class StorageError(GenimgError):
    """The data folder refused to keep something (full, read-only, damaged)."""


class Cancelled(Exception):
    """The person stopped the edit."""
