"""Fills of others: f(image uint8 RGB (h, w, 3), mask bool (h, w)) -> uint8 (h, w, 3).

Only those whose package is installed are listed: G'MIC is Debian's package `gmic`, PyPatchMatch is
`pypatchmatch` on PyPI. Shift-map and FSR are in `opencv-contrib-python-headless`, which excludes
the OpenCV of the app: give it an environment of its own that sees the app's packages behind its
own (a `.pth` file with their folder). Each result is pasted back under the mask by the caller,
because some change known pixels too.
"""

import importlib
import importlib.util
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image
from skimage.restoration import inpaint_biharmonic

Picture = NDArray[np.uint8]
Mask = NDArray[np.bool_]
Fill = Callable[[Picture, Mask], Picture]

RADIUS = 4  # pixels; both OpenCV methods change little between 3 and 6
TIMEOUT = 600  # seconds for a peer that runs as a program


def telea(image: Picture, mask: Mask) -> Picture:
    return np.asarray(cv2.inpaint(image, mask.astype(np.uint8), RADIUS, cv2.INPAINT_TELEA))


def navier_stokes(image: Picture, mask: Mask) -> Picture:
    return np.asarray(cv2.inpaint(image, mask.astype(np.uint8), RADIUS, cv2.INPAINT_NS))


def biharmonic(image: Picture, mask: Mask) -> Picture:
    filled = inpaint_biharmonic(image / 255.0, mask, channel_axis=-1, split_into_regions=True)
    return np.clip(filled * 255 + 0.5, 0, 255).astype(np.uint8)


def _gmic(image: Picture, mask: Mask, *command: str) -> Picture:
    with tempfile.TemporaryDirectory() as folder:
        names = [str(Path(folder) / name) for name in ("image.png", "mask.png", "out.png")]
        Image.fromarray(telea(image, mask)).save(names[0], compress_level=1)
        Image.fromarray(mask.astype(np.uint8) * 255).save(names[1], compress_level=1)
        call = ["gmic", names[0], names[1], "ge[1]", "128", *command, "o[0]", names[2]]
        subprocess.run(call, check=True, capture_output=True, timeout=TIMEOUT)
        return np.asarray(Image.open(names[2]).convert("RGB")).copy()


def gmic_matchpatch(image: Picture, mask: Mask) -> Picture:
    return _gmic(image, mask, "inpaint_matchpatch[0]", "[1]")


def gmic_exemplar(image: Picture, mask: Mask) -> Picture:
    return _gmic(image, mask, "inpaint[0]", "[1],5,15,0.5,1,9,0")


def pypatchmatch(image: Picture, mask: Mask) -> Picture:
    module = importlib.import_module("patchmatch.patch_match")
    return np.asarray(module.inpaint(image, mask.astype(np.uint8) * 255, patch_size=3))


def shiftmap(image: Picture, mask: Mask) -> Picture:
    """Wants CIELAB."""
    lab = cv2.cvtColor(image, cv2.COLOR_RGB2Lab)
    found = _xphoto(lab, mask, cv2.xphoto.INPAINT_SHIFTMAP)
    return np.asarray(cv2.cvtColor(found, cv2.COLOR_Lab2RGB))


def fsr_fast(image: Picture, mask: Mask) -> Picture:
    return _xphoto(image, mask, cv2.xphoto.INPAINT_FSR_FAST)


def _xphoto(image: Picture, mask: Mask, method: int) -> Picture:
    """Its mask is 0 where to fill."""
    known, out = (~mask).astype(np.uint8) * 255, np.zeros_like(image)
    cv2.xphoto.inpaint(np.where(mask[..., None], np.uint8(0), image), known, out, method)
    return out


def installed() -> dict[str, Fill]:
    peers: list[Fill] = [telea, navier_stokes, biharmonic]
    if shutil.which("gmic"):
        peers += [gmic_matchpatch, gmic_exemplar]
    if importlib.util.find_spec("patchmatch"):
        peers.append(pypatchmatch)
    if hasattr(cv2, "xphoto"):
        peers += [shiftmap, fsr_fast]
    return {getattr(peer, "__name__", str(peer)): peer for peer in peers}
