"""What `RedsState.stats.snapshot` gives: plain numbers, as they were at one moment.

    ServerStats
    ├── channels: ChannelStats          one for each channel of the ring
    │   ├── connections: ConnectionStats    one for each viewer that has it
    │   └── encodings: EncodingStats        one for each encoding that was used
    ├── clients: ClientStats            one for each viewer
    │   └── connections: ConnectionStats    the same objects, in the order they were opened
    └── refusals                        how many were not let in, by the kind of reason

Sizes are bytes with message headers, below TLS and WebSocket; what the link stage carries is not
counted. Times are seconds. Numbers of a channel count from its registration, also for viewers that
have left; those of a connection begin with it. No snapshot has a session, a password or a ticket.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from redspice.stats.tally import Tally


@dataclass(slots=True)
class EncodingStats:
    """One way to encode, on one channel."""

    encoding: str
    """Lower case, as "quic" or "lz_rgb"; "bitmap" is what went as it was."""
    in_bytes: int = 0
    """What was encoded, in bytes of pixels or samples."""
    out_bytes: int = 0
    """What it became."""
    seconds: Tally = field(default_factory=Tally)
    """How long each took, without the wait for a thread; its `count` is the number of them."""


@dataclass(slots=True)
class ConnectionStats:
    """One channel of one viewer."""

    channel: str
    """Type and id, as "display:0"."""
    out_messages: int
    out_bytes: int
    in_messages: int
    in_bytes: int
    queue_messages: int
    """Messages that wait to be sent."""
    queue_bytes: int
    """Their bytes, without those of pictures, which are made when there is room for them."""
    unacknowledged: int
    """Messages that were sent and not acknowledged; 0 on channels without acknowledgements."""
    in_flight_bytes: int
    """Bytes that were sent and, by the viewer's answers, not processed yet; 0 where this is not
    measured: on unix sockets and on channels that cannot fill a line."""
    latency: float | None
    """Seconds of the shortest round trip, once measured; never on unix sockets."""


@dataclass(slots=True)
class ClientStats:
    """One viewer."""

    peer: str
    """Where it is."""
    latency: float | None
    """Seconds of a round trip when it came in."""
    bitrate: float | None
    """Bits per second to it when it came in."""
    connections: tuple[ConnectionStats, ...]


@dataclass(slots=True)
class ChannelStats:
    """One channel, for all its viewers."""

    type: int
    id: int
    name: str
    """Type and id, as "display:0"."""
    opened: int
    """How many viewers have opened it up to now."""
    out_messages: int
    out_bytes: int
    in_messages: int
    in_bytes: int
    latency: Tally
    """The round trips of the viewers for which it is known."""
    connections: tuple[ConnectionStats, ...]
    encodings: tuple[EncodingStats, ...]

    @property
    def viewers(self) -> int:
        """How many viewers have it now."""
        return len(self.connections)

    @property
    def queue_messages(self) -> int:
        """Messages that wait to be sent, to all viewers together."""
        return sum(one.queue_messages for one in self.connections)

    @property
    def queue_bytes(self) -> int:
        """Their bytes."""
        return sum(one.queue_bytes for one in self.connections)

    @property
    def unacknowledged(self) -> int:
        """Messages that were sent and not acknowledged."""
        return sum(one.unacknowledged for one in self.connections)

    @property
    def in_flight_bytes(self) -> int:
        """Bytes that were sent and not processed yet."""
        return sum(one.in_flight_bytes for one in self.connections)


@dataclass(slots=True)
class ServerStats:
    """A whole server."""

    at: float
    """When this was, by the clock of the server's `CoreInterface`: for rates between two."""
    clients: tuple[ClientStats, ...]
    channels: tuple[ChannelStats, ...]
    """By type and id."""
    refusals: Mapping[str, int]
    """How many were refused or dropped before they had a channel, by kind."""

    @property
    def refused(self) -> int:
        """All of them together."""
        return sum(self.refusals.values())

    def channel(self, name: str) -> ChannelStats:
        """The channel of this name, as "display:0". Raises `KeyError` if there is none."""
        for channel in self.channels:
            if channel.name == name:
                return channel
        raise KeyError(name)
