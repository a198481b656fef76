"""A screen that NumPy draws in a thread of its own: waves that wander to the right.

    python examples/screen.py
    remote-viewer spice://127.0.0.1:5900

The thread writes into the pixels. What changed is for the loop alone to say, so the thread has it
say so.
"""

import argparse
import asyncio
import itertools
import sys
import threading

import numpy as np

from redspice.aio import AsyncioCore, serve
from redspice.display.framebuffer import Framebuffer
from redspice.interfaces import QxlInterface
from redspice.reds import RedsState

WIDTH, HEIGHT = 640, 480
FRAME = 1 / 25
STEP = 8


def draw(screen: Framebuffer, loop: asyncio.AbstractEventLoop, stop: threading.Event) -> None:
    """Draw a frame after the other until it is enough."""
    pixels = np.frombuffer(screen.pixels, np.uint8).reshape(HEIGHT, WIDTH, 4)
    blue, green, red = range(3)
    pixels[:, :, blue] = np.linspace(0, 255, HEIGHT)[:, np.newaxis]
    wave = 127.5 + 127.5 * np.sin(np.arange(WIDTH) * 4 * np.pi / WIDTH)
    pixels[:, :, green] = wave
    for shift in itertools.count(step=STEP):
        pixels[:, :, red] = np.roll(wave, shift)
        loop.call_soon_threadsafe(screen.damage, 0, 0, WIDTH, HEIGHT)
        if stop.wait(FRAME):
            return


async def main(port: int) -> None:
    reds = RedsState()
    reds.init(AsyncioCore())
    reds.set_noauth()
    screen = Framebuffer(WIDTH, HEIGHT)
    reds.add_interface(QxlInterface(screen))

    stop = threading.Event()
    painter = threading.Thread(target=draw, args=(screen, asyncio.get_running_loop(), stop))
    async with serve(reds, port=port) as server:
        print("listening on", *server.addresses, flush=True)
        painter.start()
        try:
            await server.serve_forever()
        finally:
            stop.set()
            painter.join()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--port", type=int, default=5900, help="where viewers connect")
    try:
        asyncio.run(main(parser.parse_args().port))
    except KeyboardInterrupt:
        pass
    except OSError as error:
        sys.exit(f"cannot listen: {error}")
