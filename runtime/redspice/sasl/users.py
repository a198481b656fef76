"""Who is known, and what is kept instead of a password.

What a server keeps for SCRAM (RFC 5802) is salted and hashed: whoever reads it can neither log in
with it nor see the password. Nothing here shows a secret in a `repr` or an error.
"""

from __future__ import annotations

import hmac
import secrets
from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from functools import cached_property
from hashlib import sha256

from scramp import ScramException, ScramMechanism
from scramp.utils import saslprep

from redspice.errors import ConfigurationError

SCRAM_MECHANISMS = ("SCRAM-SHA-256", "SCRAM-SHA-1")
"""The better one first."""

ITERATIONS = 20_000
"""How often a password is hashed. A viewer does it anew for each of its dozen channels, in about
10 ms each; trying passwords out takes as long for each of them."""

MIN_ITERATIONS = 4096
"""The least that RFC 7677 allows."""
MAX_ITERATIONS = 0x10000
"""The most that viewers with the usual library (Cyrus SASL) are ready to compute."""

SALT_SIZE = 16
MIN_SALT_SIZE = 12
MAX_NAME_LENGTH = 255  # bytes of UTF-8; no directory of users has longer ones


@dataclass(frozen=True, slots=True)
class ScramSecret:
    """What one SCRAM mechanism needs to know of one user."""

    iterations: int
    salt: bytes = field(repr=False)
    stored_key: bytes = field(repr=False)
    server_key: bytes = field(repr=False)

    @classmethod
    def make(
        cls,
        password: str,
        mechanism: str,
        *,
        iterations: int = ITERATIONS,
        salt: bytes | None = None,
    ) -> ScramSecret:
        """The secret of a password, with a new salt unless one is given.

        Raises `ConfigurationError` for a password that is empty or that has characters which
        nobody can be expected to type.
        """
        salt = secrets.token_bytes(SALT_SIZE) if salt is None else salt
        try:
            info = ScramMechanism(mechanism).make_auth_info(password, iterations, salt)
            empty = not saslprep(password)
        except ScramException as error:
            raise ConfigurationError(f"the password cannot be used: {error}") from None
        if empty:
            raise ConfigurationError("the password is empty")
        return cls(iterations, salt, info[1], info[2])

    def is_of(self, password: str, mechanism: str) -> bool:
        """Whether this is the secret of that password; takes as long as making it took."""
        try:
            other = self.make(password, mechanism, iterations=self.iterations, salt=self.salt)
        except ConfigurationError:
            return False
        return hmac.compare_digest(self.stored_key, other.stored_key)


class Users(ABC):
    """Who may come in. Subclass it to ask a directory of your own.

    A name comes as viewers sent it, normalised for comparison (SASLprep). All methods are called
    in the embedder's loop, so they answer at once.
    """

    @abstractmethod
    def find(self, name: str, mechanism: str) -> ScramSecret | None:
        """The secret of a user for "SCRAM-SHA-256" or "SCRAM-SHA-1"; None for nobody.

        Secrets that are made with the usual number of iterations and size of salt cannot be told
        from those that viewers are shown for names which nobody has.
        """

    def admits_certificate(self, name: str) -> bool:
        """Whether the owner of a verified client certificate with this common name may come in."""
        return False

    @cached_property
    def decoy_seed(self) -> bytes:
        """What the secrets of names that nobody has are made from.

        One that changes tells names apart: their salts change with it, those of users do not.
        """
        return secrets.token_bytes(32)

    def find_or_decoy(self, name: str, mechanism: str) -> tuple[bool, ScramSecret]:
        """Whether there is such a user, and a secret in either case, always the same."""
        found = self.find(name, mechanism)
        if found is not None:
            return True, found
        salt = hmac.digest(self.decoy_seed, f"{mechanism}:{name}".encode(), sha256)[:SALT_SIZE]
        # Nothing hashes to zeros, so no password has these keys.
        no_key = bytes(key_size(mechanism))
        return False, ScramSecret(ITERATIONS, salt, no_key, no_key)


def key_size(mechanism: str) -> int:
    """The size of both keys of a secret."""
    return 20 if mechanism == "SCRAM-SHA-1" else 32


def normal_name(name: str) -> str:
    """The form of a user name that is compared and kept.

    Raises `ConfigurationError` for one that is empty or too long, or has strange characters.
    """
    try:
        normal = saslprep(name)
    except ScramException as error:
        raise ConfigurationError(f"{name!r} is no user name: {error}") from None
    if not 0 < len(normal.encode()) <= MAX_NAME_LENGTH:
        raise ConfigurationError(f"a user name has 1 to {MAX_NAME_LENGTH} bytes")
    return normal
