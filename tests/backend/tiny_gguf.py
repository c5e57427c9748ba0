"""Writes the weights of a tiny network as a GGUF file, quantised in blocks of 32."""

from collections.abc import Mapping
from pathlib import Path

import gguf
import numpy as np
from numpy.typing import NDArray

KIND = gguf.GGMLQuantizationType.Q8_0
BLOCK = 32


def write_gguf(weights: Mapping[str, NDArray[np.float32]], path: Path, **texts: str) -> Path:
    """The tensors `weights` as `path`; matrices of whole blocks are quantised,
    as the published files have it.

    `texts` are further pairs of its header.
    """
    writer = gguf.GGUFWriter(path, "tiny")
    for key, value in texts.items():
        writer.add_string(key, value)
    for name, tensor in weights.items():
        matrix = tensor.ndim == 2 and name.endswith(".weight")
        if matrix and tensor.shape[1] % BLOCK == 0:
            writer.add_tensor(name, gguf.quantize(tensor, KIND), raw_dtype=KIND)
        else:
            writer.add_tensor(name, tensor)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path
