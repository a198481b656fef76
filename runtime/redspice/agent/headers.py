"""What stands around agent messages (little endian, packed).

    chunk header     port u32, size u32 of what follows                            8 bytes
    message header   protocol u32 = 1, type u32, opaque u64, size u32 of the body 20 bytes

On the device a message, header and body, is cut into chunks, each with a chunk header that says
whose it is: the viewer's or the server's. The server's chunks have up to 2048 bytes; an agent may
put a whole message into one, as that of Linux does, of many megabytes. On the main channel the same
goes without chunk headers, up to 2048 bytes in each AGENT_DATA.
"""

from __future__ import annotations

from enum import IntEnum
from typing import NamedTuple

from construct import Int32ul, Int64ul, Struct

from redspice.agent.errors import AgentError

CHUNK_HEADER = Struct("port" / Int32ul, "size" / Int32ul)
MESSAGE_HEADER = Struct(
    "protocol" / Int32ul,
    "type" / Int32ul,
    "opaque" / Int64ul,
    "size" / Int32ul,
)

CHUNK_HEADER_SIZE: int = CHUNK_HEADER.sizeof()
MESSAGE_HEADER_SIZE: int = MESSAGE_HEADER.sizeof()

PROTOCOL = 1
# Of a piece of a message, on the main channel and from the server to the device.
MAX_CHUNK_SIZE = 2048


class Port(IntEnum):
    """Who talks with the agent in a chunk."""

    CLIENT = 1
    SERVER = 2


class ChunkHeader(NamedTuple):
    """Whose the following bytes are, and how many."""

    port: int
    size: int


class MessageHeader(NamedTuple):
    """What a message is, and how many bytes its body has."""

    protocol: int
    type: int
    opaque: int
    size: int


def parse_chunk_header(data: bytes) -> ChunkHeader:
    """The 8 bytes of a chunk header. Raises `AgentError` for a port that there is not."""
    header = CHUNK_HEADER.parse(data)
    port, size = int(header.port), int(header.size)
    if port not in tuple(Port):
        raise AgentError(f"chunk for port {port}, which is neither viewer nor server")
    return ChunkHeader(port, size)


def build_chunks(port: Port, message: bytes) -> bytes:
    """A whole message for the device, cut into chunks."""
    pieces = (
        message[start : start + MAX_CHUNK_SIZE] for start in range(0, len(message), MAX_CHUNK_SIZE)
    )
    return b"".join(
        CHUNK_HEADER.build({"port": port, "size": len(piece)}) + piece for piece in pieces
    )


def parse_message_header(data: bytes) -> MessageHeader:
    """The first 20 bytes of a message. Raises `AgentError` if there are fewer."""
    if len(data) < MESSAGE_HEADER_SIZE:
        raise AgentError(f"{len(data)} bytes of a message header, which has {MESSAGE_HEADER_SIZE}")
    header = MESSAGE_HEADER.parse(data[:MESSAGE_HEADER_SIZE])
    return MessageHeader(
        int(header.protocol), int(header.type), int(header.opaque), int(header.size)
    )


def build_message_header(type: int, size: int, opaque: int = 0) -> bytes:
    """The header of a message whose body has `size` bytes."""
    return MESSAGE_HEADER.build(
        {"protocol": PROTOCOL, "type": type, "opaque": opaque, "size": size}
    )
