"""What was damaged since when: one log for all viewers of a framebuffer.

A viewer remembers a position and asks for what was damaged since. Positions count frames, and a
frame ends when somebody asks. So damage is merged once, however many viewers there are; and all who
ask before the next damage get the same boxes, whose pictures they can share.

The log forgets nothing, but becomes coarse with age: of two old frames it makes one, of two such
pairs one again. Whoever asks for what came after the middle of such a frame gets all of it, a
little too much. So the log is short, and a viewer that asks for nothing costs nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from redspice.display.damage import Damage
from redspice.display.framebuffer import Box

# Frames of an age that are told apart. A viewer that is behind by a few frames gets exactly what it
# has missed; one that is far behind gets the damage of a third more frames at most.
ALIKE = 4


class Frame(NamedTuple):
    """The damage between two positions."""

    end: int
    """The later position."""
    rank: int
    """How often two frames were made one: it stands for 2 to the power of this."""
    boxes: list[Box]


class DamageLog:
    """What was damaged, for all who want to know."""

    def __init__(self) -> None:
        self._open = Damage()
        self._frames: list[Frame] = []
        self._position = 0
        self._answers: dict[int, Sequence[Box]] = {}

    @property
    def quiet(self) -> bool:
        """Whether nothing was damaged since somebody asked."""
        return not self._open

    def add(self, box: Box) -> None:
        """More damage."""
        self._open.add(box)

    def clear(self) -> None:
        """Forget all damage: nobody may use it any more."""
        self._open.take()
        self._frames.clear()
        self._answers.clear()

    def now(self) -> int:
        """The present position."""
        if self._open:
            self._position += 1
            self._frames.append(Frame(self._position, 0, self._open.take()))
            self._answers.clear()
            self._coarsen()
        return self._position

    def since(self, position: int) -> Sequence[Box]:
        """All boxes that were damaged after `position`, merged, and perhaps a few older ones."""
        if position >= self.now():
            return ()
        if position not in self._answers:
            damage = Damage()
            for frame in self._frames:
                if frame.end > position:
                    damage.extend(frame.boxes)
            self._answers[position] = damage.take()
        return self._answers[position]

    def _coarsen(self) -> None:
        """While too many frames are alike, make one of the two oldest of them."""
        frames, rank, end = self._frames, 0, len(self._frames)
        while True:
            start = end
            while start and frames[start - 1].rank == rank:
                start -= 1
            if end - start <= ALIKE:
                return
            older, newer = frames[start : start + 2]
            damage = Damage()
            damage.extend(older.boxes)
            damage.extend(newer.boxes)
            rank += 1
            frames[start : start + 2] = [Frame(newer.end, rank, damage.take())]
            end = start + 1
