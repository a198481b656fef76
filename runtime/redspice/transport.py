"""What a connection runs over, as far as the protocol cares."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Transport:
    """How the bytes of one connection travel."""

    peer: str
    """Where the viewer is, for logs: `host:port`, `unix`, or any other text."""
    local: bool = False
    """True on a unix socket, where measuring the network and compressing make no sense."""
    tls: bool = False
    cipher_bits: int = 0
    """The strength of the TLS cipher; 0 without TLS."""
    client_certificate: str | None = None
    """The common name in a client certificate that the TLS layer has verified."""
    address: str | None = None
    """The viewer's host without port; None for unix."""
    local_address: str = ""
    """The server's end of the socket, for those who want to know; empty if nobody does."""
    network: str | None = None
    """Whose connections count together, a host or what else one person has; None is all others."""

    @property
    def secret(self) -> bool:
        """Whether nobody on the way can read along: TLS, or a socket that stays on the machine."""
        return self.tls or self.local
