"""What lies on disk, and whether the hub answers."""

import http.server
import json
import struct
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from genimg_ui.weights import folders


@pytest.fixture
def server() -> Iterator[str]:
    """A hub that refuses every request."""

    class Refusing(http.server.BaseHTTPRequestHandler):
        def do_HEAD(self) -> None:
            self.send_error(403)

        def log_message(self, *_: object) -> None:
            pass

    with http.server.HTTPServer(("127.0.0.1", 0), Refusing) as hub:
        thread = threading.Thread(target=hub.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{hub.server_address[1]}"
        hub.shutdown()
        thread.join()


@pytest.fixture(autouse=True)
def fresh(monkeypatch: pytest.MonkeyPatch) -> None:
    folders._hub_answers.cache_clear()
    monkeypatch.setattr(folders.constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setenv("no_proxy", "*")


def test_a_hub_that_refuses_is_reachable(server, monkeypatch):
    monkeypatch.setattr(folders.constants, "ENDPOINT", server)
    assert folders.hub_reachable()


def test_a_hub_that_does_not_answer_is_not(monkeypatch):
    monkeypatch.setattr(folders.constants, "ENDPOINT", "http://127.0.0.1:9")
    assert not folders.hub_reachable()


def test_offline_mode_opens_no_connection(server, monkeypatch):
    monkeypatch.setattr(folders.constants, "ENDPOINT", server)
    monkeypatch.setattr(folders.constants, "HF_HUB_OFFLINE", True)
    assert not folders.hub_reachable()


@pytest.mark.parametrize("source", ["owner/model", "Owner.x/model-1.0_b"])
def test_a_hub_id(source: str):
    assert folders.is_hub_id(source)


@pytest.mark.parametrize(
    "source", ["model", "./a/b", "../model", "/a/b", "~/model", "a/b/c", "https://hub/a", "C:/b"]
)
def test_no_hub_id(source: str):
    assert not folders.is_hub_id(source)


def write_safetensors(path: Path, body: int) -> int:
    header = json.dumps({"w": {"dtype": "F32", "shape": [4], "data_offsets": [0, 16]}}).encode()
    path.write_bytes(struct.pack("<Q", len(header)) + header + bytes(body))
    return 8 + len(header) + 16


def test_weights_are_whole_only_with_every_shard_at_its_length(tmp_path):
    (tmp_path / "config.json").write_text("{}")
    names = [f"model-0000{i}-of-00002.safetensors" for i in (1, 2)]
    index = {"weight_map": dict(zip(("a", "b"), names, strict=True))}
    (tmp_path / "model.safetensors.index.json").write_text(json.dumps(index))
    write_safetensors(tmp_path / names[0], 16)
    assert folders.missing_weights(tmp_path, "") == f"lacks {names[1]}"
    whole = write_safetensors(tmp_path / names[1], 15)
    expected = f"has only {whole - 1:,} of {whole:,} bytes of {names[1]}"
    assert folders.missing_weights(tmp_path, "") == expected
    write_safetensors(tmp_path / names[1], 16)
    assert folders.missing_weights(tmp_path, "") is None


@pytest.mark.parametrize("content", [b"", b"version https://git-lfs", b"\xff" * 64])
def test_a_file_that_is_no_safetensors_is_broken(tmp_path, content):
    (tmp_path / "config.json").write_text("{}")
    (tmp_path / "model.safetensors").write_bytes(content)
    assert folders.missing_weights(tmp_path, "") == "has a broken model.safetensors"


@pytest.mark.parametrize(
    "index", ["model.safetensors.index.fp16.json", "model.fp16.safetensors.index.json"]
)
def test_shards_of_a_variant_are_found_by_either_name_of_their_index(tmp_path, index):
    (tmp_path / "config.json").write_text("{}")
    shard = "model.fp16-00001-of-00001.safetensors"
    (tmp_path / index).write_text(json.dumps({"weight_map": {"a": shard}}))
    assert folders.missing_weights(tmp_path, "", "fp16") == f"lacks {shard}"
    write_safetensors(tmp_path / shard, 16)
    assert folders.missing_weights(tmp_path, "", "fp16") is None
    assert folders.missing_weights(tmp_path, "", "bf16") is not None
