"""The deadline of a viewer that keeps a channel from sending."""

from __future__ import annotations

import pytest

from redspice.limits import DEFAULT_LIMITS
from redspice.stall import Missing, Stall
from runtime.fake_core import FakeCore

TIMEOUT = DEFAULT_LIMITS.ack_timeout


@pytest.fixture
def reasons() -> list[str]:
    return []


@pytest.fixture
def stall(core: FakeCore, reasons: list[str]) -> Stall:
    return Stall(core, reasons.append)


@pytest.mark.parametrize(
    ("missing", "reason"),
    [(Missing.ACK, "nothing acknowledged in 30 s"), (Missing.PONG, "nothing answered in 30 s")],
)
def test_a_viewer_that_keeps_a_window_shut_is_given_up(
    core: FakeCore, stall: Stall, reasons: list[str], missing: Missing, reason: str
) -> None:
    stall.begin(missing)
    core.advance(TIMEOUT - 0.1)
    assert reasons == []
    core.advance(0.1)
    assert reasons == [reason]


def test_what_is_on_its_way_gives_it_more_time(
    core: FakeCore, stall: Stall, reasons: list[str]
) -> None:
    stall.begin(Missing.PONG, 5 * DEFAULT_LIMITS.slowest_rate)
    core.advance(TIMEOUT + 4.9)
    assert reasons == []
    core.advance(0.1)
    assert reasons == ["nothing answered in 35 s"]


def test_a_deadline_runs_from_its_beginning(
    core: FakeCore, stall: Stall, reasons: list[str]
) -> None:
    stall.begin(Missing.ACK)
    core.advance(TIMEOUT - 1)
    stall.begin(Missing.ACK)
    stall.begin(Missing.PONG, 1 << 30)
    core.advance(1)
    assert reasons == ["nothing acknowledged in 30 s"]


def test_only_the_window_that_was_shut_ends_it(
    core: FakeCore, stall: Stall, reasons: list[str]
) -> None:
    stall.begin(Missing.ACK)
    stall.end(Missing.PONG)
    assert core.armed == 1
    stall.end(Missing.ACK)
    assert core.armed == 0
    stall.begin(Missing.PONG)
    core.advance(TIMEOUT - 1)
    stall.cancel()
    core.advance(TIMEOUT)
    assert reasons == []
