"""A folder of the viewer: its WebDAV port as a unix socket for a program on this side.

    python examples/webdav_port.py webdav.sock
    remote-viewer spice://127.0.0.1:5900      # File, Preferences, Share folder

The bytes are those of a virtio port in a virtual machine, which spice-webdavd reads there: for each
connection of a WebDAV client an id of 8 bytes, a length of 2, and as many bytes.
"""

import argparse
import asyncio
import contextlib
import sys

from redspice.aio import AsyncioCore, serve
from redspice.interfaces import PortEvent
from redspice.reds import RedsState
from socket_device import SocketDevice


class SocketPort(SocketDevice):
    """The port is open while a program is connected to the socket."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self.port_event(PortEvent.OPENED)
        print("open", flush=True)

    def connection_lost(self, error: Exception | None) -> None:
        super().connection_lost(error)
        self.port_event(PortEvent.CLOSED)
        print("closed", flush=True)

    def write(self, data: memoryview) -> int:
        return super().write(data) if self.opened else len(data)  # nobody is there to hear it


class Busy(asyncio.Protocol):
    """Who comes while another one is connected."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        transport.close()


async def main(port: int, socket: str) -> None:
    reds = RedsState()
    reds.init(AsyncioCore())
    reds.set_noauth()
    device = SocketPort("org.spice-space.webdav.0")
    reds.add_interface(device)

    def protocol() -> asyncio.Protocol:
        return device if device.transport is None else Busy()

    loop = asyncio.get_running_loop()
    with contextlib.closing(await loop.create_unix_server(protocol, socket)):
        async with serve(reds, port=port) as server:
            print("listening on", *server.addresses, flush=True)
            await server.serve_forever()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("socket", help="path of the unix socket")
    parser.add_argument("--port", type=int, default=5900, help="where viewers connect")
    options = parser.parse_args()
    try:
        asyncio.run(main(options.port, options.socket))
    except KeyboardInterrupt:
        pass
    except OSError as error:
        sys.exit(f"cannot listen: {error}")
