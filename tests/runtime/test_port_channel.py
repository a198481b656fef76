"""Ports: names, events both ways, and the port that is a WebDAV channel."""

from __future__ import annotations

import pytest

from redspice.channels.port import PORT
from redspice.channels.spicevmc import MOST_MESSAGES, MOST_QUEUED, READ_SIZE
from redspice.errors import ConfigurationError
from redspice.interfaces import ChannelEvent, ChannelEventInfo, PortEvent
from redspice.limits import DEFAULT_LIMITS, Limits
from redspice.reds import RedsState
from redspice_protocol.base import MsgData
from redspice_protocol.port import MsgcPortEvent
from runtime.fake_core import FakeCore
from runtime.guest import Port
from runtime.peer import PASSWORD, Peer, Viewer

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

    breaks = 2 * MOST_MESSAGES

    def read(self, most: int) -> bytes:
        data = super().read(most)
        for _ in range(self.breaks if data else 0):
            self.port_event(PortEvent.BREAK)
        return data


def said(peer: Peer) -> list[bytes | PortEvent]:
    """What the guest said and did, as the viewer heard of it since."""
    return [
        PortEvent(one.message.event) if one.name == "event" else bytes(one.message.data)
        for one in peer.messages()
    ]


def opened(reds: RedsState) -> Peer:
    peer = Viewer(reds).open("port")
    peer.messages()
    return peer


def test_events_of_a_read_follow_what_it_returns(reds: RedsState) -> None:
    port = Breaking()
    reds.add_interface(port)
    peer = opened(reds)
    port.say(b"before all these")
    assert said(peer) == [b"before all these"] + [PortEvent.BREAK] * port.breaks


def test_events_of_a_read_come_before_what_the_next_one_returns(reds: RedsState) -> None:
    class Programs(Port):
        """Two programs, one after the other."""

        def read(self, most: int) -> bytes:
            program, end, rest = self.says.partition(b".")
            self.says = rest
            if end:
                self.port_event(PortEvent.CLOSED)
                self.port_event(PortEvent.OPENED)
            return bytes(program)

    port = Programs()
    reds.add_interface(port)
    peer = opened(reds)
    port.say(b"first.second")
    assert said(peer) == [b"first", PortEvent.CLOSED, PortEvent.OPENED, b"second"]


def test_a_read_may_tell_an_event_alone(reds: RedsState) -> None:
    class Silent(Port):
        over = False

        def read(self, most: int) -> bytes:
            if self.over:
                self.over = False
                self.port_event(PortEvent.CLOSED)
            return b""

    port = Silent()
    reds.add_interface(port)
    peer = opened(reds)
    port.over = True
    port.wakeup()
    assert said(peer) == [PortEvent.CLOSED]


def test_a_slow_viewer_keeps_a_port_of_many_events(reds: RedsState, core: FakeCore) -> None:
    port = Breaking()
    reds.add_interface(port)
    peer = opened(reds)
    port.say(b"one")
    port.say(b"two")
    core.advance(10 * DEFAULT_LIMITS.device_token_timeout)
    assert not peer.connection.closed
    assert port.says == b"two", "the guest waits instead"
    breaks = [PortEvent.BREAK] * port.breaks
    assert said(peer) == [b"one", *breaks, b"two", *breaks]


def test_an_event_does_not_overtake_what_a_slow_viewer_has_not_taken(reds: RedsState) -> None:
    port = Port()
    reds.add_interface(port)
    peer = opened(reds)
    port.say(b"x" * 2 * MOST_QUEUED)
    port.port_event(PortEvent.CLOSED)
    assert len(port.says) == MOST_QUEUED
    *data, event = said(peer)
    assert data == [b"x" * READ_SIZE] * (2 * MOST_QUEUED // READ_SIZE)
    assert event is PortEvent.CLOSED


def test_an_event_of_a_read_does_not_overtake_one_that_was_told_before(reds: RedsState) -> None:
    port = Breaking()
    port.breaks = 0
    reds.add_interface(port)
    peer = opened(reds)
    port.say(b"x" * 2 * MOST_QUEUED)
    port.port_event(PortEvent.CLOSED)
    port.breaks = 1
    events = [one for one in said(peer) if isinstance(one, PortEvent)]
    assert events == [PortEvent.CLOSED] + [PortEvent.BREAK] * (MOST_QUEUED // READ_SIZE)


def test_a_port_opened_and_closed_without_end_costs_a_slow_viewer_nothing(
    core: FakeCore,
) -> None:
    reds = RedsState(Limits(max_waiting_messages=64))
    reds.init(core)
    reds.set_ticket(PASSWORD)
    port = Port()
    reds.add_interface(port)
    peer = opened(reds)
    for _ in range(1000):
        port.port_event(PortEvent.OPENED)
        port.port_event(PortEvent.CLOSED)
    assert not peer.connection.closed
    events = said(peer)
    assert events == [PortEvent.OPENED, PortEvent.CLOSED] * (len(events) // 2)
    assert len(events) <= 64


def test_a_port_that_opens_as_its_viewer_comes_tells_so_before_it_speaks(reds: RedsState) -> None:
    class Greeting(Port):
        def state(self, connected: bool) -> None:
            self.port_event(PortEvent.OPENED if connected else PortEvent.CLOSED)

    reds.add_interface(Greeting(says=b"hello"))
    init, event, data = Viewer(reds).open("port").messages()
    assert (init.name, init.message.opened) == ("init", 0)
    assert (event.name, event.message.event) == ("event", PortEvent.OPENED)
    assert bytes(data.message.data) == b"hello"


def test_events_that_waited_for_a_viewer_are_not_told_to_the_next(reds: RedsState) -> None:
    port = Breaking()
    reds.add_interface(port)
    first = opened(reds)
    port.say(b"unread")
    port.port_event(PortEvent.OPENED)
    first.connection.close()
    (init,) = Viewer(reds).open("port").messages()
    assert init.message.opened == 1
