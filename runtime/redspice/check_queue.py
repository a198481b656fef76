"""Password checks that take long, where they hold up neither the loop nor each other's networks.

Hashing a password takes milliseconds of another thread, and the same threads encode the pictures of
viewers that are in. So only a few checks run at once, and those that wait do so network by network,
those of suspects last (see `suspects`). A link that ends takes its check along.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import TYPE_CHECKING

from redspice.jobs import Failed, attempt
from redspice.suspects import RankedQueue

if TYPE_CHECKING:
    from redspice.interfaces import CoreInterface
    from redspice.suspects import Suspects

logger = logging.getLogger("redspice")

# Checks that run at once. Two keep two processors busy, and leave threads for pictures.
AT_ONCE = 2


class QueuedCheck:
    """One check; `cancel` it when its link is over."""

    def __init__(
        self,
        queue: CheckQueue,
        network: str | None,
        check: Callable[[], bool],
        done: Callable[[bool], None],
    ) -> None:
        self.network = network
        self.check = check
        self.done = done
        self._queue = queue

    def cancel(self) -> None:
        """Leave the queue; harmless once the check has begun."""
        self._queue.forget(self)


class CheckQueue:
    """Checks that run through `CoreInterface.run_job`."""

    def __init__(self, core: CoreInterface, suspects: Suspects) -> None:
        self._core = core
        self._queue: RankedQueue[QueuedCheck] = RankedQueue(suspects)
        self._running = 0

    def __len__(self) -> int:
        return len(self._queue)

    def submit(
        self, network: str | None, check: Callable[[], bool], done: Callable[[bool], None]
    ) -> QueuedCheck:
        """Call `done` with the result of `check` when its turn has come, False if it raises."""
        one = QueuedCheck(self, network, check, done)
        self._queue.add(one)
        self._begin()
        return one

    def forget(self, one: QueuedCheck) -> None:
        """The link of this check is over."""
        self._queue.discard(one)

    def _begin(self) -> None:
        while self._queue and self._running < AT_ONCE:
            self._running += 1
            self._run(self._queue.pop())

    def _run(self, one: QueuedCheck) -> None:
        def finished(good: bool | Failed) -> None:
            self._running -= 1
            if isinstance(good, Failed):
                logger.error("while checking a password", exc_info=good.error)
                good = False
            one.done(good)
            self._begin()

        self._core.run_job(attempt(one.check), finished)
