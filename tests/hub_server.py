"""A hub of one's own on this machine: model info, files with ranges, and every kind of trouble."""

import hashlib
import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import unquote, urlsplit

import pytest
from huggingface_hub import constants

COMMIT = "0123456789abcdef0123456789abcdef01234567"
BLOCK = 64 * 1024
HEADERS = {
    "gated": (401, {"X-Error-Code": "GatedRepo", "X-Error-Message": "Access is restricted."}),
    "unknown": (401, {"X-Error-Code": "RepoNotFound", "X-Error-Message": "Not found."}),
    "no revision": (404, {"X-Error-Code": "RevisionNotFound"}),
    "no file": (404, {"X-Error-Code": "EntryNotFound"}),
    "busy": (503, {}),
}


@dataclass
class Trouble:
    """What goes wrong with the files of a model, and how often."""

    kind: str = ""  # a key of HEADERS, cut, stall, wrong, short
    at: int = 0  # bytes that are sent before
    times: int = 1_000_000
    only: str = ""  # end of the file's name; "" is every file


@dataclass
class Hub:
    """Models by id: {file: content}. `asked` is (file, range header) of each request for bytes."""

    models: dict[str, dict[str, bytes]] = field(default_factory=dict)
    trouble: Trouble = field(default_factory=Trouble)
    info_trouble: str = ""
    cards: dict[str, dict[str, str]] = field(default_factory=dict)  # by id: the licence
    older: dict[str, dict[str, bytes]] = field(default_factory=dict)  # files by an earlier commit
    slow: float = 0.0  # seconds for each block
    takes_ranges: bool = True
    token: str = ""  # without it, every model is gated
    asked: list[tuple[str, str]] = field(default_factory=list)
    url: str = ""
    stopping: threading.Event = field(default_factory=threading.Event)

    def at(self, hub_id: str, revision: str) -> dict[str, bytes] | None:
        """The files of a revision; None where there is no such commit."""
        if revision in self.older:
            return self.older[revision]
        if len(revision) == len(COMMIT) and revision != COMMIT:
            return None
        return self.models.get(hub_id, {})

    def add_folder(self, hub_id: str, folder: Path) -> None:
        """Offer the files of a folder as a model."""
        files = (path for path in folder.rglob("*") if path.is_file())
        self.models[hub_id] = {
            path.relative_to(folder).as_posix(): path.read_bytes() for path in files
        }


def be_the_only_hub(hub: Hub, patch: pytest.MonkeyPatch, cache: Path) -> None:
    """Let the hub's client of this process know `hub` alone, without a token."""
    patch.delenv("HF_TOKEN", raising=False)
    template = hub.url + "/{repo_id}/resolve/{revision}/{filename}"
    patch.setattr(constants, "ENDPOINT", hub.url)
    patch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", template)
    patch.setattr(constants, "HF_HUB_CACHE", str(cache))
    patch.setattr(constants, "HF_TOKEN_PATH", str(cache / "no-token"))


def digest(name: str, content: bytes) -> str:
    """As the hub names it: sha256 of large files, git's blob id of small ones."""
    if name.endswith(".safetensors"):
        return hashlib.sha256(content).hexdigest()
    return hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()


@contextmanager
def running(hub: Hub) -> Iterator[Hub]:
    """Serve `hub` on a free port of this machine."""

    class Handler(_Handler):
        served: ClassVar[Hub] = hub

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    hub.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield hub
    finally:
        hub.stopping.set()
        server.shutdown()
        thread.join()
        server.server_close()


class _Handler(BaseHTTPRequestHandler):
    served: ClassVar[Hub]
    protocol_version = "HTTP/1.1"

    def log_message(self, *_: Any) -> None:
        pass

    def do_HEAD(self) -> None:
        self._answer(with_body=False)

    def do_GET(self) -> None:
        self._answer(with_body=True)

    def _answer(self, *, with_body: bool) -> None:
        path = unquote(urlsplit(self.path).path).strip("/")
        if path.startswith("api/models/"):
            self._info(path.removeprefix("api/models/"))
        elif "/resolve/" in path:
            hub_id, _, rest = path.partition("/resolve/")
            revision, _, name = rest.partition("/")
            self._file(hub_id, revision, name, with_body=with_body)
        else:
            self._send(200, {}, b"the hub" if with_body else b"")

    def _info(self, path: str) -> None:
        hub = self.served
        hub_id, _, revision = path.partition("/revision/")
        if hub.info_trouble == "stall":
            hub.stopping.wait(60)
        if hub.info_trouble:
            return self._refuse(hub.info_trouble)
        if hub_id not in hub.models:
            return self._refuse("unknown")
        files = hub.at(hub_id, revision)
        if files is None:
            return self._refuse("no revision")
        siblings = []
        for name, content in files.items():
            item: dict[str, Any] = {"rfilename": name, "size": len(content)}
            sha = digest(name, content)
            item["blobId"] = sha[:40]
            if len(sha) == 64:
                item["lfs"] = {"sha256": sha, "size": len(content), "pointerSize": 134}
            siblings.append(item)
        commit = revision if revision in hub.older else COMMIT
        body = {"id": hub_id, "modelId": hub_id, "sha": commit, "siblings": siblings, "tags": []}
        body["cardData"] = hub.cards.get(hub_id, {})
        return self._send(200, {"Content-Type": "application/json"}, json.dumps(body).encode())

    def _file(self, hub_id: str, revision: str, name: str, *, with_body: bool) -> None:
        hub, trouble = self.served, self.served.trouble
        content = (hub.at(hub_id, revision) or {}).get(name)
        if hub.token and self.headers.get("Authorization") != f"Bearer {hub.token}":
            return self._refuse("gated")
        if content is None:
            return self._refuse("no file")
        headers = {"ETag": f'"{digest(name, content)}"', "X-Repo-Commit": COMMIT}
        asked = self.headers.get("Range", "")
        if with_body:
            hub.asked.append((name, asked))
        kind = ""
        if trouble.times > 0 and name.endswith(trouble.only) and with_body and trouble.kind:
            kind = trouble.kind
            trouble.times -= 1
        if kind in HEADERS:
            return self._refuse(kind)
        ranged = bool(asked) and hub.takes_ranges
        first, _, last = asked.removeprefix("bytes=").partition("-") if ranged else ("0", "", "")
        start, end = int(first), min(int(last or len(content)), len(content) - 1)
        status = 206 if ranged else 200
        if ranged:
            headers["Content-Range"] = f"bytes {start}-{end}/{len(content)}"
        body = content[start : end + 1]
        if kind == "wrong":
            body = bytes(255 - byte for byte in body)
        if kind == "short":
            body = body[:-1]
        return self._send(status, headers, body, stop=kind, at=trouble.at)

    def _send(
        self, status: int, headers: dict[str, str], body: bytes, *, stop: str = "", at: int = 0
    ) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command == "HEAD":
            return
        if stop in ("cut", "stall"):
            self.wfile.write(body[:at])
            self.wfile.flush()
            if stop == "stall":
                self.served.stopping.wait(60)
            self.close_connection = True
            return
        try:
            for begin in range(0, len(body), BLOCK):
                self.wfile.write(body[begin : begin + BLOCK])
                self.wfile.flush()
                time.sleep(self.served.slow)
        except OSError:  # who fetched has stopped or was killed
            self.close_connection = True

    def _refuse(self, kind: str) -> None:
        status, headers = HEADERS[kind]
        self._send(status, headers, b"{}")
