"""One viewer: its session and the channels it has opened.

The main channel makes the viewer and ends it: when it goes, the other channels go too.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from redspice.errors import ProtocolError

if TYPE_CHECKING:
    from redspice.channel_client import RedChannelClient


class RedClient:
    """A viewer. `on_gone` is called once, when its main channel is over."""

    def __init__(self, session_id: int, on_gone: Callable[[RedClient], None]) -> None:
        self.session_id = session_id
        """What the viewer's other channels name to belong to it; never 0."""
        self.main: RedChannelClient | None = None
        self.channel_clients: dict[tuple[int, int], RedChannelClient] = {}
        """By channel type and id, in the order they were opened."""
        self.latency: float | None = None
        """Seconds of a round trip, once measured."""
        self.bitrate: float | None = None
        """Bits per second to the viewer, once measured."""
        self._on_gone = on_gone

    def __repr__(self) -> str:
        # The session id is what lets a channel join, so it is not for logs.
        return f"RedClient({len(self.channel_clients)} channels)"

    def add(self, channel_client: RedChannelClient) -> None:
        """Take a channel in; the first is the main channel.

        Raises `ProtocolError` if the viewer has this channel already.
        """
        channel = channel_client.channel
        if (channel.type, channel.id) in self.channel_clients:
            raise ProtocolError(f"the viewer has channel {channel.name} already")
        if self.main is None:
            self.main = channel_client
        self.channel_clients[channel.type, channel.id] = channel_client

    def remove(self, channel_client: RedChannelClient) -> None:
        """A channel's connection is over; the main channel takes all others with it."""
        channel = channel_client.channel
        del self.channel_clients[channel.type, channel.id]
        if channel_client is self.main:
            self._on_gone(self)
            self.disconnect()

    def disconnect(self, reason: str | None = None) -> None:
        """Close every channel; `reason` is logged once."""
        for channel_client in list(self.channel_clients.values()):
            if reason is not None:
                channel_client.connection.end(reason)
                reason = None
            channel_client.connection.close()
