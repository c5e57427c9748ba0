"""Licences that must be accepted once: of models for non-commercial use only.

The answer is kept in the data folder, for everyone who uses this installation.
"""

import json
from pathlib import Path

from genimg_ui.errors import RefusedInput, StorageError
from genimg_ui.history.files import make_folder, write_whole
from genimg_ui.history.locks import locked_path
from genimg_ui.history.names import utc_now
from genimg_ui.registry import ModelSpec

FILE = "licences.json"


class Licences:
    """What was accepted in one data folder."""

    def __init__(self, data_dir: Path) -> None:
        self._path = make_folder(data_dir) / FILE
        self._lock = data_dir / "genimg.lock"

    def accepted(self, spec: ModelSpec) -> bool:
        """Whether the model may be used: its licence asks nothing, or was accepted as it is now."""
        if not spec.non_commercial:
            return True
        entry = self._read().get(spec.id)
        return isinstance(entry, dict) and entry.get("licence") == spec.licence

    def accept(self, spec: ModelSpec) -> None:
        """Keep that a person has accepted the model's licence.

        Raises StorageError where the earlier answers cannot be read: they are not written over.
        """
        with locked_path(self._lock):
            entries = self._answers()
            entries[spec.id] = {"licence": spec.licence, "accepted": utc_now()}
            write_whole(self._path, json.dumps(entries, indent=1).encode(), "the answer")

    def lack(self, spec: ModelSpec) -> str | None:
        """Why the model may not be used yet, as a sentence; None where it may."""
        if self.accepted(spec):
            return None
        return (
            f"{spec.title} is for non-commercial use only ({spec.licence}): accept its licence "
            f"once, on the Models tab or with `python -m genimg_ui models accept {spec.id}`."
        )

    def require(self, spec: ModelSpec) -> None:
        """Raise RefusedInput where the licence must be accepted first."""
        lack = self.lack(spec)
        if lack is not None:
            raise RefusedInput(lack)

    def _read(self) -> dict[str, object]:
        try:
            return self._answers()
        except StorageError:
            return {}

    def _answers(self) -> dict[str, object]:
        """The answers so far, none where the file is absent; raises StorageError."""
        try:
            entries = json.loads(self._path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return {}
        except (OSError, ValueError) as error:
            raise StorageError(self._unreadable(str(error))) from error
        if not isinstance(entries, dict):
            raise StorageError(self._unreadable("it is no table"))
        return entries

    def _unreadable(self, why: str) -> str:
        return (
            f"{FILE} in the data folder cannot be read ({why}): mend it or move it away, then "
            "accept again."
        )
