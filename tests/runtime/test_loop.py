"""What a core's timers promise, of the real loop and of the one of the tests."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from typing import Protocol

import pytest

from redspice.aio import AsyncioCore
from redspice.interfaces import CoreInterface
from runtime.fake_core import FakeCore

TICK = 0.01


class Loop(Protocol):
    """A core whose time a test lets pass."""

    core: CoreInterface

    def wait(self, seconds: float) -> None: ...

    def close(self) -> None: ...


class RealLoop:
    def __init__(self) -> None:
        self.loop = asyncio.new_event_loop()
        self.core: CoreInterface = AsyncioCore(self.loop)

    def wait(self, seconds: float) -> None:
        self.loop.run_until_complete(asyncio.sleep(seconds))

    def close(self) -> None:
        self.loop.close()


class FakeLoop:
    def __init__(self) -> None:
        self.fake = FakeCore()
        self.core: CoreInterface = self.fake

    def wait(self, seconds: float) -> None:
        self.fake.advance(seconds)

    def close(self) -> None:
        pass


@pytest.fixture(params=[RealLoop, FakeLoop])
def loop(request: pytest.FixtureRequest) -> Iterator[Loop]:
    made: Loop = request.param()
    yield made
    made.close()


def test_timers_fire_in_the_order_of_their_deadlines(loop: Loop) -> None:
    fired: list[int] = []
    for number in (3, 1, 2):
        loop.core.timer(lambda number=number: fired.append(number)).start(number * TICK)  # type: ignore[misc]
    loop.wait(4 * TICK)
    assert fired == [1, 2, 3]


def test_a_timer_fires_once(loop: Loop) -> None:
    fired: list[float] = []
    loop.core.timer(lambda: fired.append(loop.core.now())).start(TICK)
    loop.wait(5 * TICK)
    assert len(fired) == 1


def test_a_timer_that_is_not_started_never_fires(loop: Loop) -> None:
    fired: list[int] = []
    timer = loop.core.timer(lambda: fired.append(1))
    timer.cancel()
    loop.wait(TICK)
    assert fired == []


def test_a_cancelled_timer_can_be_started_again(loop: Loop) -> None:
    fired: list[int] = []
    timer = loop.core.timer(lambda: fired.append(1))
    timer.start(TICK)
    timer.cancel()
    timer.cancel()
    loop.wait(2 * TICK)
    assert fired == []
    timer.start(TICK)
    loop.wait(2 * TICK)
    assert fired == [1]


def test_starting_again_moves_the_deadline(loop: Loop) -> None:
    fired: list[int] = []
    timer = loop.core.timer(lambda: fired.append(1))
    timer.start(0)
    timer.start(1000)
    loop.wait(2 * TICK)
    assert fired == []
    timer.cancel()


def test_a_timer_may_start_and_cancel_others_and_itself(loop: Loop) -> None:
    fired: list[str] = []
    actions: dict[str, Callable[[], None]] = {}

    def fire(name: str) -> None:
        fired.append(name)
        actions.pop(name, lambda: None)()

    first, second, third = (loop.core.timer(lambda n=n: fire(n)) for n in ("1", "2", "3"))  # type: ignore[misc]
    actions["1"] = lambda: (second.cancel(), third.start(0), first.start(TICK))[0]
    first.start(0)
    second.start(TICK / 2)
    loop.wait(4 * TICK)
    assert fired == ["1", "3", "1"]


def test_time_does_not_go_back(loop: Loop) -> None:
    before = loop.core.now()
    loop.wait(TICK)
    assert loop.core.now() >= before + TICK * 0.9
