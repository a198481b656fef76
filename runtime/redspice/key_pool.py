"""Ticket keys that are made ahead, where they do not hold up the loop.

Making a key takes about as long as thirty links, so a link that finds no key ready waits for one.
Those who wait are served network by network, those of suspects last (see `suspects`), and keys that
are ready are kept for the others. So a flood delays nobody else by more than a key or two. For
suspects alone keys are made half of the time: the other half of that processor is for those who are
in. Who may share a key:

* Where others can read along and a password counts, a key serves one link: a ticket that somebody
  recorded opens nothing later.
* Where nobody reads along, or no password counts, links share a key that is replaced from time to
  time. It is never shown to links of the first kind.

Keys are made one after another: several threads at it would take the loop's own processor, and that
just when many links are under way. If making one fails, that is logged and tried again later; links
that wait do so until their deadline.
"""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable, Mapping
from enum import Enum, auto
from typing import TYPE_CHECKING, ClassVar

from redspice.jobs import Failed, attempt
from redspice.suspects import RankedQueue
from redspice.ticket import TicketKey

if TYPE_CHECKING:
    from redspice.interfaces import CoreInterface, Timer
    from redspice.suspects import Suspects

logger = logging.getLogger("redspice")

# Made at once when the server starts, and kept for those who are no suspects: one viewer opens
# about a dozen connections at a time.
READY = 16

# Made later, when there is nothing else to do: so a hundred viewers may come at the same moment.
POOL_SIZE = 128

# Seconds between two keys that nobody waits for. It keeps a processor busy for a twentieth of the
# time, until the pool is full.
PAUSE = 0.25

# Seconds at least between two keys for suspects; else as long as the last one took.
BREATH = 0.01

# Seconds after which links get a new shared key. So short a key (1024 bits) should not be worth the
# effort of breaking it, and a new one costs next to nothing at this rate.
SHARED_KEY_LIFETIME = 60.0

# Seconds until the next try when a key could not be made, as without memory or random numbers. The
# log then has a line a second.
RETRY = 1.0


class Making(Enum):
    """What is being done about the next key."""

    NOTHING = auto()
    """It is not wanted."""
    JOB = auto()
    """It is being made."""
    PAUSE = auto()
    """It is made when the timer fires, or as soon as somebody waits for it."""
    BREATH = auto()
    """It is made when the timer fires, or as soon as others than suspects wait for it."""
    RETRY = auto()
    """The last one failed: it is made when the timer fires."""


class KeyRequest:
    """One link that wants a key; `cancel` it when the link is over."""

    def __init__(
        self, pool: KeyPool, shared: bool, network: str | None, deliver: Callable[[TicketKey], None]
    ) -> None:
        self.shared = shared
        self.network = network
        self.deliver = deliver
        self._pool = pool

    def cancel(self) -> None:
        """Leave the queue; harmless once the key was delivered."""
        self._pool.forget(self)


class KeyPool:
    """Keys for links to come, made through `CoreInterface.run_job`."""

    def __init__(self, suspects: Suspects) -> None:
        self._keys: deque[TicketKey] = deque()
        self._queue: RankedQueue[KeyRequest] = RankedQueue(suspects)
        self._sharing: dict[KeyRequest, None] = {}  # the oldest first
        self._shared: TicketKey | None = None
        self._shared_until = 0.0
        self._core: CoreInterface | None = None
        self._timer: Timer | None = None
        self._making = Making.NOTHING
        self._begun = 0.0
        self._took = 0.0
        """Seconds for the last key."""

    def __len__(self) -> int:
        return len(self._keys)

    @property
    def waiting(self) -> int:
        """How many links wait for a key."""
        return len(self._sharing) + len(self._queue)

    def start(self, core: CoreInterface) -> None:
        """Begin to make keys."""
        self._core = core
        self._timer = core.timer(self._make_now)
        self._make()

    def request(
        self,
        *,
        shared: bool,
        deliver: Callable[[TicketKey], None],
        network: str | None = None,
    ) -> KeyRequest:
        """Call `deliver` with a key: at once if one is ready, else when its turn has come."""
        request = KeyRequest(self, shared, network, deliver)
        if shared:
            self._sharing[request] = None
        else:
            self._queue.add(request)
        self._hand_out()
        return request

    def forget(self, request: KeyRequest) -> None:
        """The link of this request is over."""
        self._sharing.pop(request, None)
        self._queue.discard(request)

    def retire_shared(self) -> None:
        """From now on a password counts: no ticket for the shared key proves that it is known."""
        if self._shared is not None:
            self._shared.retire()
            self._shared = None

    def _hand_out(self) -> None:
        """Serve the links that wait, first those that share a key: one serves them all."""
        # Whoever is served may end the link of another one, so nothing is looked up beforehand.
        while self._sharing and (key := self._shared_key()) is not None:
            request = next(iter(self._sharing))
            del self._sharing[request]
            request.deliver(key)
        while self._queue and len(self._keys) > (READY if self._queue.only_suspects() else 0):
            self._queue.pop().deliver(self._keys.popleft())
        self._make()

    def _shared_key(self) -> TicketKey | None:
        core = self._core
        if core is None:
            return None
        now = core.now()
        if self._keys and (self._shared is None or now >= self._shared_until):
            # Without a new key the old one serves on: nobody waits for a key that is only stale.
            self._shared, self._shared_until = self._keys.popleft(), now + SHARED_KEY_LIFETIME
        return self._shared

    def _make(self) -> None:
        """Have the next key made, now or after a pause, if it is wanted."""
        if self._timer is None or self._making in (Making.JOB, Making.RETRY):
            return
        if self._sharing or not self._queue.only_suspects() or len(self._keys) < READY:
            self._timer.cancel()
            self._make_now()
        elif self._queue:
            if self._making is not Making.BREATH:
                self._rest(Making.BREATH)
        elif len(self._keys) < POOL_SIZE and self._making is Making.NOTHING:
            self._rest(Making.PAUSE)

    def _rest(self, making: Making) -> None:
        assert self._timer is not None
        self._making = making
        self._timer.start(
            max(self._took, BREATH) if making is Making.BREATH else self.RESTS[making]
        )

    def _make_now(self) -> None:
        assert self._core is not None
        self._making = Making.JOB
        self._begun = self._core.now()
        self._core.run_job(attempt(TicketKey), self._made)

    def _made(self, key: TicketKey | Failed) -> None:
        if isinstance(key, Failed):
            logger.error("no key can be made", exc_info=key.error)
            self._rest(Making.RETRY)
            return
        assert self._core is not None
        self._took = self._core.now() - self._begun
        self._making = Making.NOTHING
        self._keys.append(key)
        self._hand_out()

    RESTS: ClassVar[Mapping[Making, float]] = {Making.PAUSE: PAUSE, Making.RETRY: RETRY}
    """Seconds until the timer makes the next key."""
