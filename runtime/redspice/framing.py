"""The data headers: where a message starts and ends in the stream of a channel.

Both headers are little endian. The full one has 18 bytes: serial u64, type u16, size u32, sub_list
u32. The mini one, used when the peer has the capability, has 6: type u16, size u32; its serials are
counted on both sides instead. A size is checked against the limit before a byte of the body is
kept.

Sub-messages are what a peer must process before a message. They are anywhere in a body, each {type
u16, size u32, bytes}, and so is their list, {count u16, offset u32 of each}. Offsets count from the
start of the body; the full header says where the list is. The mini header cannot: there a message
of its own, LIST, comes first, whose body begins with the list.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from redspice.errors import ProtocolError

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable, Sequence

    from redspice_protocol import Buffer

FULL_HEADER = struct.Struct("<QHII")
MINI_HEADER = struct.Struct("<HI")

# The type and the body of a message, in parts.
Message: TypeAlias = "tuple[int, Sequence[Buffer]]"


class Frame(NamedTuple):
    """One message as it came: `body` is not parsed."""

    serial: int
    type: int
    sub_list: int
    body: Buffer


def pack_header(mini: bool, serial: int, type: int, size: int, sub_list: int = 0) -> bytes:
    """The header of a message whose body has `size` bytes, sub-messages included."""
    if mini:
        return MINI_HEADER.pack(type, size)
    return FULL_HEADER.pack(serial, type, size, sub_list)


def append_messages(parts: list[Buffer], messages: Iterable[Message]) -> int:
    """Add sub-messages and their list to a body; returns what `sub_list` in its header must be."""
    sub_list, offsets = _append(parts, sum(map(len, parts)), messages)
    parts.append(_pack_list(offsets))
    return sub_list


def message_list(messages: Iterable[Message]) -> list[Buffer]:
    """The body of a LIST of these messages."""
    parts: list[Buffer] = []
    _, offsets = _append(parts, 0, messages)
    start = len(_pack_list(offsets))
    return [_pack_list([start + offset for offset in offsets]), *parts]


def _append(parts: list[Buffer], end: int, messages: Iterable[Message]) -> tuple[int, list[int]]:
    """Add messages to parts of `end` bytes; returns their new size and where each message is."""
    offsets = []
    for type, body in messages:
        offsets.append(end)
        size = sum(map(len, body))
        parts += (MINI_HEADER.pack(type, size), *body)
        end += MINI_HEADER.size + size
    return end, offsets


def _pack_list(offsets: list[int]) -> bytes:
    return struct.pack(f"<H{len(offsets)}I", len(offsets), *offsets)


class FrameReader:
    """Cuts a stream into messages whose bodies have at most `limit` bytes.

    `feed` what came, then iterate over what is complete.
    """

    def __init__(self, mini: bool, limit: int) -> None:
        self.limit = limit
        """Bytes that the body of a message may have."""
        self._mini = mini
        self._header = MINI_HEADER if mini else FULL_HEADER
        self._buffer = bytearray()
        self._wanted = self._header.size
        self._serial = 0

    @property
    def buffered(self) -> int:
        """Bytes that came and were not iterated over."""
        return len(self._buffer)

    @property
    def next_type(self) -> int | None:
        """The type of the next message, once its header is there."""
        if len(self._buffer) < self._header.size:
            return None
        return int(self._header.unpack_from(self._buffer)[0 if self._mini else 1])

    def feed(self, data: Buffer) -> None:
        """Keep the next bytes of the stream."""
        self._buffer += data

    def __iter__(self) -> Generator[Frame, None, None]:
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

    def take(self) -> Frame | None:
        """The next message alone, if it is complete; raises as iterating does."""
        messages = iter(self)
        frame = next(messages, None)
        messages.close()
        return frame

    def _parse_header(self, start: int) -> tuple[int, int, int, int]:
        if self._mini:
            type, size = MINI_HEADER.unpack_from(self._buffer, start)
            serial, sub_list = self._serial + 1, 0
        else:
            serial, type, size, sub_list = FULL_HEADER.unpack_from(self._buffer, start)
        if size > self.limit:
            raise ProtocolError(
                f"message type {type} of {size} bytes is over the limit of {self.limit}"
            )
        return serial, type, size, sub_list
