"""Password checks: a few at once, network by network, and none for who has left."""

from __future__ import annotations

import pytest

from redspice.check_queue import AT_ONCE, CheckQueue
from redspice.suspects import Suspects
from runtime.fake_core import FakeCore


@pytest.fixture
def suspects(core: FakeCore) -> Suspects:
    return Suspects(core.now, lambda: 30.0)


@pytest.fixture
def queue(core: FakeCore, suspects: Suspects) -> CheckQueue:
    return CheckQueue(core, suspects)


def test_the_result_is_told(core: FakeCore, queue: CheckQueue) -> None:
    told: list[bool] = []
    for good in (True, False):
        queue.submit(None, lambda good=good: good, told.append)
    core.do_jobs()
    assert told == [True, False]


def test_a_flood_of_checks_leaves_threads_for_pictures(core: FakeCore, queue: CheckQueue) -> None:
    told: list[bool] = []
    for _ in range(100):
        queue.submit("flood", lambda: False, told.append)
    assert len(core.jobs) == AT_ONCE
    core.jobs.popleft()()
    assert len(core.jobs) == AT_ONCE
    core.do_jobs()
    assert len(told) == 100


def test_suspects_are_checked_last(core: FakeCore, queue: CheckQueue, suspects: Suspects) -> None:
    suspects.failed("flood")
    told: list[str] = []
    for _ in range(AT_ONCE + 2):
        queue.submit("flood", lambda: False, lambda good: told.append("flood"))
    for _ in range(2):
        queue.submit("elsewhere", lambda: True, lambda good: told.append("elsewhere"))
    core.do_jobs()
    assert told == [*["flood"] * AT_ONCE, "elsewhere", "elsewhere", "flood", "flood"]


def test_another_network_does_not_wait_behind_a_flood(core: FakeCore, queue: CheckQueue) -> None:
    told: list[str] = []
    for _ in range(100):
        queue.submit("flood", lambda: False, lambda good: told.append("flood"))
    queue.submit("elsewhere", lambda: True, lambda good: told.append("elsewhere"))
    core.do_jobs()
    assert told.index("elsewhere") <= AT_ONCE + 2


def test_a_link_that_ends_takes_its_check_along(core: FakeCore, queue: CheckQueue) -> None:
    checked: list[int] = []
    waiting = [
        queue.submit(None, lambda n=n: checked.append(n) is None, lambda good: None)
        for n in range(10)
    ]
    for one in waiting:
        one.cancel()
    assert len(queue) == 0
    core.do_jobs()
    assert checked == list(range(AT_ONCE))


def test_a_check_that_raises_lets_nobody_in_and_the_next_one_has_its_turn(
    core: FakeCore, queue: CheckQueue, caplog: pytest.LogCaptureFixture
) -> None:
    told: list[bool] = []
    for _ in range(2 * AT_ONCE):
        queue.submit(None, lambda: 1 // 0 == 0, told.append)
    queue.submit(None, lambda: True, told.append)
    core.do_jobs()
    assert told == [False] * 2 * AT_ONCE + [True]
    assert {record.getMessage() for record in caplog.records} == {"while checking a password"}
