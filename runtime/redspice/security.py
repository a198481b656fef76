"""Which channels may come over which transport.

A rule names a channel by its type, "main" or "display"; without a rule the default counts, which
lets everything come over everything. A unix socket fits every rule: its bytes leave the machine
neither in the clear nor otherwise.
"""

from __future__ import annotations

from enum import Flag
from typing import TYPE_CHECKING

from redspice.errors import ConfigurationError
from redspice_protocol import CHANNELS
from redspice_protocol.enums import LinkErr

if TYPE_CHECKING:
    from redspice.transport import Transport

NAMES = {channel.id: name for name, channel in CHANNELS.items()}


class ChannelSecurity(Flag):
    """The transports that a channel accepts."""

    PLAIN = 1
    TLS = 2
    BOTH = PLAIN | TLS


class ChannelRules:
    """The rules of one server."""

    def __init__(self) -> None:
        self._default = ChannelSecurity.BOTH
        self._rules: dict[str, ChannelSecurity] = {}

    def set(self, channel: str | None, security: ChannelSecurity) -> None:
        """Set the rule of a channel type, or with None the default of those without one.

        Raises `ConfigurationError` for an unknown name and for a rule that nothing fits.
        """
        if not isinstance(security, ChannelSecurity) or not security:
            raise ConfigurationError(f"{security!r} is not PLAIN, TLS or BOTH")
        if channel is None:
            self._default = security
        elif channel in CHANNELS:
            self._rules[channel] = security
        else:
            raise ConfigurationError(
                f"{channel!r} is no channel; there are {', '.join(sorted(CHANNELS))}"
            )

    def check(self, channel_type: int, transport: Transport) -> LinkErr:
        """OK, or what tells a viewer to come again over the other transport."""
        if transport.local:
            return LinkErr.OK
        allowed = self._rules.get(NAMES.get(channel_type, ""), self._default)
        if transport.tls:
            return LinkErr.OK if ChannelSecurity.TLS in allowed else LinkErr.NEED_UNSECURED
        return LinkErr.OK if ChannelSecurity.PLAIN in allowed else LinkErr.NEED_SECURED
