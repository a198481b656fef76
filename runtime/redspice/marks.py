"""The pings that mark places in a stream for its flow (see `flow`), and what is done when their
answers are late.

While the window is shut nothing but an answer opens it, and if that is lost, nothing follows from
which the viewer's TCP could learn it. So another ping follows (see `tail_probe`).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from redspice.stall import Missing, Stall
from redspice.tail_probe import TailProbe

if TYPE_CHECKING:
    from redspice.flow import FlowWindow
    from redspice.interfaces import CoreInterface
    from redspice.pings import Pings
    from redspice.pipe import PipeItem

# Pings in a row without an answer; then more do not help, and TCP's own timers have to do.
PROBES = 5


class Marks:
    """The marks of one channel connection; `wake` has it send one that is wanted."""

    def __init__(
        self,
        core: CoreInterface,
        flow: FlowWindow,
        pings: Pings,
        stall: Stall,
        wake: Callable[[], None],
    ) -> None:
        self._core = core
        self._flow = flow
        self._pings = pings
        self._stall = stall
        self._wake = wake
        self._tail = TailProbe(core, self._remind)
        self._reminding = False

    def item(self) -> PipeItem:
        """The ping that marks what was sent up to now."""
        mark = self._flow.mark(self._core.now())
        # A ping that asks again begins nothing: after PROBES of them it is enough.
        if not self._tail.watching and not self._reminding:
            self._watch()
        self._reminding = False

        def answered(round_trip: float) -> None:
            self._flow.answered(mark, self._core.now())
            self._stall.end(Missing.PONG)
            if self._flow.in_flight:
                self._watch()
            else:
                self._tail.stop()  # what is still to be answered has only asked again

        return self._pings.item(answered)

    def stop(self) -> None:
        """The connection is over."""
        self._tail.stop()

    def _watch(self) -> None:
        """Wait for the next answer, if one is to come."""
        if (overdue := self._flow.overdue) is None:
            self._tail.stop()
        else:
            self._tail.watch(overdue, PROBES)

    def _remind(self) -> None:
        self._reminding = True
        self._flow.remind()
        self._wake()
