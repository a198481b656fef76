"""One transport of one viewer: bytes to a `Connection` and back, nothing else.

Rules: input is given to the connection as it comes. Output is fetched in one call per turn of the
loop, so that no viewer holds up the others, and only while the transport takes it, so that what
waits for a slow viewer stays in the core, where newer pictures replace older ones. Input is read
only while the connection wants it, so that what waits for a slow device stays at the viewer. A
closing connection says so to its peer and is cut off after a while.
"""

from __future__ import annotations

import asyncio
import ssl
from typing import Protocol, cast

from redspice.aio.first_bytes import Wire
from redspice.aio.tls import TlsFacts, tls_facts
from redspice.connection import Connection
from redspice.limits import Limits
from redspice_protocol import Buffer

RECEIVE_BUFFER = 16 * 1024
"""Bytes read at once. Handling a buffer full of the smallest messages takes some 20 ms, in which
nobody else is served; viewers send little, so more would speed nothing up."""

SEND_HIGH_WATER = 64 * 1024
SEND_LOW_WATER = 16 * 1024
"""The transport stops asking for output above the first and starts again below the second: enough
to keep a link busy between two turns of the loop, little enough for pixels to be recent."""

TLS_PIECE = 64 * 1024
"""Bytes given to TLS at once. It would encrypt a whole picture in one go and keep it where nobody
sees whether the peer reads any of it."""


class Door(Protocol):
    """Who lets a viewer in and wants to know when it is gone."""

    @property
    def limits(self) -> Limits:
        """What it may cost."""

    def enter(self, viewer: ViewerProtocol, tls: TlsFacts | None) -> tuple[Connection, Wire]:
        """The connection of a new transport and what carries its bytes; one that is closed already
        is not let in."""

    def link(self) -> None:
        """The peer has come through the link stage."""

    def leave(self) -> None:
        """The transport is gone."""


class ViewerProtocol(asyncio.BufferedProtocol):
    """The shell of one connection."""

    def __init__(self, door: Door) -> None:
        self._door = door
        self._limits = door.limits
        self._loop = asyncio.get_running_loop()
        self._received = memoryview(bytearray(RECEIVE_BUFFER))
        self._flush_handle: asyncio.Handle | None = None
        self._deadline: asyncio.TimerHandle | None = None
        self._paused = False
        self._reading = True
        self._secured = False
        self._linked = False
        self._rest: list[Buffer] = []
        self._waiting = 0
        self._write_deadline: asyncio.TimerHandle | None = None
        self._transport: asyncio.Transport
        self._connection: Connection
        self._wire: Wire

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._transport.set_write_buffer_limits(SEND_HIGH_WATER, SEND_LOW_WATER)
        secured: ssl.SSLObject | None = self._transport.get_extra_info("ssl_object")
        self._secured = secured is not None
        facts = None if secured is None else tls_facts(secured)
        self._connection, self._wire = self._door.enter(self, facts)
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
        self._wire.receive_data(self._received[:nbytes])
        if not self._linked and self._connection.linked:
            self._linked = True
            self._door.link()

    def eof_received(self) -> bool:
        self._wire.receive_eof()
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
        self._door.leave()

    def _flush_soon(self) -> None:
        self._read_or_wait()
        if self._connection.closed:
            self._start_deadline()
        if self._flush_handle is None and not self._paused:
            self._flush_handle = self._loop.call_soon(self._flush)

    def _read_or_wait(self) -> None:
        wanted = self._connection.wants_data
        if wanted is not self._reading:
            self._reading = wanted
            (self._transport.resume_reading if wanted else self._transport.pause_reading)()

    def _flush(self) -> None:
        if self._flush_handle is not None:
            self._flush_handle.cancel()
            self._flush_handle = None
        if self._paused or self._transport.is_closing():
            return
        buffers = self._next_buffers()
        if buffers:
            self._transport.writelines(buffers)
            # The first releases of Python 3.12 and 3.13 do not look at the limits after writelines
            # (CVE-2024-12254); setting them makes every release look and pause us.
            self._transport.set_write_buffer_limits(SEND_HIGH_WATER, SEND_LOW_WATER)
            self._flush_soon()
        elif self._connection.closed:
            self._hang_up()

    def _next_buffers(self) -> list[Buffer]:
        if not self._secured:
            return self._wire.data_to_send()
        buffers, self._rest = cut(self._rest or self._wire.data_to_send(), TLS_PIECE)
        return buffers

    def _hang_up(self) -> None:
        """Say that nothing more comes; the peer hangs up when it sees that.

        Not `close`: with unread input that would reset the connection, and could destroy the
        answer that says why it ended. Over TLS only `close` can say it, and waits for the peer's.
        """
        if not self._transport.can_write_eof():
            self._transport.close()
            return
        try:
            self._transport.write_eof()
        except OSError:  # the peer has reset the connection and we have not read that yet
            self._transport.abort()

    def _watch_writing(self) -> None:
        self._waiting = self._transport.get_write_buffer_size()
        self._write_deadline = self._loop.call_later(
            self._limits.write_timeout, self._check_writing
        )

    def _check_writing(self) -> None:
        if self._transport.get_write_buffer_size() < self._waiting:
            self._watch_writing()
        else:
            self._connection.fail(f"nothing read in {self._limits.write_timeout:g} s")

    def _stop_watching(self) -> None:
        if self._write_deadline is not None:
            self._write_deadline.cancel()
            self._write_deadline = None

    def _start_deadline(self) -> None:
        if self._deadline is None:
            seconds = self._limits.close_timeout
            self._deadline = self._loop.call_later(seconds, self._transport.abort)


def cut(buffers: list[Buffer], size: int) -> tuple[list[Buffer], list[Buffer]]:
    """The first `size` bytes of some buffers, and what is left; nothing is copied."""
    for number, buffer in enumerate(buffers):
        view = memoryview(buffer).cast("B")
        if len(view) > size:
            first = [*buffers[:number], view[:size]] if size else buffers[:number]
            return first, [view[size:], *buffers[number + 1 :]]
        size -= len(view)
    return buffers, []
