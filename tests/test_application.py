"""How the server answers for stored files that go while they are asked for."""

import logging
from pathlib import Path

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.routing import Route
from starlette.testclient import TestClient

from genimg_ui.application import StoredFile

CONTENT = b"a preview"


def _client(path: Path, *, gone_after_stat: bool = False) -> TestClient:
    def answer(_: Request) -> StoredFile:
        stat = path.stat() if gone_after_stat else None
        if path.name == "gone.jpg":
            path.unlink()
        return StoredFile(path, stat_result=stat)

    return TestClient(Starlette(routes=[Route("/file", answer, methods=["GET", "HEAD"])]))


def test_a_file_is_sent_whole_or_in_part(tmp_path: Path) -> None:
    path = tmp_path / "kept.jpg"
    path.write_bytes(CONTENT)
    client = _client(path)
    whole, head = client.get("/file"), client.head("/file")
    assert (whole.status_code, whole.content) == (200, CONTENT)
    assert head.headers["content-length"] == str(len(CONTENT)) and not head.content
    part = client.get("/file", headers={"Range": "bytes=2-4"})
    assert (part.status_code, part.content) == (206, CONTENT[2:5])


@pytest.mark.parametrize("after_stat", [False, True])
def test_a_file_that_went_meanwhile_is_no_error(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, after_stat: bool
) -> None:
    path = tmp_path / "gone.jpg"
    path.write_bytes(CONTENT)
    answer = _client(path, gone_after_stat=after_stat).get("/file")  # raises what the server would
    assert answer.status_code == 204 and not answer.content
    assert not [record for record in caplog.records if record.levelno >= logging.ERROR]
