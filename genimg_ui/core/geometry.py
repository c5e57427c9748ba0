"""Sizes, boxes and borders in whole pixels.

A `Size` and a `Box` are the very tuples that Pillow uses: `image.size == size`,
`image.crop(box)`. Coordinates are x to the right, y down; right and bottom are exclusive.
"""

from typing import NamedTuple, Self


class Size(NamedTuple):
    """Width and height in pixels."""

    width: int
    height: int

    @property
    def area(self) -> int:
        return self.width * self.height

    def scaled(self, factor: float) -> "Size":
        """Multiply both sides, round to the nearest pixel, never below 1."""
        return Size(max(1, round(self.width * factor)), max(1, round(self.height * factor)))

    def rounded_up(self, multiple: int) -> "Size":
        """The smallest size that holds this one and whose sides are multiples of `multiple`."""
        return Size(-(-self.width // multiple) * multiple, -(-self.height // multiple) * multiple)

    def __str__(self) -> str:
        return f"{self.width}×{self.height}"


class Box(NamedTuple):
    """A rectangle [left, right) × [top, bottom)."""

    left: int
    top: int
    right: int
    bottom: int

    @classmethod
    def of(cls, size: Size) -> Self:
        return cls(0, 0, size.width, size.height)

    @property
    def size(self) -> Size:
        return Size(self.right - self.left, self.bottom - self.top)

    @property
    def slices(self) -> tuple[slice, slice]:
        """Index of this box in an array (height, width, ...)."""
        return slice(self.top, self.bottom), slice(self.left, self.right)

    def padded(self, by: int) -> "Box":
        return Box(self.left - by, self.top - by, self.right + by, self.bottom + by)

    def moved(self, dx: int, dy: int) -> "Box":
        return Box(self.left + dx, self.top + dy, self.right + dx, self.bottom + dy)

    def within(self, size: Size) -> "Box":
        """The part of this box that lies on a canvas of `size`."""
        return Box(
            max(0, self.left),
            max(0, self.top),
            min(size.width, self.right),
            min(size.height, self.bottom),
        )

    def union(self, other: "Box") -> "Box":
        """The smallest box that holds both."""
        return Box(
            min(self.left, other.left),
            min(self.top, other.top),
            max(self.right, other.right),
            max(self.bottom, other.bottom),
        )

    def contains(self, other: "Box") -> bool:
        return (
            self.left <= other.left
            and self.top <= other.top
            and self.right >= other.right
            and self.bottom >= other.bottom
        )


class Sides(NamedTuple):
    """Pixels added beyond each edge; never negative."""

    left: int = 0
    top: int = 0
    right: int = 0
    bottom: int = 0

    def __bool__(self) -> bool:
        return any(self)

    def expand(self, size: Size) -> Size:
        return Size(
            size.width + self.left + self.right,
            size.height + self.top + self.bottom,
        )
