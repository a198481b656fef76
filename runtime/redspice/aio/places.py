"""The sockets that a server listens on: made, given or handed over."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import Sequence
from dataclasses import dataclass

from redspice.aio.addresses import format_address
from redspice.aio.unix import UnixListener


@dataclass(frozen=True)
class Place:
    """A bound socket."""

    sock: socket.socket
    tls: bool = False
    unix: UnixListener | None = None
    """The owner of the file at the socket's path, if that is ours to remove."""

    def close(self) -> None:
        """Close the socket and remove its file."""
        self.sock.close()
        if self.unix is not None:
            self.unix.unlink()


async def tcp_places(host: str | None, port: int, tls: bool) -> list[Place]:
    """Sockets on all addresses of a host name; None is every interface.

    With port 0 all of them get the same free one. Raises `OSError`, with the address as its
    `filename`, if one cannot be bound.
    """
    places: list[Place] = []
    try:
        infos = await asyncio.get_running_loop().getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )
        for family, _, _, _, address in dict.fromkeys(infos):
            if places and port == 0:
                port = places[0].sock.getsockname()[1]
            places.append(Place(_bind(family, (address[0], port, *address[2:])), tls))
    except BaseException as error:
        for place in places:
            place.close()
        if isinstance(error, OSError):
            error.filename = format_address(host or "*", port)
        raise
    return places


def unix_place(path: str | os.PathLike[str]) -> Place:
    """A unix socket at a path or, from `@` on, with an abstract name."""
    listener = UnixListener(path)
    return Place(listener.sock, unix=listener)


def given_places(socks: socket.socket | Sequence[socket.socket], tls: bool) -> list[Place]:
    """Sockets that somebody else has bound."""
    if isinstance(socks, socket.socket):
        socks = [socks]
    return [Place(sock, tls) for sock in socks]


def _bind(family: int, address: tuple[str | int, ...]) -> socket.socket:
    sock = socket.socket(family, socket.SOCK_STREAM)
    try:
        # A server that ended a moment ago may be followed by another one.
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            # The same port of IPv4 is a socket of its own.
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        sock.bind(address)
    except BaseException:
        sock.close()
        raise
    return sock
