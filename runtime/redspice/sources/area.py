"""Rectangles of pixels: left and top inside, right and bottom outside."""

from __future__ import annotations

from typing import NamedTuple

Color = tuple[int, int, int]
"""Red, green, blue: 0 to 255."""


class Area(NamedTuple):
    """A rectangle in pixels, in the order of sides that Pillow takes for a crop."""

    left: int
    top: int
    right: int
    bottom: int

    @classmethod
    def at(cls, left: int, top: int, width: int, height: int) -> Area:
        """The box with this corner and size."""
        return cls(left, top, left + width, top + height)

    @property
    def width(self) -> int:
        return self.right - self.left

    @property
    def height(self) -> int:
        return self.bottom - self.top

    @property
    def size(self) -> tuple[int, int]:
        return self.width, self.height

    @property
    def center(self) -> tuple[int, int]:
        return (self.left + self.right) // 2, (self.top + self.bottom) // 2

    def inset(self, horizontal: int, vertical: int | None = None) -> Area:
        """The box without a border; `vertical` is as wide as `horizontal` unless given."""
        rows = horizontal if vertical is None else vertical
        return Area(
            self.left + horizontal, self.top + rows, self.right - horizontal, self.bottom - rows
        )

    def moved(self, right: int, down: int) -> Area:
        return Area(self.left + right, self.top + down, self.right + right, self.bottom + down)

    def union(self, other: Area) -> Area:
        """The smallest box around both."""
        return Area(
            min(self.left, other.left),
            min(self.top, other.top),
            max(self.right, other.right),
            max(self.bottom, other.bottom),
        )
