"""How the bytes of a connection travel, told from its first four.

Those of SPICE are `REDQ`, those of a WebSocket upgrade `GET `. Whatever is no upgrade goes to the
link stage as it is, which has the answer to a wrong beginning.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from redspice.aio.websocket import WebSocket
from redspice.limits import DEFAULT_LIMITS, Limits

if TYPE_CHECKING:
    from redspice.aio.origins import Origins
    from redspice.connection import Connection
    from redspice_protocol import Buffer

UPGRADE = b"GET "


class Wire(Protocol):
    """What carries the bytes of a connection: the connection itself, or something around it."""

    def receive_data(self, data: Buffer) -> None: ...

    def receive_eof(self) -> None: ...

    def data_to_send(self) -> list[Buffer]: ...


class FirstBytes:
    """Waits for as many bytes as tell, then is out of the way but for the call."""

    def __init__(
        self, connection: Connection, origins: Origins, limits: Limits = DEFAULT_LIMITS
    ) -> None:
        self._connection = connection
        self._origins = origins
        self._limits = limits
        self._head = b""
        self._wire: Wire | None = None

    def receive_data(self, data: Buffer) -> None:
        """Take the next bytes of the peer."""
        if self._wire is None:
            self._head += data
            if len(self._head) < len(UPGRADE) and UPGRADE.startswith(self._head):
                return
            self._wire, data, self._head = self._choose(), self._head, b""
        self._wire.receive_data(data)

    def receive_eof(self) -> None:
        """The peer sends no more."""
        (self._wire or self._connection).receive_eof()

    def data_to_send(self) -> list[Buffer]:
        """The next buffers for the socket."""
        return (self._wire or self._connection).data_to_send()

    def _choose(self) -> Wire:
        if self._head.startswith(UPGRADE):
            return WebSocket(self._connection, self._origins, self._limits)
        return self._connection
