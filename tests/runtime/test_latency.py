"""The latency monitor: when it measures, and what it keeps."""

from __future__ import annotations

import pytest

from redspice.latency import KEEPALIVE_PERIOD, LOOKS, PERIOD, QUIET, LatencyMonitor
from redspice.pings import NANOSECONDS, PING, Pings
from redspice.pipe import PipeItem
from redspice.reds import RedsState
from redspice_protocol.base import MsgcPong, MsgPing
from runtime.fake_core import FakeCore
from runtime.peer import Peer, Viewer


class Channel:
    """A channel that sends at once."""

    def __init__(self) -> None:
        self.out_messages = 0
        self.pings: list[MsgPing] = []

    def push(self, item: PipeItem) -> None:
        self.pings.append(PING.demarshal(b"".join(item.parts())))


class Measured:
    def __init__(self, core: FakeCore) -> None:
        self.core = core
        self.channel = Channel()
        self.pings = Pings(core.now, NANOSECONDS)
        self.monitor = LatencyMonitor(core, self.channel, self.pings)
        self.monitor.start()

    def answer(self, delay: float) -> None:
        self.core.advance(delay)
        for ping in self.channel.pings:
            self.pings.answered(MsgcPong(ping.id, ping.timestamp))
        self.channel.pings.clear()


@pytest.fixture
def measured(core: FakeCore) -> Measured:
    return Measured(core)


def test_two_pings_go_out_when_the_channel_is_quiet(measured: Measured, core: FakeCore) -> None:
    for _ in range(5):
        core.advance(QUIET / 2)
        measured.channel.out_messages += 1
    assert measured.channel.pings == []
    core.advance(2 * QUIET)
    assert len(measured.channel.pings) == 2


def test_a_channel_that_is_never_quiet_is_measured_all_the_same(
    measured: Measured, core: FakeCore
) -> None:
    for _ in range(2 * LOOKS + 2):
        core.advance(QUIET / 2)
        measured.channel.out_messages += 1
    assert len(measured.channel.pings) == 2


def test_the_shortest_round_trip_is_kept(measured: Measured, core: FakeCore) -> None:
    assert measured.monitor.latency is None
    for delay, kept in ((0.2, 0.2), (0.05, 0.05), (0.1, 0.05)):
        core.advance(QUIET)
        measured.answer(delay)
        measured.channel.out_messages += 1
        core.advance(PERIOD - delay)
        assert measured.monitor.latency == pytest.approx(kept)


def test_a_silent_channel_is_only_kept_alive(measured: Measured, core: FakeCore) -> None:
    core.advance(QUIET)
    measured.answer(0.01)
    core.advance(KEEPALIVE_PERIOD - 1)
    assert measured.channel.pings == []
    core.advance(2)
    assert len(measured.channel.pings) == 2


def test_without_an_answer_no_more_pings_go_out(measured: Measured, core: FakeCore) -> None:
    for _ in range(10):
        measured.channel.out_messages += 1
        core.advance(PERIOD + QUIET)
    assert len(measured.channel.pings) == 2


def test_it_stops(measured: Measured, core: FakeCore) -> None:
    for _ in range(2):
        measured.monitor.stop()
        assert core.armed == 0
        measured.monitor.start()
        core.advance(QUIET)


def test_channels_of_viewers_on_a_network_are_measured(reds: RedsState, core: FakeCore) -> None:
    inputs = Viewer(reds, local=False).open("inputs", acking=False)
    assert inputs.names() == ["init"]
    core.advance(2 * QUIET)
    first, second = (one.message for one in inputs.messages())
    assert first.timestamp == second.timestamp == int(core.now() * NANOSECONDS)
    core.advance(0.03)
    for ping in (first, second):
        inputs.send("pong", MsgcPong(ping.id, ping.timestamp))
    (channel_client,) = reds.inputs.clients
    assert channel_client.latency_monitor.latency == pytest.approx(0.03)
    inputs.connection.close()


def test_local_viewers_are_not_measured(reds: RedsState, core: FakeCore) -> None:
    inputs: Peer = Viewer(reds, local=True).open("inputs")
    core.advance(1000)
    assert inputs.names() == ["init"]
    assert core.armed == 0
