"""What all annotators with weights have in common: from a folder to a map of the picture's size."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from genimg_ui.backend.base import Rgb
from genimg_ui.backend.device import pick_device

LONGEST_RATIO = 4  # of a picture's sides; a longer one is continued before a network looks at it


@dataclass(frozen=True, slots=True, kw_only=True)
class Network:
    """How an annotator is loaded from a folder with `files`, and how it draws.

    `draw(loaded, image, values)` may answer in any size; `sharp` maps have classes or hard edges,
    and are scaled without values in between.
    """

    files: tuple[str, ...]
    load: Callable[[Path], Any]
    draw: Callable[[Any, Rgb, Mapping[str, float]], Rgb]
    library: str
    sharp: bool = False


def on_device(network: Network, folder: Path) -> Any:
    """The annotator of a folder, where this machine calculates."""
    return network.load(folder).to(pick_device().torch)


def drawn(network: Network, loaded: Any, image: Rgb, values: Mapping[str, float]) -> Rgb:
    """The map of a picture of any size and shape, at exactly that size (uint8 (h, w, 3))."""
    height, width = image.shape[:2]
    rows, columns = max(height, -(-width // LONGEST_RATIO)), max(width, -(-height // LONGEST_RATIO))
    whole = np.pad(image, ((0, rows - height), (0, columns - width), (0, 0)), mode="edge")
    found = network.draw(loaded, np.ascontiguousarray(whole), values)
    how = cv2.INTER_NEAREST if network.sharp else cv2.INTER_LINEAR
    scaled = np.asarray(cv2.resize(found, (columns, rows), interpolation=how), np.uint8)
    return np.ascontiguousarray(scaled[:height, :width])
