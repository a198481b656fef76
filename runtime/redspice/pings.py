"""The pings of one channel connection: when each was sent, and who waits for the answer.

A PING takes its timestamp when it is sent, not when it is queued. The viewer sends id and timestamp
back; an answer that fits no ping is ignored. Viewers answer in order, so what an answer has
overtaken is forgotten: a viewer that leaves some out must not fill the memory. The main channel
counts in microseconds, the others in nanoseconds.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import count
from typing import TYPE_CHECKING

from redspice.pipe import PipeItem
from redspice_protocol import CHANNELS
from redspice_protocol.base import MsgcPong, MsgPing

if TYPE_CHECKING:
    from redspice_protocol import Buffer

PING = CHANNELS["main"].server.by_name["ping"]

# Id and timestamp.
PING_BYTES = 12

MICROSECONDS = 1_000_000
NANOSECONDS = 1_000_000_000

# Called with the seconds of the round trip.
Answered = Callable[[float], None]


class Pings:
    """What is out, and what the next ones are called. `ticks` are the units of a second."""

    def __init__(self, now: Callable[[], float], ticks: int) -> None:
        self._now = now
        self._ticks = ticks
        self._ids = count()
        self._out: dict[int, tuple[float, Answered]] = {}

    @property
    def waiting(self) -> int:
        """How many are not answered."""
        return len(self._out)

    def item(self, answered: Answered, size: int = 0) -> PipeItem:
        """A ping with `size` bytes of data. Whoever asks for it sends it once, and no more of them
        than it gets answers for."""
        return PingItem(self, next(self._ids), answered, size)

    def sent(self, id: int, answered: Answered) -> int:
        """A ping is being sent; returns its timestamp."""
        now = self._now()
        self._out[id] = now, answered
        return self._stamp(now)

    def answered(self, pong: MsgcPong) -> None:
        """An answer came."""
        sent_at, answered = self._out.get(pong.id, (0.0, None))
        if answered is None or self._stamp(sent_at) != pong.timestamp:
            return
        while (oldest := next(iter(self._out))) != pong.id:
            del self._out[oldest]
        del self._out[pong.id]
        answered(self._now() - sent_at)

    def _stamp(self, seconds: float) -> int:
        return int(seconds * self._ticks)


class PingItem(PipeItem):
    """A ping that waits to be sent."""

    __slots__ = ("_answered", "_id", "_pings", "_size")

    def __init__(self, pings: Pings, id: int, answered: Answered, size: int) -> None:
        super().__init__(PING, None)
        self._pings = pings
        self._id = id
        self._answered = answered
        self._size = size

    @property
    def size(self) -> int:
        return PING_BYTES + self._size

    def parts(self) -> Sequence[Buffer]:
        timestamp = self._pings.sent(self._id, self._answered)
        return PING.marshal_parts(MsgPing(self._id, timestamp, bytes(self._size)))
