"""Who is next, where those who wait come from many networks and some of them are a flood.

Every other turn goes to the newest of the networks that have had none; the turns between go round
all networks, first the one that has waited longest. Inside a network the oldest is first. So:

* Somebody from a new network is served within two turns, however many wait.
* Nobody waits for ever, however many are new: of N networks that wait, one has a turn of the round
  in at most 2 N turns, and so the k-th of a network is served within 2 k N.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import Generic, TypeVar

Waiting = TypeVar("Waiting")
Network = str | None


class FairQueue(Generic[Waiting]):
    """Those who wait, each of a network; None is a network too."""

    def __init__(self) -> None:
        # Those who wait by network, first the network that has been without a turn for longest.
        self._networks: OrderedDict[Network, dict[Waiting, None]] = OrderedDict()
        self._newcomers: dict[Network, None] = {}  # networks without a turn, the newest last
        self._count = 0
        self._newest_is_next = True

    def __len__(self) -> int:
        return self._count

    def add(self, network: Network, waiting: Waiting) -> None:
        """One more of this network, who does not wait yet."""
        if network not in self._networks:
            self._networks[network] = {}
            self._newcomers[network] = None
        self._networks[network][waiting] = None
        self._count += 1

    def discard(self, network: Network, waiting: Waiting) -> None:
        """Take one out; harmless when it is not there."""
        near = self._networks.get(network, {})
        if waiting not in near:
            return
        del near[waiting]
        self._count -= 1
        if not near:
            del self._networks[network]
            self._newcomers.pop(network, None)

    def withdraw(self, network: Network) -> list[Waiting]:
        """Take out all of a network, the oldest first; it counts as nobody's turn."""
        self._newcomers.pop(network, None)
        near = self._networks.pop(network, {})
        self._count -= len(near)
        return list(near)

    @property
    def next_network(self) -> Network:
        """Whose turn it is. Raises `StopIteration` when nobody waits."""
        newest = self._newest_is_next and self._newcomers
        return next(reversed(self._newcomers)) if newest else next(iter(self._networks))

    def pop(self) -> Waiting:
        """Take out who is next. Raises `StopIteration` when nobody waits."""
        network = self.next_network
        self._newest_is_next = not self._newest_is_next
        self._newcomers.pop(network, None)
        near = self._networks.pop(network)
        waiting = next(iter(near))
        del near[waiting]
        self._count -= 1
        if near:
            self._networks[network] = near
        return waiting
