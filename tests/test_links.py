"""Addresses of stored files: made here only, and for nothing else."""

from pathlib import Path

import pytest

from genimg_ui.history.private import PrivateSecret
from genimg_ui.history.store import Store
from genimg_ui.links import ROUTE, Links

PICTURE = b"\x89PNG\r\n\x1a\nrest"


@pytest.fixture
def store(tmp_path: Path):
    store = Store.open(tmp_path)
    yield store
    store.close()


@pytest.fixture
def links(tmp_path: Path) -> Links:
    return Links(tmp_path, PrivateSecret(tmp_path))


def _parts(url: str) -> tuple[str, str]:
    route, proof, name = url.split("/", 2)
    assert route == ROUTE
    return proof, name


def test_a_link_leads_to_its_file(links: Links, store: Store) -> None:
    path = store.source_path(store.put_source(PICTURE))
    assert links.find(*_parts(links.url(path))) == path


def test_the_digest_alone_opens_nothing(links: Links, store: Store) -> None:
    one, two = (store.source_path(store.put_source(PICTURE + end)) for end in (b"1", b"2"))
    proof, _ = _parts(links.url(one))
    _, other = _parts(links.url(two))
    assert links.find(proof, other) is None
    assert links.find("0" * 32, other) is None
    assert links.find("", other) is None


def test_another_data_folder_makes_other_links(links: Links, store: Store, tmp_path: Path) -> None:
    path = store.source_path(store.put_source(PICTURE))
    stranger = Links(tmp_path, PrivateSecret(tmp_path / "other"))
    assert links.find(*_parts(stranger.url(path))) is None


def test_links_outlive_a_restart(links: Links, store: Store, tmp_path: Path) -> None:
    path = store.source_path(store.put_source(PICTURE))
    assert Links(tmp_path, PrivateSecret(tmp_path)).url(path) == links.url(path)


@pytest.mark.parametrize(
    "name", ["secret", "private_secret", "genimg.db", "sources/../secret", "sessions/x/y", "/etc/a"]
)
def test_only_pictures_and_seed_logs_have_links(links: Links, tmp_path: Path, name: str) -> None:
    with pytest.raises(ValueError, match="must match|not in the subpath"):
        links.url(tmp_path / name)
    proof = PrivateSecret(tmp_path).derive("link", name)
    assert links.find(proof, name) is None


def test_a_file_that_is_gone_is_not_found(links: Links, store: Store) -> None:
    path = store.source_path(store.put_source(PICTURE))
    url = links.url(path)
    path.unlink()
    assert links.find(*_parts(url)) is None
    assert links.is_ours(*_parts(url))
