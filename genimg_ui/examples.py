"""Photographs to try the editor on: those that ship inside scikit-image, in the public domain
or under CC0, so that this project holds no foreign picture.
"""

from collections.abc import Callable
from functools import partial
from importlib.resources import as_file, files
from importlib.resources.abc import Traversable
from pathlib import Path

# astronaut: NASA; coffee, chelsea: CC0 by their photographers; rocket: CC0 by SpaceX
# (scikit-image, data/README.txt).
FILES = {
    "Coffee": "coffee.png",
    "Astronaut": "astronaut.png",
    "Cat": "chelsea.png",
    "Rocket": "rocket.jpg",
}


def example_pictures() -> dict[str, Callable[[], Path]]:
    """Name → a function that gives the picture's path; only those that are installed."""
    folder = files("skimage") / "data"
    return {
        name: partial(_path, folder / file)
        for name, file in FILES.items()
        if (folder / file).is_file()
    }


def _path(resource: Traversable) -> Path:
    with as_file(resource) as path:
        return path
