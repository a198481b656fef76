"""The log of who was not let in."""

from __future__ import annotations

import logging

import pytest

from redspice.reds import RedsState
from redspice.refusals import INTERVAL, RefusalLog
from runtime.fake_core import FakeCore
from runtime.peer import Peer


@pytest.fixture
def log(core: FakeCore, caplog: pytest.LogCaptureFixture) -> RefusalLog:
    caplog.set_level(logging.INFO, "redspice")
    return RefusalLog(core)


def test_a_flood_is_a_line_a_second(
    log: RefusalLog, core: FakeCore, caplog: pytest.LogCaptureFixture
) -> None:
    for _ in range(10):
        for number in range(100):
            log.add("links refused", f"number {number}")
            core.advance(INTERVAL / 100)
    core.advance(INTERVAL)
    first, *later = caplog.messages
    assert first == "number 0"
    assert len(later) <= 11
    assert sum(int(line.removeprefix("links refused: ").split()[0]) for line in later) == 999
    assert core.armed == 0


def test_what_is_rare_is_told_in_full(
    log: RefusalLog, core: FakeCore, caplog: pytest.LogCaptureFixture
) -> None:
    for number in range(3):
        log.add("links refused", f"number {number}")
        assert core.armed == 0, "nothing is left to tell"
        core.advance(INTERVAL)
    assert caplog.messages == ["number 0", "number 1", "number 2"]


def test_kinds_and_levels_do_not_hide_each_other(
    log: RefusalLog, core: FakeCore, caplog: pytest.LogCaptureFixture
) -> None:
    log.add("links refused", "a")
    log.add("links ended", "b")
    log.add("links refused", "c", logging.INFO)
    log.add("links ended", "d")
    core.advance(INTERVAL)
    assert caplog.messages == ["a", "b", "c", "links ended: 1 more"]
    assert [record.levelno for record in caplog.records] == [30, 30, 20, 30]


def test_what_was_counted_is_told_at_the_end(
    log: RefusalLog, core: FakeCore, caplog: pytest.LogCaptureFixture
) -> None:
    for _ in range(3):
        log.add("links refused", "a")
    log.flush()
    log.flush()
    assert caplog.messages == ["a", "links refused: 2 more"]
    assert core.armed == 0


def test_details_are_there_for_who_wants_them(
    log: RefusalLog, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, "redspice")
    log.add("links refused", "a")
    log.add("links refused", "b")
    assert caplog.messages == ["a", "b"]


def test_links_that_fail_share_their_lines(
    reds: RedsState, core: FakeCore, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "redspice")
    for number in range(50):
        Peer(reds, name=f"peer{number}").send_bytes(b"HELO")
        Peer(reds, name=f"peer{number}").connection.receive_eof()
    reds.shutdown()
    assert caplog.messages == [
        "peer0 link: link refused (INVALID_MAGIC): the first bytes are b'HELO', not b'REDQ'",
        "peer0 link: end of stream during the link stage",
        "links refused (INVALID_MAGIC): 49 more",
        "links ended: 49 more",
    ]
    core.advance(10)
    assert core.armed == 0
