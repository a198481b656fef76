"""Ticket keys that are made ahead, where they do not hold up the loop.

Making a key takes about as long as handling a thousand messages. While there is a password a key
serves one link: a ticket that somebody recorded opens nothing later. While there is none, tickets
prove nothing and all links share a key.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

from redspice.ticket import TicketKey

if TYPE_CHECKING:
    from redspice.interfaces import CoreInterface

# One viewer opens about a dozen connections at once. A flood of links empties any pool, so a larger
# one would only cost more at the start.
POOL_SIZE = 16


class KeyPool:
    """Keys for links to come; one after the other is made through `CoreInterface.run_job`."""

    def __init__(self) -> None:
        self._keys: deque[TicketKey] = deque()
        self._shared: TicketKey | None = None
        self._core: CoreInterface | None = None
        self._making = False

    def __len__(self) -> int:
        return len(self._keys)

    def start(self, core: CoreInterface) -> None:
        """Begin to make keys."""
        self._core = core
        self._make_one()

    def take(self) -> TicketKey:
        """A key that nobody had before; made on the spot if none is ready."""
        key = self._keys.popleft() if self._keys else TicketKey()
        self._make_one()
        return key

    def shared(self) -> TicketKey:
        """One key for all links that need no password."""
        if self._shared is None:
            self._shared = self.take()
        return self._shared

    def retire_shared(self) -> None:
        """From now on a password counts: no ticket for the shared key proves that it is known."""
        if self._shared is not None:
            self._shared.retire()
            self._shared = None

    def _make_one(self) -> None:
        if self._core is not None and not self._making and len(self._keys) < POOL_SIZE:
            self._making = True
            self._core.run_job(TicketKey, self._made)

    def _made(self, key: TicketKey) -> None:
        self._making = False
        self._keys.append(key)
        self._make_one()
