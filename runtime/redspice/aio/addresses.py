"""Names of sockets: where a server listens, and who has connected."""

from __future__ import annotations

import ipaddress
import socket
from functools import lru_cache
from typing import NamedTuple

ABSTRACT = "@"
"""How a name in Linux's abstract space is written; for the system it begins with a NUL."""

IPV6_NETWORK_BITS = 64
"""The part of an IPv6 address that tells networks apart; the rest a host chooses as it likes."""


SocketName = tuple[str, int] | tuple[str, int, int, int] | str | bytes
"""What the system calls the end of a socket: TCP over IPv4, over IPv6, unix, abstract unix."""


class TcpAddress(NamedTuple):
    """Where a server listens; as text `host:port`."""

    host: str
    port: int

    def __str__(self) -> str:
        return format_address(self.host, self.port)

    @property
    def tls(self) -> bool:
        """Whether viewers have to speak TLS there."""
        return False


class TlsAddress(TcpAddress):
    """Where a server listens for TLS."""

    __slots__ = ()

    @property
    def tls(self) -> bool:
        return True


class Peer(NamedTuple):
    """Who is at the other end of a socket."""

    name: str
    """For logs: `host:port` or `unix`."""
    local: bool
    """True on a unix socket."""
    address: str | None
    """The host without port; None on a unix socket."""

    @property
    def network(self) -> str:
        """Whose connections are counted together: a host, or an IPv6 network as they have one."""
        return self.name if self.address is None else _network(self.address)


@lru_cache(maxsize=1024)
def _network(address: str) -> str:
    try:
        host = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if isinstance(host, ipaddress.IPv4Address):
        return str(host)
    if host.ipv4_mapped is not None:
        return str(host.ipv4_mapped)
    return str(ipaddress.ip_network((host, IPV6_NETWORK_BITS), strict=False))


def peer_of(sock: socket.socket, name: SocketName) -> Peer:
    """The other end of a connected socket with this peer name."""
    if sock.family == socket.AF_UNIX or not isinstance(name, tuple):
        return Peer("unix", True, None)
    host, port = name[:2]
    return Peer(format_address(host, port), False, host)


def listening_address(sock: socket.socket, tls: bool) -> TcpAddress | str:
    """Where a bound socket listens, or a connected one has its own end: an address, or the path or
    abstract name of a unix socket."""
    name = sock.getsockname()
    if sock.family != socket.AF_UNIX:
        return TlsAddress(*name[:2]) if tls else TcpAddress(*name[:2])
    if isinstance(name, bytes):
        return ABSTRACT + name[1:].decode(errors="surrogateescape")
    return str(name)


def format_address(host: str, port: int) -> str:
    """`host:port`, with brackets around an IPv6 address."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
