"""Errors of the runtime.

    RedspiceError
    ├── ConfigurationError    the embedder asked for something impossible
    │   ├── InterfaceVersionError   it wants a newer interface than this server has
    │   ├── AlreadyRegisteredError  there is such an interface or channel already
    │   └── NotRegisteredError      there is none to remove, or it cannot be removed
    └── PeerError             the peer broke the protocol; `.reason` says where and what
        ├── LinkError         during the link stage; `.code` is what the peer was told
        └── ProtocolError     afterwards, in the messages of a channel

A `PeerError` never leaves a `Connection`: it becomes one log line and the end of that connection.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from redspice_protocol.enums import LinkErr


class RedspiceError(Exception):
    """The root of this package's errors."""


class ConfigurationError(RedspiceError):
    """The embedder asked for something impossible."""


class InterfaceVersionError(ConfigurationError):
    """An embedder wants another version of an interface than this server has."""


class AlreadyRegisteredError(ConfigurationError):
    """There is such an interface or such a channel already."""


class NotRegisteredError(ConfigurationError):
    """There is no such interface to remove, or none of its kind ever is."""


class PeerError(RedspiceError):
    """The peer broke the protocol."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class LinkError(PeerError):
    """The link stage ended without a channel."""

    def __init__(self, code: LinkErr, reason: str) -> None:
        super().__init__(reason)
        self.code = code

    def __str__(self) -> str:
        return f"link refused ({self.code.name}): {self.reason}"


class ProtocolError(PeerError):
    """A message that its channel cannot accept."""
