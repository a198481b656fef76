"""The mechanisms of one message.

PLAIN (RFC 4616) has the password in it, so it is for TLS alone. EXTERNAL (RFC 4422) has nothing in
it: the viewer has shown a certificate to TLS, and its common name is who it is.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from redspice.errors import ConfigurationError
from redspice.sasl.mechanism import Answer, check_identity, decode, denied
from redspice.sasl.users import SCRAM_MECHANISMS, normal_name

if TYPE_CHECKING:
    from redspice.sasl.users import ScramSecret, Users


class Plain:
    """One dialogue."""

    def __init__(self, users: Users) -> None:
        self._users = users

    def step(self, data: bytes) -> Answer:
        identity, found, password = self._split(decode(data))
        try:
            user = normal_name(found)
            check_identity(normal_name(identity) if identity else "", user)
            known, mechanism, secret = self._find(user)
        except ConfigurationError as error:
            raise denied(f"PLAIN: {error}") from None
        # A name that nobody has takes as long as any other.
        return Answer(user=user, check=lambda: secret.is_of(password, mechanism) and known)

    def _find(self, user: str) -> tuple[bool, str, ScramSecret]:
        """The first secret that the user has; the decoy of the best mechanism for nobody."""
        for mechanism in SCRAM_MECHANISMS:
            known, secret = self._users.find_or_decoy(user, mechanism)
            if known:
                return known, mechanism, secret
        best = SCRAM_MECHANISMS[0]
        return False, best, self._users.find_or_decoy(user, best)[1]

    @staticmethod
    def _split(text: str) -> list[str]:
        parts = text.split("\0")
        if len(parts) != 3:
            raise denied("PLAIN: the message is not identity, name and password")
        return parts


class External:
    """One dialogue with the owner of a certificate."""

    def __init__(self, users: Users, certificate: str) -> None:
        self._users = users
        self._certificate = certificate

    def step(self, data: bytes) -> Answer:
        check_identity(decode(data), self._certificate)
        try:
            known = self._users.admits_certificate(self._certificate)
        except ConfigurationError as error:
            raise denied(f"EXTERNAL: {error}") from None
        if not known:
            raise denied(f"EXTERNAL: {self._certificate!r} is none of the users")
        return Answer(user=self._certificate)
