"""What of a framebuffer a viewer has not been sent yet.

A bounded list of rectangles: those that touch or overlap become one, and when there are too many
all of them become the one around them. So a stalled viewer costs a constant amount of memory and,
when it wakes up, gets each pixel about once.
"""

from __future__ import annotations

from redspice.display.framebuffer import Box

# More rectangles than this cost more in headers and comparisons than the pixels between them.
MAX_RECTS = 32


def touch(one: Box, other: Box) -> bool:
    """Whether two boxes overlap or share a border."""
    return (
        one.left <= other.right
        and other.left <= one.right
        and one.top <= other.bottom
        and other.top <= one.bottom
    )


def union(one: Box, other: Box) -> Box:
    """The smallest box around both."""
    return Box(
        min(one.left, other.left),
        min(one.top, other.top),
        max(one.right, other.right),
        max(one.bottom, other.bottom),
    )


class Damage:
    """The damage that one viewer still has to hear of."""

    def __init__(self, limit: int = MAX_RECTS) -> None:
        self._rects: list[Box] = []
        self._limit = limit

    def add(self, rect: Box) -> None:
        """More damage."""
        self._rects = self._merged(rect)
        if len(self._rects) > self._limit:
            around = rect
            for other in self._rects:
                around = union(around, other)
            self._rects = [around]

    def take(self) -> list[Box]:
        """All of it, oldest first; none is left."""
        rects, self._rects = self._rects, []
        return rects

    def __bool__(self) -> bool:
        return bool(self._rects)

    def _merged(self, rect: Box) -> list[Box]:
        """The rectangles with `rect` added: none of them touches another."""
        rects = self._rects
        while True:
            apart = [other for other in rects if not touch(rect, other)]
            if len(apart) == len(rects):
                return [*apart, rect]
            for other in rects:
                if touch(rect, other):
                    rect = union(rect, other)
            rects = apart
