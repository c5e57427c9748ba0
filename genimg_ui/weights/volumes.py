"""How large the networks of a model are, read from the headers of their files.

A safetensors file begins with the length of its header (little-endian uint64) and the header
itself, JSON that names each tensor with its type and shape. No weights are read.
"""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

HEADER_BYTES = 8
MAX_HEADER = 100 * 2**20  # beyond it, the file is no safetensors file
SUFFIX = ".safetensors"


# Matrices that are looked up, not multiplied with.
_TABLES = ("token_embedding", "position_embedding", "embed_tokens", "shared", "attention_bias")


@dataclass(frozen=True, slots=True)
class Network:
    """One component: how many numbers its weights are, and what its config.json says.

    `linear` of the numbers are matrices of linear layers, in `rows` rows together. `stored` is how
    many bytes it takes where it is kept as it lies in its file (GGUF), else 0.
    """

    name: str
    elements: int
    config: dict[str, Any]
    linear: int = 0
    rows: int = 0
    stored: int = 0


def networks(folder: Path, variant: str | None = None) -> tuple[Network, ...]:
    """Every component of a model's folder that has weights; files of `variant` are preferred."""
    parts = (path for path in sorted(folder.iterdir()) if path.is_dir())
    found = (network(part, variant) for part in parts)
    return tuple(item for item in found if item is not None)


def network(folder: Path, variant: str | None = None) -> Network | None:
    """One component by its own folder; None where it has no weights that can be read."""
    files = _files(folder, variant)
    found = [counted(folder.name, _shapes(str(p), p.stat().st_mtime_ns)) for p in files]
    elements = sum(item.elements for item in found)
    if not elements:
        return None
    linear, rows = (sum(item.linear for item in found), sum(item.rows for item in found))
    return Network(folder.name, elements, configured(folder), linear=linear, rows=rows)


def elements_of(path: Path) -> int:
    """How many numbers a single file of weights holds; 0 where its header cannot be read."""
    return counted(path.stem, _shapes(str(path), path.stat().st_mtime_ns)).elements


def counted(name: str, shapes: Mapping[str, tuple[int, ...]]) -> Network:
    """A network of tensors with these names and shapes, without its configuration."""
    matrices = [shape for tensor, shape in shapes.items() if _multiplies(tensor, shape)]
    return Network(
        name,
        sum(math.prod(shape) for shape in shapes.values()),
        {},
        linear=sum(math.prod(shape) for shape in matrices),
        rows=sum(shape[0] for shape in matrices),
    )


def configured(folder: Path) -> dict[str, Any]:
    """What a component's config.json says; {} where it says nothing readable."""
    try:
        found = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _multiplies(tensor: str, shape: tuple[int, ...]) -> bool:
    stem = tensor.removesuffix(".weight")
    return len(shape) == 2 and stem != tensor and not stem.endswith(_TABLES)


def _files(folder: Path, variant: str | None) -> list[Path]:
    every = sorted(folder.glob(f"*{SUFFIX}"))
    varied = [path for path in every if variant and f".{variant}" in path.name]
    plain = [path for path in every if path.name.count(".") == 1]
    return varied or plain or every


@lru_cache(maxsize=512)
def _shapes(path: str, _changed: int) -> dict[str, tuple[int, ...]]:
    with Path(path).open("rb") as file:
        length = int.from_bytes(file.read(HEADER_BYTES), "little")
        if not 0 < length <= MAX_HEADER:
            return {}
        try:
            header = json.loads(file.read(length))
            entries = ((name, entry) for name, entry in header.items() if name != "__metadata__")
            return {name: tuple(map(int, entry["shape"])) for name, entry in entries}
        except (ValueError, TypeError, KeyError, AttributeError):
            return {}
