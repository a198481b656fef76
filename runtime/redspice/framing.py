"""The data headers: where a message starts and ends in the stream of a channel.

Both headers are little endian. The full one has 18 bytes: serial u64, type u16, size u32, sub_list
u32. The mini one, used when the peer has the capability, has 6: type u16, size u32; its serials are
counted on both sides instead. A size is checked against the limit before a byte of the body is
kept.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, NamedTuple

from redspice.errors import ProtocolError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from redspice_protocol import Buffer

FULL_HEADER = struct.Struct("<QHII")
MINI_HEADER = struct.Struct("<HI")


class Frame(NamedTuple):
    """One message as it came: `body` is not parsed."""

    serial: int
    type: int
    sub_list: int
    body: Buffer


def pack_header(mini: bool, serial: int, type: int, size: int) -> bytes:
    """The header of a message without sub-messages, whose body has `size` bytes."""
    if mini:
        return MINI_HEADER.pack(type, size)
    return FULL_HEADER.pack(serial, type, size, 0)


class FrameReader:
    """Cuts a stream into messages whose bodies have at most `limit` bytes.

    `feed` what came, then iterate over what is complete.
    """

    def __init__(self, mini: bool, limit: int) -> None:
        self._mini = mini
        self._limit = limit
        self._header = MINI_HEADER if mini else FULL_HEADER
        self._buffer = bytearray()
        self._wanted = self._header.size
        self._serial = 0

    def feed(self, data: Buffer) -> None:
        """Keep the next bytes of the stream."""
        self._buffer += data

    def __iter__(self) -> Iterator[Frame]:
        """The complete messages. Raises `ProtocolError` at a size over the limit.

        What was iterated over is gone even when the caller stops early.
        """
        start = 0
        try:
            # An incomplete message is looked at again only once all of it can be there.
            while len(self._buffer) - start >= self._wanted:
                serial, type, size, sub_list = self._parse_header(start)
                total = self._header.size + size
                if len(self._buffer) - start < total:
                    self._wanted = total
                    return
                body_start = start + self._header.size
                start += total
                self._wanted = self._header.size
                self._serial = serial
                yield Frame(serial, type, sub_list, self._buffer[body_start:start])
        finally:
            del self._buffer[:start]

    def _parse_header(self, start: int) -> tuple[int, int, int, int]:
        if self._mini:
            type, size = MINI_HEADER.unpack_from(self._buffer, start)
            serial, sub_list = self._serial + 1, 0
        else:
            serial, type, size, sub_list = FULL_HEADER.unpack_from(self._buffer, start)
        if size > self._limit:
            raise ProtocolError(
                f"message type {type} of {size} bytes is over the limit of {self._limit}"
            )
        return serial, type, size, sub_list
