"""A socket that says to a server whatever a test wants, well formed or not."""

from __future__ import annotations

import socket
import struct
from collections.abc import Iterator
from contextlib import contextmanager

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import load_der_public_key

from interop.peers import PATIENCE
from redspice.caps import CommonCap
from redspice.link_messages import HEADER_SIZE, LINK_HEADER, LINK_MESS, LINK_REPLY, MAGIC
from redspice.ticket_key import oaep
from redspice_protocol import CHANNELS

MINI_HEADER = struct.Struct("<HI")
WORD = struct.Struct("<I")

COMMON_CAPS = sum(
    1 << cap for cap in (CommonCap.AUTH_SELECTION, CommonCap.AUTH_SPICE, CommonCap.MINI_HEADER)
)


def link_message(channel: str = "main", connection_id: int = 0) -> bytes:
    """A link message with its header, as a viewer would send it."""
    type, caps_at = CHANNELS[channel].id, LINK_MESS.size
    mess = LINK_MESS.pack(connection_id, type, 0, 1, 0, caps_at) + WORD.pack(COMMON_CAPS)
    return link_header(len(mess)) + mess


def link_header(size: int, major: int = 2) -> bytes:
    """The header of a link message that claims to have so many bytes."""
    return LINK_HEADER.pack(MAGIC, major, 2, size)


class BadPeer:
    """One connection, and the peer's name in the server's log."""

    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), PATIENCE)
        host, own_port = self.socket.getsockname()
        self.name = f"{host}:{own_port}"

    def send(self, data: bytes) -> None:
        self.socket.sendall(data)

    def receive(self, size: int) -> bytes:
        """So many bytes of the server."""
        data = bytearray()
        while len(data) < size:
            piece = self.socket.recv(size - len(data))
            assert piece, f"the server closed after {len(data)} of {size} bytes"
            data += piece
        return bytes(data)

    def receive_all(self) -> bytes:
        """Everything until the server closes."""
        data = bytearray()
        while piece := self.socket.recv(65536):
            data += piece
        return bytes(data)

    def receive_key(self) -> bytes:
        """The public key of the server's link reply."""
        _, _, _, size = LINK_HEADER.unpack(self.receive(HEADER_SIZE))
        error, key, *_ = LINK_REPLY.unpack_from(self.receive(size))
        assert error == 0
        return bytes(key)

    def link(self, channel: str = "main", connection_id: int = 0) -> None:
        """Go through the whole link stage as a good viewer does."""
        self.send(link_message(channel, connection_id))
        self.send(WORD.pack(CommonCap.AUTH_SPICE) + ticket(self.receive_key()))
        assert WORD.unpack(self.receive(WORD.size)) == (0,)

    def send_message(self, type: int, body: bytes = b"") -> None:
        self.send(MINI_HEADER.pack(type, len(body)) + body)

    def receive_message(self) -> tuple[int, bytes]:
        type, size = MINI_HEADER.unpack(self.receive(MINI_HEADER.size))
        return type, self.receive(size)

    def reset(self) -> None:
        """Make the close a reset, as of a program that was killed."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def ticket(key: bytes, password: str = "") -> bytes:
    """A password for the owner of this public key."""
    public = load_der_public_key(key)
    assert isinstance(public, RSAPublicKey)
    return public.encrypt(password.encode() + b"\0", oaep())


@contextmanager
def bad_peer(port: int) -> Iterator[BadPeer]:
    peer = BadPeer(port)
    try:
        yield peer
    finally:
        peer.socket.close()
