"""One channel of a viewer that comes from another server, until the viewer has really come.

Nothing goes out, because the viewer still listens to the other server. What comes in waits in its
order, except for the messages in PASSING: what the migration itself consists of, and answers.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from redspice.errors import ProtocolError

if TYPE_CHECKING:
    from redspice.channel_client import RedChannelClient
    from redspice.framing import Frame, FrameReader

PASSING = frozenset(
    (
        "ack",
        "ack_sync",
        "disconnecting",
        "migrate_data",
        "migrate_dst_do_seamless",
        "migrate_end",
        "pong",
    )
)

# Bytes of a MIGRATE_DATA beside those of the channel's largest message. A display with 1024
# surfaces has 20 KiB. USB and ports stop reading their viewer once there is 1 MiB that their guest
# has not taken, and the message that made it so much may be their largest.
MAX_DATA_SIZE = (1 << 20) + (64 << 10)
# Bytes that wait. A viewer opens a display with 20 bytes when it has come, and that may overtake
# the END on its main channel.
MAX_HELD = 64 * 1024


class Arrival:
    """Holds a channel client from when it is made until it `ends` or is told to `open`."""

    def __init__(self, channel_client: RedChannelClient, reader: FrameReader) -> None:
        self._channel_client = channel_client
        self._reader = reader
        self._limit = reader.limit
        self._start: Callable[[], None] | None = None
        reader.limit += MAX_DATA_SIZE

    def frames(self) -> Iterator[Frame]:
        """The messages that are to be looked at now. Raises `ProtocolError` if too much waits."""
        if self._start is not None:
            self.end()
            self._start()
        while self._channel_client.arrival is self:
            if not self._passes(self._reader.next_type):
                if (size := self._reader.buffered) > MAX_HELD:
                    raise ProtocolError(f"{size} bytes of a viewer that has not come")
                return
            frame = self._reader.take()
            if frame is None:
                return
            yield frame
        yield from self._reader

    def end(self) -> None:
        """From now on it is a channel like any other."""
        self._reader.limit = self._limit
        self._channel_client.arrival = None

    def open(self, start: Callable[[], None]) -> None:
        """End, `start` and go on with what waits; what goes wrong is this channel's matter."""
        self._start = start
        self._channel_client.connection.resume()

    def _passes(self, type: int | None) -> bool:
        if type is None:
            return False
        message_type = self._channel_client.channel.messages.client.by_id.get(type)
        return message_type is not None and message_type.name in PASSING
