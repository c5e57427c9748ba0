"""Puts another function in the place of a network's own for as long as a block runs."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any


@contextmanager
def overlaid(owner: Any, name: str, function: Callable[..., Any]) -> Iterator[None]:
    """Set `owner.name`, and put back what was there: what a hook had set, or the class's own.

    Blocks must end in the reverse order of their beginning.
    """
    before = vars(owner).get(name)
    setattr(owner, name, function)
    try:
        yield
    finally:
        if before is None:
            delattr(owner, name)
        else:
            setattr(owner, name, before)
