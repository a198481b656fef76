"""The log of connections that were not let in: a flood of them is a line a second."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter

logger = logging.getLogger("redspice")

REPORT_INTERVAL = 1.0
"""Seconds between two lines about the same thing."""


class RefusalLog:
    """Counts what was refused; the first is logged at once, those after it with the next report."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._counts: Counter[str] = Counter()
        self._pause: asyncio.TimerHandle | None = None

    def add(self, what: str) -> None:
        """One more connection was refused; `what` says how and why."""
        self._counts[what] += 1
        if self._pause is None:
            self._report()

    def close(self) -> None:
        """Log what has not been logged."""
        if self._pause is not None:
            self._pause.cancel()
            self._pause = None
        self._log()

    def _report(self) -> None:
        logged = self._log()
        self._pause = self._loop.call_later(REPORT_INTERVAL, self._report) if logged else None

    def _log(self) -> bool:
        counts, self._counts = self._counts, Counter()
        for what, count in counts.items():
            logger.warning("connections %s: %d", what, count)
        return bool(counts)
