"""Holes that SPICE servers had on main channels, in acknowledgements and in queues, each shown to
be closed here.

One test for each entry of the protocol's security history; the names say which.
"""

from __future__ import annotations

import struct

import pytest

from redspice.agent.headers import MAX_CHUNK_SIZE
from redspice.channels.main import MAX_MESSAGE_SIZE
from redspice.display.framebuffer import Framebuffer
from redspice.interfaces import QxlInterface
from redspice.pipe import PipeItem
from redspice.reds import RedsState
from redspice_protocol import CHANNELS
from redspice_protocol.base import MsgcAckSync, MsgcPong, MsgData, MsgPing
from runtime.fake_core import FakeCore
from runtime.peer import Peer, Viewer

AGENT_DATA = CHANNELS["main"].client.by_name["agent_data"].id
PING = CHANNELS["main"].server.by_name["ping"]
HUGE = 0xFFFFFFFF


@pytest.fixture
def framebuffer(reds: RedsState) -> Framebuffer:
    framebuffer = Framebuffer(40, 30)
    reds.add_interface(QxlInterface(framebuffer))
    return framebuffer


@pytest.mark.parametrize("size", [MAX_CHUNK_SIZE + 1, MAX_MESSAGE_SIZE])
def test_cve_2016_9577_agent_data_larger_than_its_buffer(reds: RedsState, size: int) -> None:
    main = Viewer(reds).main
    main.send_bytes(main.frame(AGENT_DATA, bytes(MAX_CHUNK_SIZE)))
    assert not main.connection.closed
    main.send_bytes(main.frame(AGENT_DATA, bytes(size)))
    assert main.connection.closed


@pytest.mark.parametrize("size", [MAX_MESSAGE_SIZE + 1, HUGE])
def test_cve_2016_9577_a_size_that_is_only_announced(
    reds: RedsState, caplog: pytest.LogCaptureFixture, size: int
) -> None:
    main = Viewer(reds).main
    main.send_bytes(struct.pack("<HI", AGENT_DATA, size))
    assert main.connection.closed
    assert f"of {size} bytes is over the limit of {MAX_MESSAGE_SIZE}" in caplog.text


@pytest.mark.parametrize("hostile", [True, False])
def test_cve_2013_4130_disconnect_while_messages_wait(
    reds: RedsState, framebuffer: Framebuffer, core: FakeCore, hostile: bool
) -> None:
    viewer = Viewer(reds)
    display = viewer.open_display(acking=False)
    for peer in (display, viewer.main):
        client = peer.connection.channel_client
        assert client is not None
        for _ in range(100):
            client.push(PipeItem(PING, MsgPing(0, 0, b"")))
    if hostile:
        viewer.main.send_bytes(viewer.main.frame(HUGE & 0xFFFF, b""))
    else:
        viewer.main.connection.connection_lost("reset")
    assert display.connection.closed
    assert display.connection.data_to_send() == []
    assert reds.clients == []
    assert [channel.clients_num for channel in reds.channels] == [0] * len(reds.channels)
    framebuffer.damage(0, 0, 5, 5)
    core.advance(1000)
    assert core.armed == 0


def sent_until_stalled(display: Peer, framebuffer: Framebuffer) -> int:
    for count in range(200):
        framebuffer.damage(0, 0, 1, 1)
        if not display.messages():
            return count
    return 200


def test_a_flood_of_acks_gives_no_credit(reds: RedsState, framebuffer: Framebuffer) -> None:
    display = Viewer(reds).open_display(acking=False)
    display.messages()
    display.send("ack_sync", MsgcAckSync(generation=1))
    for _ in range(10_000):
        display.send("ack")
    assert sent_until_stalled(display, framebuffer) == 41


@pytest.mark.parametrize("generation", [0, 2, HUGE])
def test_acks_of_a_generation_that_was_never_announced_give_no_credit(
    reds: RedsState, framebuffer: Framebuffer, generation: int
) -> None:
    display = Viewer(reds).open_display(acking=False)
    opening = len(display.messages()) - 1  # they count from behind SET_ACK
    display.send("ack_sync", MsgcAckSync(generation=generation))
    for _ in range(100):
        display.send("ack")
    assert opening + sent_until_stalled(display, framebuffer) == 41


def test_a_flood_of_pongs_gives_no_credit(
    reds: RedsState, framebuffer: Framebuffer, core: FakeCore
) -> None:
    reds.image_compression = "off"
    display = Viewer(reds, local=False).open_display(acking=False)
    client = display.connection.channel_client
    assert client is not None
    assert client.flow is not None
    display.messages()
    before = client.flow.in_flight
    assert before > 0
    for id in range(10_000):
        display.send("pong", MsgcPong(id=id, timestamp=HUGE))
    assert client.flow.in_flight == before
    assert not display.connection.closed


def test_a_message_without_a_body_is_not_read_past_its_end(reds: RedsState) -> None:
    main = Viewer(reds).main
    main.send("agent_data", MsgData(data=b""))
    assert not main.connection.closed
