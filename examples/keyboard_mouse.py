"""A keyboard with lock lights and a mouse: keys are printed, the mouse moves a square.

    python examples/keyboard_mouse.py
    remote-viewer spice://127.0.0.1:5900

Click into the window, and it has the mouse. Scroll, num and caps lock switch the lights, which the
viewer's own keyboard follows.
"""

import argparse
import asyncio
import sys

from redspice.aio import AsyncioCore, serve
from redspice.buttons import device_buttons
from redspice.display.framebuffer import Framebuffer
from redspice.interfaces import KeyboardInterface, MouseInterface, QxlInterface
from redspice.reds import RedsState

WIDTH, HEIGHT, SIDE = 640, 480, 40
BACKGROUND = (60, 40, 20)
COLORS = {0: (200, 200, 200), 1: (60, 60, 240), 2: (240, 90, 60), 4: (60, 200, 60)}

PREFIXES = (0xE0, 0xE1)
LIGHTS = {0x46: 1, 0x45: 2, 0x3A: 4}  # scroll, num and caps lock: the key and its light


class Keyboard(KeyboardInterface):
    """Prints codes, and has lights that follow the lock keys as a guest's do."""

    def __init__(self, reds: RedsState) -> None:
        self.reds = reds
        self.code = b""
        self.leds = 0

    def push_scan_freg(self, fragment: int) -> None:
        self.code += bytes((fragment,))
        if fragment in PREFIXES:
            return
        print("key", self.code.hex(" "), flush=True)
        if len(self.code) == 1 and fragment in LIGHTS:
            self.leds ^= LIGHTS[fragment]
            self.reds.kbd_leds(self.leds)
        self.code = b""

    def get_leds(self) -> int:
        return self.leds


class Mouse(MouseInterface):
    """Moves a square, which grows with the wheel and takes the color of a button that is held."""

    def __init__(self, screen: Framebuffer) -> None:
        self.screen = screen
        self.x, self.y, self.side = WIDTH // 2, HEIGHT // 2, SIDE
        self.draw(0)

    def motion(self, dx: int, dy: int, dz: int, buttons: int) -> None:
        self.x = min(max(self.x + dx, 0), WIDTH)
        self.y = min(max(self.y + dy, 0), HEIGHT)
        self.side = min(max(self.side - 4 * dz, 4), HEIGHT)
        self.draw(buttons)

    def buttons(self, buttons: int) -> None:
        print(f"buttons {buttons:#x}, as mice report them {device_buttons(buttons):#x}", flush=True)
        self.draw(buttons)

    def draw(self, buttons: int) -> None:
        self.screen.fill(0, 0, WIDTH, HEIGHT, BACKGROUND)
        left, top = self.x - self.side // 2, self.y - self.side // 2
        color = COLORS.get(buttons, COLORS[0])
        self.screen.fill(left, top, left + self.side, top + self.side, color)


async def main(port: int) -> None:
    reds = RedsState()
    reds.init(AsyncioCore())
    reds.set_noauth()
    screen = Framebuffer(WIDTH, HEIGHT)
    for device in (QxlInterface(screen), Keyboard(reds), Mouse(screen)):
        reds.add_interface(device)

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
