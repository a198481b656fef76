"""A line in memory between a server and one channel of a viewer: latency, bandwidth, and a queue.

The viewer at its other end reads, answers and acknowledges at once. Nothing waits: the line turns
the clock of the `FakeCore` from one arrival to the next.
"""

from __future__ import annotations

import random
from collections import deque

from runtime.fake_core import FakeCore
from runtime.peer import Peer, Received

# What the shell lets its transport hold before it stops asking for more, and what it waits for to
# ask again; together with a kernel that keeps the unsent data of a socket short.
HIGH_WATER, LOW_WATER = 64 * 1024, 16 * 1024


SEED = 7


class Line:
    """A serial line of `rate` bytes per second with `delay` seconds each way.

    Of its packets down a part of `loss` is lost: such a packet comes a round trip later, and what
    follows it waits for it, as with a TCP that does not slow down for that.
    """

    def __init__(
        self, core: FakeCore, peer: Peer, *, rate: float, delay: float, loss: float = 0.0
    ) -> None:
        self.core = core
        self.peer = peer
        self.rate = rate
        self.delay = delay
        self.loss = loss
        self.carried = 0
        """Bytes that have arrived."""
        self.queue = 0.0
        """Seconds for which the byte that was sent last waits for the line, at most."""
        self.cut = False
        """Whether nothing goes up any more."""
        self.received: list[tuple[float, Received]] = []
        """What the viewer got and when."""
        self._free_at = core.now()
        self._in_order_at = core.now()
        self._chance = random.Random(SEED)
        self._down: deque[tuple[float, bytes]] = deque()
        self._up: deque[tuple[float, bytes]] = deque()
        self._to_server = peer.connection.receive_data
        peer.connection.on_output = lambda: None
        peer.send_bytes = self._send_up  # type: ignore[method-assign]
        peer.read = lambda limit=None: None  # type: ignore[method-assign]

    def run(self, seconds: float) -> None:
        """Let time pass."""
        end = self.core.now() + seconds
        while True:
            self.core.do_jobs()
            self._pull()
            moment = min([end, *(line[0][0] for line in (self._down, self._up) if line)])
            moment = min([moment, *(t.due for t in self.core.timers if t.due is not None)])
            self.core.advance(moment - self.core.now())
            self._arrive()
            if moment == end:
                return

    def _pull(self) -> None:
        """What the transport shell does: send while not too much waits in front of the line."""
        while (self._free_at - self.core.now()) * self.rate < HIGH_WATER:
            buffers = self.peer.connection.data_to_send()
            if not buffers:
                return
            for buffer in buffers:
                self._send_down(bytes(buffer))

    def _send_down(self, data: bytes) -> None:
        # In packets, so that a large message does not arrive in one moment.
        for start in range(0, len(data), 1400):
            packet = data[start : start + 1400]
            self._free_at = max(self._free_at, self.core.now()) + len(packet) / self.rate
            lost = self._chance.random() < self.loss
            arrives_at = self._free_at + (3 if lost else 1) * self.delay
            self._in_order_at = max(self._in_order_at, arrives_at)
            self._down.append((self._in_order_at, packet))
        self.queue = max(self.queue, self._free_at - self.core.now())

    def _send_up(self, data: bytes) -> None:
        if not self.cut:
            self._up.append((self.core.now() + self.delay, bytes(data)))

    def _arrive(self) -> None:
        now = self.core.now()
        while self._up and self._up[0][0] <= now:
            self._to_server(self._up.popleft()[1])
        came = False
        while self._down and self._down[0][0] <= now:
            packet = self._down.popleft()[1]
            self.peer.inbox += packet
            self.carried += len(packet)
            came = True
        if came:
            self.received += [(now, one) for one in self.peer.messages()]
