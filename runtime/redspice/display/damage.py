"""Which parts of a framebuffer have changed.

A bounded list of rectangles. A new one is joined with another if the box around both is hardly
larger than they are, and with the one where that costs least when there is no room for more. So a
stalled viewer costs a constant amount of memory, and what it gets when it wakes up is not much more
than what has changed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from redspice.display.framebuffer import Box

if TYPE_CHECKING:
    from collections.abc import Sequence

# More rectangles than this would take longer to look through than to send: each new one is compared
# with all.
MAX_RECTS = 64
# Pixels that may be sent needlessly to save a message: 1 KiB, about what one costs in headers and
# work.
MERGE_GROWTH = 256


def union(one: Box, other: Box) -> Box:
    """The smallest box around both."""
    return Box(
        min(one.left, other.left),
        min(one.top, other.top),
        max(one.right, other.right),
        max(one.bottom, other.bottom),
    )


def nearest(rect: Box, others: list[Box]) -> tuple[int, int]:
    """Whom of the others (at least one) to join `rect` with: the growth in pixels and the index.

    The growth is what the box around both has more than the two together; it is negative when they
    overlap much. Every damage goes through here, so nothing is called.
    """
    left, top, right, bottom = rect
    least, index = None, 0
    for n, (x, y, x_end, y_end) in enumerate(others):
        width = (right if right > x_end else x_end) - (left if left < x else x)
        height = (bottom if bottom > y_end else y_end) - (top if top < y else y)
        grown = width * height - (x_end - x) * (y_end - y)
        if least is None or grown < least:
            least, index = grown, n
    assert least is not None
    return least - (right - left) * (bottom - top), index


class Damage:
    """Damage that somebody still has to hear of."""

    def __init__(self, limit: int = MAX_RECTS) -> None:
        self._rects: list[Box] = []
        self._limit = limit

    def add(self, rect: Box) -> None:
        """More damage."""
        rects = self._rects
        while rects:
            growth, index = nearest(rect, rects)
            if growth > MERGE_GROWTH and len(rects) < self._limit:
                break
            rect = union(rect, rects.pop(index))
        rects.append(rect)

    def extend(self, rects: Sequence[Box]) -> None:
        """What another one has taken."""
        if self._rects or len(rects) > self._limit:
            for rect in rects:
                self.add(rect)
        else:
            self._rects.extend(rects)

    def take(self) -> list[Box]:
        """All of it; none is left."""
        rects, self._rects = self._rects, []
        return rects

    def __bool__(self) -> bool:
        return bool(self._rects)
