"""One socket of one viewer: bytes to a `Connection` and back, nothing else.

Rules: input is given to the connection as it comes. Output is fetched in one call per turn of the
loop, so that no viewer holds up the others, and only while the transport takes it, so that what
waits for a slow viewer stays in the core, where newer pictures replace older ones. A closing
connection says so to its peer and is cut off after `CLOSE_DEADLINE`.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
from typing import Protocol, cast

from redspice.connection import Connection

RECEIVE_BUFFER = 16 * 1024
"""Bytes read at once. Handling a buffer full of the smallest messages takes some 20 ms, in which
nobody else is served; viewers send little, so more would speed nothing up."""

SEND_HIGH_WATER = 64 * 1024
SEND_LOW_WATER = 16 * 1024
"""The transport stops asking for output above the first and starts again below the second: enough
to keep a link busy between two turns of the loop, little enough for pixels to be recent."""

CLOSE_DEADLINE = 3.0
"""Seconds that a peer has to read what is left and to hang up, once we want to close."""

WRITE_TIMEOUT = 30.0
"""Seconds in which a peer must read something of what waits for it, as long as the reference server
lets a connection stand still. A slow peer reads a little; one that reads nothing keeps memory."""

KEEPALIVE_IDLE = 600
"""Seconds of silence after which TCP asks whether the peer is still there."""


class Door(Protocol):
    """Who lets sockets in and wants to know when they are gone."""

    def enter(self, viewer: ViewerProtocol, peer: str, local: bool) -> Connection:
        """The connection of a new socket; one that is closed already is not let in."""

    def leave(self, viewer: ViewerProtocol) -> None:
        """The socket is gone."""


class ViewerProtocol(asyncio.BufferedProtocol):
    """The shell of one connection."""

    def __init__(self, door: Door) -> None:
        self._door = door
        self._loop = asyncio.get_running_loop()
        self._received = memoryview(bytearray(RECEIVE_BUFFER))
        self._flush_handle: asyncio.Handle | None = None
        self._deadline: asyncio.TimerHandle | None = None
        self._paused = False
        self._waiting = 0
        self._write_deadline: asyncio.TimerHandle | None = None
        self._transport: asyncio.Transport
        self._connection: Connection

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._transport.set_write_buffer_limits(SEND_HIGH_WATER, SEND_LOW_WATER)
        sock: socket.socket = self._transport.get_extra_info("socket")
        local = sock.family == socket.AF_UNIX
        if not local:
            tune(sock)
        name = self._transport.get_extra_info("peername")
        self._connection = self._door.enter(self, peer_name(name, local), local)
        self._connection.on_output = self._flush_soon
        if self._connection.closed:
            self._transport.abort()

    def close(self) -> None:
        """Say goodbye: send what is left and hang up."""
        self._connection.close()

    def abort(self) -> None:
        """Hang up without a word."""
        self._connection.close()
        self._transport.abort()

    def get_buffer(self, sizehint: int) -> memoryview:
        return self._received

    def buffer_updated(self, nbytes: int) -> None:
        self._connection.receive_data(self._received[:nbytes])

    def eof_received(self) -> bool:
        self._connection.receive_eof()
        self._flush()
        self._start_deadline()
        return False  # the transport closes itself after what it still has to send

    def pause_writing(self) -> None:
        self._paused = True
        self._watch_writing()

    def resume_writing(self) -> None:
        self._paused = False
        self._stop_watching()
        self._flush_soon()

    def connection_lost(self, error: Exception | None) -> None:
        for handle in (self._flush_handle, self._deadline, self._write_deadline):
            if handle is not None:
                handle.cancel()
        self._connection.on_output = lambda: None
        self._connection.connection_lost(str(error) if error else "closed")
        self._door.leave(self)

    def _flush_soon(self) -> None:
        if self._connection.closed:
            self._start_deadline()
        if self._flush_handle is None and not self._paused:
            self._flush_handle = self._loop.call_soon(self._flush)

    def _flush(self) -> None:
        if self._flush_handle is not None:
            self._flush_handle.cancel()
            self._flush_handle = None
        if self._paused or self._transport.is_closing():
            return
        buffers = self._connection.data_to_send()
        if buffers:
            self._transport.writelines(buffers)
            # The first releases of Python 3.12 and 3.13 do not look at the limits after writelines
            # (CVE-2024-12254); setting them makes every release look and pause us.
            self._transport.set_write_buffer_limits(SEND_HIGH_WATER, SEND_LOW_WATER)
            self._flush_soon()
        elif self._connection.closed:
            self._hang_up()

    def _hang_up(self) -> None:
        """Say that nothing more comes; the peer hangs up when it sees that.

        Not `close`: with unread input that would reset the connection, and could destroy the
        answer that says why it ended.
        """
        try:
            self._transport.write_eof()
        except OSError:  # the peer has reset the connection and we have not read that yet
            self._transport.abort()

    def _watch_writing(self) -> None:
        self._waiting = self._transport.get_write_buffer_size()
        self._write_deadline = self._loop.call_later(WRITE_TIMEOUT, self._check_writing)

    def _check_writing(self) -> None:
        if self._transport.get_write_buffer_size() < self._waiting:
            self._watch_writing()
        else:
            self._connection.fail(f"nothing read in {WRITE_TIMEOUT:g} s")

    def _stop_watching(self) -> None:
        if self._write_deadline is not None:
            self._write_deadline.cancel()
            self._write_deadline = None

    def _start_deadline(self) -> None:
        if self._deadline is None:
            self._deadline = self._loop.call_later(CLOSE_DEADLINE, self._transport.abort)


def tune(sock: socket.socket) -> None:
    """Small messages at once, and an end for peers that vanished without a word."""
    with contextlib.suppress(OSError):  # already reset: the first read will say so
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        if hasattr(socket, "TCP_KEEPIDLE"):
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, KEEPALIVE_IDLE)


def peer_name(name: tuple[str, int] | str | None, local: bool) -> str:
    """How logs call a peer with this socket name; there is none when it is gone already."""
    if local:
        return "unix"
    return format_address(*name[:2]) if isinstance(name, tuple) else "unknown"


def format_address(host: str, port: int) -> str:
    """`host:port`, with brackets around an IPv6 address."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
