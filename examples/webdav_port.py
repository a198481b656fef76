"""A folder of the viewer: its WebDAV port as a unix socket for a program on this side.

    python examples/webdav_port.py webdav.sock
    remote-viewer spice://127.0.0.1:5900      # File, Preferences, Share folder

The bytes are those of a virtio port in a virtual machine, which spice-webdavd reads there: for each
connection of a WebDAV client an id of 8 bytes, a length of 2, and as many bytes.
"""

import argparse
import asyncio

from redspice.aio import AsyncioCore, serve
from redspice.interfaces import CharDeviceInterface, PortEvent
from redspice.reds import RedsState

# What is read ahead of the server.
MOST_WAITING = 64 * 1024


class SocketPort(CharDeviceInterface, asyncio.Protocol):
    """The port is open while somebody is connected to the socket."""

    subtype = "port"

    def __init__(self) -> None:
        super().__init__("org.spice-space.webdav.0")
        self.waiting = bytearray()
        self.transport: asyncio.Transport | None = None
        self.writable = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport, self.writable = transport, True
        self.port_event(PortEvent.OPENED)
        print("open", flush=True)

    def connection_lost(self, error: Exception | None) -> None:
        self.transport, self.writable = None, False
        self.port_event(PortEvent.CLOSED)
        print("closed", flush=True)

    def data_received(self, data: bytes) -> None:
        self.waiting += data
        if self.transport is not None and len(self.waiting) > MOST_WAITING:
            self.transport.pause_reading()
        self.wakeup()

    def pause_writing(self) -> None:
        self.writable = False

    def resume_writing(self) -> None:
        self.writable = True
        self.wakeup()

    def read(self, most: int) -> bytes:
        data = bytes(self.waiting[:most])
        del self.waiting[:most]
        if self.transport is not None and not self.waiting:
            self.transport.resume_reading()
        return data

    def write(self, data: memoryview) -> int:
        if self.transport is None:
            return len(data)  # nobody is there to hear it
        if not self.writable:
            return 0
        self.transport.write(bytes(data))
        return len(data)


class Busy(asyncio.Protocol):
    """Who comes while somebody is connected."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        transport.close()


async def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("socket", help="path of the unix socket")
    parser.add_argument("--port", type=int, default=5900)
    arguments = parser.parse_args()

    reds = RedsState()
    reds.init(AsyncioCore())
    reds.set_noauth()
    port = SocketPort()
    reds.add_interface(port)
    await asyncio.get_running_loop().create_unix_server(
        lambda: port if port.transport is None else Busy(), arguments.socket
    )
    async with serve(reds, port=arguments.port) as server:
        print(f"listening on {server.addresses[0]}", flush=True)
        await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main())
