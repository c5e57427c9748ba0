"""Files that a page's visitor takes away: made on demand, one of a session at a time.

They lie in `exports/` of the data folder until the session asks for the next one, or a day has
passed. Results in the store stay unsigned and whole: what is signed is the file that leaves.
"""

import hashlib
import secrets
import threading
import time
from contextlib import suppress
from pathlib import Path

from genimg_ui.credentials.reading import Verdict, verify
from genimg_ui.errors import UnknownItem
from genimg_ui.exporting.exporter import Exported, Exporter
from genimg_ui.exporting.formats import ExportOptions, ExportPolicy
from genimg_ui.history.files import make_folder
from genimg_ui.history.names import check_sha256
from genimg_ui.workspace import Workspace

KEPT_SECONDS = 86_400.0  # long enough for a link that a page shows
DIRECT = "downloads"  # first part of the address of a result that is made when it is fetched


class Downloads:
    """Makes the files of one installation's page; safe to share between threads."""

    def __init__(self, workspace: Workspace, exporter: Exporter) -> None:
        self._workspace = workspace
        self._exporter = exporter
        self._folder = make_folder(workspace.store.data_dir / "exports")
        # One at a time, and within the turns of decoding: each takes memory by the pixel.
        self._one_at_a_time = threading.Lock()

    @property
    def policy(self) -> ExportPolicy:
        """What is done where a person has not chosen."""
        return self._exporter.policy

    def make(self, session: str, entry_id: str, index: int, options: ExportOptions) -> Exported:
        """One result of this session as a file; raises RefusedInput, StorageError."""
        entry = self._workspace.entry(session, entry_id)
        if not 0 <= index < len(entry.results):
            raise UnknownItem(f"result {index} of entry {entry_id!r} is not in this session.")
        owner = hashlib.sha256(f"download {session}".encode()).hexdigest()[:16]
        with self._one_at_a_time, self._workspace.pictures.turns:
            self._sweep(owner)
            name = f"{owner}-{secrets.token_hex(8)}{options.format.suffix}"
            return self._exporter.export(entry, index, options, self._folder / name)

    def direct(self, sha256: str) -> Path:
        """What a result's plain download names: the stored file, or one made when it is fetched."""
        if self.policy.record and not self.policy.credentials:
            return self._workspace.store.result_path(sha256)
        return self._workspace.store.data_dir / DIRECT / f"{check_sha256(sha256)}.png"

    def leaving(self, sha256: str) -> Path:
        """A result's file as this installation lets it go; raises RefusedInput."""
        named = self.direct(sha256)
        if named.parent.name != DIRECT:
            return named
        return self.fetched(f"{DIRECT}/{named.name}") or named

    def fetched(self, name: str) -> Path | None:
        """The file behind a name that `direct` gave; None for another name. Raises RefusedInput."""
        if not name.startswith(f"{DIRECT}/"):
            return None
        sha256 = check_sha256(Path(name).stem)
        target = self._folder / f"{sha256}.png"
        with self._one_at_a_time, self._workspace.pictures.turns:
            if not target.is_file():
                self._sweep(None)
                entry, index = self._workspace.store.find_result(sha256)
                options = ExportOptions(record=self.policy.record)
                self._exporter.export(entry, index, options, target)
        return target

    def verdict(self, sha256: str) -> Verdict:
        """The content credentials of a picture that was opened."""
        return verify(self._workspace.store.source_path(sha256))

    def _sweep(self, owner: str | None) -> None:
        """Remove what is old, and what the session asked for before."""
        for path in self._folder.iterdir():
            with suppress(OSError):
                old = time.time() - path.stat().st_mtime > KEPT_SECONDS
                if old or (owner is not None and path.name.startswith(f"{owner}-")):
                    path.unlink()
