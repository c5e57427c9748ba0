"""The data folder: pictures by sha256, the seed log of each session, and their index.

Everything that a person made is on disk before it is shown. Every digest and session that comes
in is checked, so that nothing from outside names a path. Sessions are named by `session_id`,
never by the browser's key. Safe to share between threads; several processes may open one folder.
"""

import secrets
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, Self

from PIL import Image

from genimg_ui.core.serial import Json
from genimg_ui.errors import StorageError
from genimg_ui.history.bins import USUAL, bin_keeps
from genimg_ui.history.database import Database
from genimg_ui.history.disk import Disk, DiskLimits
from genimg_ui.history.drafts import DraftTable
from genimg_ui.history.entries import EntryTable, ResultRow
from genimg_ui.history.files import PictureFolder, Writer, make_folder, write_whole
from genimg_ui.history.gallery import Gallery
from genimg_ui.history.journal import Journal
from genimg_ui.history.lineage import Lineage
from genimg_ui.history.locks import locked_path
from genimg_ui.history.marks import MarkChange, Marks, marks_of_result
from genimg_ui.history.names import check_session, is_session, is_sha256
from genimg_ui.history.notices import take_notices
from genimg_ui.history.ownership import RESULT_HELD, UPLOAD_HELD, FileTable
from genimg_ui.history.record import LogEntry
from genimg_ui.history.removal import Eviction
from genimg_ui.history.seed_log import SeedLog
from genimg_ui.history.thumbs import jpeg

_CHUNK = 1 << 20  # bytes copied at a time


class Store:
    """What the rest of the program knows of the disk; `open` also mends what a crash left."""

    def __init__(self, data_dir: Path) -> None:
        self.data_dir = make_folder(data_dir)
        self._sources = PictureFolder(data_dir / "sources", "the source")
        self._results = PictureFolder(data_dir / "results", "the result")
        self._masks = PictureFolder(data_dir / "masks", "the mask")
        self._thumbs = PictureFolder(data_dir / "thumbs", "the thumbnail")
        self._previews = PictureFolder(data_dir / "previews", "the preview")
        self._maps = PictureFolder(data_dir / "maps", "the control maps")
        self._sessions = make_folder(data_dir / "sessions")
        self.database = Database(data_dir / "genimg.db")
        self._entries = EntryTable(self.database)
        self.gallery = Gallery(self.database)
        self.lineage = Lineage(self.database)
        self.journal = Journal(self.database, self._sessions)
        self._drafts = DraftTable(self.database)
        self._files = FileTable(self.database, self._folders)
        self._disk = Disk(self.database, self._files)

    @classmethod
    def open(cls, data_dir: Path) -> Self:
        """Open the folder and bring log and index to the same state."""
        store = cls(data_dir)
        for folder in store._folders:
            folder.sweep()
        store._files.scan()
        on_disk = {path.name for path in store._sessions.iterdir() if is_session(path.name)}
        for session in sorted(on_disk | set(store._entries.logged_sessions())):
            store._reconcile(session)
        return store

    def close(self) -> None:
        self.database.close()

    # Pictures

    def put_source(self, picture: Path | bytes) -> str:
        """Keep an uploaded file exactly as it is; return its sha256."""
        if isinstance(picture, bytes):
            return self._put(self._sources, _bytes_writer(picture), UPLOAD_HELD)
        try:
            upload = picture.open("rb")
        except OSError as error:
            reason = f"The file {picture.name} cannot be read: {error.strerror}."
            raise StorageError(reason) from error

        def copy(file: BinaryIO) -> None:
            upload.seek(0)
            shutil.copyfileobj(upload, file, _CHUNK)

        with upload:
            return self._put(self._sources, copy, UPLOAD_HELD)

    def source_path(self, sha256: str) -> Path:
        """The file of a source; a result that serves as a source is found as well."""
        result = self._results.find(sha256)
        return self._sources.path(sha256) if result is None else result

    def put_mask(self, png: bytes) -> str:
        return self._put(self._masks, _bytes_writer(png), UPLOAD_HELD)

    def mask_path(self, sha256: str) -> Path:
        return self._masks.path(sha256)

    def put_result(self, write: Writer) -> str:
        """Keep the PNG that `write` writes; return the sha256 of the file."""
        return self._put(self._results, write, RESULT_HELD)

    def result_path(self, sha256: str) -> Path:
        return self._results.path(sha256)

    def put_thumb(self, sha256: str, thumb: Image.Image | bytes) -> None:
        """Keep the thumbnail of the result `sha256`: a picture that is scaled down, or a JPEG."""
        self._thumbs.put_named(sha256, thumb if isinstance(thumb, bytes) else jpeg(thumb))
        self._files.note(sha256, 0.0)

    def thumb_path(self, sha256: str) -> Path:
        return self._thumbs.path(sha256)

    def put_maps(self, sha256: str, png: bytes) -> None:
        """Keep the control maps of the edit that made the result `sha256`, one below the other."""
        self._maps.put_named(sha256, png)
        self._files.note(sha256, 0.0)

    def find_maps(self, sha256: str) -> Path | None:
        """The control maps that belong to the result `sha256`; None where it had none."""
        return self._maps.find(sha256)

    def put_preview(self, sha256: str, content: bytes) -> None:
        """Keep the display copy of the picture `sha256`."""
        self._previews.put_named(sha256, content)
        self._files.note(sha256, 0.0)

    def preview_path(self, sha256: str) -> Path:
        return self._previews.path(sha256)

    # Entries

    def record(self, session: str, entry: LogEntry) -> None:
        """Append the entry to the session's seed log, then to the index; once for each id."""
        with SeedLog.opened(self.seed_log_path(session)) as log:
            if log.size != self._entries.log_size(session):  # a writer was killed in between
                self._catch_up(session, log)
            if self._entries.has(entry.id):
                return
            log.append(entry)
            self._entries.insert(session, [entry], log_size=log.size)

    def seed_log_path(self, session: str) -> Path:
        """Where the session's seed log is, or will be after its first edit."""
        return self._sessions / check_session(session) / "seed_log.jsonl"

    def entry(self, entry_id: str) -> LogEntry:
        return self._entries.entry(entry_id)

    def entry_of(self, session: str, entry_id: str) -> LogEntry:
        """The entry if it is this session's; UnknownItem otherwise."""
        return self._entries.entry_of(session, entry_id)

    def session_of(self, entry_id: str) -> str:
        return self._entries.session_of(entry_id)

    def entries(self, session: str | None = None) -> Iterator[LogEntry]:
        """Entries oldest first, of one session or of all."""
        return self._entries.entries(session)

    def results_page(
        self, session: str, offset: int, limit: int, *, starred: bool = False
    ) -> list[ResultRow]:
        """Results newest first, without those in the bin."""
        return self._entries.page(session, offset, limit, starred=starred)

    def count(self, session: str, *, starred: bool = False) -> int:
        return self._entries.count(session, starred=starred)

    def find_result(self, sha256: str) -> tuple[LogEntry, int]:
        """The entry and index of a result, by the sha256 of its file or of its pixels."""
        return self._entries.find_result(sha256)

    def marks(self, session: str, entry_id: str, index: int) -> Marks:
        """Star, rating, label, note and approval of a result."""
        return marks_of_result(self.database, session, entry_id, index)

    def star(self, session: str, entry_id: str, index: int, *, on: bool) -> None:
        self.journal.mark(session, [(entry_id, index)], MarkChange(starred=on))

    def approve(self, session: str, entry_id: str, index: int, *, on: bool) -> None:
        self.journal.mark(session, [(entry_id, index)], MarkChange(approved=on))

    def delete(self, session: str, entry_id: str, index: int) -> None:
        """Put the result into the bin: out of the gallery, until `undelete` or `purge`."""
        self.journal.bin(session, [(entry_id, index)])

    def undelete(self, session: str, entry_id: str, index: int) -> None:
        self.journal.unbin(session, [(entry_id, index)])

    # Drafts

    def save_draft(
        self, session: str, draft: dict[str, Json], *, revision: int | None = None
    ) -> int:
        """Keep the unfinished edit unless a later revision is kept; return the kept revision."""
        return self._drafts.save(session, draft, revision=revision)

    def draft(self, session: str) -> dict[str, Json] | None:
        kept = self._drafts.load(session)
        return kept[0] if kept else None

    def draft_revision(self, session: str) -> int:
        """The revision of the draft, 0 where there is none."""
        kept = self._drafts.load(session)
        return kept[1] if kept else 0

    # Disk

    def usage(self, session: str | None = None) -> int:
        """Bytes of all pictures, or of those that one session owns, shown or not."""
        return self._disk.usage(session)

    def purge(self, session: str, *, older_than: float = 0.0) -> int:
        """Empty the session's bin of what lies there for `older_than` seconds; bytes freed."""
        return self._disk.purge(session, older_than=older_than)

    def evict(self, limits: DiskLimits, *, dry_run: bool = False) -> list[Eviction]:
        """Make the limits hold, oldest unstarred results first; a dry run only tells.

        The sentences also wait in `take_notices`, each for its owner.
        """
        return self._disk.evict(limits, dry_run=dry_run)

    def bin_keeps(self, session: str) -> float | None:
        """Seconds that the session's bin keeps a result; None: until it is emptied by hand."""
        return bin_keeps(self.database, session)

    def purge_bins(self, usual: float = USUAL) -> int:
        """Empty every bin of what lies there as long as its session wants; bytes freed."""
        return self._disk.purge_bins(usual)

    def room_for(self, session: str, limits: DiskLimits, new_bytes: int) -> str | None:
        """Make room for an upload by removing earlier ones; why there is none, or None."""
        return self._disk.room_for(session, limits, new_bytes)

    def take_notices(self, session: str) -> list[str]:
        """What was removed from this session since the last call, a sentence each."""
        return take_notices(self.database, session)

    def secret(self) -> str:
        """64 hex digits that stay the same as long as the data folder: the cookie's secret."""
        path = self.data_dir / "secret"
        with locked_path(self.data_dir / "genimg.lock"):  # two starts must not draw two
            if not path.exists():
                write_whole(path, secrets.token_hex(32).encode(), "the secret")
        return path.read_text()

    @property
    def _folders(self) -> tuple[PictureFolder, ...]:
        return (
            *(self._sources, self._results, self._masks),
            *(self._thumbs, self._previews, self._maps),
        )

    def _put(self, folder: PictureFolder, write: Writer, held: float) -> str:
        """Keep a file, and hold it until it is named."""
        sha256 = folder.put(write)
        self._files.note(sha256, held)
        if folder.find(sha256) is None:  # an equal, unused one was removed in between
            folder.put(write)
        return sha256

    def _reconcile(self, session: str) -> None:
        """Bring log and index together where the log is not as the index last saw it."""
        path = self.seed_log_path(session)
        if path.is_file() and path.stat().st_size == self._entries.log_size(session):
            return
        with SeedLog.opened(path) as log:
            self._catch_up(session, log)
        self.journal.replay(session)

    def _catch_up(self, session: str, log: SeedLog) -> None:
        """Give the log and the index what only the other has."""
        entries = list(log.entries())
        logged = {entry.id for entry in entries}
        for entry in self._entries.entries(session):
            if entry.id not in logged:
                log.append(entry)
        self._entries.insert(session, entries, log_size=log.size, exists=self._has_result)

    def _has_result(self, sha256: str) -> bool:
        return is_sha256(sha256) and self._results.find(sha256) is not None


def _bytes_writer(content: bytes) -> Writer:
    return lambda file: _write(file, content)


def _write(file: BinaryIO, content: bytes) -> None:
    file.write(content)
