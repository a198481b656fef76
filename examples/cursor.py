"""A screen with a cursor of its own, which changes with what is below it.

    python examples/cursor.py
    remote-viewer spice://127.0.0.1:5900

Left an arrow, in the middle a beam, none on the right. Each shape goes to a viewer once.
"""

import argparse
import asyncio
import sys

from redspice.aio import AsyncioCore, serve
from redspice.display.framebuffer import Framebuffer
from redspice.interfaces import CursorShape, QxlInterface, TabletInterface
from redspice.reds import RedsState
from redspice_protocol.enums import CursorType

WIDTH, HEIGHT = 600, 300
COLUMN = WIDTH // 3
COLORS = ((90, 60, 30), (150, 200, 210), (30, 30, 30))

SIDE = 16
CLEAR, WHITE = bytes(4), b"\xff" * 4


def arrow() -> CursorShape:
    """A white triangle that points to the top left; blue, green, red, opacity."""
    rows = (WHITE * (SIDE - y) + CLEAR * y for y in range(SIDE))
    return CursorShape(SIDE, SIDE, 0, 0, b"".join(rows))


def beam() -> CursorShape:
    """A line that inverts what is below, as text editors have it: of two planes of one bit each,
    the first keeps the screen and the second inverts it."""
    line = 0b00000001_10000000.to_bytes(2, "big")
    keep, invert = b"\xff\xff" * SIDE, line * SIDE
    return CursorShape(SIDE, SIDE, SIDE // 2, SIDE // 2, keep + invert, CursorType.MONO)


class Columns(TabletInterface):
    """Chooses the cursor by where it is."""

    def __init__(self, qxl: QxlInterface) -> None:
        self.qxl = qxl
        self.shapes = (arrow(), beam(), None)
        self.column: int | None = None
        for column, color in enumerate(COLORS):
            left = column * COLUMN
            qxl.framebuffer.fill(left, 0, left + COLUMN, HEIGHT, color)
        self.position(0, 0, 0)

    def position(self, x: int, y: int, buttons: int) -> None:
        column = min(x // COLUMN, len(self.shapes) - 1)
        if column == self.column:
            return
        self.column = column
        shape = self.shapes[column]
        if shape is None:
            self.qxl.hide_cursor()
        else:
            self.qxl.set_cursor(shape)


async def main(port: int) -> None:
    reds = RedsState()
    reds.init(AsyncioCore())
    reds.set_noauth()
    qxl = QxlInterface(Framebuffer(WIDTH, HEIGHT))
    reds.add_interface(qxl)
    reds.add_interface(Columns(qxl))

    async with serve(reds, port=port) as server:
        print("listening on", *server.addresses, flush=True)
        await server.serve_forever()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--port", type=int, default=5900, help="where viewers connect")
    try:
        asyncio.run(main(parser.parse_args().port))
    except KeyboardInterrupt:
        pass
    except OSError as error:
        sys.exit(f"cannot listen: {error}")
