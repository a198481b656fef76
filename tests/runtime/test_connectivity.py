"""The connectivity monitor: who is gone, and who is only silent."""

from __future__ import annotations

import pytest

from redspice.connectivity import ConnectivityMonitor, Health
from redspice.limits import DEFAULT_LIMITS
from redspice.reds import RedsState
from redspice_protocol.base import MsgcPong
from runtime.fake_core import FakeCore
from runtime.peer import Viewer


class Line:
    def __init__(self, core: FakeCore) -> None:
        self.in_bytes = self.out_bytes = self.asked = 0
        self.has_output = False
        self.failures: list[str] = []
        self.monitor = ConnectivityMonitor(core, self, self.ask, self.failures.append)
        self.monitor.start()

    def ask(self) -> None:
        self.asked += 1


@pytest.fixture
def line(core: FakeCore) -> Line:
    return Line(core)


def test_a_viewer_that_talks_is_left_alone(line: Line, core: FakeCore) -> None:
    for _ in range(5):
        line.in_bytes += 1
        core.advance(DEFAULT_LIMITS.silence_timeout)
    assert (line.asked, line.failures) == (0, [])
    assert line.monitor.health is Health.CONNECTED


def test_a_silent_viewer_is_asked_and_stays_if_it_answers(line: Line, core: FakeCore) -> None:
    for asked in range(1, 4):
        core.advance(DEFAULT_LIMITS.silence_timeout)
        assert (line.asked, line.monitor.health) == (asked, Health.WAIT_PONG)
        line.in_bytes += 18
        core.advance(DEFAULT_LIMITS.silence_timeout)
        assert line.monitor.health is Health.CONNECTED
    assert line.failures == []


def test_a_viewer_that_does_not_answer_is_gone(line: Line, core: FakeCore) -> None:
    core.advance(2 * DEFAULT_LIMITS.silence_timeout - 1)
    assert line.failures == []
    core.advance(1)
    assert line.failures == ["no answer in 30 s"]
    assert core.armed == 0


def test_a_viewer_that_takes_nothing_is_gone_though_it_talks(line: Line, core: FakeCore) -> None:
    line.has_output = True
    for _ in range(2):
        line.in_bytes += 1
        core.advance(DEFAULT_LIMITS.silence_timeout)
    assert line.failures == ["nothing taken in 30 s"]


def test_a_viewer_that_takes_slowly_stays(line: Line, core: FakeCore) -> None:
    line.has_output = True
    for _ in range(5):
        line.out_bytes += 1
        core.advance(DEFAULT_LIMITS.silence_timeout)
    assert line.failures == []
    assert line.monitor.health is Health.BLOCKED


def test_the_main_channel_of_a_viewer_on_a_network_is_watched(
    reds: RedsState, core: FakeCore, caplog: pytest.LogCaptureFixture
) -> None:
    main = Viewer(reds, local=False).main
    core.advance(DEFAULT_LIMITS.silence_timeout)
    (ping,) = main.messages()
    main.send("pong", MsgcPong(ping.message.id, ping.message.timestamp))
    core.advance(DEFAULT_LIMITS.silence_timeout)
    assert main.messages() == [], "it has said something since"
    core.advance(DEFAULT_LIMITS.silence_timeout)
    assert main.names() == ["ping"]
    core.advance(DEFAULT_LIMITS.silence_timeout - 1)
    assert not main.connection.closed
    core.advance(1)
    assert main.connection.closed
    assert caplog.messages == ["viewer main:0: no answer in 30 s"]
    assert core.armed == 0


def test_a_main_channel_that_stopped_reading_ends(
    reds: RedsState, core: FakeCore, caplog: pytest.LogCaptureFixture
) -> None:
    main = Viewer(reds, local=False).main
    for _ in range(2):
        main.send("attach_channels")
        core.advance(DEFAULT_LIMITS.silence_timeout)
    assert caplog.messages == ["viewer main:0: nothing taken in 30 s"]
