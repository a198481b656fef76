"""Listening: sockets in, one viewer's channel for each, and an orderly end.

    async with serve(reds, "127.0.0.1", 5900) as server:
        await server.serve_forever()

`server = await serve(...)` works too; then `server.close()` and `await server.wait_closed()`.
"""

from __future__ import annotations

import os
import socket
import ssl
from collections.abc import Awaitable, Callable, Generator, Iterable, Sequence
from types import TracebackType

from redspice.aio.addresses import SocketName, TcpAddress, listening_address
from redspice.aio.core import AsyncioCore
from redspice.aio.listener import Listener
from redspice.aio.origins import Origins
from redspice.aio.places import Place, given_places, tcp_places, unix_place
from redspice.aio.viewers import Viewers
from redspice.errors import ConfigurationError
from redspice.reds import RedsState

DEFAULT_PORT = 5900


class Server:
    """A server that listens. Made by `serve` or `adopt`."""

    def __init__(
        self,
        reds: RedsState,
        viewers: Viewers,
        places: Sequence[Place],
        tls: ssl.SSLContext | None,
    ) -> None:
        self.reds = reds
        self.addresses: tuple[TcpAddress | str, ...] = tuple(
            listening_address(place.sock, place.tls) for place in places
        )
        """Where it listens: `TcpAddress` for TCP, `TlsAddress` for TLS, the path of a unix socket
        or `@` and its abstract name."""
        self._viewers = viewers
        self._tls = tls
        self._places = places
        self._listeners = [self._listener(place) for place in places]
        self._closing = False
        for listener in self._listeners:
            listener.start()

    def add_client(self, sock: socket.socket, skip_auth: bool = False) -> None:
        """Serve the viewer at the other end of a connected socket, which is the server's from now
        on; with `skip_auth` any password does.

        Raises `ConfigurationError`, and leaves the socket alone, if it is not connected.
        """
        self._viewers.admit(sock, _peer_name(sock), skip_auth=skip_auth)

    def add_ssl_client(self, sock: socket.socket, skip_auth: bool = False) -> None:
        """The same with TLS, whose handshake is still to be done.

        Raises `ConfigurationError` also if the server has no TLS context.
        """
        name = _peer_name(sock)
        if self._tls is None:
            raise ConfigurationError("the server has no TLS context")
        self._viewers.admit(sock, name, self._tls, skip_auth=skip_auth)

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
        for listener in self._listeners:
            listener.close()
        for place in self._places:
            place.close()
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

    def _listener(self, place: Place) -> Listener:
        tls = self._tls if place.tls else None

        def taken(sock: socket.socket, name: SocketName) -> None:
            self._viewers.admit(sock, name, tls)

        return Listener(place.sock, taken, self.reds.limits.listen_backlog)


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
    port: int | None = None,
    *,
    unix: str | os.PathLike[str] | None = None,
    sock: socket.socket | Sequence[socket.socket] = (),
    tls: ssl.SSLContext | None = None,
    tls_port: int | None = None,
    tls_sock: socket.socket | Sequence[socket.socket] = (),
    ws: bool = True,
    ws_origins: Iterable[str] = (),
) -> Starting:
    """Listen for viewers of `reds`, at each place that is given and at `DEFAULT_PORT` if none is.

    `port` and `tls_port` are TCP ports of `host` (None: every interface), 0 is any free one; `unix`
    is a path or, from `@` on, an abstract name; `sock` and `tls_sock` are bound sockets, one or
    several, which the server closes in the end. TLS needs a context (`tls_context`). With `ws`
    viewers may also come by WebSocket; `ws_origins` are the web pages that may, besides those of
    the same host (see `origins.Origins`).

    A `reds` that was not initialised is, with an `AsyncioCore` of the running loop. Raises
    `OSError` if it cannot listen there, `ConfigurationError` for TLS without a context; the socket
    file of a server that is gone is replaced, anything else at that path is refused.
    """
    given, given_tls = given_places(sock, False), given_places(tls_sock, True)
    if port is None and tls_port is None and unix is None and not given and not given_tls:
        port = DEFAULT_PORT

    async def start() -> Server:
        if tls is None and (tls_port is not None or given_tls):
            raise ConfigurationError("TLS needs a context, with a certificate and its key")
        places = [*given, *given_tls]
        try:
            if port is not None:
                places += await tcp_places(host, port, False)
            if tls_port is not None:
                places += await tcp_places(host, tls_port, True)
            if unix is not None:
                places.append(unix_place(unix))
            return _start(reds, places, tls, ws, ws_origins)
        except BaseException:
            for place in places:
                place.close()
            raise

    return Starting(start)


def adopt(
    reds: RedsState,
    *,
    tls: ssl.SSLContext | None = None,
    ws: bool = True,
    ws_origins: Iterable[str] = (),
) -> Server:
    """A server that listens nowhere: every viewer comes through `Server.add_client`.

    Needs a running loop; everything else is as with `serve`.
    """
    return _start(reds, (), tls, ws, ws_origins)


def _start(
    reds: RedsState,
    places: Sequence[Place],
    tls: ssl.SSLContext | None,
    ws: bool,
    ws_origins: Iterable[str],
) -> Server:
    _ensure_core(reds)
    viewers = Viewers(reds, Origins(ws_origins) if ws else None)
    server = Server(reds, viewers, places, tls)
    if isinstance(reds.core, AsyncioCore) and reds.core.on_exit is None:
        reds.core.on_exit = server.close
    return server


def _ensure_core(reds: RedsState) -> None:
    try:
        _ = reds.core
    except ConfigurationError:  # init was not called
        reds.init(AsyncioCore())


def _peer_name(sock: socket.socket) -> SocketName:
    if sock.type != socket.SOCK_STREAM:
        raise ConfigurationError("the socket is not a stream socket")
    try:
        name: SocketName = sock.getpeername()
    except OSError as error:
        raise ConfigurationError(f"the socket is not connected: {error.strerror}") from None
    return name
