"""Headers of GGUF files, as the format's own library writes them."""

from pathlib import Path

import gguf
import numpy as np
import pytest

from genimg_ui.errors import ModelUnavailable
from genimg_ui.weights.gguf_header import BLOCKS, gguf_tensors

Q8 = gguf.GGMLQuantizationType.Q8_0


def written(path: Path, *, alignment: int = 0) -> Path:
    writer = gguf.GGUFWriter(path, "tiny")
    if alignment:
        writer.add_custom_alignment(alignment)
    writer.add_array("names", ["one", "two"])
    writer.add_array("numbers", [1, 2, 3])
    writer.add_bool("flag", True)
    writer.add_float32("number", 0.5)
    matrix = np.ones((3, 64), np.float32)
    writer.add_tensor("a.weight", gguf.quantize(matrix, Q8), raw_dtype=Q8)
    writer.add_tensor("a.bias", np.ones(5, np.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


def test_sizes_of_blocks_are_those_of_the_format() -> None:
    sizes = {int(kind): size for kind, size in gguf.GGML_QUANT_SIZES.items()}
    assert {kind: sizes[kind] for kind in BLOCKS} == dict(BLOCKS)


@pytest.mark.parametrize("alignment", [0, 64])
def test_shapes_and_bytes_are_told(tmp_path: Path, alignment: int) -> None:
    found = gguf_tensors(written(tmp_path / "a.gguf", alignment=alignment))
    assert {name: (t.shape, t.bytes) for name, t in found.items()} == {
        "a.weight": ((3, 64), 3 * 2 * 34),
        "a.bias": ((5,), 20),
    }


def test_what_cannot_be_read_is_said(tmp_path: Path) -> None:
    content = written(tmp_path / "a.gguf").read_bytes()
    last = (4 * 5 + 31) // 32 * 32  # the last tensor is filled up to the alignment
    cases = {
        "has only": content[: -last + 4],
        "is no readable GGUF file": content[:40],
        "a.gguf is no readable": b"GGML" + content[4:],
    }
    for sentence, data in cases.items():
        (tmp_path / "a.gguf").write_bytes(data)
        with pytest.raises(ModelUnavailable, match=sentence):
            gguf_tensors(tmp_path / "a.gguf")
    place = content.index(b"a.weight") + 8 + 4 + 16  # after its name, number of sides, and sides
    (tmp_path / "a.gguf").write_bytes(content[:place] + b"\x63\0\0\0" + content[place + 4 :])
    with pytest.raises(ModelUnavailable, match=r"of a type \(number 99\)"):
        gguf_tensors(tmp_path / "a.gguf")
