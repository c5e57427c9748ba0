"""Files for a visitor: of their own results, one at a time, by the rules of the installation."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from genimg_ui.core.image import Limits
from genimg_ui.credentials.identity import CredentialFiles, load_identity
from genimg_ui.credentials.reading import CredentialState, verify
from genimg_ui.downloads import Downloads
from genimg_ui.errors import RefusedInput, UnknownItem
from genimg_ui.exporting.exporter import Exporter
from genimg_ui.exporting.formats import ExportOptions, ExportPolicy, Format
from genimg_ui.history.exports import KEPT_SECONDS
from genimg_ui.history.names import session_id
from genimg_ui.history.private import PrivateSecret
from genimg_ui.history.record import LogEntry
from genimg_ui.jobs.queue import JobQueue
from genimg_ui.links import Links
from genimg_ui.workspace import Workspace
from tests.editing import Desk, painted, photograph, png, request

ANN, BOB = session_id("a" * 32), session_id("b" * 32)
MASK = painted(48, 36, (14, 12, 26, 22))


@dataclass
class Shop:
    """A desk with one edit of Ann's, and its downloads by any policy."""

    desk: Desk
    entry: LogEntry

    def downloads(self, **policy: object) -> Downloads:
        store = self.desk.store
        workspace = Workspace(store, JobQueue(store), self.desk.registry)
        return Downloads(workspace, Exporter(store, Limits(), ExportPolicy(**policy)))

    @property
    def sha256(self) -> str:
        return self.entry.results[0].sha256

    def files(self) -> list[Path]:
        return sorted((self.desk.store.data_dir / "exports").iterdir())


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Shop]:
    desk = Desk(tmp_path / "desk")
    entry = desk.edit(request("plain", prompt="a red door"), png(photograph(48, 36)), MASK)
    desk.store.record(ANN, entry)
    yield Shop(desk, entry)
    desk.close()


def test_a_session_has_one_file_at_a_time(shop: Shop) -> None:
    downloads = shop.downloads()
    first = downloads.make(ANN, shop.entry.id, 0, ExportOptions(format=Format.WEBP)).path
    second = downloads.make(ANN, shop.entry.id, 0, ExportOptions(format=Format.WEBP)).path
    assert first != second and shop.files() == [second]
    assert ANN not in second.name


def test_old_files_go(shop: Shop) -> None:
    downloads = shop.downloads()
    old = shop.desk.store.data_dir / "exports" / "of another session.png"
    old.write_bytes(b"x")
    os.utime(old, (0, old.stat().st_mtime - KEPT_SECONDS - 60))
    made = downloads.make(ANN, shop.entry.id, 0, ExportOptions())
    assert shop.files() == [made.path]


@pytest.mark.parametrize(("session", "index"), [(BOB, 0), (ANN, 1), (ANN, -1)])
def test_what_is_not_the_sessions_is_unknown(shop: Shop, session: str, index: int) -> None:
    with pytest.raises(UnknownItem):
        shop.downloads().make(session, shop.entry.id, index, ExportOptions())
    assert not shop.files()


def test_the_plain_download_is_the_stored_file_where_nothing_else_is_wanted(shop: Shop) -> None:
    stored = shop.desk.store.result_path(shop.sha256)
    assert shop.downloads().direct(shop.sha256) == shop.downloads().leaving(shop.sha256) == stored


def test_the_plain_download_is_signed_where_that_is_the_rule(shop: Shop) -> None:
    downloads = shop.downloads(credentials=True)
    named = downloads.direct(shop.sha256)
    links = Links(shop.desk.store.data_dir, PrivateSecret(shop.desk.store.data_dir))
    _, proof, name = links.url(named).split("/", 2)
    assert links.is_ours(proof, name) and not links.is_ours(proof, name.replace("0", "1"))
    path = downloads.fetched(name)
    assert downloads.leaving(shop.sha256) == path
    assert path is not None and verify(path).state is CredentialState.VALID
    assert downloads.fetched(name) == path  # made once
    assert verify(shop.desk.store.result_path(shop.sha256)).state is CredentialState.NONE


def test_the_plain_download_says_nothing_where_that_is_the_rule(shop: Shop) -> None:
    path = shop.downloads(record=False).fetched(f"downloads/{shop.sha256}.png")
    assert path is not None and b"red door" not in path.read_bytes()


def test_a_file_made_by_another_policy_is_not_taken(shop: Shop, tmp_path: Path) -> None:
    """As after a restart with other flags."""
    name = f"downloads/{shop.sha256}.png"
    test = shop.downloads(credentials=True).fetched(name)
    silent = shop.downloads(credentials=True, record=False).fetched(name)
    assert test is not None and silent is not None
    assert b"red door" in test.read_bytes() and b"red door" not in silent.read_bytes()
    own = load_identity(tmp_path / "another", None)
    files = CredentialFiles(certificate=tmp_path / "c.pem", key=tmp_path / "k.pem")
    files.certificate.write_bytes(own.chain)
    files.key.write_bytes(own.key)
    signed = shop.downloads(credentials=True, files=files).fetched(name)
    assert signed not in (None, test, silent)


def test_a_result_that_has_gone_is_not_served(shop: Shop) -> None:
    downloads, name = shop.downloads(credentials=True), f"downloads/{shop.sha256}.png"
    assert downloads.fetched(name) is not None
    shop.desk.store.delete(ANN, shop.entry.id, 0)
    shop.desk.store.purge(ANN)
    with pytest.raises(UnknownItem):
        downloads.fetched(name)


@pytest.mark.parametrize("name", ["results/x.png", "exports/x.png", f"previews/{'a' * 64}.png"])
def test_other_names_are_not_made(shop: Shop, name: str) -> None:
    assert shop.downloads(credentials=True).fetched(name) is None


@pytest.mark.parametrize("name", ["downloads/../secret.png", f"downloads/{'a' * 64}.png"])
def test_what_names_no_result_is_refused(shop: Shop, name: str) -> None:
    with pytest.raises(RefusedInput):
        shop.downloads(credentials=True).fetched(name)


def test_a_certificate_that_is_not_there_is_told(shop: Shop, tmp_path: Path) -> None:
    files = CredentialFiles(certificate=tmp_path / "c.pem", key=tmp_path / "k.pem")
    downloads = shop.downloads(credentials=True, files=files)
    with pytest.raises(RefusedInput, match=r"readable files, got c\.pem"):
        downloads.fetched(f"downloads/{shop.sha256}.png")
    assert not shop.files()
