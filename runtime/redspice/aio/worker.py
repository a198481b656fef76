"""A thread with a loop of its own, for channels that would hold up the others.

    with WorkerThread() as worker:  # in a loop that runs
        reds.register_channel(WorkerChannel(reds, worker, MyChannel))
        ...
        reds.unregister_channel(...)

What such a channel may do, and what not, is said in `redspice.worker_channel`.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Callable
from types import TracebackType

from redspice.aio.core import AsyncioCore
from redspice.interfaces import CoreInterface

logger = logging.getLogger("redspice")

STOP_TIMEOUT = 5.0
"""Seconds that `stop` waits for what a worker is doing. Then it is left to itself: the thread does
not keep the program from ending."""


class LoopDispatcher:
    """Takes calls from any thread to a loop, and keeps their order.

    A call that raises is logged, and those behind it come all the same.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop

    def post(self, call: Callable[[], object]) -> None:
        try:
            self._loop.call_soon_threadsafe(_run, call)
        except RuntimeError:  # the loop is closed
            return


class WorkerThread:
    """A worker for a server in the running loop, from `start` to `stop`."""

    def __init__(self, name: str = "redspice-worker") -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._serve, name=name, daemon=True)
        self.core: CoreInterface = AsyncioCore(self._loop)
        self.to_worker = LoopDispatcher(self._loop)
        self.to_server = LoopDispatcher(asyncio.get_running_loop())

    def start(self) -> None:
        """Begin to run what was posted."""
        self._thread.start()

    def stop(self) -> None:
        """Run what was posted up to now, then end the thread. One that was never started has
        nothing to end but its loop."""
        if self._thread.ident is None:
            self._loop.close()
            return
        self.to_worker.post(self._loop.stop)
        self._thread.join(STOP_TIMEOUT)
        if self._thread.is_alive():
            logger.warning("%s: still busy after %g s", self._thread.name, STOP_TIMEOUT)

    def __enter__(self) -> WorkerThread:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()

    def _serve(self) -> None:
        asyncio.set_event_loop(self._loop)
        try:
            self._loop.run_forever()
        finally:
            self._loop.close()


def _run(call: Callable[[], object]) -> None:
    try:
        call()
    except Exception:
        logger.exception("a call between loops failed")
