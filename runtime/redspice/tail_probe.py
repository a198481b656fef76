"""Pings that make it known that the end of a stream was lost.

TCP learns of a lost packet from what comes after it. After the last one nothing comes, so it has to
wait for a timer: some 0.3 s on a line of 80 ms, and twice as long each time that what it sends
again is lost too. A ping is something that comes after what a server has sent, and its answer comes
after what a viewer has sent: with them a loss costs little more than a round trip.

Only long lines are worth it; on a short one nobody waits for an answer long.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from redspice.interfaces import CoreInterface

# Seconds of a round trip over which a line is long.
LONG = 0.02


class TailProbe:
    """What `send` is to send, a few times, while something is expected on one connection."""

    def __init__(self, core: CoreInterface, send: Callable[[], None]) -> None:
        self._timer = core.timer(self._due)
        self._send = send
        self._every = 0.0
        self._left = 0

    @property
    def watching(self) -> bool:
        """Whether another one is due."""
        return self._left > 0

    def watch(self, every: float, times: int) -> None:
        """Send after `every` seconds, and so many times; said again it begins anew."""
        self._every = every
        self._left = times
        self._timer.start(every)

    def stop(self) -> None:
        """What was expected has come."""
        self._left = 0
        self._timer.cancel()

    def _due(self) -> None:
        self._left -= 1
        if self._left:
            self._timer.start(self._every)
        self._send()
