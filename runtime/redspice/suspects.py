"""Networks of which a link has failed lately, and turns in which they come after the others.

Who floods a server fails all the time, and who comes to use it hardly ever does: so where links
have to wait, those of networks without a failure go first. That is all that follows from a failure;
a user who mistyped a password, or sits behind the same router as somebody who guesses, waits while
others do, and hardly at all on a server that has nothing else to do.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from typing import Generic, Protocol, TypeVar

from redspice.fair_queue import FairQueue, Network

# Networks that are remembered; of more the oldest is forgotten. They take half a megabyte.
MOST_SUSPECTS = 4096

# After so many others a suspect has its turn, so that nobody waits for ever.
OTHERS = 3


class Suspects:
    """Which networks have failed. `now` tells the time, `memory` for how long it counts."""

    def __init__(self, now: Callable[[], float], memory: Callable[[], float]) -> None:
        self._now = now
        self._memory = memory
        self._until: OrderedDict[str, float] = OrderedDict()  # the first to be forgotten first

    def __len__(self) -> int:
        return len(self._until)

    def __contains__(self, network: Network) -> bool:
        return network is not None and self._until.get(network, 0.0) > self._now()

    def failed(self, network: Network) -> None:
        """A link of this network has failed. None, all that are not told apart, never counts."""
        if network is None:
            return
        self._until[network] = self._now() + self._memory()
        self._until.move_to_end(network)
        if len(self._until) > MOST_SUSPECTS:
            self._until.popitem(last=False)

    def linked(self, network: Network) -> None:
        """A link of this network was made: what failed before was a mistake."""
        if network is not None:
            self._until.pop(network, None)


class Waiting(Protocol):
    """Who waits."""

    @property
    def network(self) -> Network:
        """Where it comes from."""


One = TypeVar("One", bound=Waiting)


class RankedQueue(Generic[One]):
    """Those who wait, those of suspects last; among equals as `FairQueue` has it.

    Who becomes suspect while it waits goes to the others of its kind when it would have its turn.
    """

    def __init__(self, suspects: Suspects) -> None:
        self._suspects = suspects
        self._first: FairQueue[One] = FairQueue()
        self._last: FairQueue[One] = FairQueue()
        self._others = 0
        """How many were served since the last suspect."""

    def __len__(self) -> int:
        return len(self._first) + len(self._last)

    def add(self, one: One) -> None:
        """One more, who does not wait yet."""
        queue = self._last if one.network in self._suspects else self._first
        queue.add(one.network, one)

    def discard(self, one: One) -> None:
        """Take one out; harmless when it is not there."""
        self._first.discard(one.network, one)
        self._last.discard(one.network, one)

    def _only_suspects(self) -> bool:
        """Whether nobody else waits."""
        while self._first and (network := self._first.next_network) in self._suspects:
            for one in self._first.withdraw(network):
                self._last.add(network, one)
        return not self._first

    def pop(self) -> One:
        """Take out who is next. Raises `StopIteration` when nobody waits."""
        if self._only_suspects() or (self._last and self._others >= OTHERS):
            self._others = 0
            return self._last.pop()
        self._others += 1
        return self._first.pop()
