"""What may be set before `init`, and what after, also while viewers are connected."""

from __future__ import annotations

import uuid
from collections.abc import Callable

import pytest

from redspice.caps import MainCap
from redspice.errors import ConfigurationError
from redspice.interfaces import ChannelEvent, ChannelEventInfo
from redspice.reds import RedsState
from redspice.security import ChannelSecurity
from runtime.fake_core import FakeCore
from runtime.peer import PASSWORD, Peer, Viewer

SOME_UUID = uuid.UUID("12345678-1234-5678-1234-567812345678")

OPTIONS: dict[str, Callable[[RedsState], object]] = {
    "agent_mouse": lambda reds: setattr(reds, "agent_mouse", False),
    "agent_copypaste": lambda reds: setattr(reds, "agent_copypaste", False),
    "agent_file_xfer": lambda reds: setattr(reds, "agent_file_xfer", False),
    "image_compression": lambda reds: setattr(reds, "image_compression", "lz"),
    "exit_on_disconnect": lambda reds: setattr(reds, "exit_on_disconnect", True),
    "allow_multiple_clients": lambda reds: setattr(reds, "allow_multiple_clients", True),
    "seamless_migration": lambda reds: setattr(reds, "seamless_migration", True),
    "name": lambda reds: setattr(reds, "name", "a name"),
    "uuid": lambda reds: setattr(reds, "uuid", SOME_UUID),
}


def value(reds: RedsState, name: str) -> str:
    return str(getattr(reds, name))


@pytest.mark.parametrize("name", OPTIONS)
def test_an_option_may_be_set_before_and_after_init(name: str) -> None:
    before, after, unset = RedsState(), RedsState(), RedsState()
    OPTIONS[name](before)
    before.init(FakeCore())
    after.init(FakeCore())
    OPTIONS[name](after)
    assert value(before, name) == value(after, name) != value(unset, name)


@pytest.mark.parametrize("early", [True, False])
def test_who_may_come_in_may_be_set_before_and_after_init(early: bool) -> None:
    reds = RedsState()
    if not early:
        reds.init(FakeCore())
    reds.set_noauth()
    reds.set_ticket(PASSWORD)
    reds.set_channel_security("display", ChannelSecurity.TLS)
    if early:
        reds.init(FakeCore())
    assert Viewer(reds).main.link is not None
    assert Peer(reds).link("main", password="wrong") != 0


def test_interfaces_may_be_added_only_after_init() -> None:
    with pytest.raises(ConfigurationError, match="init first"):
        RedsState().add_interface(object())  # type: ignore[arg-type]


def test_a_new_name_is_for_the_next_viewer(reds: RedsState) -> None:
    reds.name = "old"
    viewer = Viewer(reds, channel_caps=(MainCap.NAME_AND_UUID,))
    assert "name" in [one.name for one in viewer.greeting]
    reds.name, reds.uuid = "new", SOME_UUID
    assert viewer.main.messages() == []
    greeting = {one.name: one.message for one in Viewer(reds).greeting}
    assert bytes(greeting["name"].name) == b"new\0"
    assert bytes(greeting["uuid"].uuid) == SOME_UUID.bytes


def test_a_guest_runs_until_it_is_stopped(reds: RedsState) -> None:
    viewer = Viewer(reds)
    assert reds.vm_running
    for call, running in ((reds.vm_stop, False), (reds.vm_stop, False), (reds.vm_start, True)):
        call()
        assert reds.vm_running is running
    assert not viewer.main.connection.closed


class Exiting(FakeCore):
    exits = 0

    def exit(self) -> None:
        self.exits += 1


@pytest.fixture
def exiting() -> tuple[RedsState, Exiting]:
    core = Exiting()
    reds = RedsState()
    reds.init(core)
    reds.set_ticket(PASSWORD)
    reds.exit_on_disconnect = True
    return reds, core


def test_the_last_viewer_ends_the_program(exiting: tuple[RedsState, Exiting]) -> None:
    reds, core = exiting
    reds.allow_multiple_clients = True
    core.advance(1000)
    first, second = Viewer(reds), Viewer(reds)
    first.main.connection.receive_eof()
    core.advance(0)
    assert core.exits == 0
    second.main.connection.receive_eof()
    core.advance(0)
    assert core.exits == 1


def test_a_viewer_that_takes_over_ends_nothing(exiting: tuple[RedsState, Exiting]) -> None:
    reds, core = exiting
    Viewer(reds)
    second = Viewer(reds)
    core.advance(1)
    assert core.exits == 0
    assert not second.main.connection.closed


def test_without_the_option_nothing_ends(exiting: tuple[RedsState, Exiting]) -> None:
    reds, core = exiting
    reds.exit_on_disconnect = False
    Viewer(reds).main.connection.receive_eof()
    core.advance(1)
    assert core.exits == 0


@pytest.mark.parametrize("tls", [True, False])
def test_channel_events_tell_both_ends(reds: RedsState, core: FakeCore, tls: bool) -> None:
    peer = Peer(reds, name="192.0.2.1:40000", local_address="192.0.2.2:5900", tls=tls)
    peer.link("main")
    peer.connection.close()
    kinds = [event for event, _ in core.events]
    assert kinds == [ChannelEvent.CONNECTED, ChannelEvent.INITIALIZED, ChannelEvent.DISCONNECTED]
    for _, info in core.events:
        assert isinstance(info, ChannelEventInfo)
        assert (info.peer, info.local_address) == ("192.0.2.1:40000", "192.0.2.2:5900")
        assert info.tls is tls


def test_a_uuid_is_one(reds: RedsState) -> None:
    reds.uuid = SOME_UUID
    with pytest.raises(ConfigurationError, match="is no UUID"):
        reds.uuid = str(SOME_UUID)  # type: ignore[assignment]
    assert reds.uuid == SOME_UUID
