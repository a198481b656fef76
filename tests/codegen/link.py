"""The bytes of the link stage and of data headers, for captures."""

from __future__ import annotations

import struct

from codegen.pcap import Conversation

AUTH_SELECTION, AUTH_SPICE, MINI_HEADER = 1 << 0, 1 << 1, 1 << 3
EVERYTHING = AUTH_SELECTION | AUTH_SPICE | MINI_HEADER
KEY = b"k" * 162
TICKET = bytes(range(128))


def link_message(channel: int, *, number: int = 0, caps: int = EVERYTHING) -> bytes:
    fixed = struct.pack("<IBBIII", 0x1234, channel, number, 1, 1, 18)
    return _with_header(fixed + struct.pack("<II", caps, 1))


def link_reply(*, error: int = 0, caps: int = EVERYTHING) -> bytes:
    fixed = struct.pack("<I162sIII", error, KEY, 1, 1, 178)
    return _with_header(fixed + struct.pack("<II", caps, 3))


def mini(number: int, body: bytes) -> bytes:
    """A message with the short data header."""
    return struct.pack("<HI", number, len(body)) + body


def full(number: int, body: bytes, *, serial: int = 1, sub_list: int = 0) -> bytes:
    """A message with the long data header."""
    return struct.pack("<QHII", serial, number, len(body), sub_list) + body


def linked(
    port: int,
    channel: int,
    *,
    caps: int = EVERYTHING,
    server_port: int = 5900,
    start: int = 1000,
) -> Conversation:
    """A conversation whose link stage is over; `caps` are the client's common ones, `start` is
    where it begins to number its bytes."""
    conversation = Conversation(port, server_port, start)
    conversation.send("client", link_message(channel, caps=caps))
    conversation.send("server", link_reply())
    if caps & AUTH_SELECTION:
        conversation.send("client", struct.pack("<I", 1))
    conversation.send("client", TICKET)
    conversation.send("server", struct.pack("<I", 0))
    return conversation


def _with_header(body: bytes) -> bytes:
    return b"REDQ" + struct.pack("<III", 2, 2, len(body)) + body
