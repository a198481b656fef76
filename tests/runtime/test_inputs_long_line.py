"""Pings that follow what a viewer types where the line to it is long."""

from __future__ import annotations

import pytest

from redspice.channels.inputs import PROBE_EVERY, PROBES
from redspice.interfaces import KeyboardInterface
from redspice.reds import RedsState
from redspice.tail_probe import LONG
from redspice_protocol.base import MsgcPong
from redspice_protocol.inputs import MsgcInputsKeyDown, MsgcInputsMouseMotion
from runtime.fake_core import FakeCore
from runtime.peer import Peer, Viewer

MOTION = MsgcInputsMouseMotion(dx=1, dy=1, buttons_state=0)


class TestOnALongLine:
    """What a viewer sends is followed by pings: TCP learns by the answers what was lost."""

    @pytest.fixture
    def inputs(self, reds: RedsState) -> Peer:
        return self.open(reds, LONG)

    def open(self, reds: RedsState, latency: float | None) -> Peer:
        inputs = Viewer(reds, local=False).open("inputs", acking=False)
        (client,) = reds.inputs.clients
        client.latency_monitor.stop()
        client.latency_monitor.latency = latency
        inputs.messages()
        return inputs

    def pings(self, core: FakeCore, inputs: Peer, seconds: float) -> int:
        core.advance(seconds)
        return inputs.names().count("ping")

    def test_pings_follow_a_key_for_a_second(self, core: FakeCore, inputs: Peer) -> None:
        assert self.pings(core, inputs, 10) == 0
        armed = core.armed
        inputs.send("key_down", MsgcInputsKeyDown(code=0x1E))
        assert self.pings(core, inputs, PROBE_EVERY * 1.5) == 1
        assert self.pings(core, inputs, 10) == PROBES - 1
        assert pytest.approx(1) == PROBES * PROBE_EVERY
        assert core.armed == armed

    def test_they_are_answered_and_that_asks_for_no_more(
        self, core: FakeCore, inputs: Peer
    ) -> None:
        inputs.send("mouse_motion", MOTION)
        core.advance(PROBE_EVERY)
        (ping,) = (one.message for one in inputs.messages() if one.name == "ping")
        inputs.send("pong", MsgcPong(ping.id, ping.timestamp))
        assert self.pings(core, inputs, 10) == PROBES - 1

    def test_a_viewer_that_answers_none_gets_only_so_many(
        self, core: FakeCore, inputs: Peer
    ) -> None:
        pings = 0
        for _ in range(4 * PROBES):
            inputs.send("key_down", MsgcInputsKeyDown(code=0x1E))
            pings += self.pings(core, inputs, PROBE_EVERY)
        assert pings == 2 * PROBES

    def test_there_is_none_while_the_viewer_goes_on_sending(
        self, core: FakeCore, inputs: Peer
    ) -> None:
        for _ in range(20):
            inputs.send("mouse_motion", MOTION)
            assert self.pings(core, inputs, PROBE_EVERY * 0.9) == 0

    @pytest.mark.parametrize("latency", [LONG - 0.001, None])
    def test_there_is_none_where_the_line_is_short_or_not_known(
        self, reds: RedsState, core: FakeCore, latency: float | None
    ) -> None:
        inputs = self.open(reds, latency)
        inputs.send("key_down", MsgcInputsKeyDown(code=0x1E))
        assert self.pings(core, inputs, 10) == 0

    def test_there_is_none_for_a_viewer_that_is_gone(self, core: FakeCore, inputs: Peer) -> None:
        armed = core.armed
        inputs.send("key_down", MsgcInputsKeyDown(code=0x1E))
        assert core.armed == armed + 1
        inputs.connection.connection_lost("gone")
        assert core.armed == armed

    def test_there_is_none_after_a_message_that_ends_the_connection(
        self, reds: RedsState, core: FakeCore, inputs: Peer
    ) -> None:
        class Keyboard(KeyboardInterface):
            def push_scan_freg(self, fragment: int) -> None:
                inputs.connection.close()

            def get_leds(self) -> int:
                return 0

        reds.add_interface(Keyboard())
        armed = core.armed
        inputs.send("key_down", MsgcInputsKeyDown(code=0x1E))
        assert inputs.connection.closed
        assert core.armed == armed

    def test_there_is_none_for_a_viewer_that_goes_to_another_server(
        self, reds: RedsState, core: FakeCore, inputs: Peer
    ) -> None:
        (client,) = reds.inputs.clients
        client.leave()
        armed = core.armed
        inputs.send("key_down", MsgcInputsKeyDown(code=0x1E))
        assert core.armed == armed
