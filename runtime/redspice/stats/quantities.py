"""The numbers that are published, as tables: each once, for every way in which it is published.

A quantity has the same name in a statistics file and, with what Prometheus wants around it, on a
page of metrics; `redspice top` knows both by it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import ClassVar, Generic, TypeVar

from redspice.stats.snapshot import ChannelStats, EncodingStats, ServerStats

Subject = TypeVar("Subject")

Path = tuple[str, ...]

MICROSECONDS = 1_000_000
MICROSECONDS_SUFFIX = "_us"


@dataclass(frozen=True, slots=True)
class Quantity(Generic[Subject]):
    """One number of something. `read` gives None while it is not known."""

    name: str
    text: str
    """What it is, as a sentence."""
    read: Callable[[Subject], float | None]
    grows: bool = False
    """Whether it only grows, so that its rate is of interest."""
    seconds: bool = False
    """Whether it is a time; statistics files, which have whole numbers, have it in microseconds."""
    family: ClassVar[str]
    """What its name on a page of metrics begins with."""

    @property
    def file_name(self) -> str:
        """How a statistics file calls it."""
        return self.name + MICROSECONDS_SUFFIX * self.seconds

    @property
    def metric(self) -> str:
        """How a page of metrics calls it."""
        return f"{self.family}_{self.name}{'_seconds' * self.seconds}{'_total' * self.grows}"

    def whole(self, subject: Subject) -> int:
        """Its value in a statistics file; 0 while it is not known."""
        return round((self.read(subject) or 0) * (MICROSECONDS if self.seconds else 1))


class OfServer(Quantity[ServerStats]):
    """A number of the whole server."""

    __slots__ = ()
    family = "redspice"


class OfChannel(Quantity[ChannelStats]):
    """A number of a channel, for all its viewers."""

    __slots__ = ()
    family = "redspice_channel"


class OfEncoding(Quantity[EncodingStats]):
    """A number of one way to encode on a channel."""

    __slots__ = ()
    family = "redspice_encoding"


SERVER = (OfServer("clients", "Viewers that are in.", lambda server: len(server.clients)),)

CHANNEL = (
    OfChannel("viewers", "Viewers that have the channel.", lambda channel: channel.viewers),
    OfChannel(
        "opened",
        "How often viewers have opened the channel.",
        lambda channel: channel.opened,
        grows=True,
    ),
    OfChannel("out_messages", "Messages sent.", lambda channel: channel.out_messages, grows=True),
    OfChannel("out_bytes", "Bytes sent.", lambda channel: channel.out_bytes, grows=True),
    OfChannel("in_messages", "Messages received.", lambda channel: channel.in_messages, grows=True),
    OfChannel("in_bytes", "Bytes received.", lambda channel: channel.in_bytes, grows=True),
    OfChannel(
        "queue_messages",
        "Messages that wait to be sent.",
        lambda channel: channel.queue_messages,
    ),
    OfChannel("queue_bytes", "Bytes that wait to be sent.", lambda channel: channel.queue_bytes),
    OfChannel(
        "unacknowledged",
        "Messages sent that viewers have not acknowledged.",
        lambda channel: channel.unacknowledged,
    ),
    OfChannel(
        "in_flight_bytes",
        "Bytes sent that viewers have not processed.",
        lambda channel: channel.in_flight_bytes,
    ),
    OfChannel(
        "latency",
        "Round trip to viewers, the mean of those that are in.",
        lambda channel: channel.latency.mean,
        seconds=True,
    ),
    OfChannel(
        "worst_latency",
        "Round trip to the viewer that is farthest away.",
        lambda channel: channel.latency.most,
        seconds=True,
    ),
)

ENCODING = (
    OfEncoding("encoded", "Pictures encoded.", lambda encoding: encoding.seconds.count, grows=True),
    OfEncoding(
        "time",
        "Time spent encoding.",
        lambda encoding: encoding.seconds.total,
        grows=True,
        seconds=True,
    ),
    OfEncoding("in_bytes", "Bytes encoded.", lambda encoding: encoding.in_bytes, grows=True),
    OfEncoding("out_bytes", "Bytes they became.", lambda encoding: encoding.out_bytes, grows=True),
)

REFUSED = "refused"
REFUSED_METRIC = "redspice_refused_total"
REFUSED_TEXT = "Sockets and links refused or dropped before they were a viewer's channel."


def file_values(server: ServerStats) -> Iterator[tuple[Path, int]]:
    """Every number of a statistics file with its place in the tree, the most important first."""
    for quantity in SERVER:
        yield (quantity.file_name,), quantity.whole(server)
    yield (REFUSED,), server.refused
    for channel in server.channels:
        for row in CHANNEL:
            yield (channel.name, row.file_name), row.whole(channel)
    for channel in server.channels:
        for encoding in channel.encodings:
            for column in ENCODING:
                path = channel.name, encoding.encoding, column.file_name
                yield path, column.whole(encoding)
