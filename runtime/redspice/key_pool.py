"""Ticket keys that are there when a link comes.

What takes time is a modulus (see `ticket_key`). One is made ahead where it does not hold up the
loop, and takes the place of the last one when that has served for a minute or has no more keys. So
a link has its key at once, but for those that come before the first modulus is made. Who may share
a key:

* Where others can read along and a password counts, a key serves one link: a ticket that somebody
  recorded opens nothing later.
* Where nobody reads along, or no password counts, links share a key as long as its modulus serves:
  a link with a key of its own takes a third more of the processor. The shared key is never shown
  to links of the first kind.

If making one fails, that is logged and tried again later; the last one serves on meanwhile.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import TYPE_CHECKING
from weakref import WeakSet

from redspice.jobs import Failed, attempt
from redspice.ticket_key import Modulus, TicketKey

if TYPE_CHECKING:
    from redspice.interfaces import CoreInterface, Timer

logger = logging.getLogger("redspice")

# Seconds after which links get keys of a new modulus: who breaks one (1024 bits) has the tickets of
# no longer. At this rate a new one costs next to nothing.
MODULUS_LIFETIME = 60.0

# Seconds until the next try when none could be made, as without memory or random numbers. The log
# then has a line a second.
RETRY = 1.0


class KeyRequest:
    """One link that wants a key; `cancel` it when the link is over."""

    def __init__(
        self, pool: KeyPool, *, shared: bool, deliver: Callable[[TicketKey], None]
    ) -> None:
        self.shared = shared
        self.deliver = deliver
        self._pool = pool

    def cancel(self) -> None:
        """Wait no longer; harmless once the key was delivered."""
        self._pool.forget(self)


class KeyPool:
    """Keys for links to come; what takes time is done through `CoreInterface.run_job`."""

    def __init__(self) -> None:
        self._waiting: dict[KeyRequest, None] = {}  # the oldest first
        self._modulus: Modulus | None = None
        self._until = 0.0
        """When the next one takes its place."""
        self._next: Modulus | None = None
        self._shared: TicketKey | None = None
        self._shown: WeakSet[TicketKey] = WeakSet()
        """Shared keys that links still have, those of earlier moduli too."""
        self._core: CoreInterface | None = None
        self._retry: Timer | None = None
        self._making = False
        """Whether one is being made, or will be when the timer fires."""

    @property
    def waiting(self) -> int:
        """How many links wait for a key."""
        return len(self._waiting)

    def start(self, core: CoreInterface) -> None:
        """Begin to make keys."""
        self._core = core
        self._retry = core.timer(self._make)
        self._hand_out()

    def request(self, *, shared: bool, deliver: Callable[[TicketKey], None]) -> KeyRequest:
        """Call `deliver` with a key: at once, but for the first moments of a server."""
        request = KeyRequest(self, shared=shared, deliver=deliver)
        self._waiting[request] = None
        self._hand_out()
        return request

    def forget(self, request: KeyRequest) -> None:
        """The link of this request is over."""
        self._waiting.pop(request, None)

    def retire_shared(self) -> None:
        """From now on a password counts: no ticket for a shared key proves that it is known."""
        self._shared = None
        for key in self._shown:
            key.retire()
        self._shown.clear()
        for request in self._waiting:
            request.shared = False

    def _hand_out(self) -> None:
        if self._core is None:
            return
        # Whoever is served may end the link of another one, so nothing is looked up beforehand.
        while self._waiting and (modulus := self._current(self._core.now())) is not None:
            request = next(iter(self._waiting))
            del self._waiting[request]
            request.deliver(self._shared_key(modulus) if request.shared else modulus.new_key())
        if self._next is None and not self._making:
            self._make()

    def _current(self, now: float) -> Modulus | None:
        """What keys come from; without a new one the old one serves on while it has keys."""
        due = self._modulus is None or self._modulus.spent or now >= self._until
        if due and self._next is not None:
            self._modulus, self._next, self._shared = self._next, None, None
            self._until = now + MODULUS_LIFETIME
        return None if self._modulus is None or self._modulus.spent else self._modulus

    def _shared_key(self, modulus: Modulus) -> TicketKey:
        if self._shared is None:
            self._shared = modulus.new_key()
            self._shown.add(self._shared)
        return self._shared

    def _make(self) -> None:
        assert self._core is not None
        self._making = True
        self._core.run_job(attempt(Modulus), self._made)

    def _made(self, modulus: Modulus | Failed) -> None:
        if isinstance(modulus, Failed):
            assert self._retry is not None
            logger.error("no key can be made", exc_info=modulus.error)
            self._retry.start(RETRY)
            return
        self._making = False
        self._next = modulus
        self._hand_out()
