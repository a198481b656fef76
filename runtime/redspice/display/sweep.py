"""In which order and in what pieces a viewer gets what is damaged.

A sweep draws all that was damaged when it began. A line that is slower than the drawing would be
busy with one sweep for seconds; so most turns go to newer damage:

* first to what is fresh, damage where nothing has changed for a while, like the line in which a
  user types. Motion damages the same places again and again, and on a line that it fills there is
  always some of it: a user would wait behind that. What is large comes in pieces.
* then to what is small in restless places. What is large there waits for the next sweep, and merges
  with what is damaged meanwhile.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Collection
from math import inf

from redspice.display.damage import Damage
from redspice.display.damage_log import DamageLog
from redspice.display.framebuffer import BYTES_PER_PIXEL, Box

# Turns of newer damage to one of the sweep. Only the first is for all of it: a sweep must go on.
NEWER_TURNS = 4

# Seconds without damage after which a place is quiet. Motion has at least four pictures a second,
# and who types strikes no place as often.
QUIET = 0.25

# Where a viewer could not be sent anything for longer than that, what moved this many seconds
# before it is taken to have moved on.
LAST_MOTION = 0.1

# Damaged boxes that are remembered for that time. Each new one is compared with all of them where a
# viewer is behind; what does not fit makes motion look fresh.
MAX_RECENT = 256


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


def take_pieces(boxes: deque[Box], limit: int) -> list[Box]:
    """Take boxes from the left, in pieces of up to `limit` bytes, until there are so many bytes.

    Pieces are the same whatever comes before them, so viewers share their pictures.
    """
    taken: list[Box] = []
    room = limit
    while boxes and room > 0:
        piece, rest = cut(boxes.popleft(), limit)
        if rest is not None:
            boxes.appendleft(rest)
        taken.append(piece)
        room -= size(piece)
    return taken


class Sweep:
    """What one viewer is still to be drawn: nothing at first but what `log` hears from then on."""

    def __init__(self, log: DamageLog) -> None:
        self._log = log
        self._position = log.now()
        self._fresh = Damage()
        self._restless = Damage()
        self._boxes: deque[Box] = deque()
        """What the sweep has still to draw."""
        self._recent: deque[tuple[float, Box]] = deque(maxlen=MAX_RECENT)
        """What was damaged lately and when."""
        self._heard_at = inf
        """When a viewer that was behind could last be sent something."""
        self._ahead = 0
        """Turns for newer damage before the sweep has its next one."""

    def clear(self) -> None:
        """Nothing is left to be drawn."""
        self._position = self._log.now()
        self._fresh.take()
        self._restless.take()
        self._boxes.clear()

    @property
    def has_fresh(self) -> bool:
        """Whether something fresh is to be drawn."""
        return bool(self._fresh)

    def hear(self, now: float) -> None:
        """Learn what was damaged up to now."""
        heard = self._log.since(self._position)
        self._position = self._log.now()
        if not heard:
            self._heard_at = now
            return
        recent = self._recent
        quiet_since = min(now - QUIET, self._heard_at - LAST_MOTION)
        while recent and recent[0][0] <= quiet_since:
            recent.popleft()
        places = [box for _, box in recent]
        for box in heard:
            (self._restless if overlaps(box, places) else self._fresh).add(box)
        recent.extend((now, box) for box in heard)
        self._heard_at = now

    def take(self, limit: int, now: float) -> list[Box]:
        """The next boxes to draw, together about `limit` bytes of pixels."""
        if not (self._boxes or self._fresh or self._restless):
            heard = self._log.since(self._position)
            if sum(map(size, heard)) <= limit:
                self._position = self._log.now()
                self._recent.extend((now, box) for box in heard)
                self._heard_at = inf
                return list(heard)
        self.hear(now)
        if not self._boxes:
            # A sweep of what is fresh, if there is nothing else.
            self._boxes.extend(self._restless.take() or self._fresh.take())
            self._ahead = NEWER_TURNS
        if self._ahead:
            self._ahead -= 1
            if newer := self._take_newer(limit, everywhere=self._ahead == NEWER_TURNS - 1):
                return newer
        self._ahead = NEWER_TURNS
        return take_pieces(self._boxes, limit)

    def take_fresh(self, limit: int) -> list[Box]:
        """What is fresh of what was heard, up to about `limit` bytes, the smallest first."""
        fresh = deque(sorted(self._fresh.take(), key=size))
        taken = take_pieces(fresh, limit)
        self._fresh.extend(fresh)
        return taken

    def _take_newer(self, limit: int, *, everywhere: bool) -> list[Box]:
        """What is fresh and then, if `everywhere`, what fits of the rest; the smallest first."""
        taken = self.take_fresh(limit)
        if everywhere:
            room = limit - sum(map(size, taken))
            left = []
            for box in sorted(self._restless.take(), key=size):
                if size(box) <= room:
                    taken.append(box)
                    room -= size(box)
                else:
                    left.append(box)
            self._restless.extend(left)
        return taken
