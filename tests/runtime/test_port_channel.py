"""Ports: names, events both ways, and the port that is a WebDAV channel."""

from __future__ import annotations

import pytest

from redspice.channels.port import PORT
from redspice.channels.spicevmc import MOST_MESSAGES
from redspice.errors import ConfigurationError
from redspice.interfaces import ChannelEvent, ChannelEventInfo, PortEvent
from redspice.limits import DEFAULT_LIMITS
from redspice.reds import RedsState
from redspice_protocol.base import MsgData
from redspice_protocol.port import MsgcPortEvent
from runtime.fake_core import FakeCore
from runtime.guest import Port
from runtime.peer import Viewer

WEBDAV = "org.spice-space.webdav.0"


@pytest.mark.parametrize(("name", "channel"), [("org.example.port.0", "port"), (WEBDAV, "webdav")])
def test_a_port_begins_with_its_name(reds: RedsState, name: str, channel: str) -> None:
    reds.add_interface(Port(name, says=b"hello"))
    first, second = Viewer(reds).open(channel).messages()
    assert (first.name, second.name) == ("init", "data")
    assert bytes(first.message.name) == name.encode() + b"\0"
    assert first.message.opened == 0
    assert bytes(second.message.data) == b"hello"


@pytest.mark.parametrize(
    ("events", "opened"),
    [
        ((), 0),
        ((PortEvent.OPENED,), 1),
        ((PortEvent.OPENED, PortEvent.BREAK), 1),
        ((PortEvent.OPENED, PortEvent.CLOSED), 0),
    ],
)
def test_a_viewer_learns_whether_the_port_is_open(
    reds: RedsState, events: tuple[PortEvent, ...], opened: int
) -> None:
    port = Port()
    for event in events[:1]:
        port.port_event(event)  # before it is registered
    reds.add_interface(port)
    for event in events[1:]:
        port.port_event(event)
    (init,) = Viewer(reds).open("port").messages()
    assert init.message.opened == opened


def test_events_of_the_guest_follow_what_it_said(reds: RedsState) -> None:
    port = Port()
    reds.add_interface(port)
    peer = Viewer(reds).open("port")
    port.port_event(PortEvent.OPENED)
    port.says += b"bye"
    port.port_event(PortEvent.CLOSED)
    port.port_event(PortEvent.BREAK)
    _, *rest = peer.messages()
    assert [one.name for one in rest] == ["event", "data", "event", "event"]
    assert [one.message.event for one in rest if one.name == "event"] == [0, 1, 2]


def test_events_of_the_viewer_reach_the_guest_in_order(reds: RedsState) -> None:
    port = Port()
    reds.add_interface(port)
    peer = Viewer(reds).open("port")
    peer.send("event", MsgcPortEvent(PortEvent.OPENED))
    peer.send("data", MsgData(b"hello"))
    peer.send("event", MsgcPortEvent(200))
    assert port.heard == b"hello"
    assert port.told == [("state", True), ("event", 0), ("event", 200)]


def test_a_port_hears_that_its_viewer_is_gone(reds: RedsState) -> None:
    port = Port()
    reds.add_interface(port)
    viewer = Viewer(reds)
    viewer.open("port")
    viewer.main.connection.close()
    assert port.told == [("state", True), ("state", False), ("event", PortEvent.CLOSED)]


def test_a_viewer_that_was_refused_is_no_event(reds: RedsState) -> None:
    port = Port()
    reds.add_interface(port)
    viewer = Viewer(reds)
    viewer.open("port")
    assert viewer.open("port").connection.closed
    assert port.told == [("state", True)]


def test_a_port_whose_viewer_never_got_through_hears_nothing(
    reds: RedsState, core: FakeCore, monkeypatch: pytest.MonkeyPatch
) -> None:
    port = Port()
    reds.add_interface(port)
    viewer = Viewer(reds)

    def refuse(event: ChannelEvent, info: ChannelEventInfo) -> None:
        if event is ChannelEvent.INITIALIZED:
            raise RuntimeError("not this one")

    monkeypatch.setattr(core, "channel_event", refuse)
    assert viewer.open("port").connection.closed
    assert port.told == []


def test_a_removed_port_is_silent(reds: RedsState) -> None:
    port = Port()
    reds.add_interface(port)
    viewer = Viewer(reds)
    peer = viewer.open("port")
    reds.remove_interface(port)
    assert peer.connection.closed
    port.port_event(PortEvent.OPENED)
    port.wakeup()
    assert (port.event_listener, port.wakeup_listener) == (None, None)


def test_a_port_plugged_in_later_is_announced_alone(reds: RedsState) -> None:
    reds.add_interface(Port("first"))
    viewer = Viewer(reds)
    viewer.main.send("attach_channels")
    viewer.main.messages()
    second, third = Port("second", says=b"2"), Port("third")
    reds.add_interface(second)
    reds.add_interface(third)
    lists = [one.message.channels for one in viewer.main.messages()]
    assert [[(each.type, each.id) for each in one] for one in lists] == [[(10, 1)], [(10, 2)]]
    init, data = viewer.open("port", channel_id=1).messages()
    assert (bytes(init.message.name), bytes(data.message.data)) == (b"second\0", b"2")


def test_a_port_that_fails_ends_only_its_channel(reds: RedsState) -> None:
    class Broken(Port):
        def write(self, data: memoryview) -> int:
            raise OSError("the guest's end is gone")

    reds.add_interface(Broken())
    viewer = Viewer(reds)
    peer = viewer.open("port")
    peer.send("data", MsgData(b"x"))
    assert peer.connection.closed
    assert not viewer.main.connection.closed


def test_what_a_port_does_before_its_channel_is_open_is_told_by_init(
    reds: RedsState, core: FakeCore
) -> None:
    port = Port()
    reds.add_interface(port)

    def channel_event(event: ChannelEvent, info: ChannelEventInfo) -> None:
        if event is ChannelEvent.INITIALIZED and info.channel_type == PORT.id:
            port.port_event(PortEvent.OPENED)

    core.channel_event = channel_event  # type: ignore[method-assign]
    (init,) = Viewer(reds).open("port").messages()
    assert (init.name, init.message.opened) == ("init", 1)


def test_what_is_no_event_is_refused() -> None:
    port = Port()
    with pytest.raises(ConfigurationError, match="7 is no event of a port"):
        port.port_event(7)  # type: ignore[arg-type]
    assert not port.opened


def test_a_port_may_be_plugged_in_again_as_it_is_removed(
    reds: RedsState, monkeypatch: pytest.MonkeyPatch
) -> None:
    port = Port()
    reds.add_interface(port)
    viewer = Viewer(reds)
    viewer.open("port")
    with monkeypatch.context() as removed:
        removed.setattr(port, "state", lambda connected: reds.add_interface(port))
        reds.remove_interface(port)
    again = viewer.open("port")
    again.messages()
    port.port_event(PortEvent.OPENED)
    assert again.names() == ["event"]


class Breaking(Port):
    """A port that sends breaks while it is read, more than may wait for a viewer."""

    def read(self, most: int) -> bytes:
        data = super().read(most)
        for _ in range(MOST_MESSAGES if data else 0):
            self.port_event(PortEvent.BREAK)
        return data


def test_data_that_has_no_room_beside_events_waits_for_the_viewer(reds: RedsState) -> None:
    port = Breaking()
    reds.add_interface(port)
    peer = Viewer(reds).open("port")
    peer.messages()
    port.say(b"after all these")
    *breaks, last = peer.messages()
    assert [one.name for one in breaks] == ["event"] * MOST_MESSAGES
    assert bytes(last.message.data) == b"after all these"


def test_a_viewer_that_makes_no_room_for_data_beside_events_loses_the_port(
    reds: RedsState, core: FakeCore, caplog: pytest.LogCaptureFixture
) -> None:
    port = Breaking()
    reds.add_interface(port)
    peer = Viewer(reds).open("port")
    peer.messages()
    port.say(b"unread")
    core.advance(DEFAULT_LIMITS.device_token_timeout - 1)
    assert not peer.connection.closed
    core.advance(1)
    assert peer.connection.closed
    assert "no tokens or room for the device in 30 s" in caplog.text
    assert port.told[-2:] == [("state", False), ("event", PortEvent.CLOSED)]
