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

from construct import Bytes, Int8ul, Int32ul, Struct

from redspice.caps import Capabilities
from redspice.errors import LinkError
from redspice.ticket import PUBLIC_KEY_SIZE
from redspice_protocol.enums import LinkErr

MAGIC = b"REDQ"
VERSION_MAJOR = 2
VERSION_MINOR = 2

LINK_HEADER = Struct(
    "magic" / Bytes(len(MAGIC)),
    "major" / Int32ul,
    "minor" / Int32ul,
    "size" / Int32ul,
)
LINK_MESS = Struct(
    "connection_id" / Int32ul,
    "channel_type" / Int8ul,
    "channel_id" / Int8ul,
    "num_common_caps" / Int32ul,
    "num_channel_caps" / Int32ul,
    "caps_offset" / Int32ul,
)
LINK_REPLY = Struct(
    "error" / Int32ul,
    "pub_key" / Bytes(PUBLIC_KEY_SIZE),
    "num_common_caps" / Int32ul,
    "num_channel_caps" / Int32ul,
    "caps_offset" / Int32ul,
)
WORD = Int32ul

HEADER_SIZE: int = LINK_HEADER.sizeof()
MESS_SIZE: int = LINK_MESS.sizeof()
REPLY_SIZE: int = LINK_REPLY.sizeof()
WORD_SIZE: int = WORD.sizeof()

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
    header = LINK_HEADER.parse(data)
    return LinkHeader(int(header.major), int(header.minor), int(header.size))


def parse_mess(data: bytes) -> LinkMess:
    """A link message with its caps, which is all of `data`, at least 18 bytes.

    Raises `LinkError` if the caps are not inside it.
    """
    mess = LINK_MESS.parse(data)
    common, channel = int(mess.num_common_caps), int(mess.num_channel_caps)
    if common > MAX_CAPS_WORDS or channel > MAX_CAPS_WORDS:
        reason = f"{common} + {channel} words of caps, at most {MAX_CAPS_WORDS} each"
        raise LinkError(LinkErr.INVALID_DATA, reason)
    start = int(mess.caps_offset)
    end = start + WORD_SIZE * (common + channel)
    if start < MESS_SIZE or end > len(data):
        reason = f"caps at {start}..{end} are not inside {MESS_SIZE}..{len(data)}"
        raise LinkError(LinkErr.INVALID_DATA, reason)
    words = struct.unpack_from(f"<{common + channel}I", data, start)
    return LinkMess(
        int(mess.connection_id),
        int(mess.channel_type),
        int(mess.channel_id),
        Capabilities.from_words(words[:common]),
        Capabilities.from_words(words[common:]),
    )


def build_header(size: int) -> bytes:
    """A link header for a message of `size` bytes."""
    return LINK_HEADER.build(
        {"magic": MAGIC, "major": VERSION_MAJOR, "minor": VERSION_MINOR, "size": size}
    )


def build_reply(public_key: bytes, common_caps: Capabilities, channel_caps: Capabilities) -> bytes:
    """Header and link reply of a server that goes on."""
    common, channel = common_caps.to_words(), channel_caps.to_words()
    reply = LINK_REPLY.build(
        {
            "error": LinkErr.OK,
            "pub_key": public_key,
            "num_common_caps": len(common),
            "num_channel_caps": len(channel),
            "caps_offset": REPLY_SIZE,
        }
    )
    words = struct.pack(f"<{len(common) + len(channel)}I", *common, *channel)
    return build_header(len(reply) + len(words)) + reply + words


def build_error_reply(error: LinkErr) -> bytes:
    """Header and link reply of a server that refuses: all but the error is zero."""
    return build_header(REPLY_SIZE) + build_result(error).ljust(REPLY_SIZE, b"\0")


def build_result(error: LinkErr) -> bytes:
    """The word that ends the link stage."""
    return WORD.build(error)
