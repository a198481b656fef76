"""The ack window: how far a server may run ahead of a viewer.

SET_ACK{generation, window} opens a window; the viewer answers ACK_SYNC{generation} and then one ACK
for each `window` messages. The server stops once more than two windows are unacknowledged. ACKs
that belong to an earlier generation do not count.
"""

from __future__ import annotations

# The reference server's, for channels whose messages are few or small.
DEFAULT_WINDOW = 20
# Where bytes bound what is on its way (see `flow`), messages need only be bounded so that they stay
# countable: two windows of the smallest pictures, 200 bytes each, fill 10 Mbit/s with 160 ms.
FLOW_WINDOW = 512


class AckWindow:
    """The server's side of one channel."""

    def __init__(self, window: int = DEFAULT_WINDOW) -> None:
        self.window = window
        self.generation = 0
        self._synced_generation = 0
        self._unacknowledged = 0

    @property
    def blocked(self) -> bool:
        """True while no message may be sent."""
        return self._unacknowledged > 2 * self.window

    @property
    def unacknowledged(self) -> int:
        """Messages that were sent and not acknowledged."""
        return self._unacknowledged

    def next_generation(self) -> int:
        """The generation for a SET_ACK that is being queued."""
        self.generation += 1
        return self.generation

    def announced(self) -> None:
        """SET_ACK went out: viewers count from the message after it."""
        self._unacknowledged = 0

    def sent(self) -> None:
        """A message went out."""
        self._unacknowledged += 1

    def synced(self, generation: int) -> None:
        """The viewer has seen the SET_ACK of `generation`."""
        self._synced_generation = generation

    def acknowledged(self) -> None:
        """An ACK came in; surplus ones give no credit."""
        if self._synced_generation == self.generation:
            self._unacknowledged = max(0, self._unacknowledged - self.window)
