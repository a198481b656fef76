"""Connections that do what a test tells them, behind the asyncio shell on real sockets."""

from __future__ import annotations

import asyncio
import logging
import os
import struct
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import TypeVar

from redspice.aio import Server, serve
from redspice.aio.protocol import ViewerProtocol
from redspice.connection import Connection
from redspice.limits import DEFAULT_LIMITS, Limits
from redspice.reds import RedsState
from redspice.transport import Transport
from redspice_protocol import Buffer

Result = TypeVar("Result")
Peer = tuple[asyncio.StreamReader, asyncio.StreamWriter]

PATIENCE = 10.0
"""Seconds after which a test that waits has failed."""

RESET_ON_CLOSE = struct.pack("ii", 1, 0)
"""The value of SO_LINGER that makes a close a reset."""


class ScriptedConnection(Connection):
    """A connection without a protocol: keeps what comes, sends what it is told."""

    linked = True
    wants_data = True
    skip_auth = False

    def __init__(self, transport: Transport) -> None:
        self.transport = transport
        self.closed = False
        self.on_output = lambda: None
        self.received = bytearray()
        self.output: deque[list[Buffer]] = deque()
        self.endless: bytes | None = None
        self.asked = 0
        self.eof = False
        self.lost: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self.answer: Callable[[bytes], None] = lambda data: None

    def send(self, *buffers: Buffer) -> None:
        self.output.append(list(buffers))
        self.on_output()

    def receive_data(self, data: Buffer) -> None:
        if not self.closed:
            self.received += data
            self.answer(bytes(data))

    def receive_eof(self) -> None:
        self.eof = True
        self.close()

    def connection_lost(self, reason: str) -> None:
        self.closed = True
        self.lost.set_result(reason)

    def data_to_send(self) -> list[Buffer]:
        self.asked += 1
        if self.endless is not None and not self.closed:
            return [self.endless]
        return self.output.popleft() if self.output else []

    def fail(self, reason: str) -> None:
        logging.getLogger("redspice").warning("%s: %s", self.peer, reason)
        self.close()

    def close(self) -> None:
        if not self.closed:
            self.closed = True
            self.on_output()


class ScriptedReds(RedsState):
    """Hands out scripted connections."""

    def __init__(self, limits: Limits = DEFAULT_LIMITS) -> None:
        super().__init__(limits)
        self.made: asyncio.Queue[ScriptedConnection] = asyncio.Queue()
        self.shut_down = 0
        self.linked = True

    def new_connection(self, transport: Transport, *, skip_auth: bool = False) -> Connection:
        connection = ScriptedConnection(transport)
        connection.linked = self.linked
        connection.skip_auth = skip_auth
        self.made.put_nowait(connection)
        return connection

    def shutdown(self) -> None:
        self.shut_down += 1


def run(main: Callable[[], Coroutine[object, object, None]]) -> None:
    """Run a test; afterwards let sockets that were aborted go."""

    async def bounded() -> None:
        await asyncio.wait_for(main(), PATIENCE)
        await turns()

    asyncio.run(bounded())


async def soon(awaitable: Awaitable[Result]) -> Result:
    return await asyncio.wait_for(awaitable, PATIENCE)


async def turns(count: int = 20) -> None:
    """Let the loop run a few times."""
    for _ in range(count):
        await asyncio.sleep(0)


async def connect(running: Server) -> Peer:
    address = running.addresses[0]
    if isinstance(address, str):
        return await asyncio.open_unix_connection(address)
    return await asyncio.open_connection(*address)


def shells(running: Server) -> list[ViewerProtocol]:
    """What holds the transports of a server's viewers, the oldest first."""
    viewers = [arrival._viewer for arrival in running._viewers._inside]
    return [viewer for viewer in viewers if viewer is not None]


def reading(writer: asyncio.StreamWriter) -> asyncio.ReadTransport:
    """The half of a stream's transport that reads."""
    transport = writer.transport
    assert isinstance(transport, asyncio.ReadTransport)
    return transport


@asynccontextmanager
async def viewer(
    unix: str | os.PathLike[str] | None = None, limits: Limits = DEFAULT_LIMITS
) -> AsyncIterator[tuple[ScriptedConnection, asyncio.StreamReader, asyncio.StreamWriter]]:
    """A server with one socket connected: its connection and the other end."""
    reds = ScriptedReds(limits)
    async with serve(reds, port=0 if unix is None else None, unix=unix) as running:
        reader, writer = await connect(running)
        try:
            yield await soon(reds.made.get()), reader, writer
        finally:
            writer.transport.abort()
