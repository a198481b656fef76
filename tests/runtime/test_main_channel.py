"""The main channel: greeting, net test, list of channels, agent data."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest

from redspice.display.framebuffer import Framebuffer
from redspice.errors import ConfigurationError
from redspice.interfaces import QxlInterface
from redspice.reds import RedsState
from redspice_protocol.base import MsgcPong, MsgData
from redspice_protocol.main import MsgcMainAgentStart, MsgcMainClientInfo
from runtime.fake_core import FakeCore
from runtime.peer import Peer, Received, Viewer


def opened(reds: RedsState, **link: Any) -> list[Received]:
    peer = Peer(reds, local=True)
    assert peer.link("main", **link) == 0
    return peer.messages()


def listed(received: Received) -> list[tuple[int, int]]:
    assert received.name == "channels_list"
    return [(one.type, one.id) for one in received.message.channels]


def test_init_tells_the_session(reds: RedsState, core: FakeCore) -> None:
    reds.add_interface(QxlInterface(Framebuffer(8, 8)))
    (init,) = opened(reds)
    message = init.message
    assert message.session_id == reds.clients[0].session_id != 0
    assert message.display_channels_hint == 1
    assert (message.supported_mouse_modes, message.current_mouse_mode) == (1, 1)
    assert (message.agent_connected, message.agent_tokens) == (0, 10)
    assert message.multi_media_time == 1000_000 - 400


def test_the_multimedia_clock_wraps_at_32_bits(reds: RedsState, core: FakeCore) -> None:
    core.advance(4_294_968 - core.now())
    assert reds.mm_time() == 4_294_968_000 - 400 - 2**32
    viewer = Viewer(reds)
    reds.main.push_multi_media_time()
    (message,) = viewer.main.messages()
    assert (message.name, message.message.time) == ("multi_media_time", 304)


def test_the_time_is_told_as_it_is_when_it_is_sent(reds: RedsState, core: FakeCore) -> None:
    viewer = Viewer(reds)
    for _ in range(2000):
        reds.main.push_multi_media_time()
    core.advance(5)
    (message,) = viewer.main.messages()
    assert message.message.time == 1_005_000 - 400


@pytest.mark.parametrize("name", ["\ud800", "two\0words", 5])
def test_a_name_that_cannot_be_sent_is_refused(reds: RedsState, name: str) -> None:
    reds.name = "good"
    with pytest.raises(ConfigurationError, match="the name"):
        reds.name = name
    assert reds.name == "good"
    reds.name = None


def test_name_and_uuid_go_to_viewers_that_know_them(reds: RedsState) -> None:
    reds.name = "hüt"
    reds.uuid = UUID(int=7)
    _, name, uuid = opened(reds)
    assert bytes(name.message.name) == "hüt".encode() + b"\0"
    assert bytes(uuid.message.uuid) == bytes(15) + b"\7"
    assert [one.name for one in opened(reds, channel_caps=())] == ["init"]


def test_a_server_without_name_and_uuid_sends_neither(reds: RedsState) -> None:
    assert [one.name for one in opened(reds)] == ["init"]


class TestNetTest:
    """Three pings to viewers on a network."""

    def pings(self, reds: RedsState) -> tuple[Peer, list[Any]]:
        viewer = Viewer(reds, local=False)
        return viewer.main, [one.message for one in viewer.greeting if one.name == "ping"]

    def test_the_third_ping_carries_the_load(self, reds: RedsState) -> None:
        _, pings = self.pings(reds)
        assert [bytes(ping.data) for ping in pings] == [b"", b"", bytes(250 * 1024)]
        assert [ping.timestamp for ping in pings] == [1_000_000_000] * 3

    def test_local_viewers_are_not_measured(self, reds: RedsState) -> None:
        assert [one.name for one in Viewer(reds, local=True).greeting] == ["init"]

    def test_gives_latency_and_bitrate(self, reds: RedsState, core: FakeCore) -> None:
        main, pings = self.pings(reds)
        for ping, delay in zip(pings, (0.005, 0.015, 0.1), strict=True):
            core.advance(delay)
            main.send("pong", MsgcPong(id=ping.id, timestamp=ping.timestamp))
        client = reds.clients[0]
        assert client.latency == pytest.approx(0.02)
        assert client.bitrate == pytest.approx(250 * 1024 * 8 / 0.1)

    @pytest.mark.parametrize(
        ("wrong", "changes"),
        [(0, {"id": 9}), (1, {"id": 0}), (1, {"timestamp": 1}), (2, {"timestamp": 2**64 - 1})],
    )
    def test_a_wrong_answer_ends_it_quietly(
        self, reds: RedsState, wrong: int, changes: dict[str, int]
    ) -> None:
        main, pings = self.pings(reds)
        for number, ping in enumerate(pings):
            fields = {"id": ping.id, "timestamp": ping.timestamp}
            main.send("pong", MsgcPong(**(fields | changes if number == wrong else fields)))
        assert not main.connection.closed
        assert reds.clients[0].bitrate is None
        assert (reds.clients[0].latency is None) is (wrong < 2)

    def test_pongs_that_nobody_asked_for_do_not_matter(self, reds: RedsState) -> None:
        local = Viewer(reds, local=True).main
        local.send("pong", MsgcPong(id=0, timestamp=0))
        assert not local.connection.closed
        main, pings = self.pings(reds)
        for ping in [*pings, *pings]:
            main.send("pong", MsgcPong(id=ping.id, timestamp=ping.timestamp))
        assert not main.connection.closed

    def test_a_transfer_in_no_time_gives_no_bitrate(self, reds: RedsState) -> None:
        main, pings = self.pings(reds)
        for ping in pings:
            main.send("pong", MsgcPong(id=ping.id, timestamp=ping.timestamp))
        assert reds.clients[0].latency == 0
        assert reds.clients[0].bitrate is None


def test_the_list_has_all_but_main_newest_first(reds: RedsState) -> None:
    reds.add_interface(QxlInterface(Framebuffer(8, 8), id=0))
    reds.add_interface(QxlInterface(Framebuffer(8, 8), id=3))
    main = Viewer(reds).main
    main.send("attach_channels")
    (received,) = main.messages()
    assert listed(received) == [(4, 3), (2, 3), (4, 0), (2, 0), (3, 0)]


def test_a_later_channel_is_announced_alone(reds: RedsState) -> None:
    attached, waiting = Viewer(reds), None
    attached.main.send("attach_channels")
    attached.main.messages()
    reds.allow_multiple_clients = True
    waiting = Viewer(reds)
    reds.add_interface(QxlInterface(Framebuffer(8, 8)))
    assert [listed(one) for one in attached.main.messages()] == [[(2, 0)], [(4, 0)]]
    assert waiting.main.messages() == []


def test_agent_messages_without_an_agent_are_dropped(reds: RedsState) -> None:
    main = Viewer(reds).main
    main.send("client_info", MsgcMainClientInfo(cache_size=1))
    main.send("agent_start", MsgcMainAgentStart(num_tokens=0xFFFFFFFF))
    main.send("agent_data", MsgData(data=bytes(2048)))
    assert main.messages() == []
    assert not main.connection.closed


def test_too_much_agent_data_ends_the_viewer(reds: RedsState) -> None:
    main = Viewer(reds).main
    main.send("agent_data", MsgData(data=bytes(2049)))
    assert main.connection.closed
    assert reds.clients == []
