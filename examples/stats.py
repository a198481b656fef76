"""A clock that is watched: figures every second, a page for Prometheus, a statistics file.

    python examples/stats.py
    remote-viewer spice://127.0.0.1:5900
    redspice top 127.0.0.1:9180
    curl http://127.0.0.1:9180/metrics

All of them have the same numbers; those that are printed are of the last second.
"""

import argparse
import asyncio
import itertools
import sys

from redspice.aio import AsyncioCore, serve, stat_file
from redspice.aio.metrics import metrics_server
from redspice.display.framebuffer import Framebuffer
from redspice.interfaces import QxlInterface
from redspice.reds import RedsState
from redspice.stats import ServerStats

WIDTH, HEIGHT = 640, 480
BLUE, YELLOW = (160, 60, 20), (40, 220, 240)


async def draw(screen: Framebuffer) -> None:
    """A hand that goes round the screen, 20 steps a second."""
    for x in itertools.cycle(range(0, WIDTH, 8)):
        screen.fill(0, 0, WIDTH, HEIGHT, BLUE)
        screen.fill(x, 0, x + 8, HEIGHT, YELLOW)
        await asyncio.sleep(0.05)


async def watch(reds: RedsState) -> None:
    """Print what happened in each second."""
    before = reds.stats.snapshot()
    while True:
        await asyncio.sleep(1)
        now = reds.stats.snapshot()
        print(line(before, now), flush=True)
        before = now


def line(before: ServerStats, now: ServerStats) -> str:
    display, earlier = now.channel("display:0"), before.channel("display:0")
    seconds = now.at - before.at
    messages = (display.out_messages - earlier.out_messages) / seconds
    rate = (display.out_bytes - earlier.out_bytes) / seconds
    encoded = ", ".join(f"{one.seconds.count} {one.encoding}" for one in display.encodings)
    return (
        f"{len(now.clients)} viewers, {now.refused} refused, {messages:.0f} messages/s, "
        f"{rate / 1000:.0f} kB/s, pictures: {encoded or 'none'}"
    )


async def main(port: int, metrics_port: int) -> None:
    reds = RedsState()
    reds.init(AsyncioCore())
    reds.set_noauth()
    screen = Framebuffer(WIDTH, HEIGHT)
    reds.add_interface(QxlInterface(screen))

    async with (
        serve(reds, port=port) as server,
        metrics_server(reds, port=metrics_port) as pages,
        stat_file(reds) as path,
    ):
        print("listening on", *server.addresses, flush=True)
        print("statistics at", *pages, "and in", path, flush=True)
        await asyncio.gather(draw(screen), watch(reds))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--port", type=int, default=5900, help="where viewers connect")
    parser.add_argument("--metrics-port", type=int, default=9180, help="where Prometheus does")
    options = parser.parse_args()
    try:
        asyncio.run(main(options.port, options.metrics_port))
    except KeyboardInterrupt:
        pass
    except OSError as error:
        sys.exit(f"cannot listen: {error}")
