"""The text of a file of users, and what it says.

    # a comment
    !decoy:SEED                                                    made with the file
    NAME:SCRAM-SHA-256:ITERATIONS:SALT:STORED_KEY:SERVER_KEY       one line for each mechanism
    NAME:EXTERNAL                                                  known by a client certificate

It is UTF-8; seed, salt and keys are base64. The names are in their normal form and have no colon.
The seed makes the salts that viewers are shown for names which nobody has, so that these stay the
same when the server starts anew.
"""

from __future__ import annotations

import secrets
from base64 import b64decode, b64encode
from dataclasses import dataclass, field

from redspice.errors import ConfigurationError
from redspice.sasl.users import (
    MAX_ITERATIONS,
    MIN_ITERATIONS,
    MIN_SALT_SIZE,
    SCRAM_MECHANISMS,
    ScramSecret,
    key_size,
    normal_name,
)

EXTERNAL = "EXTERNAL"
DECOY = "!decoy"
SEED_SIZE = 32
HEADER = "# Users of a Redspice server. Nobody else may read this file."


@dataclass(slots=True)
class UserTable:
    """Everything that a file says."""

    decoy_seed: bytes = field(default_factory=lambda: secrets.token_bytes(SEED_SIZE), repr=False)
    secrets: dict[str, dict[str, ScramSecret]] = field(default_factory=dict, repr=False)
    """By name, then by mechanism; a user that is known by certificate alone has none."""


def checked_name(name: str) -> str:
    """The form in which a name is kept. Raises `ConfigurationError` if a file cannot hold it."""
    normal = normal_name(name)
    if ":" in normal or normal[0] in "#!":
        raise ConfigurationError(
            f"{name!r}: a user name has no colon and does not begin with # or !"
        )
    return normal


def parse_users(text: str) -> UserTable:
    """What a file says. Raises `ConfigurationError` with the number of a line that is wrong."""
    table = UserTable()
    for number, line in enumerate(text.split("\n"), 1):
        if not line or line.startswith("#"):
            continue
        try:
            _parse_line(table, line.split(":"))
        except (ValueError, ConfigurationError):
            # The reason could show what is in the line.
            raise ConfigurationError(f"line {number} is not one of a file of users") from None
    return table


def _parse_line(table: UserTable, fields: list[str]) -> None:
    if fields[0] == DECOY:
        (_, seed) = fields
        table.decoy_seed = b64decode(seed, validate=True)
        return
    name, mechanism, *rest = fields
    if checked_name(name) != name:
        raise ValueError("not the normal form of a name")
    known = table.secrets.setdefault(name, {})
    if mechanism in SCRAM_MECHANISMS and mechanism not in known:
        known[mechanism] = _parse_secret(mechanism, rest)
    elif mechanism != EXTERNAL or rest:
        raise ValueError("neither a new secret nor EXTERNAL")


def _parse_secret(mechanism: str, fields: list[str]) -> ScramSecret:
    iterations, *encoded = fields
    salt, stored_key, server_key = (b64decode(each, validate=True) for each in encoded)
    secret = ScramSecret(int(iterations), salt, stored_key, server_key)
    if not MIN_ITERATIONS <= secret.iterations <= MAX_ITERATIONS:
        raise ValueError("iterations")
    if len(secret.salt) < MIN_SALT_SIZE:
        raise ValueError("salt")
    if {len(secret.stored_key), len(secret.server_key)} != {key_size(mechanism)}:
        raise ValueError("keys")
    return secret


def format_users(table: UserTable) -> str:
    """The text of a file, users in the order of their names."""
    lines = [HEADER, f"{DECOY}:{_base64(table.decoy_seed)}"]
    for name, known in sorted(table.secrets.items()):
        lines += [_format_secret(name, *item) for item in known.items()] or [f"{name}:{EXTERNAL}"]
    return "\n".join(lines) + "\n"


def _format_secret(name: str, mechanism: str, secret: ScramSecret) -> str:
    parts = map(_base64, (secret.salt, secret.stored_key, secret.server_key))
    return ":".join((name, mechanism, str(secret.iterations), *parts))


def _base64(data: bytes) -> str:
    return b64encode(data).decode()
