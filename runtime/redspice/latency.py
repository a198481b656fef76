"""How long a round trip on a channel takes, measured while the channel is quiet.

Two pings: the first wakes up what sleeps on the way, the second is timed. The shortest time is
kept, so a measurement that something disturbed does no harm. The pings also keep alive what would
forget a silent connection, like a router that translates addresses.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from redspice.interfaces import CoreInterface
    from redspice.pings import Pings
    from redspice.pipe import PipeItem

# Seconds without a message after which what was sent is taken to have left the buffers, and how
# often we wait for that; a channel that is never quiet is measured all the same.
QUIET = 0.1
LOOKS = 10
# Seconds from one measurement to the next, as in the reference server; and if the channel has had
# nothing to say meanwhile, so that there is only a connection to keep alive.
PERIOD = 15.0
KEEPALIVE_PERIOD = 300.0


class Traffic(Protocol):
    """What there is to know of a channel connection."""

    @property
    def out_messages(self) -> int:
        """Messages sent up to now, pings not counted."""

    def push(self, item: PipeItem) -> None:
        """Send a message."""


class LatencyMonitor:
    """Measures one channel connection from `start` until `stop`."""

    def __init__(self, core: CoreInterface, traffic: Traffic, pings: Pings) -> None:
        self.latency: float | None = None
        """Seconds of the shortest round trip, once measured."""
        self._traffic = traffic
        self._pings = pings
        self._quiet = core.timer(self._look)
        self._rest = core.timer(self._rested)
        self._seen = 0
        self._looks = 0
        self._measured = 0
        self._rest_time = 0.0
        self._answered = True

    def start(self) -> None:
        """Measure when the channel is quiet, and from then on."""
        self._looks = LOOKS
        self._wait()

    def stop(self) -> None:
        self._quiet.cancel()
        self._rest.cancel()

    def _wait(self) -> None:
        self._looks -= 1
        self._seen = self._traffic.out_messages
        self._quiet.start(QUIET)

    def _look(self) -> None:
        if self._looks and self._traffic.out_messages != self._seen:
            self._wait()
            return
        self._measured = self._traffic.out_messages
        self._rest_time = 0.0
        self._rest.start(PERIOD)
        if self._answered:
            self._answered = False
            self._traffic.push(self._pings.item(self._woken))
            self._traffic.push(self._pings.item(self._timed))

    def _rested(self) -> None:
        self._rest_time += PERIOD
        if self._traffic.out_messages == self._measured and self._rest_time < KEEPALIVE_PERIOD:
            self._rest.start(PERIOD)
        else:
            self.start()

    def _woken(self, round_trip: float) -> None:
        """The answer of the first ping means nothing."""

    def _timed(self, round_trip: float) -> None:
        self._answered = True
        if self.latency is None or round_trip < self.latency:
            self.latency = round_trip
