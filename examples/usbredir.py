"""USB devices of the viewer, for a virtual machine that speaks usbredir at a unix socket.

    qemu-system-x86_64 -chardev socket,id=usb,path=usb.sock,server=on,wait=off ...
        ... -device usb-ehci -device usb-redir,chardev=usb
    python examples/usbredir.py usb.sock
    remote-viewer spice://127.0.0.1:5900      # File, USB device selection

Each socket that is named is one port of the machine. The device that the viewer selects appears in
the machine, until the viewer goes.
"""

import argparse
import asyncio
import sys

from redspice.aio import AsyncioCore, serve
from redspice.display.framebuffer import Framebuffer
from redspice.interfaces import QxlInterface
from redspice.reds import RedsState
from socket_device import SocketDevice

# Seconds between two attempts to reach the machine.
RETRY = 1.0


class UsbPort(SocketDevice):
    """Connected to the machine while a viewer is there: for each, both ends begin with a hello."""

    subtype = "usbredir"

    def __init__(self, path: str) -> None:
        super().__init__()
        self.path = path
        self.connecting: asyncio.Task[None] | None = None

    def state(self, connected: bool) -> None:
        if self.connecting is not None:
            self.connecting.cancel()
        self.hang_up()
        self.connecting = asyncio.create_task(self.connect()) if connected else None

    async def connect(self) -> None:
        while self.transport is None:
            try:
                await asyncio.get_running_loop().create_unix_connection(lambda: self, self.path)
            except OSError as error:
                print(f"no machine at {self.path}: {error.strerror}", flush=True)
                await asyncio.sleep(RETRY)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        print(f"{self.path} is connected", flush=True)

    def connection_lost(self, error: Exception | None) -> None:
        super().connection_lost(error)
        print(f"{self.path} is not connected any more", flush=True)


async def main(port: int, sockets: list[str]) -> None:
    reds = RedsState()
    reds.init(AsyncioCore())
    reds.set_noauth()
    reds.add_interface(QxlInterface(Framebuffer(640, 480)))
    for socket in sockets:
        reds.add_interface(UsbPort(socket))

    async with serve(reds, port=port) as server:
        print("listening on", *server.addresses, flush=True)
        await server.serve_forever()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("sockets", nargs="+", metavar="socket", help="where a machine listens")
    parser.add_argument("--port", type=int, default=5900, help="where viewers connect")
    options = parser.parse_args()
    try:
        asyncio.run(main(options.port, options.sockets))
    except KeyboardInterrupt:
        pass
    except OSError as error:
        sys.exit(f"cannot listen: {error}")
