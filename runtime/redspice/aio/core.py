"""The event loop as the core wants it: a clock, timers, and work in other threads."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import TypeVar

from redspice.interfaces import CoreInterface, Timer

logger = logging.getLogger("redspice")

Result = TypeVar("Result")


class LoopTimer:
    """One deadline on a loop; starting it anew replaces the old one."""

    def __init__(self, loop: asyncio.AbstractEventLoop, callback: Callable[[], None]) -> None:
        self._loop = loop
        self._callback = callback
        self._handle: asyncio.TimerHandle | None = None

    def start(self, delay: float) -> None:
        self.cancel()
        self._handle = self._loop.call_later(delay, self._fire)

    def cancel(self) -> None:
        if self._handle is not None:
            self._handle.cancel()
            self._handle = None

    def _fire(self) -> None:
        self._handle = None
        self._callback()


class AsyncioCore(CoreInterface):
    """Lends an asyncio loop to a server: the running one unless another is given.

    Jobs run in the loop's default executor. A job that raises is logged, and its `done` is not
    called; a job that comes while the loop is being shut down is dropped.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop | None = None) -> None:
        self._loop = loop or asyncio.get_running_loop()
        self.on_exit: Callable[[], None] | None = None
        """What to do at the end of a server with `exit_on_disconnect`; servers that listen set it
        to their `close` unless it is set."""

    def now(self) -> float:
        return self._loop.time()

    def timer(self, callback: Callable[[], None]) -> Timer:
        return LoopTimer(self._loop, callback)

    def exit(self) -> None:
        if self.on_exit is not None:
            self.on_exit()

    def run_job(self, job: Callable[[], Result], done: Callable[[Result], None]) -> None:
        def finished(future: asyncio.Future[Result]) -> None:
            if future.cancelled():
                return
            error = future.exception()
            if error is None:
                done(future.result())
            else:
                logger.error("a job failed", exc_info=error)

        try:
            future = self._loop.run_in_executor(None, job)
        except RuntimeError:  # the executor is shut down already
            return
        future.add_done_callback(finished)
