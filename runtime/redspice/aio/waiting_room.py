"""The sockets that have proved nothing yet, and which of them has to go for a newer one.

They are still in TLS handshake, WebSocket upgrade or link stage. When there are too many of one
network, its oldest goes; when there are too many of all together, the oldest of the network that
has the most. So whoever opens sockets and says nothing gets in the way of its own neighbours at
most, also from many addresses at once.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from redspice.aio.arrival import Arrival
    from redspice.limits import Limits


class Surplus(NamedTuple):
    """A socket that has to go, and why."""

    arrival: Arrival
    reason: str


class WaitingRoom:
    """Who is still unlinked, by network, the oldest first."""

    def __init__(self) -> None:
        self._networks: dict[str, dict[Arrival, None]] = {}
        self._count = 0

    def enter(self, arrival: Arrival) -> None:
        """One more."""
        self._networks.setdefault(arrival.network, {})[arrival] = None
        self._count += 1

    def leave(self, arrival: Arrival) -> None:
        """This one is gone, or has linked; harmless when done before."""
        near = self._networks.get(arrival.network, {})
        if arrival not in near:
            return
        del near[arrival]
        self._count -= 1
        if not near:
            del self._networks[arrival.network]

    def surplus(self, newest: Arrival, limits: Limits) -> Surplus | None:
        """Who has to go before another one may enter, if anybody has to."""
        most, most_near = limits.max_unlinked, limits.max_unlinked_per_host
        near = self._networks.get(newest.network, {})
        if len(near) >= most_near and not newest.peer.local:
            return Surplus(next(iter(near)), f"{most_near} of one host have not linked")
        if self._count >= most:
            largest = max(self._networks.values(), key=len)
            return Surplus(next(iter(largest)), f"{most} have not linked")
        return None
