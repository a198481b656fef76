"""The channels of a server, newest registration first."""

from __future__ import annotations

from typing import TYPE_CHECKING

from redspice.channels.display import DISPLAY, DisplayChannel
from redspice.errors import AlreadyRegisteredError, ConfigurationError, NotRegisteredError
from redspice.ring import Ring

if TYPE_CHECKING:
    from collections.abc import Iterable

    from redspice.channel import AnyChannel

# Channel ids travel as one byte.
CHANNEL_IDS = range(256)


class ChannelRing(Ring["AnyChannel"]):
    """The ring of registered channels, which are found by type and id."""

    __slots__ = ()

    def find(self, type: int, id: int) -> AnyChannel | None:
        """The channel of this type and id."""
        for channel in self:
            if (channel.type, channel.id) == (type, id):
                return channel
        return None

    def check_free(self, channels: Iterable[AnyChannel]) -> None:
        """Raises `AlreadyRegisteredError` if type and id of one of `channels` are taken, or it is
        another server's; `ConfigurationError` for an id that no viewer can be told."""
        taken = {(channel.type, channel.id) for channel in self}
        for channel in channels:
            if channel.id not in CHANNEL_IDS:
                raise ConfigurationError(f"channel {channel.name}: ids are 0..{CHANNEL_IDS[-1]}")
            if channel.link.ring is not None or (channel.type, channel.id) in taken:
                raise AlreadyRegisteredError(f"channel {channel.name} is registered already")
            taken.add((channel.type, channel.id))

    def check_registered(self, channels: Iterable[AnyChannel]) -> None:
        """Raises `NotRegisteredError` unless all of `channels` are in the ring."""
        for channel in channels:
            if channel.link.ring is not self:
                raise NotRegisteredError(f"channel {channel.name} is not registered")

    def first_free_id(self, type: int) -> int:
        """The lowest id that a new channel of this type may have.

        Raises `ConfigurationError` when all 256 are taken.
        """
        taken = {channel.id for channel in self if channel.type == type}
        for id in CHANNEL_IDS:
            if id not in taken:
                return id
        raise ConfigurationError(f"all {len(CHANNEL_IDS)} channels of type {type} are taken")

    def displays(self) -> list[DisplayChannel]:
        """The channels that show a framebuffer."""
        return [channel for channel in self if isinstance(channel, DisplayChannel)]

    def display_count(self) -> int:
        """How many channels of the display type there are, whatever they show."""
        return sum(channel.type == DISPLAY.id for channel in self)
