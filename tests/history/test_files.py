"""Files are there whole or not at all, and no name from outside reaches the disk."""

import errno
import hashlib
import io
import os
import stat
import time
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

import pytest
from PIL import Image

from genimg_ui.errors import RefusedInput, StorageError, UnknownItem
from genimg_ui.history.names import new_session_key, session_id
from genimg_ui.history.store import Store
from genimg_ui.history.thumbs import jpeg

PNG = b"\x89PNG\r\n\x1a\n" + b"some pixels"


def sha(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def files_below(folder: Path) -> list[str]:
    names = ("sources", "results", "masks", "thumbs", "previews")
    return sorted(path.name for name in names for path in (folder / name).iterdir())


def test_a_source_is_kept_byte_for_byte_under_its_sha256(store: Store, tmp_path: Path) -> None:
    upload = tmp_path / "holiday.png"
    upload.write_bytes(PNG)
    assert store.put_source(upload) == store.put_source(PNG) == sha(PNG)
    assert store.source_path(sha(PNG)).read_bytes() == PNG
    assert files_below(store.data_dir) == [sha(PNG) + ".png"]


@pytest.mark.parametrize(
    ("start", "suffix"),
    [(b"\xff\xd8\xff\xe0", ".jpg"), (b"RIFF1234WEBP", ".webp"), (b"II*\x00", ".tif")]
    + [(b"BM", ".bmp"), (b"anything", ".bin")],
)
def test_the_content_decides_the_extension(store: Store, start: bytes, suffix: str) -> None:
    assert store.source_path(store.put_source(start)).suffix == suffix


def test_a_result_serves_as_a_source(store: Store) -> None:
    name = store.put_result(lambda file: _write(file, PNG))
    assert name == sha(PNG)
    assert store.source_path(name) == store.result_path(name)


def test_masks_thumbs_and_previews_have_their_own_folders(store: Store) -> None:
    mask = store.put_mask(PNG)
    assert store.mask_path(mask).parent.name == "masks"
    store.put_thumb(mask, b"\xff\xd8\xffold")
    store.put_thumb(mask, b"\xff\xd8\xffnew")
    assert store.thumb_path(mask).read_bytes() == b"\xff\xd8\xffnew"
    store.put_preview(mask, PNG)
    assert store.preview_path(mask).name == f"{mask}.png"
    with pytest.raises(UnknownItem, match=f"the source {mask} is not in the data folder"):
        store.source_path(mask)


BAD_DIGESTS = [
    "../../secret",
    "A" * 64,
    "0" * 63,
    "0" * 65,
    "0" * 64 + "\n",
    "",
    "%2e%2e/" + "0" * 57,
]
GETTERS: list[Callable[[Store, str], object]] = [
    Store.source_path,
    Store.mask_path,
    Store.result_path,
    Store.thumb_path,
    Store.preview_path,
    Store.find_result,
    lambda store, name: store.put_thumb(name, b""),
    lambda store, name: store.put_preview(name, b""),
]


@pytest.mark.parametrize("getter", GETTERS)
@pytest.mark.parametrize("name", BAD_DIGESTS)
def test_what_is_no_digest_names_no_file(
    store: Store, getter: Callable[[Store, str], object], name: str
) -> None:
    with pytest.raises(RefusedInput, match="sha256 must be 64 hex digits, got"):
        getter(store, name)


@pytest.mark.parametrize("key", ["", "A" * 32, "0" * 31, "../" + "0" * 29, "0" * 32 + "\n"])
def test_what_is_no_key_opens_no_session(key: str) -> None:
    with pytest.raises(RefusedInput, match="session key must be 32 hex digits, got"):
        session_id(key)


def test_the_session_id_does_not_hold_the_key(store: Store) -> None:
    key = new_session_key()
    assert session_id(key) == session_id(key) != session_id(new_session_key())
    assert key not in str(store.seed_log_path(session_id(key)))
    with pytest.raises(RefusedInput, match="session id must be 32 hex digits"):
        store.seed_log_path("../" * 8)


def test_a_full_disk_is_told_and_leaves_nothing(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_descriptor: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(StorageError, match=r"is full: the result was not kept\. Free some"):
        store.put_result(lambda file: _write(file, PNG))
    assert files_below(store.data_dir) == []


@pytest.mark.parametrize("number", [errno.EROFS, errno.EACCES])
def test_a_folder_that_cannot_be_written_is_told(
    store: Store, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    def read_only(*_args: object, **_kwargs: object) -> int:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "open", read_only)
    with pytest.raises(StorageError, match="cannot be written: the mask was not kept"):
        store.put_mask(PNG)


def test_a_data_folder_that_is_a_file_is_told(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("not a folder")
    with pytest.raises(StorageError, match="refused to keep its structure: File exists"):
        Store(tmp_path / "data")


def test_a_writer_that_fails_leaves_nothing(store: Store) -> None:
    def half(file: BinaryIO) -> None:
        file.write(PNG)
        raise ValueError("no pixels")

    with pytest.raises(ValueError, match="no pixels"):
        store.put_result(half)
    assert files_below(store.data_dir) == []


def test_what_a_killed_writer_left_is_removed_at_the_next_start(store: Store) -> None:
    old, new = (store.data_dir / "results" / name for name in ("old.tmp", "new.tmp"))
    for path in (old, new):
        path.write_bytes(PNG)
    os.utime(old, (time.time() - 7200,) * 2)
    Store.open(store.data_dir).close()
    assert files_below(store.data_dir) == ["new.tmp"]


def test_an_upload_that_is_gone_is_told(store: Store, tmp_path: Path) -> None:
    with pytest.raises(StorageError, match=r"The file gone\.png cannot be read: No such file"):
        store.put_source(tmp_path / "gone.png")


def test_the_secret_stays_and_is_private(store: Store) -> None:
    secret = store.secret()
    assert len(bytes.fromhex(secret)) == 32
    assert Store(store.data_dir).secret() == secret
    assert stat.S_IMODE((store.data_dir / "secret").stat().st_mode) == 0o600


@pytest.mark.parametrize(
    ("mode", "size", "expected"),
    [("RGB", (640, 480), (320, 240)), ("RGBA", (100, 1), (100, 1)), ("P", (1, 999), (1, 320))],
)
def test_a_thumbnail_fits_its_side_and_keeps_the_aspect(
    mode: str, size: tuple[int, int], expected: tuple[int, int]
) -> None:
    with Image.open(io.BytesIO(jpeg(Image.new(mode, size)))) as thumb:
        assert thumb.format == "JPEG"
        assert thumb.size == expected


def test_a_picture_is_scaled_down_to_its_thumbnail(store: Store) -> None:
    store.put_thumb("0" * 64, Image.new("RGB", (640, 320)))
    with Image.open(store.thumb_path("0" * 64)) as thumb:
        assert (thumb.format, thumb.size) == ("JPEG", (320, 160))


def test_a_thumbnail_keeps_its_colour_profile() -> None:
    image = Image.new("RGB", (9, 9))
    image.info["icc_profile"] = b"profile"
    with Image.open(io.BytesIO(jpeg(image))) as thumb:
        assert thumb.info["icc_profile"] == b"profile"


def test_transparency_is_shown_on_white() -> None:
    with Image.open(io.BytesIO(jpeg(Image.new("RGBA", (9, 9), (0, 0, 0, 0))))) as thumb:
        assert thumb.getpixel((4, 4)) == (255, 255, 255)


def _write(file: BinaryIO, content: bytes) -> None:
    file.write(content)
