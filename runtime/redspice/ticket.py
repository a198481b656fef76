"""Tickets: how a viewer proves that it knows the password.

The server shows an RSA key in its link reply; the viewer answers with the password and its
trailing NUL, encrypted with RSAES-OAEP (SHA-1, empty label). The key is short and the hash is old
because the protocol fixes the sizes: 162 bytes of public key, 128 bytes of ticket. Who needs real
secrecy uses TLS around it.

Nothing here shows a password in a `repr` or an error.
"""

from __future__ import annotations

import hmac
from dataclasses import dataclass, field

from redspice.errors import ConfigurationError

# The protocol's own limit for a password, without the NUL.
MAX_PASSWORD_LENGTH = 60


@dataclass(frozen=True, slots=True)
class Ticket:
    """The password that viewers need, and until when it counts."""

    password: bytes = field(repr=False)
    expires: float | None = None
    """The last moment, in seconds of the core's clock; None for never."""

    def __post_init__(self) -> None:
        if len(self.password) > MAX_PASSWORD_LENGTH:
            raise ConfigurationError(
                f"the password has {len(self.password)} bytes, at most {MAX_PASSWORD_LENGTH} fit"
            )
        if b"\0" in self.password:
            raise ConfigurationError("the password contains a NUL, which would end it early")

    def admits(self, password: bytes, now: float) -> bool:
        """Whether a viewer with this password may come in; an empty password never does."""
        same = hmac.compare_digest(self.password, password)
        in_time = self.expires is None or now <= self.expires
        return same and in_time and bool(self.password)
