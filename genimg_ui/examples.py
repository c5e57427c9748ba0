"""Pictures to try the editor on, so that this project holds no foreign picture.

Photographs come from those that ship inside scikit-image, in the public domain or under CC0. One
scene is drawn here, with a mask and a prompt for the embedded diffusion model.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from functools import partial
from importlib.resources import as_file, files
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from PIL import Image, ImageDraw

from genimg_ui.core.mask import Mask
from genimg_ui.masks import mask_png

# astronaut: NASA; coffee, chelsea: CC0 by their photographers; rocket: CC0 by SpaceX
# (scikit-image, data/README.txt).
FILES = {
    "Coffee": "coffee.png",
    "Astronaut": "astronaut.png",
    "Cat": "chelsea.png",
    "Rocket": "rocket.jpg",
}
SCENE_SIDE = 128  # pixels: the working size of the model that the scene is for
_FINE = 4  # drawn so many times larger and scaled down, for smooth edges


@dataclass(frozen=True, slots=True, kw_only=True)
class PreparedEdit:
    """What is filled in with an example, so that Apply is the next step."""

    model: str
    prompt: str
    mask: Callable[[], AbstractContextManager[Path]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Example:
    """`picture` gives the file, which is there as long as the context is open."""

    picture: Callable[[], AbstractContextManager[Path]]
    edit: PreparedEdit | None = None


def examples(models: tuple[str, ...]) -> Mapping[str, Example]:
    """The examples by name: those that are installed, for models among `models`."""
    folder = files("skimage") / "data"
    found = {
        name: Example(picture=partial(as_file, folder / file))
        for name, file in FILES.items()
        if (folder / file).is_file()
    }
    scene = PreparedEdit(model="shapes", prompt="a red ring", mask=_scene_mask_file)
    if scene.model in models:
        found["Shapes and a prompt"] = Example(picture=_scene_file, edit=scene)
    return found


@contextmanager
def _scene_file() -> Iterator[Path]:
    with TemporaryDirectory() as folder:
        path = Path(folder) / "shapes.png"
        _scene().save(path)
        yield path


@contextmanager
def _scene_mask_file() -> Iterator[Path]:
    with TemporaryDirectory() as folder:
        path = Path(folder) / "mask.png"
        path.write_bytes(mask_png(_scene_mask()))
        yield path


def _scene() -> Image.Image:
    """A yellow circle on light blue stripes, with room for something beside it."""
    side = SCENE_SIDE * _FINE
    picture = Image.new("RGB", (side, side), (40, 80, 215))
    pen = ImageDraw.Draw(picture)
    for top in range(0, side, side // 4):
        pen.rectangle((0, top, side, top + side // 8 - 1), fill=(117, 143, 229))
    pen.ellipse(_scaled(0.08, 0.08, 0.42, 0.42), fill=(245, 225, 50))
    return picture.resize((SCENE_SIDE, SCENE_SIDE), Image.Resampling.BOX)


def _scene_mask() -> Mask:
    """uint8 (SCENE_SIDE, SCENE_SIDE): the lower right, 255 = repaint."""
    mask = np.zeros((SCENE_SIDE, SCENE_SIDE), np.uint8)
    start, end = round(0.42 * SCENE_SIDE), round(0.95 * SCENE_SIDE)
    mask[start:end, start:end] = 255
    return mask


def _scaled(*corners: float) -> tuple[float, ...]:
    return tuple(corner * SCENE_SIDE * _FINE for corner in corners)
