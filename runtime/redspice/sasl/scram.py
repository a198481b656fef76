"""SCRAM (RFC 5802, RFC 7677): the viewer proves that it knows the password without showing it.

viewer                               server
header, name, nonce            ──►
                               ◄──   both nonces, salt, iterations
header, both nonces, proof     ──►
                               ◄──   the server's own proof
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from scramp import ScramException, ScramMechanism
from scramp.utils import saslprep

from redspice.errors import ConfigurationError
from redspice.sasl.mechanism import Answer, check_identity, decode, denied

if TYPE_CHECKING:
    from redspice.sasl.users import Users


class SentHeader:
    """The header of a viewer's first message, as it has to come back in its second."""

    def __init__(self, text: str) -> None:
        self._text = text

    def make_cbind_input(self, cb: None) -> bytes:
        return self._text.encode()


class Scram:
    """One dialogue."""

    def __init__(self, name: str, users: Users, nonce: str | None = None) -> None:
        self._name = name
        self._users = users
        self._user = ""
        self._known = False
        self._server = ScramMechanism(name).make_server(self._find, s_nonce=nonce)
        self._steps: Iterator[Callable[[str], Answer]] = iter((self._first, self._final))

    def step(self, data: bytes) -> Answer:
        text = decode(data)
        try:
            return next(self._steps)(text)
        except ScramException as error:
            raise denied(f"{self._name}, user {self._user!r}: {self._reason(error)}") from None

    def _first(self, text: str) -> Answer:
        flag, identity, bare = self._split(text)
        # scramp knows no identity to act for, but viewers name themselves as one.
        self._set_first(f"{flag},,{bare}")
        self._server.gs2_header = SentHeader(f"{flag},{identity},")
        wanted = identity.removeprefix("a=").replace("=2C", ",").replace("=3D", "=")
        check_identity(saslprep(wanted), self._user)
        return Answer(self._server.get_server_first().encode())

    def _set_first(self, text: str) -> None:
        """Raises what `Users.find` raises, which scramp hides."""
        try:
            self._server.set_client_first(text)
        except ScramException as error:
            if isinstance(error.__cause__, ConfigurationError):
                raise denied(f"{self._name}: {error.__cause__}") from None
            raise error.__cause__ or error from None

    def _final(self, text: str) -> Answer:
        self._server.set_client_final(text)
        if not self._known:
            # No password fits a decoy, but users of an embedder may make decoys of their own.
            raise ScramException("the password of a decoy")
        return Answer(self._server.get_server_final().encode(), user=self._user)

    def _find(self, user: str) -> tuple[bytes, bytes, bytes, int]:
        self._user = user
        self._known, secret = self._users.find_or_decoy(user, self._name)
        return secret.salt, secret.stored_key, secret.server_key, secret.iterations

    def _split(self, text: str) -> list[str]:
        """The header of a first message, in two parts, and the rest."""
        parts = text.split(",", 2)
        if len(parts) != 3 or (parts[1] and not parts[1].startswith("a=")):
            raise denied(f"{self._name}: the first message has no header")
        return parts

    def _reason(self, error: ScramException) -> str:
        return str(error) if self._known or not self._user else "nobody has this name"
