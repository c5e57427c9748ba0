"""The tensors of a file on the hub, by its first bytes alone: some kilobytes of gigabytes.

What arrives is judged only; nothing of it is kept. The download that follows is compared with the
hub's digest as any other.
"""

import io
import json
import struct
from collections.abc import Mapping

import httpx2
from huggingface_hub import get_session, hf_hub_url

# Exported lazily, which mypy does not see.
from huggingface_hub.utils import build_hf_headers, hf_raise_for_status  # type: ignore[attr-defined]

from genimg_ui.errors import ModelUnavailable
from genimg_ui.weights.folders import HEADER_BYTES
from genimg_ui.weights.gguf_header import GGUF, read_tensors
from genimg_ui.weights.hub import HUB_ERRORS, HubFile, unavailable
from genimg_ui.weights.recognise import MAX_HEADER, shapes_of_header
from genimg_ui.weights.transfer import CONNECT_SECONDS, READ_SECONDS

_FIRST = 2**18  # bytes that hold most headers of safetensors
_GROWTH = 8  # how many times more is asked for where a GGUF header is longer


def remote_shapes(hub_id: str, commit: str, file: HubFile) -> Mapping[str, tuple[int, ...]]:
    """Every tensor of a safetensors or GGUF file of the hub, with its shape.

    Raises ModelUnavailable where the hub does not answer or the file is none of these.
    """
    try:
        if file.name.lower().endswith(GGUF):
            return _of_gguf(hub_id, commit, file)
        return _of_safetensors(hub_id, commit, file)
    except HUB_ERRORS as error:
        raise unavailable(hub_id, error) from error


def _of_safetensors(hub_id: str, commit: str, file: HubFile) -> Mapping[str, tuple[int, ...]]:
    begin = _bytes(hub_id, commit, file, _FIRST)
    try:
        (length,) = struct.unpack("<Q", begin[:HEADER_BYTES])
        end = HEADER_BYTES + length
        if end > min(file.bytes, MAX_HEADER):
            raise ValueError
        if end > len(begin):
            begin = _bytes(hub_id, commit, file, end)
        shapes, whole = shapes_of_header(json.loads(begin[HEADER_BYTES:end]))
    except (ValueError, KeyError, TypeError, AttributeError, struct.error) as error:
        raise _unreadable(hub_id, file, "safetensors") from error
    _check_size(hub_id, file, end + whole)
    return shapes


def _of_gguf(hub_id: str, commit: str, file: HubFile) -> Mapping[str, tuple[int, ...]]:
    count = _FIRST
    while True:
        try:
            found, whole = read_tensors(io.BytesIO(_bytes(hub_id, commit, file, count)))
            break
        except (ValueError, KeyError, struct.error) as error:
            if count >= min(file.bytes, MAX_HEADER) or not isinstance(error, struct.error):
                raise _unreadable(hub_id, file, "GGUF") from error
        count *= _GROWTH
    _check_size(hub_id, file, whole)
    return {name: tensor.shape for name, tensor in found.items()}


def _bytes(hub_id: str, commit: str, file: HubFile, count: int) -> bytes:
    """The first `count` bytes of the file, or all where it has fewer."""
    count = min(count, file.bytes)
    headers = {
        **build_hf_headers(),
        "Accept-Encoding": "identity",
        "Range": f"bytes=0-{count - 1}",
    }
    timeout = httpx2.Timeout(READ_SECONDS, connect=CONNECT_SECONDS)
    url = hf_hub_url(hub_id, file.name, revision=commit)
    got = bytearray()
    with get_session().stream(
        "GET", url, headers=headers, timeout=timeout, follow_redirects=True
    ) as response:
        hf_raise_for_status(response)
        for block in response.iter_bytes():  # a server without ranges sends on: it is left there
            got += block
            if len(got) >= count:
                break
    return bytes(got[:count])


def _check_size(hub_id: str, file: HubFile, whole: int) -> None:
    if file.bytes < whole:
        raise ModelUnavailable(
            f"{file.name} of {hub_id} is broken on the hub itself: it has only {file.bytes:,} of "
            f"{whole:,} bytes."
        )


def _unreadable(hub_id: str, file: HubFile, kind: str) -> ModelUnavailable:
    return ModelUnavailable(
        f"{file.name} of {hub_id} is no {kind} file that can be read here: take another file."
    )
