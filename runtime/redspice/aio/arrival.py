"""A socket from the moment that it is let in until it is gone.

It waits for its turn to be served (see `doorstep`). Then it may have a TLS handshake to do; a
`ViewerProtocol` takes over when that is done. Who does not finish it within the deadline of the
link stage is cut off.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
from typing import Protocol

from redspice.aio.addresses import Peer, listening_address
from redspice.aio.first_bytes import Wire
from redspice.aio.protocol import ViewerProtocol
from redspice.aio.tls import TlsFacts
from redspice.connection import Connection
from redspice.limits import Limits
from redspice.refusals import RefusalLog
from redspice.suspects import Suspects
from redspice.transport import Transport

MAX_UNSENT = 16 * 1024
"""Bytes that the system takes beyond what it may send now. It would take megabytes, and an answer
or a newer picture would wait behind them."""


class Host(Protocol):
    """Who knows all sockets that are open."""

    @property
    def limits(self) -> Limits:
        """What they may cost."""

    @property
    def refusals(self) -> RefusalLog:
        """Where it is said who was not let in."""

    @property
    def suspects(self) -> Suspects:
        """Where it is remembered who has failed."""

    def connect(
        self, arrival: Arrival, transport: Transport, skip_auth: bool
    ) -> tuple[Connection, Wire]:
        """The connection of a socket, and what carries its bytes."""

    def link(self, arrival: Arrival) -> None:
        """Its peer has come through the link stage."""

    def leave(self, arrival: Arrival) -> None:
        """The socket is gone."""


class Arrival:
    """One connected socket, which it owns; `skip_auth` lets its viewer in with any password."""

    def __init__(
        self,
        host: Host,
        sock: socket.socket,
        peer: Peer,
        tls: ssl.SSLContext | None,
        skip_auth: bool,
    ) -> None:
        self.peer = peer
        self.network = peer.network
        """Whose connections are counted together (see `Peer.network`)."""
        self._host = host
        self._sock = sock
        self._tls = tls
        self._skip_auth = skip_auth
        self._starting: asyncio.Task[object] | None = None
        self._viewer: ViewerProtocol | None = None

    @property
    def limits(self) -> Limits:
        """What it may cost."""
        return self._host.limits

    def start(self) -> None:
        """Serve the viewer at the other end."""
        if not self.peer.local:
            tune(self._sock, self.limits.keepalive_idle)
        self._starting = asyncio.create_task(self._open())
        self._starting.add_done_callback(self._opened)

    def close(self) -> None:
        """Say goodbye and hang up, at once if nothing has been said yet."""
        if self._viewer is not None:
            self._viewer.close()
        else:
            self._give_up()

    def abort(self) -> None:
        """Hang up without a word."""
        if self._viewer is not None:
            self._viewer.abort()
        else:
            self._give_up()

    def enter(self, viewer: ViewerProtocol, tls: TlsFacts | None) -> tuple[Connection, Wire]:
        """The transport is there (see `protocol.Door`)."""
        self._viewer = viewer
        name, local, address = self.peer
        transport = Transport(
            name,
            local,
            tls=tls is not None,
            cipher_bits=0 if tls is None else tls.cipher_bits,
            client_certificate=None if tls is None else tls.client_certificate,
            address=address,
            local_address=str(listening_address(self._sock, False)),
            network=self.network,
        )
        return self._host.connect(self, transport, self._skip_auth)

    def link(self) -> None:
        """The peer has come through the link stage."""
        self._host.link(self)

    def leave(self) -> None:
        """The transport is gone."""
        self._host.leave(self)

    def _give_up(self) -> None:
        if self._starting is not None:
            self._starting.cancel()
        else:
            self._be_gone()

    async def _open(self) -> None:
        loop = asyncio.get_running_loop()
        if self._tls is None:
            await loop.connect_accepted_socket(lambda: ViewerProtocol(self), self._sock)
        else:
            await loop.connect_accepted_socket(
                lambda: ViewerProtocol(self),
                self._sock,
                ssl=self._tls,
                ssl_handshake_timeout=self.limits.link_timeout,
                ssl_shutdown_timeout=self.limits.close_timeout,
            )

    def _opened(self, task: asyncio.Task[None]) -> None:
        self._starting = None
        error = None if task.cancelled() else task.exception()
        if self._viewer is not None:
            return
        if error is not None:
            line = f"{self.peer.name}: TLS handshake failed: {_reason(error)}"
            self._host.refusals.add("TLS handshakes failed", line)
            self._host.suspects.failed(self.network)
        self._be_gone()

    def _be_gone(self) -> None:
        self._sock.close()
        self._host.leave(self)


def tune(sock: socket.socket, keepalive_idle: int) -> None:
    """Small messages at once, no long queue in the system, and an end for peers that vanished
    without a word."""
    with contextlib.suppress(OSError):  # already reset: the first read will say so
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        if hasattr(socket, "TCP_KEEPIDLE"):
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, keepalive_idle)
        if hasattr(socket, "TCP_NOTSENT_LOWAT"):
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NOTSENT_LOWAT, MAX_UNSENT)


def _reason(error: BaseException) -> str:
    if isinstance(error, ssl.SSLError) and error.reason is not None:
        return error.reason.replace("_", " ").lower()
    return str(error) or type(error).__name__
