"""The log of who was not let in: a flood is a line a second for each kind of refusal.

The first of a kind is logged at once, in full. Those that follow within a second are counted, and
the number is logged when the second is over; in full they are details, for the level DEBUG.
"""

from __future__ import annotations

import logging
from collections import Counter
from math import inf
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from redspice.interfaces import CoreInterface

logger = logging.getLogger("redspice")

# Seconds between two lines of the same kind.
INTERVAL = 1.0


class RefusalLog:
    """What one server has refused. There are few kinds: no peer can make up another one."""

    def __init__(self, core: CoreInterface) -> None:
        self._core = core
        self._kinds: dict[tuple[str, int], _Kind] = {}
        self.totals: Counter[str] = Counter()
        """How many there were of each kind, for statistics."""

    def add(self, kind: str, line: str, level: int = logging.WARNING) -> None:
        """Somebody was refused; `line` says who and why, `kind` what to count it with."""
        self.totals[kind] += 1
        key = kind, level
        if key not in self._kinds:
            self._kinds[key] = _Kind(self._core, kind, level)
        self._kinds[key].add(line)

    def flush(self) -> None:
        """Log what was counted."""
        for kind in self._kinds.values():
            kind.flush()


class _Kind:
    """One kind of refusal."""

    def __init__(self, core: CoreInterface, name: str, level: int) -> None:
        self._core = core
        self._name = name
        self._level = level
        self._timer = core.timer(self.flush)
        self._logged_at = -inf
        self._count = 0

    def add(self, line: str) -> None:
        now = self._core.now()
        rest = self._logged_at + INTERVAL - now
        if not self._count and rest <= 0:
            self._logged_at = now
            logger.log(self._level, "%s", line)
            return
        logger.debug("%s", line)
        self._count += 1
        if self._count == 1:
            self._timer.start(rest)

    def flush(self) -> None:
        if not self._count:
            return
        self._timer.cancel()
        logger.log(self._level, "%s: %d more", self._name, self._count)
        self._logged_at, self._count = self._core.now(), 0
