"""A tablet to paint on: the left button paints, the right one wipes, the wheel changes the color.

python examples/tablet.py
remote-viewer spice://127.0.0.1:5900

With one screen and a tablet the viewer moves its own pointer, so that it does not lag.
"""

import argparse
import asyncio
import sys

from redspice.aio import AsyncioCore, serve
from redspice.display.framebuffer import Framebuffer
from redspice.interfaces import QxlInterface, TabletInterface
from redspice.reds import RedsState
from redspice_protocol.enums import MouseButtonMask

PAPER = (235, 245, 250)
COLORS = ((40, 40, 40), (50, 50, 220), (60, 160, 40), (220, 120, 30))
BRUSH = 6


class Paper(TabletInterface):
    """Paints on a screen."""

    def __init__(self, screen: Framebuffer) -> None:
        self.screen = screen
        self.x = self.y = 0
        self.color = 0
        self.wipe()

    def set_logical_size(self, width: int, height: int) -> None:
        print(f"positions are in {width}x{height}", flush=True)

    def position(self, x: int, y: int, buttons: int) -> None:
        self.x, self.y = x, y
        self.buttons(buttons)

    def buttons(self, buttons: int) -> None:
        if buttons & MouseButtonMask.RIGHT:
            self.wipe()
        elif buttons & MouseButtonMask.LEFT:
            # A late or hostile viewer may be outside; the screen cuts what is.
            left, top = self.x - BRUSH, self.y - BRUSH
            color = COLORS[self.color]
            self.screen.fill(left, top, left + 2 * BRUSH, top + 2 * BRUSH, color)

    def wheel(self, dz: int, buttons: int) -> None:
        self.color = (self.color + dz) % len(COLORS)
        print("color", self.color, flush=True)

    def wipe(self) -> None:
        self.screen.fill(0, 0, self.screen.width, self.screen.height, PAPER)


async def main(port: int) -> None:
    reds = RedsState()
    reds.init(AsyncioCore())
    reds.set_noauth()
    screen = Framebuffer(640, 480)
    reds.add_interface(QxlInterface(screen))
    reds.add_interface(Paper(screen))

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
