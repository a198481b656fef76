"""The deadline of a viewer that keeps a channel from sending.

It runs from the moment that a window is shut until that same window opens: what a viewer does about
another one does not give it more time.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from typing import TYPE_CHECKING

from redspice.limits import DEFAULT_LIMITS, Limits

if TYPE_CHECKING:
    from redspice.interfaces import CoreInterface


class Missing(StrEnum):
    """What a viewer has not done."""

    ACK = "acknowledged"
    PONG = "answered"


class Stall:
    """The deadline of one channel connection; `fail` ends it for a reason."""

    def __init__(
        self,
        core: CoreInterface,
        fail: Callable[[str], None],
        limits: Limits = DEFAULT_LIMITS,
    ) -> None:
        self._limits = limits
        self._timer = core.timer(self._timed_out)
        self._fail = fail
        self._missing: Missing | None = None
        self._seconds = 0.0

    def begin(self, missing: Missing, in_flight: int = 0) -> None:
        """Nothing can be sent, with so many bytes on their way; said again it changes nothing."""
        if self._missing is None:
            self._missing = missing
            self._seconds = self._limits.ack_timeout + in_flight // self._limits.slowest_rate
            self._timer.start(self._seconds)

    def end(self, missing: Missing) -> None:
        """The viewer has done it."""
        if self._missing is missing:
            self.cancel()

    def cancel(self) -> None:
        """Nobody waits any more."""
        self._missing = None
        self._timer.cancel()

    def _timed_out(self) -> None:
        self._fail(f"nothing {self._missing} in {self._seconds:g} s")
