"""A core whose clock is turned by hand."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import TypeVar

from redspice.interfaces import ChannelEvent, ChannelEventInfo, CoreInterface

Result = TypeVar("Result")


class FakeTimer:
    def __init__(self, core: FakeCore, callback: Callable[[], None]) -> None:
        self.core = core
        self.callback = callback
        self.due: float | None = None

    def start(self, delay: float) -> None:
        self.due = self.core.now() + delay

    def cancel(self) -> None:
        self.due = None


class FakeCore(CoreInterface):
    """Remembers channel events; jobs wait until a test does them."""

    def __init__(self, now: float = 1000.0) -> None:
        self._now = now
        self.timers: list[FakeTimer] = []
        self.jobs: deque[Callable[[], None]] = deque()
        self.events: list[tuple[ChannelEvent, ChannelEventInfo]] = []

    def now(self) -> float:
        return self._now

    def timer(self, callback: Callable[[], None]) -> FakeTimer:
        timer = FakeTimer(self, callback)
        self.timers.append(timer)
        return timer

    def run_job(self, job: Callable[[], Result], done: Callable[[Result], None]) -> None:
        self.jobs.append(lambda: done(job()))

    def do_jobs(self) -> None:
        """Do what waits and what that makes wait."""
        while self.jobs:
            self.jobs.popleft()()

    def channel_event(self, event: ChannelEvent, info: ChannelEventInfo) -> None:
        self.events.append((event, info))

    @property
    def armed(self) -> int:
        """How many timers wait."""
        return sum(timer.due is not None for timer in self.timers)

    def advance(self, seconds: float) -> None:
        """Turn the clock and fire what is due, in order."""
        end = self._now + seconds
        while due := [t for t in self.timers if t.due is not None and t.due <= end]:
            timer = min(due, key=lambda t: t.due or 0)
            self._now = timer.due or self._now
            timer.due = None
            timer.callback()
        self._now = end
