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

from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from redspice.errors import ConfigurationError

KEY_BITS = 1024
PUBLIC_EXPONENT = 65537
PUBLIC_KEY_SIZE = 162
TICKET_SIZE = KEY_BITS // 8
# The protocol's own limit for a password, without the NUL.
MAX_PASSWORD_LENGTH = 60


def oaep() -> padding.OAEP:
    """The padding of tickets, both ways."""
    return padding.OAEP(mgf=padding.MGF1(SHA1()), algorithm=SHA1(), label=None)


class TicketKey:
    """A key pair, for one link if there is a password to protect; a new one unless given."""

    def __init__(self, key: rsa.RSAPrivateKey | None = None) -> None:
        self._key = key or rsa.generate_private_key(PUBLIC_EXPONENT, KEY_BITS)
        self._retired = False

    def public_bytes(self) -> bytes:
        """The 162 bytes of a DER SubjectPublicKeyInfo."""
        key = self._key.public_key()
        return key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)

    def decrypt(self, ticket: bytes) -> bytes | None:
        """The password in a ticket of 128 bytes, without its NUL; None if it is no ticket."""
        if self._retired:
            return None
        plain = self._plain(ticket)
        # spice-html5 sends a number that begins with a zero byte without it, and the zero at the
        # end: one link of 256, so that one page of 64 would lack a channel.
        if plain is None and ticket.endswith(b"\0"):
            plain = self._plain(b"\0" + ticket[:-1])
        return None if plain is None else plain.split(b"\0", 1)[0]

    def _plain(self, ticket: bytes) -> bytes | None:
        try:
            return self._key.decrypt(ticket, oaep())
        except ValueError:
            return None

    def retire(self) -> None:
        """Take no ticket any more."""
        self._retired = True


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
