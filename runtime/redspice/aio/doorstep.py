"""The sockets that have just come, and how fast they are served.

To take a connection costs a tenth of what the loop then does for it, up to a refusal. So all that
come are taken, lest they fill what the system keeps for us, but in each turn of the loop only a few
begin to be served, network by network, those of suspects last (see `suspects`). Between them
everybody who is in has its turn, and who comes from elsewhere does not wait behind a flood.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from redspice.suspects import RankedQueue

if TYPE_CHECKING:
    from redspice.aio.arrival import Arrival
    from redspice.suspects import Suspects

AT_ONCE = 4
"""Sockets that begin in one turn of the loop; those that are in wait some 2 ms for them."""


class Doorstep:
    """Those who wait to be served; `WaitingRoom` bounds how many there are."""

    def __init__(self, suspects: Suspects) -> None:
        self._loop = asyncio.get_running_loop()
        self._queue: RankedQueue[Arrival] = RankedQueue(suspects)
        self._serving: asyncio.Handle | None = None

    def enter(self, arrival: Arrival) -> None:
        """Start this one when it has its turn."""
        self._queue.add(arrival)
        if self._serving is None:
            self._serving = self._loop.call_soon(self._serve)

    def leave(self, arrival: Arrival) -> None:
        """It is gone; harmless once it was started."""
        self._queue.discard(arrival)

    def _serve(self) -> None:
        for _ in range(min(AT_ONCE, len(self._queue))):
            self._queue.pop().start()
        self._serving = self._loop.call_soon(self._serve) if self._queue else None
