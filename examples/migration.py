"""Two servers, a blue and a green one: press M, and the viewer moves to the other without a break.

    python examples/migration.py
    remote-viewer spice://127.0.0.1:5900

The screen changes its color with the server, and M takes it back again.
"""

import argparse
import asyncio
import sys

from redspice.aio import AsyncioCore, Server, TcpAddress, serve
from redspice.display.framebuffer import Framebuffer
from redspice.errors import ConfigurationError
from redspice.interfaces import KeyboardInterface, MigrationInterface, QxlInterface
from redspice.reds import RedsState

WIDTH, HEIGHT = 640, 480
BLUE, GREEN = (200, 80, 20), (40, 160, 60)
KEY_M = 0x32


class Machine(KeyboardInterface, MigrationInterface):
    """A server whose screen has one color."""

    other: "Machine"
    port = 0

    def __init__(self, name: str, color: tuple[int, int, int]) -> None:
        self.name = name
        self.reds = RedsState()
        self.reds.init(AsyncioCore())
        self.reds.set_noauth()
        # Both must allow it, and their screens must be of the same size; else the viewer opens
        # everything anew at the other server.
        self.reds.seamless_migration = True
        screen = Framebuffer(WIDTH, HEIGHT)
        screen.fill(0, 0, WIDTH, HEIGHT, color)
        self.reds.add_interface(QxlInterface(screen))
        self.reds.add_interface(self)

    def push_scan_freg(self, fragment: int) -> None:
        print(f"{self.name}: key {fragment:02x}", flush=True)
        if fragment == KEY_M:
            try:
                self.reds.migrate_connect("127.0.0.1", self.other.port)
            except ConfigurationError as error:  # it is moving already
                print(f"{self.name}: {error}", flush=True)

    def connect_complete(self) -> None:
        connected = self.reds.migration.connected
        print(f"{self.name}: {connected} viewers are ready to move", flush=True)
        # Here the guest moves, which may take a while. If it cannot, viewers stay.
        self.reds.migrate_start()
        self.reds.migrate_end(completed=connected > 0)

    def end_complete(self) -> None:
        print(f"{self.name}: {len(self.reds.clients)} viewers left", flush=True)


def tcp_port(server: Server) -> int:
    (address,) = server.addresses
    assert isinstance(address, TcpAddress)
    return address.port


async def main(port: int) -> None:
    blue, green = Machine("blue", BLUE), Machine("green", GREEN)
    blue.other, green.other = green, blue
    async with serve(blue.reds, port=port) as first, serve(green.reds, port=0) as second:
        for machine, server in ((blue, first), (green, second)):
            machine.port = tcp_port(server)
            print("listening on", *server.addresses, flush=True)
        await first.serve_forever()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--port", type=int, default=5900, help="of the blue one")
    try:
        asyncio.run(main(parser.parse_args().port))
    except KeyboardInterrupt:
        pass
    except OSError as error:
        sys.exit(f"cannot listen: {error}")
