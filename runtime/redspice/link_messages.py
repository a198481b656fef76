"""The messages of the link stage, as they are on the wire (little endian, packed).

    link header    magic "REDQ", major u32, minor u32, size u32 of what follows         16 bytes
    link message   connection id, channel type and id, counts and offset of the caps    18 bytes
    link reply     error u32, public key, counts and offset of the caps                178 bytes

The caps words, common ones first, start at an offset from the start of the message that has them.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import NamedTuple

from redspice.caps import Capabilities
from redspice.errors import LinkError
from redspice.ticket_key import PUBLIC_KEY_SIZE
from redspice_protocol.enums import LinkErr

MAGIC = b"REDQ"
VERSION_MAJOR = 2
VERSION_MINOR = 2

LINK_HEADER = struct.Struct("<4sIII")
LINK_MESS = struct.Struct("<IBBIII")
LINK_REPLY = struct.Struct(f"<I{PUBLIC_KEY_SIZE}sIII")
WORD = struct.Struct("<I")

HEADER_SIZE = LINK_HEADER.size
MESS_SIZE = LINK_MESS.size
REPLY_SIZE = LINK_REPLY.size
WORD_SIZE = WORD.size

# What a link reply has instead of a public key when nobody is to encrypt anything.
NO_KEY = bytes(PUBLIC_KEY_SIZE)

# Both limits are the reference server's; known capabilities fit one word.
MAX_LINK_SIZE = 4096
MAX_CAPS_WORDS = 1024


class LinkHeader(NamedTuple):
    """Which protocol the peer speaks and how long its message is."""

    major: int
    minor: int
    size: int


@dataclass(frozen=True, slots=True)
class LinkMess:
    """What a viewer says first: which channel it wants and what it can do."""

    connection_id: int
    channel_type: int
    channel_id: int
    common_caps: Capabilities
    channel_caps: Capabilities


def parse_header(data: bytes) -> LinkHeader:
    """The 16 bytes of a link header, whose magic is not looked at."""
    _, major, minor, size = LINK_HEADER.unpack(data)
    return LinkHeader(major, minor, size)


def parse_mess(data: bytes) -> LinkMess:
    """A link message with its caps, which is all of `data`, at least 18 bytes.

    Raises `LinkError` if the caps are not inside it.
    """
    connection_id, channel_type, channel_id, common, channel, start = LINK_MESS.unpack_from(data)
    if common > MAX_CAPS_WORDS or channel > MAX_CAPS_WORDS:
        reason = f"{common} + {channel} words of caps, at most {MAX_CAPS_WORDS} each"
        raise LinkError(LinkErr.INVALID_DATA, reason)
    end = start + WORD_SIZE * (common + channel)
    if start < MESS_SIZE or end > len(data):
        reason = f"caps at {start}..{end} are not inside {MESS_SIZE}..{len(data)}"
        raise LinkError(LinkErr.INVALID_DATA, reason)
    words = struct.unpack_from(f"<{common + channel}I", data, start)
    return LinkMess(
        connection_id,
        channel_type,
        channel_id,
        Capabilities.from_words(words[:common]),
        Capabilities.from_words(words[common:]),
    )


def build_header(size: int) -> bytes:
    """A link header for a message of `size` bytes."""
    return LINK_HEADER.pack(MAGIC, VERSION_MAJOR, VERSION_MINOR, size)


def build_reply(public_key: bytes, common_caps: Capabilities, channel_caps: Capabilities) -> bytes:
    """Header and link reply of a server that goes on."""
    common, channel = common_caps.to_words(), channel_caps.to_words()
    reply = LINK_REPLY.pack(LinkErr.OK, public_key, len(common), len(channel), REPLY_SIZE)
    words = struct.pack(f"<{len(common) + len(channel)}I", *common, *channel)
    return build_header(len(reply) + len(words)) + reply + words


def build_error_reply(error: LinkErr) -> bytes:
    """Header and link reply of a server that refuses: all but the error is zero."""
    return build_header(REPLY_SIZE) + build_result(error).ljust(REPLY_SIZE, b"\0")


def build_result(error: LinkErr) -> bytes:
    """The word that ends the link stage."""
    return WORD.pack(error)
