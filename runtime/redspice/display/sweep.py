"""In which order and in what pieces a viewer gets what is damaged.

A sweep draws all that was damaged when it began. A line that is slower than the drawing would be
busy with one sweep for seconds; so every other turn goes to small damage that is newer than the
sweep, like the character that a user has just typed. Large damage waits for the next sweep, and
merges with what is damaged meanwhile.
"""

from __future__ import annotations

from collections import deque

from redspice.display.damage import Damage
from redspice.display.damage_log import DamageLog
from redspice.display.framebuffer import BYTES_PER_PIXEL, Box


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


class Sweep:
    """What one viewer is still to be drawn: nothing at first but what `log` hears from then on."""

    def __init__(self, log: DamageLog) -> None:
        self._log = log
        self._position = log.now()
        self._damage = Damage()
        self._boxes: deque[Box] = deque()
        self._swept = False

    def clear(self) -> None:
        """Nothing is left to be drawn."""
        self._position = self._log.now()
        self._damage.take()
        self._boxes.clear()

    def take(self, limit: int) -> list[Box]:
        """The next boxes to draw, together about `limit` bytes of pixels."""
        self._damage.extend(self._log.since(self._position))
        self._position = self._log.now()
        if self._boxes and self._swept and (small := self._take_small(limit)):
            self._swept = False
            return small
        self._swept = True
        if not self._boxes:
            boxes = self._damage.take()
            if sum(map(size, boxes)) <= limit:
                return boxes
            self._boxes.extend(boxes)
        return self._take_swept(limit)

    def _take_small(self, limit: int) -> list[Box]:
        """Damage since the sweep began, the smallest first."""
        small: list[Box] = []
        room = limit
        for box in sorted(self._damage.take(), key=size):
            if size(box) <= room:
                room -= size(box)
                small.append(box)
            else:
                self._damage.add(box)
        return small

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
