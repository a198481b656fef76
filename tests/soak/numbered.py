"""`python -m soak.numbered COMMAND...`: the command, with a demo whose frames have numbers.

To be the prefix of a `soak_server`. Each time that the demo would move its dots, a number is shown
instead, as the colour of two boxes: a small one, which always comes in one message, and a large one
that keeps the line busy.
"""

from __future__ import annotations

import struct
import sys
from itertools import count
from unittest import mock

from redspice.cli.main import main
from redspice.display.framebuffer import Box
from redspice.sources.desktop import Desktop

SMALL = Box(100, 500, 132, 532)
LARGE = Box(400, 400, 912, 912)
SIZE = "1280x1024"
COMMAND = "redspice.cli.main"
"""What ends the part of the command that names the interpreter."""

# A DRAW_COPY begins with its surface and its box: top, left, bottom, right.
BOX = struct.Struct("<4xiiii")


class Frames:
    """What a viewer has seen: give `look` to its display. Pictures must not be compressed."""

    def __init__(self) -> None:
        self.seen: list[int] = []

    def look(self, name: str, body: bytes) -> None:
        if name == "draw_copy" and BOX.unpack_from(body) == box_on_the_wire(SMALL):
            self.seen.append(int.from_bytes(body[-4:-1], "little"))

    @property
    def latest(self) -> int:
        return self.seen[-1]

    def missed(self, after: int, until: int) -> int:
        """How many frames of these were not seen."""
        return until - after - len({n for n in self.seen if after < n <= until})


def box_on_the_wire(box: Box) -> tuple[int, int, int, int]:
    return box.top, box.left, box.bottom, box.right


def run(arguments: list[str]) -> None:
    """The command, with numbers."""
    numbers = count(1)

    def show(desktop: Desktop, seconds: float) -> None:
        color = next(numbers).to_bytes(3, "little")
        for box in (SMALL, LARGE):
            desktop.framebuffer.fill(*box, color)

    with mock.patch.object(Desktop, "show_motion", show):
        main(arguments)


if __name__ == "__main__":
    run(sys.argv[sys.argv.index(COMMAND) + 1 :])
