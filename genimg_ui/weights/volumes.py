"""How large the networks of a model are, read from the headers of their files.

A safetensors file begins with the length of its header (little-endian uint64) and the header
itself, JSON that names each tensor with its type and shape. No weights are read.
"""

import json
import math
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

HEADER_BYTES = 8
MAX_HEADER = 100 * 2**20  # beyond it, the file is no safetensors file
SUFFIX = ".safetensors"


@dataclass(frozen=True, slots=True)
class Network:
    """One component: how many numbers its weights are, and what its config.json says."""

    name: str
    elements: int
    config: dict[str, Any]


def networks(folder: Path, variant: str | None = None) -> tuple[Network, ...]:
    """Every component of a model's folder that has weights; files of `variant` are preferred."""
    parts = (path for path in sorted(folder.iterdir()) if path.is_dir())
    found = (network(part, variant) for part in parts)
    return tuple(item for item in found if item is not None)


def network(folder: Path, variant: str | None = None) -> Network | None:
    """One component by its own folder; None where it has no weights that can be read."""
    files = _files(folder, variant)
    elements = sum(_elements(str(path), path.stat().st_mtime_ns) for path in files)
    return Network(folder.name, elements, _config(folder)) if elements else None


def _files(folder: Path, variant: str | None) -> list[Path]:
    every = sorted(folder.glob(f"*{SUFFIX}"))
    varied = [path for path in every if variant and f".{variant}" in path.name]
    plain = [path for path in every if path.name.count(".") == 1]
    return varied or plain or every


@lru_cache(maxsize=512)
def _elements(path: str, _changed: int) -> int:
    with Path(path).open("rb") as file:
        length = int.from_bytes(file.read(HEADER_BYTES), "little")
        if not 0 < length <= MAX_HEADER:
            return 0
        try:
            header = json.loads(file.read(length))
            shapes = [entry["shape"] for name, entry in header.items() if name != "__metadata__"]
            return sum(math.prod(shape) for shape in shapes)
        except (ValueError, TypeError, KeyError, AttributeError):
            return 0


def _config(folder: Path) -> dict[str, Any]:
    try:
        found = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}
