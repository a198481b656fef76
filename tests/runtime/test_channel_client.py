"""Rules of all channels: their tables fit the protocol, and no bytes get past a connection."""

from __future__ import annotations

import random

import pytest

from redspice.channel_client import RedChannelClient
from redspice.channels.cursor import CursorChannel
from redspice.display.framebuffer import Framebuffer
from redspice.flow import FlowWindow
from redspice.interfaces import (
    KeyboardInterface,
    MouseInterface,
    QxlInterface,
    TabletInterface,
)
from redspice.pipe import PipeItem
from redspice.reds import RedsState
from redspice.tail_probe import LONG
from redspice_protocol import CHANNELS
from redspice_protocol.base import MsgPing
from runtime.peer import Viewer

PING = CHANNELS["main"].server.by_name["ping"]
CHANNEL_NAMES = ["main", "display", "inputs", "cursor"]
# What only makes sense once channels move from one server to another, or with 3D.
UNEXPECTED = {
    "migrate_flush_mark",
    "migrate_data",
    "migrate_connected",
    "migrate_connect_error",
    "migrate_end",
    "migrate_dst_do_seamless",
    "migrate_connected_seamless",
    "gl_draw_done",
}


@pytest.fixture(autouse=True)
def interfaces(reds: RedsState) -> None:
    reds.add_interface(QxlInterface(Framebuffer(32, 32)))
    for device in (KeyboardInterface(), MouseInterface(), TabletInterface()):
        reds.add_interface(device)


@pytest.mark.parametrize("name", CHANNEL_NAMES)
def test_every_message_of_the_protocol_is_handled_ignored_or_unexpected(
    reds: RedsState, name: str
) -> None:
    channel = reds.channels.find(CHANNELS[name].id, 0)
    assert channel is not None
    client_class: type[RedChannelClient] = channel.client_class
    names = set(CHANNELS[name].client.by_name)
    handled, ignored = set(client_class.HANDLERS), set(client_class.IGNORED)
    assert handled | ignored <= names
    assert not handled & ignored
    assert names - handled - ignored <= UNEXPECTED


@pytest.mark.usefixtures("one_modulus")
@pytest.mark.parametrize("name", CHANNEL_NAMES)
def test_random_messages_only_ever_end_their_connection(reds: RedsState, name: str) -> None:
    numbers = random.Random(name)
    types = [*CHANNELS[name].client.by_id, 0, 7, 99, 65535]
    viewer = Viewer(reds)
    for _ in range(300):
        if viewer.main.connection.closed:
            viewer = Viewer(reds)
        peer = viewer.main if name == "main" else viewer.open(name)
        for _ in range(10):
            body = numbers.randbytes(numbers.choice([0, 1, 2, 4, 8, 14, 30]))
            peer.send_bytes(peer.frame(numbers.choice(types), body))
            peer.read()
        peer.connection.close()
    assert all(channel.clients_num == 0 for channel in reds.channels if channel.name != "main:0")


@pytest.mark.usefixtures("one_modulus")
@pytest.mark.parametrize("name", CHANNEL_NAMES)
def test_random_bytes_only_ever_end_their_connection(reds: RedsState, name: str) -> None:
    numbers = random.Random(name)
    for _ in range(20):
        viewer = Viewer(reds)
        peer = viewer.main if name == "main" else viewer.open(name)
        for _ in range(1000):
            peer.send_bytes(numbers.randbytes(50))
        assert peer.connection.closed


def test_a_message_without_body_is_legal(reds: RedsState) -> None:
    inputs = Viewer(reds).open("inputs")
    inputs.send_bytes(inputs.frame(104, b""))
    assert not inputs.connection.closed


def test_bytes_behind_a_message_are_tolerated(reds: RedsState) -> None:
    inputs = Viewer(reds).open("inputs")
    inputs.send_bytes(inputs.frame(101, b"\x1e\0\0\0 and more"))
    assert not inputs.connection.closed


def test_what_is_marked_due_is_made_when_it_is_sent_and_once(reds: RedsState) -> None:
    viewer = Viewer(reds)
    (channel_client,) = reds.main.clients
    made: list[PipeItem] = []

    def make() -> PipeItem:
        made.append(PipeItem(PING, MsgPing(id=7, timestamp=0, data=b"")))
        return made[-1]

    channel_client.push_channels([])
    for _ in range(5000):
        channel_client.mark_due(make)
    assert made == []
    assert viewer.main.names() == ["channels_list", "ping"]
    assert len(made) == 1
    channel_client.mark_due(make)
    assert viewer.main.names() == ["ping"]


def test_sending_to_a_closed_connection_does_nothing(reds: RedsState) -> None:
    viewer = Viewer(reds)
    (channel_client,) = reds.main.clients
    channel_client.push_channels([])
    viewer.main.connection.close()
    assert len(channel_client.pipe) == 0
    channel_client.push_channels([])
    assert len(channel_client.pipe) == 0
    assert viewer.main.connection.data_to_send() == []


def test_what_is_not_urgent_waits_until_the_line_has_room(
    reds: RedsState, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(CursorChannel, "flow_by_bytes", True)
    cursor = Viewer(reds, local=False).open("cursor", acking=False)
    cursor.messages()
    client = cursor.connection.channel_client
    assert client is not None
    assert client.flow is not None
    client.flow.round_trip = LONG
    client.flow.sent(client.flow.budget)
    client.flow.mark(reds.core.now())
    client.flow._round_trip_at = reds.core.now()
    monkeypatch.setattr(FlowWindow, "may_exceed", True)
    assert cursor.names() == []
    client.notify("this can wait")
    assert cursor.names() == []
