"""What every mechanism is to the dialogue: an object that answers one message after the other."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from redspice.errors import LinkError
from redspice_protocol.enums import LinkErr


@dataclass(frozen=True, slots=True)
class Answer:
    """What one message leads to. Without `user` the dialogue goes on."""

    reply: bytes | None = field(default=None, repr=False)
    """What the viewer is told; None for nothing."""
    user: str | None = None
    """Who the viewer is, if `check` does not say otherwise."""
    check: Callable[[], bool] | None = field(default=None, repr=False)
    """A computation that takes long and says whether the viewer may come in."""


class Mechanism(Protocol):
    """One dialogue with one viewer; it ends after a number of messages that is fixed."""

    def step(self, data: bytes) -> Answer:
        """Take a message of the viewer. Raises `LinkError` when it may not come in."""


def denied(reason: str) -> LinkError:
    """The error of a viewer that has not proved who it is; only our log tells the reason."""
    return LinkError(LinkErr.PERMISSION_DENIED, reason)


def decode(data: bytes) -> str:
    """The text of a message. Raises `LinkError` unless it is UTF-8."""
    try:
        return data.decode()
    except UnicodeDecodeError:
        raise denied("a SASL message is not UTF-8") from None


def check_identity(wanted: str, user: str) -> None:
    """A viewer that names whom it wants to act for must name itself, as no user is above another.

    Raises `LinkError` otherwise.
    """
    if wanted not in ("", user):
        raise denied(f"user {user!r} wants to act for somebody else")
