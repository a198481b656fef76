"""WebSocket, for viewers in a browser: the bytes of a connection in frames.

After the upgrade the link stage begins as on any other socket. Its bytes come in frames cut
anywhere, binary or text, continued or not; each write of ours is one binary frame.

Handshake and parser are the sans-IO layer of `websockets`, which refuses reserved bits, frames
without a mask and wrong control frames. Only the header of outgoing frames is written here: the
library would copy every picture twice.
"""

from __future__ import annotations

import logging
import struct
from collections.abc import Sequence
from http import HTTPStatus
from typing import TYPE_CHECKING

from websockets.exceptions import NegotiationError
from websockets.frames import Frame, Opcode
from websockets.http11 import Request
from websockets.protocol import CONNECTING, OPEN
from websockets.server import ServerProtocol
from websockets.typing import Subprotocol

from redspice.limits import DEFAULT_LIMITS, Limits

if TYPE_CHECKING:
    from redspice.aio.origins import Origins
    from redspice.connection import Connection
    from redspice_protocol import Buffer

END_OF_REQUEST = b"\r\n\r\n"
SUBPROTOCOL = Subprotocol("binary")
NORMAL_CLOSURE = 1000

BINARY_FRAME = 0x80 | Opcode.BINARY
LENGTH_16, LENGTH_64 = 126, 127
"""What stands for a length that follows in so many bits."""

DATA = frozenset({Opcode.BINARY, Opcode.TEXT, Opcode.CONT})

# Frames hold what people type, requests may hold cookies: nothing of them belongs in a log.
quiet = logging.getLogger("redspice.websocket")
quiet.setLevel(logging.WARNING)


class WebSocket:
    """A connection whose bytes travel in frames; a shell calls it as it would the connection."""

    def __init__(
        self, connection: Connection, origins: Origins, limits: Limits = DEFAULT_LIMITS
    ) -> None:
        self._connection = connection
        self._origins = origins
        self._max_request = limits.max_upgrade_bytes
        self._request = bytearray()
        self._response = b""
        self._control = b""  # a pong or the close frame
        self._protocol = ServerProtocol(
            select_subprotocol=_select_subprotocol,
            max_size=(None, limits.max_frame_bytes),
            logger=quiet,
        )

    def receive_data(self, data: Buffer) -> None:
        """Take the next bytes of the peer. Never raises; bytes after the end are dropped."""
        if self._connection.closed:
            return
        if self._protocol.state is CONNECTING:
            data = self._receive_request(data)
        if data:
            self._receive_frames(data)
        self._connection.on_output()

    def receive_eof(self) -> None:
        """The peer sends no more."""
        self._connection.receive_eof()

    def data_to_send(self) -> list[Buffer]:
        """The next buffers for the socket; the close frame comes last of all."""
        answers: list[Buffer] = [each for each in (self._response, self._control) if each]
        self._response = self._control = b""
        if answers:
            return answers
        if self._protocol.state is not OPEN:
            return []
        buffers = self._connection.data_to_send()
        if buffers:
            return [frame_header(sum(memoryview(each).nbytes for each in buffers)), *buffers]
        if self._connection.closed:
            self._protocol.send_close(NORMAL_CLOSURE)
            return list(self._protocol.data_to_send())
        return []

    def _receive_request(self, data: Buffer) -> bytes:
        """Read the request and answer it once it is complete; returns what came after it."""
        self._request += data
        end = self._request.find(END_OF_REQUEST)
        size = end + len(END_OF_REQUEST) if end >= 0 else len(self._request)
        if size > self._max_request:
            reason = f"more than {self._max_request} bytes"
            self._refuse(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, reason)
        elif end >= 0:
            self._answer(bytes(self._request[:size]))
            rest = bytes(self._request[size:])
            self._request.clear()
            return rest
        return b""

    def _answer(self, data: bytes) -> None:
        self._protocol.receive_data(data)
        for request in self._protocol.events_received():
            assert isinstance(request, Request)
            origins, hosts = (request.headers.get_all(name) for name in ("Origin", "Host"))
            if origins and not self._origins.allow(origins[0], hosts[0] if hosts else None):
                self._refuse(HTTPStatus.FORBIDDEN, f"of a page of {origins[0]!r:.100}")
                return
            self._protocol.send_response(self._protocol.accept(request))
        self._response = b"".join(self._protocol.data_to_send())
        if self._protocol.handshake_exc is not None:
            self._fail(f"upgrade refused: {self._protocol.handshake_exc}")

    def _refuse(self, status: HTTPStatus, reason: str) -> None:
        self._protocol.send_response(self._protocol.reject(status, f"{status.phrase}\n"))
        self._response = b"".join(self._protocol.data_to_send())
        self._fail(f"upgrade refused: {reason}")

    def _receive_frames(self, data: Buffer) -> None:
        self._protocol.receive_data(bytes(data))
        # Of several pings only the last needs an answer: a peer that sends them and reads nothing
        # must not fill the memory.
        for control in self._protocol.data_to_send():
            self._control = control or self._control
        for frame in self._protocol.events_received():
            assert isinstance(frame, Frame)
            if frame.opcode in DATA:
                self._connection.receive_data(frame.data)
            elif frame.opcode is Opcode.CLOSE:
                self._connection.receive_eof()
        if self._protocol.parser_exc is not None:
            self._fail(str(self._protocol.parser_exc))

    def _fail(self, reason: str) -> None:
        self._connection.fail(f"WebSocket: {reason}")


def frame_header(size: int) -> bytes:
    """The header of a binary frame that is a whole message of the server: big endian, no mask."""
    if size < LENGTH_16:
        return struct.pack("!BB", BINARY_FRAME, size)
    if size < 1 << 16:
        return struct.pack("!BBH", BINARY_FRAME, LENGTH_16, size)
    return struct.pack("!BBQ", BINARY_FRAME, LENGTH_64, size)


def _select_subprotocol(
    protocol: ServerProtocol, offered: Sequence[Subprotocol]
) -> Subprotocol | None:
    """Binary, for who offers protocols at all."""
    if not offered:
        return None
    if SUBPROTOCOL not in offered:
        raise NegotiationError(f"none of the sub-protocols is {SUBPROTOCOL}")
    return SUBPROTOCOL
