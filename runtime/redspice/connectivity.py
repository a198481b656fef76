"""Whether a viewer is still there, though TCP has not noticed that it is gone.

Looked at from time to time: a viewer that took nothing of what waits for it since the last look, or
said nothing since then though it was asked, is gone. One that is silent is asked.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum, auto
from typing import TYPE_CHECKING, Protocol

from redspice.limits import DEFAULT_LIMITS

if TYPE_CHECKING:
    from redspice.interfaces import CoreInterface


class Health(Enum):
    """What the last look has shown."""

    CONNECTED = auto()
    """The viewer had said something."""
    BLOCKED = auto()
    """Messages waited to be sent."""
    WAIT_PONG = auto()
    """The viewer had said nothing, and was asked."""


class Line(Protocol):
    """What there is to know of a channel connection."""

    @property
    def in_bytes(self) -> int:
        """Bytes received up to now."""

    @property
    def out_bytes(self) -> int:
        """Bytes sent up to now."""

    @property
    def has_output(self) -> bool:
        """Whether messages wait to be sent."""


class ConnectivityMonitor:
    """Watches one connection from `start` until `stop`.

    `ask` makes the viewer answer, `fail` ends the connection for a reason; `period` are the
    seconds from one look to the next.
    """

    def __init__(
        self,
        core: CoreInterface,
        line: Line,
        ask: Callable[[], None],
        fail: Callable[[str], None],
        period: float = DEFAULT_LIMITS.silence_timeout,
    ) -> None:
        self.health = Health.CONNECTED
        self._line = line
        self._ask = ask
        self._fail = fail
        self._period = period
        self._timer = core.timer(self._look)
        self._received = 0
        self._sent = 0

    def start(self) -> None:
        self._received, self._sent = self._line.in_bytes, self._line.out_bytes
        self._timer.start(self._period)

    def stop(self) -> None:
        self._timer.cancel()

    def _look(self) -> None:
        heard = self._line.in_bytes != self._received
        if self.health is Health.BLOCKED and self._line.out_bytes == self._sent:
            self._fail(f"nothing taken in {self._period:g} s")
        elif self.health is Health.WAIT_PONG and not heard:
            self._fail(f"no answer in {self._period:g} s")
        else:
            self.health = self._next_health(heard)
            self.start()

    def _next_health(self, heard: bool) -> Health:
        if self._line.has_output:
            return Health.BLOCKED
        if heard:
            return Health.CONNECTED
        self._ask()
        return Health.WAIT_PONG
