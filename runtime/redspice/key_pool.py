"""Ticket keys that are made ahead, where they do not hold up the loop.

Making a key takes about as long as ten links, so a link that finds no key ready waits for one.
Those who wait are served network by network in turn, so that a flood of links from some of them
delays the others by a key or two. Who may share one:

* Where others can read along and a password counts, a key serves one link: a ticket that somebody
  recorded opens nothing later.
* Where nobody reads along, or no password counts, links share a key that is replaced from time to
  time. It is never shown to links of the first kind.

Keys are made one after another: several threads at it would take the loop's own processor, and that
just when many links are under way.
"""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Callable
from typing import TYPE_CHECKING

from redspice.ticket import TicketKey

if TYPE_CHECKING:
    from redspice.interfaces import CoreInterface, Timer

# Made at once when the server starts: one viewer opens about a dozen connections at a time.
READY = 16

# Made later, when there is nothing else to do: so a hundred viewers may come at the same moment.
POOL_SIZE = 128

# Seconds between two keys that nobody waits for. It keeps a processor busy for a twentieth of the
# time, until the pool is full.
PAUSE = 0.25

# Seconds after which links get a new shared key. So short a key (1024 bits) should not be worth the
# effort of breaking it, and a new one costs next to nothing at this rate.
SHARED_KEY_LIFETIME = 60.0


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


class KeyQueue:
    """Links that wait for a key of their own; networks take turns, the oldest link of each first.

    One that has just come goes before those that wait for another turn, so it waits for a key or
    two however many there are.
    """

    def __init__(self) -> None:
        self._networks: OrderedDict[str | None, dict[KeyRequest, None]] = OrderedDict()

    def __len__(self) -> int:
        return sum(map(len, self._networks.values()))

    def add(self, request: KeyRequest) -> None:
        if request.network not in self._networks:
            self._networks[request.network] = {}
            self._networks.move_to_end(request.network, last=False)
        self._networks[request.network][request] = None

    def discard(self, request: KeyRequest) -> None:
        """Take one out; harmless when it is not there."""
        near = self._networks.get(request.network, {})
        near.pop(request, None)
        if not near:
            self._networks.pop(request.network, None)

    def pop(self) -> KeyRequest:
        """Take out who is next. Raises `StopIteration` when nobody waits."""
        network, near = next(iter(self._networks.items()))
        request = next(iter(near))
        del near[request], self._networks[network]
        if near:
            self._networks[network] = near
        return request


class KeyPool:
    """Keys for links to come, made through `CoreInterface.run_job`."""

    def __init__(self) -> None:
        self._keys: deque[TicketKey] = deque()
        self._queue = KeyQueue()
        self._sharing: dict[KeyRequest, None] = {}  # the oldest first
        self._shared: TicketKey | None = None
        self._shared_until = 0.0
        self._core: CoreInterface | None = None
        self._pause: Timer | None = None
        self._making = False
        self._pausing = False

    def __len__(self) -> int:
        return len(self._keys)

    @property
    def waiting(self) -> int:
        """How many links wait for a key."""
        return len(self._sharing) + len(self._queue)

    def start(self, core: CoreInterface) -> None:
        """Begin to make keys."""
        self._core = core
        self._pause = core.timer(self._make_now)
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
        while self._queue and self._keys:
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
        if self._pause is None or self._making:
            return
        if self.waiting or len(self._keys) < READY:
            self._pause.cancel()
            self._make_now()
        elif len(self._keys) < POOL_SIZE and not self._pausing:
            self._pausing = True
            self._pause.start(PAUSE)

    def _make_now(self) -> None:
        assert self._core is not None
        self._making, self._pausing = True, False
        self._core.run_job(TicketKey, self._made)

    def _made(self, key: TicketKey) -> None:
        self._making = False
        self._keys.append(key)
        self._hand_out()
