"""A char device at the end of a socket: what agent.py, usbredir.py and webdav_port.py share.

Neither side can fill the memory: the socket is left unread while the server wants no more, and the
server keeps what the socket does not take.
"""

import asyncio

from redspice.interfaces import CharDeviceInterface

# What is read ahead of the server.
MOST_WAITING = 64 * 1024


class SocketDevice(CharDeviceInterface, asyncio.Protocol):
    """A device, and the protocol of its socket; one connection at a time."""

    def __init__(self, portname: str | None = None) -> None:
        super().__init__(portname)
        self.transport: asyncio.Transport | None = None
        self.waiting = bytearray()
        self.writable = False

    # What the socket tells.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        self.waiting.clear()
        self.resume_writing()

    def connection_lost(self, error: Exception | None) -> None:
        self.transport, self.writable = None, False

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

    # What the server calls.

    def read(self, most: int) -> bytes:
        data = bytes(self.waiting[:most])
        del self.waiting[:most]
        if self.transport is not None and not self.waiting:
            self.transport.resume_reading()
        return data

    def write(self, data: memoryview) -> int:
        if self.transport is None or not self.writable:
            return 0
        self.transport.write(bytes(data))
        return len(data)

    def hang_up(self) -> None:
        """Close the socket, if it is open."""
        if self.transport is not None:
            self.transport.abort()
