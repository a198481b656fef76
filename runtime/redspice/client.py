"""One viewer: its session and the channels it has opened.

The main channel makes the viewer and ends it: when it goes, the other channels go too.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from redspice.codecs.glz_dictionary import MAX_WINDOW_PIXELS, Dictionary
from redspice.errors import ProtocolError
from redspice.limits import DEFAULT_LIMITS
from redspice_protocol.enums import LinkErr

if TYPE_CHECKING:
    from redspice.channel_client import RedChannelClient
    from redspice.migration.target import Target


class RedClient:
    """A viewer. `on_gone` is called once, when its main channel is over."""

    def __init__(
        self,
        session_id: int,
        on_gone: Callable[[RedClient], None],
        max_glz_pixels: int = DEFAULT_LIMITS.max_glz_pixels,
    ) -> None:
        self.session_id = session_id
        """What the viewer's other channels name to belong to it; never 0."""
        self.main: RedChannelClient | None = None
        self.channel_clients: dict[tuple[int, int], RedChannelClient] = {}
        """By channel type and id, in the order they were opened."""
        self.latency: float | None = None
        """Seconds of a round trip, once measured."""
        self.bitrate: float | None = None
        """Bits per second to the viewer, once measured."""
        self.target: Target | None = None
        """How the viewer comes from another server, if it does."""
        self._on_gone = on_gone
        self._max_glz_pixels = max_glz_pixels
        self._glz_dictionaries: dict[int, Dictionary] = {}

    def __repr__(self) -> str:
        # The session id is what lets a channel join, so it is not for logs.
        return f"RedClient({len(self.channel_clients)} channels)"

    @property
    def settled(self) -> bool:
        """Whether the viewer is here, and not still on its way from another server."""
        return self.target is None or self.target.arrived

    def arriving(self) -> Target:
        """How the viewer comes from another server. Raises `ProtocolError` if it does not."""
        if self.target is None:
            raise ProtocolError("the viewer does not come from another server")
        return self.target

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
            for other in list(self.channel_clients.values()):
                other.connection.close()
            # Viewer and channels know each other, so only the collector of cycles would free this.
            self._glz_dictionaries.clear()
        elif self.target is not None:
            self.target.channel_gone()

    def glz_dictionary(self, id: int, window: int, next_id: int = 0) -> Dictionary:
        """The dictionary that the viewer's displays with this id share; the first says how large
        its window of `window` pixels is, and where the ids of its images go on.

        The limit is for all dictionaries of the viewer together. One that gets nothing of it has
        no room for a picture, so its displays are drawn without GLZ.
        """
        if id not in self._glz_dictionaries:
            taken = sum(each.window_pixels for each in self._glz_dictionaries.values())
            pixels = max(0, min(window, self._max_glz_pixels - taken, MAX_WINDOW_PIXELS))
            self._glz_dictionaries[id] = Dictionary(pixels, next_id=next_id)
        return self._glz_dictionaries[id]

    def disconnect(self, reason: str, code: LinkErr = LinkErr.OK) -> None:
        """Say why, as a `code` to the viewer and in the log, and close every channel."""
        if self.main is not None:
            self.main.connection.end(reason, self.main.disconnecting(code))
