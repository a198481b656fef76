"""In which order and in what pieces a viewer gets what is damaged.

A sweep draws all that was damaged when it began. A line that is slower than the drawing would be
busy with one sweep for seconds; so most turns go to newer damage:

* first to what is damaged where the sweep has nothing to draw, like the line in which a user types.
  Motion damages the same places again and again, and on a line that it fills there is always some
  of it: a user would wait behind that. What is large comes in pieces.
* then to what is small in the places of the sweep. What is large there waits for the next sweep,
  and merges with what is damaged meanwhile.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Collection

from redspice.display.damage import Damage
from redspice.display.damage_log import DamageLog
from redspice.display.framebuffer import BYTES_PER_PIXEL, Box

# Turns of newer damage to one of the sweep. Only the first is for all of it: a sweep must go on.
NEWER_TURNS = 2


def size(box: Box) -> int:
    """Bytes of the pixels in a box."""
    return (box.right - box.left) * (box.bottom - box.top) * BYTES_PER_PIXEL


def cut(box: Box, limit: int) -> tuple[Box, Box | None]:
    """Whole rows from the top, as many as `limit` bytes hold but at least one; and the rest."""
    rows = max(1, limit // (box.width * BYTES_PER_PIXEL))
    if rows >= box.height:
        return box, None
    border = box.top + rows
    return box._replace(bottom=border), box._replace(top=border)


def overlaps(box: Box, others: Collection[Box]) -> bool:
    """Whether a pixel of `box` is in one of the others."""
    left, top, right, bottom = box
    return any(
        left < x_end and right > x and top < y_end and bottom > y for x, y, x_end, y_end in others
    )


class Sweep:
    """What one viewer is still to be drawn: nothing at first but what `log` hears from then on."""

    def __init__(self, log: DamageLog) -> None:
        self._log = log
        self._position = log.now()
        self._damage = Damage()
        self._boxes: deque[Box] = deque()
        self._area: list[Box] = []
        """What the sweep had to draw when it began."""
        self._ahead = 0
        """Turns for newer damage before the sweep has its next one."""

    def clear(self) -> None:
        """Nothing is left to be drawn."""
        self._position = self._log.now()
        self._damage.take()
        self._boxes.clear()
        self._area.clear()

    def take(self, limit: int) -> list[Box]:
        """The next boxes to draw, together about `limit` bytes of pixels."""
        self._damage.extend(self._log.since(self._position))
        self._position = self._log.now()
        if self._boxes and self._ahead:
            self._ahead -= 1
            if newer := self._take_newer(limit, everywhere=self._ahead == NEWER_TURNS - 1):
                return newer
        self._ahead = NEWER_TURNS
        if not self._boxes:
            boxes = self._damage.take()
            if sum(map(size, boxes)) <= limit:
                self._area.clear()
                return boxes
            self._boxes.extend(sorted(boxes, key=self._repeats))
            self._area = boxes
        return self._take_swept(limit)

    def _repeats(self, box: Box) -> bool:
        """Whether the sweep draws there, or has drawn."""
        return overlaps(box, self._area)

    def _take_newer(self, limit: int, *, everywhere: bool) -> list[Box]:
        """Damage since the sweep began: what fits of it, in new places first, the smallest first.

        Where not even the smallest of the new places fits, a piece of it.
        """
        taken: list[Box] = []
        left: list[Box] = []
        room = limit
        ranked = sorted((self._repeats(box), size(box), box) for box in self._damage.take())
        for repeats, pixel_bytes, box in ranked:
            if pixel_bytes <= room and (everywhere or not repeats):
                taken.append(box)
                room -= pixel_bytes
            else:
                left.append(box)
        if not taken and left and not ranked[0][0]:
            piece, rest = cut(left.pop(0), limit)
            taken.append(piece)
            left += [rest] if rest is not None else []
        self._damage.extend(left)
        return taken

    def _take_swept(self, limit: int) -> list[Box]:
        taken: list[Box] = []
        room = limit
        while self._boxes and room > 0:
            box, rest = cut(self._boxes.popleft(), limit)
            if rest is not None:
                self._boxes.appendleft(rest)
            taken.append(box)
            room -= size(box)
        return taken
