"""Listening: sockets in, one `ViewerProtocol` for each, and an orderly end.

    async with serve(reds, "127.0.0.1", 5900) as server:
        await server.serve_forever()

`server = await serve(...)` works too; then `server.close()` and `await server.wait_closed()`.
"""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import Awaitable, Callable, Generator
from types import TracebackType
from typing import NamedTuple

from redspice.aio.core import AsyncioCore
from redspice.aio.protocol import ViewerProtocol, format_address
from redspice.aio.unix import UnixListener
from redspice.aio.viewers import Viewers
from redspice.errors import ConfigurationError
from redspice.reds import RedsState

DEFAULT_PORT = 5900

BACKLOG = 128
"""Connections that the system keeps for us; one viewer opens about a dozen at once."""


class TcpAddress(NamedTuple):
    """Where a server listens; as text `host:port`."""

    host: str
    port: int

    def __str__(self) -> str:
        return format_address(self.host, self.port)


class Server:
    """A server that listens. Made by `serve`."""

    def __init__(
        self,
        reds: RedsState,
        listener: asyncio.Server,
        viewers: Viewers,
        unix: UnixListener | None = None,
    ) -> None:
        self.reds = reds
        self.addresses: tuple[TcpAddress | str, ...] = tuple(
            _address(sock) for sock in listener.sockets
        )
        """Where it listens: `TcpAddress` for TCP, the path for a unix socket."""
        self._listener = listener
        self._viewers = viewers
        self._unix = unix
        self._closing = False

    async def serve_forever(self) -> None:
        """Wait until the server is closed; a cancelled wait closes it."""
        try:
            await self._viewers.wait_gone()
        finally:
            self.close()
            await self.wait_closed()

    def close(self) -> None:
        """Stop to listen and disconnect every viewer; harmless when done before."""
        if self._closing:
            return
        self._closing = True
        self._listener.close()
        if self._unix is not None:
            self._unix.unlink()
        self.reds.shutdown()
        self._viewers.close()  # also those that have not become a viewer's channel yet

    async def wait_closed(self) -> None:
        """Wait, after `close`, for every socket; those that do not hang up are cut in time."""
        await self._viewers.wait_gone()

    async def __aenter__(self) -> Server:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()
        await self.wait_closed()


class Starting:
    """A server about to start: `await` it, or enter it with `async with`."""

    def __init__(self, start: Callable[[], Awaitable[Server]]) -> None:
        self._start = start
        self._server: Server | None = None

    def __await__(self) -> Generator[object, None, Server]:
        return self._start().__await__()

    async def __aenter__(self) -> Server:
        self._server = await self._start()
        return self._server

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._server is not None:
            await self._server.__aexit__(kind, error, traceback)


def serve(
    reds: RedsState,
    host: str | None = "127.0.0.1",
    port: int = DEFAULT_PORT,
    *,
    unix: str | os.PathLike[str] | None = None,
    sock: socket.socket | None = None,
) -> Starting:
    """Listen for viewers of `reds`, on TCP unless `unix` (a path) or `sock` (bound) is given.

    Host None is every interface, port 0 any free port. A `reds` that was not initialised is, with
    an `AsyncioCore` of the running loop. Raises `OSError` if it cannot listen there; the socket
    file of a server that is gone is replaced, anything else at that path is refused.
    """

    async def start() -> Server:
        _ensure_core(reds)
        return await _listen(reds, host, port, unix, sock)

    return Starting(start)


def _ensure_core(reds: RedsState) -> None:
    try:
        _ = reds.core
    except ConfigurationError:  # init was not called
        reds.init(AsyncioCore())


async def _listen(
    reds: RedsState,
    host: str | None,
    port: int,
    unix: str | os.PathLike[str] | None,
    sock: socket.socket | None,
) -> Server:
    if unix is not None and sock is not None:
        raise ConfigurationError("listen on a unix path or on a socket, not on both")
    loop, viewers = asyncio.get_running_loop(), Viewers(reds)

    def accept() -> ViewerProtocol:
        return ViewerProtocol(viewers)

    listener: asyncio.Server
    if unix is not None:
        path = UnixListener(unix)
        try:
            listener = await loop.create_unix_server(accept, sock=path.sock, backlog=BACKLOG)
        except BaseException:
            path.sock.close()
            path.unlink()
            raise
        return Server(reds, listener, viewers, path)
    if sock is None:
        listener = await loop.create_server(accept, host, port, backlog=BACKLOG)
    elif sock.family == socket.AF_UNIX:
        listener = await loop.create_unix_server(accept, sock=sock, backlog=BACKLOG)
    else:
        listener = await loop.create_server(accept, sock=sock, backlog=BACKLOG)
    return Server(reds, listener, viewers)


def _address(sock: socket.socket) -> TcpAddress | str:
    name = sock.getsockname()
    return str(name) if sock.family == socket.AF_UNIX else TcpAddress(*name[:2])
