"""What a GGUF file holds, read from its header: tensors by name, with their shapes and bytes.

The format (version 2 and 3, little-endian): magic, version, the numbers of tensors and of pairs;
the pairs, each a key, a type and a value; then of each tensor its name, its sides (the innermost
first), its type and its offset. The data begins at the next multiple of `general.alignment`.
No weights are read, and the library `gguf`, which takes a second to import, is not needed for it.
"""

import math
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any, BinaryIO

from genimg_ui.errors import ModelUnavailable

GGUF = ".gguf"
_MAGIC = b"GGUF"
_VERSIONS = (2, 3)
_ALIGNMENT = 32  # where the file names none
_MOST = 2**24  # of anything that is counted or as long; more is no model's header
# Type of a tensor → numbers in a block, and the block's bytes: all that diffusers can read.
BLOCKS: Mapping[int, tuple[int, int]] = MappingProxyType(
    {
        0: (1, 4),  # F32
        1: (1, 2),  # F16
        2: (32, 18),  # Q4_0
        3: (32, 20),  # Q4_1
        6: (32, 22),  # Q5_0
        7: (32, 24),  # Q5_1
        8: (32, 34),  # Q8_0
        10: (256, 84),  # Q2_K
        11: (256, 110),  # Q3_K
        12: (256, 144),  # Q4_K
        13: (256, 176),  # Q5_K
        14: (256, 210),  # Q6_K
        20: (32, 18),  # IQ4_NL
        23: (256, 136),  # IQ4_XS
        30: (1, 2),  # BF16
    }
)
# Type of a pair's value → its format; text (8) and lists (9) are longer.
_SCALARS = MappingProxyType(
    {0: "B", 1: "b", 2: "H", 3: "h", 4: "I", 5: "i", 6: "f", 7: "?", 10: "Q", 11: "q", 12: "d"}
)
_TEXT, _LIST = 8, 9


@dataclass(frozen=True, slots=True)
class GgufTensor:
    """One tensor: its shape as torch has it, and how many bytes it takes as it is stored."""

    shape: tuple[int, ...]
    bytes: int


def gguf_tensors(path: Path) -> Mapping[str, GgufTensor]:
    """Every tensor of the file.

    Raises ModelUnavailable where it is no GGUF file, ends before its last tensor, or has tensors
    of a type that cannot be read.
    """
    try:
        with path.open("rb") as file:
            found, whole = read_tensors(file)
    except (OSError, ValueError, struct.error) as error:
        raise ModelUnavailable(
            f"{path.name} is no readable GGUF file; download it anew."
        ) from error
    except KeyError as error:
        raise ModelUnavailable(
            f"{path.name} holds tensors of a type (number {error}) that cannot be read here; "
            "choose a file with Q8_0, Q6_K, Q5_K, Q4_K or another of the usual types."
        ) from error
    size = path.stat().st_size
    if size < whole:
        raise ModelUnavailable(
            f"{path.name} has only {size:,} of {whole:,} bytes; download it anew."
        )
    return found


def read_tensors(file: BinaryIO) -> tuple[dict[str, GgufTensor], int]:
    """The tensors, and how long the whole file must be.

    Raises struct.error where the header goes on, ValueError where it is none, and KeyError with
    the number of a tensor's type that cannot be read.
    """
    if file.read(4) != _MAGIC or _number(file, "I") not in _VERSIONS:
        raise ValueError
    tensors, pairs = _count(file), _count(file)
    alignment = _ALIGNMENT
    for _ in range(pairs):
        key = _text(file)
        value = _value(file, _number(file, "I"))
        alignment = int(value) if key == "general.alignment" else alignment
    found: dict[str, GgufTensor] = {}
    end = 0
    for _ in range(tensors):
        name = _text(file)
        sides = [_number(file, "Q") for _ in range(min(_number(file, "I"), 8))]
        numbers, size = BLOCKS[_number(file, "I")]
        tensor = GgufTensor(tuple(reversed(sides)), math.prod(sides) // numbers * size)
        end = max(end, _number(file, "Q") + tensor.bytes)
        found[name] = tensor
    return found, -(-file.tell() // alignment) * alignment + end


def _number(file: BinaryIO, kind: str) -> Any:
    return struct.unpack(f"<{kind}", file.read(struct.calcsize(f"<{kind}")))[0]


def _count(file: BinaryIO) -> int:
    count = int(_number(file, "Q"))
    if count > _MOST:
        raise ValueError
    return count


def _text(file: BinaryIO) -> str:
    return file.read(_count(file)).decode("utf-8")


def _value(file: BinaryIO, kind: int) -> Any:
    if kind == _TEXT:
        return _text(file)
    if kind == _LIST:
        inner = _number(file, "I")
        return [_value(file, inner) for _ in range(_count(file))]
    if kind not in _SCALARS:
        raise ValueError
    return _number(file, _SCALARS[kind])
