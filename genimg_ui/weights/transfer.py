"""Carries one file of the hub into its cache, resumes it, and checks its digest.

The hub's client (2.x) begins anew after a kill: what it had got lies under a name of that process
alone. Here the bytes lie beside their place as `<digest>.incomplete` and are gone on with, also by
another process. A file gets its name only after its digest has been compared with the hub's.
"""

import hashlib
import os
import time
from collections.abc import Callable
from pathlib import Path

import httpx2
from huggingface_hub import get_session, hf_hub_url

# Exported lazily, which mypy does not see.
from huggingface_hub.utils import build_hf_headers, hf_raise_for_status  # type: ignore[attr-defined]

from genimg_ui.errors import ModelUnavailable
from genimg_ui.weights.hub import HUB_ERRORS, HubFile, unavailable

UNFINISHED = ".incomplete"
CONNECT_SECONDS, READ_SECONDS = 10.0, 15.0
TRIES = 5  # in a row without a new byte
PAUSE_SECONDS = 1.0  # before the next try
PARTIAL_CONTENT, RANGE_REFUSED = 206, 416
_READ_BYTES = 2**20
_TRANSIENT_STATUS = (408, 429, 500, 502, 503, 504)

OnBytes = Callable[[int], None]  # how many bytes of the file are here
Check = Callable[[], None]  # raises Cancelled where the person has stopped it


def fetch_file(
    hub_id: str, commit: str, file: HubFile, blobs: Path, *, on_bytes: OnBytes, check: Check
) -> Path:
    """The file's place among `blobs`, fetched where it is not there; raises ModelUnavailable."""
    target = blobs / file.digest
    if target.is_file() and target.stat().st_size == file.bytes:
        on_bytes(file.bytes)
        return target
    partial = target.with_name(target.name + UNFINISHED)
    url = hf_hub_url(hub_id, file.name, revision=commit)
    for attempt in (1, 2):  # wrong bytes may be an old rest: once more from the start
        _receive(hub_id, url, file, partial, on_bytes=on_bytes, check=check)
        found = digest_of(partial, file.digest, check)
        if found == file.digest:
            break
        partial.unlink()
        if attempt == 2:
            raise ModelUnavailable(
                f"{file.name} of {hub_id} arrived twice with the digest {found[:12]}… instead of "
                f"the hub's {file.digest[:12]}…: it was not kept. Try again later."
            )
    os.replace(partial, target)
    return target


def digest_of(path: Path, like: str, check: Check = lambda: None) -> str:
    """The digest of a file's content, in the kind of `like` (see HubFile), as hex."""
    if len(like) == hashlib.sha256().digest_size * 2:
        sha = hashlib.sha256()
    else:  # git's name of a blob, which no security rests on
        sha = hashlib.sha1(b"blob %d\0" % path.stat().st_size, usedforsecurity=False)
    with path.open("rb") as file:
        while block := file.read(_READ_BYTES):
            check()
            sha.update(block)
    return sha.hexdigest()


def waiting_bytes(file: HubFile, blobs: Path) -> int:
    """How many bytes of the file must still come."""
    target = blobs / file.digest
    if target.is_file() and target.stat().st_size == file.bytes:
        return 0
    return max(0, file.bytes - _size(target.with_name(target.name + UNFINISHED)))


def _receive(
    hub_id: str, url: str, file: HubFile, partial: Path, *, on_bytes: OnBytes, check: Check
) -> None:
    """Bring `partial` to the file's size, trying again where the connection breaks."""
    fruitless = 0
    while (before := _size(partial)) != file.bytes or not partial.exists():
        check()
        if before > file.bytes:
            partial.unlink()
            before = 0
        problem: Exception | None = None
        try:
            _stream(url, partial, before, on_bytes, check)
        except HUB_ERRORS as error:
            problem = error
        after = _size(partial)
        if after == file.bytes:
            break
        fruitless = 0 if after > before else fruitless + 1
        if problem is not None and (fruitless >= TRIES or not _passing(problem)):
            raise unavailable(hub_id, problem) from problem
        if fruitless >= TRIES or after > file.bytes:
            partial.unlink(missing_ok=True)
            raise ModelUnavailable(
                f"{file.name} of {hub_id} must have {file.bytes:,} bytes, the hub sent {after:,}."
            )
        _pause(check)
    on_bytes(file.bytes)


def _stream(url: str, partial: Path, have: int, on_bytes: OnBytes, check: Check) -> None:
    """Append what the hub sends from byte `have` on."""
    headers = {**build_hf_headers(), "Accept-Encoding": "identity"}
    if have:
        headers["Range"] = f"bytes={have}-"
    timeout = httpx2.Timeout(READ_SECONDS, connect=CONNECT_SECONDS)
    with get_session().stream(
        "GET", url, headers=headers, timeout=timeout, follow_redirects=True
    ) as response:
        if response.status_code == RANGE_REFUSED:
            partial.unlink()
            return
        hf_raise_for_status(response)
        goes_on = response.status_code == PARTIAL_CONTENT and have > 0
        with partial.open("ab" if goes_on else "wb") as out:
            done = have if goes_on else 0
            for block in response.iter_bytes():
                out.write(block)
                done += len(block)
                on_bytes(done)
                check()
            out.flush()
            os.fsync(out.fileno())


def _passing(error: Exception) -> bool:
    """Whether the next try may well go better."""
    response = getattr(error, "response", None)
    if response is not None:
        return response.status_code in _TRANSIENT_STATUS
    return isinstance(error, httpx2.TransportError)


def _pause(check: Check) -> None:
    until = time.monotonic() + PAUSE_SECONDS
    while time.monotonic() < until:
        check()
        time.sleep(0.05)


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0
