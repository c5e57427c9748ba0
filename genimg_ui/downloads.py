"""Files that a page's visitor takes away: made on demand, one of a session at a time.

They lie in `exports/` of the data folder until the session asks for the next one, or a day has
passed. Results in the store stay unsigned and whole: what is signed is the file that leaves.
"""

import threading
from pathlib import Path

from genimg_ui.credentials.reading import Verdict, verify
from genimg_ui.errors import UnknownItem
from genimg_ui.exporting.exporter import Exported, Exporter
from genimg_ui.exporting.formats import ExportOptions, ExportPolicy
from genimg_ui.history.exports import ExportFolder
from genimg_ui.history.names import check_sha256
from genimg_ui.workspace import Workspace

DIRECT = "downloads"  # first part of the address of a result that is made when it is fetched


class Downloads:
    """Makes the files of one installation's page; safe to share between threads."""

    def __init__(self, workspace: Workspace, exporter: Exporter) -> None:
        self._workspace = workspace
        self._exporter = exporter
        self._folder = ExportFolder(workspace.store.data_dir)
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
        owner = f"download {session}"
        with self._one_at_a_time, self._workspace.pictures.turns:
            target = self._folder.target(options.format.suffix, owner=owner)
            made = self._exporter.export(entry, index, options, target)
            self._folder.settle(target, owner=owner)
        return made

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
        """The file behind a name that `direct` gave; None for another name.

        A file that was made before is taken where it was made by this very policy and its result
        is still here. Raises RefusedInput, UnknownItem.
        """
        if not name.startswith(f"{DIRECT}/"):
            return None
        sha256 = check_sha256(Path(name).stem)
        self._workspace.store.result_path(sha256)
        target = self._folder.named(f"{sha256}-{self._exporter.fingerprint()}.png")
        with self._one_at_a_time, self._workspace.pictures.turns:
            if not target.is_file():
                entry, index = self._workspace.store.find_result(sha256)
                options = ExportOptions(record=self.policy.record)
                self._exporter.export(entry, index, options, target)
                self._folder.settle(target)
        return target

    def verdict(self, sha256: str) -> Verdict:
        """The content credentials of a picture that was opened."""
        return verify(self._workspace.store.source_path(sha256))
