"""Char devices whose viewer moves: what their guest has not taken, and who says what last."""

from __future__ import annotations

from dataclasses import replace
from typing import ClassVar

import pytest

from redspice.caps import MainCap
from redspice.interfaces import CharDeviceInterface, PortEvent
from redspice.interfaces.char_device import SMARTCARD
from redspice.migration.data import UNLIMITED, SmartcardData, SpicevmcData
from redspice.reds import RedsState
from redspice_protocol.base import MsgData
from redspice_protocol.main import MsgcMainMigrateDstDoSeamless
from runtime.fake_core import FakeCore
from runtime.guest import Guest, Port
from runtime.peer import PASSWORD, Peer, Viewer


class Reader(Guest):
    """A card reader."""

    subtype: ClassVar[str] = SMARTCARD


def server(core: FakeCore, *devices: CharDeviceInterface) -> RedsState:
    reds = RedsState()
    reds.init(core)
    reds.set_ticket(PASSWORD)
    reds.seamless_migration = True
    for device in devices:
        reds.add_interface(device)
    return reds


def leave(reds: RedsState, channel: str) -> tuple[Viewer, Peer]:
    """A viewer with this channel, and the moment that it is to leave with its state."""
    viewer = Viewer(reds, channel_caps=tuple(MainCap))
    peer = viewer.open(channel)
    peer.messages()
    reds.migrate_connect("elsewhere", 1)
    viewer.main.messages()
    viewer.main.send("migrate_connected_seamless")
    return viewer, peer


def flush(peer: Peer) -> bytes:
    """Leave; what the viewer is given to take along."""
    assert peer.names()[-1] == "migrate"
    peer.send("migrate_flush_mark")
    (received,) = peer.messages()
    return bytes(received.message.data)


def arrive(reds: RedsState, session: int, channel: str, data: bytes) -> Peer:
    main, peer = Peer(reds), Peer(reds)
    assert main.link("main", connection_id=session, channel_caps=tuple(MainCap)) == 0
    assert peer.link(channel, connection_id=session) == 0
    main.send("migrate_dst_do_seamless", MsgcMainMigrateDstDoSeamless(1))
    peer.send("migrate_data", MsgData(data))
    return peer


def test_what_the_guest_has_not_taken_is_taken_along(core: FakeCore) -> None:
    here, there = Port(), Port()
    source, target = server(core, here), server(core, there)
    viewer, peer = leave(source, "port")
    here.room = 4
    peer.send("data", MsgData(b"hello, "))
    peer.send("data", MsgData(b"world"))
    source.migrate_end(True)
    data = flush(peer)
    device = SpicevmcData.parse(data).device
    assert device.write_data == b"o, world"
    assert (device.client_tokens, device.send_tokens) == (UNLIMITED, UNLIMITED)
    here.room = 100
    here.wakeup()
    assert here.heard == b"hell", "the rest is not the source's any more"
    moved = arrive(target, viewer.session_id, "port", data)
    assert there.heard == b"o, world"
    moved.send("data", MsgData(b"!"))
    assert there.heard == b"o, world!"
    (event,) = moved.messages()
    assert (event.name, event.message.event) == ("event", PortEvent.CLOSED)


def test_a_guest_that_goes_on_talking_is_heard_at_the_other_server(core: FakeCore) -> None:
    here, there = Port(), Port(says=b"and there")
    there.port_event(PortEvent.OPENED)
    source, target = server(core, here), server(core, there)
    viewer, peer = leave(source, "port")
    source.migrate_end(True)
    here.says += b"too late"
    here.wakeup()
    data = flush(peer)
    assert here.says == b"too late", "it was not read"
    moved = arrive(target, viewer.session_id, "port", data)
    event, said = moved.messages()
    assert event.message.event == PortEvent.OPENED
    assert bytes(said.message.data) == b"and there"


def test_a_viewer_that_is_to_leave_as_its_port_is_read_does_not_linger(
    core: FakeCore, caplog: pytest.LogCaptureFixture
) -> None:
    class Moving(Port):
        def read(self, most: int) -> bytes:
            data = super().read(most)
            if data:
                source.migrate_end(True)
            return data

    port = Moving()
    source = server(core, port)
    source.limits = replace(source.limits, device_token_timeout=2.0)
    _, peer = leave(source, "port")
    port.say(b"nobody is told any more")
    assert peer.names() == ["migrate"]
    core.advance(1.9)
    assert not peer.connection.closed
    core.advance(0.1)
    assert peer.connection.closed
    assert "no tokens or room for the device in 2 s" in caplog.text


def test_a_held_viewer_does_not_use_its_port(core: FakeCore) -> None:
    port = Port(says=b"wait")
    reds = server(core, port)
    main, peer = Peer(reds), Peer(reds)
    assert main.link("main", connection_id=7) == 0
    assert peer.link("port", connection_id=7) == 0
    port.wakeup()
    assert (peer.names(), port.told) == ([], [])
    main.send("migrate_end")
    assert peer.names() == ["init", "data"]


@pytest.mark.parametrize("channel", ["port", "smartcard"])
def test_wrong_data_end_the_channel(core: FakeCore, channel: str) -> None:
    reds = server(core, Reader() if channel == "smartcard" else Port())
    assert arrive(reds, 7, channel, b"nothing at all").connection.closed


def test_the_smartcard_channel_moves_without_readers(core: FakeCore) -> None:
    source, target = server(core, Reader()), server(core, Reader())
    viewer, peer = leave(source, "smartcard")
    source.migrate_end(True)
    data = flush(peer)
    assert SmartcardData.parse(data) == SmartcardData()
    assert not arrive(target, viewer.session_id, "smartcard", data).connection.closed
