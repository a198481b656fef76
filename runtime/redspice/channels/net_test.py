"""The net test: three pings that tell latency and bitrate of a new viewer.

The first warms the connection up, the second gives the latency, the third carries 250 KiB and gives
the bitrate. Ping timestamps of the main channel are microseconds.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from redspice.pipe import PipeItem
from redspice_protocol import CHANNELS
from redspice_protocol.base import MsgcPong, MsgPing

if TYPE_CHECKING:
    from redspice.client import RedClient
    from redspice_protocol import Buffer

PING = CHANNELS["main"].server.by_name["ping"]
PING_SIZES = (0, 0, 250 * 1024)
MICROSECONDS = 1_000_000
LATENCY_PING, BITRATE_PING = 1, 2


class NetTest:
    """One run of the test; what it finds is written to the viewer's `latency` and `bitrate`."""

    def __init__(self, client: RedClient, now: Callable[[], float]) -> None:
        self._client = client
        self._now = now
        self._next = 0
        self._sent: dict[int, int] = {}

    def items(self) -> list[PipeItem]:
        """The pings, in order."""
        return [TestPing(self, number) for number in range(len(PING_SIZES))]

    def stamp(self, number: int) -> int:
        """The timestamp of a ping that is being sent."""
        self._sent[number] = int(self._now() * MICROSECONDS)
        return self._sent[number]

    def pong(self, message: MsgcPong) -> None:
        """An answer came. One that is not expected ends the test without a result."""
        number, self._next = self._next, self._next + 1
        if message.id != number or self._sent.get(number) != message.timestamp:
            self._next = len(PING_SIZES)
            return
        round_trip = self._now() - message.timestamp / MICROSECONDS
        if number == LATENCY_PING:
            self._client.latency = round_trip
        elif number == BITRATE_PING and self._client.latency is not None:
            transfer = round_trip - self._client.latency
            if transfer > 0:
                self._client.bitrate = PING_SIZES[number] * 8 / transfer


class TestPing(PipeItem):
    """A ping that takes its timestamp when it is sent, not when it is queued."""

    __slots__ = ("_number", "_test")

    def __init__(self, test: NetTest, number: int) -> None:
        super().__init__(PING, None)
        self._test = test
        self._number = number

    def parts(self) -> Sequence[Buffer]:
        number = self._number
        ping = MsgPing(
            id=number, timestamp=self._test.stamp(number), data=bytes(PING_SIZES[number])
        )
        return PING.marshal_parts(ping)
