"""Several viewers on one server: what each has for itself and does not do to the others."""

from __future__ import annotations

import pytest

from redspice.caps import Capabilities, DisplayCap
from redspice.channel import RedChannel
from redspice.channel_client import RedChannelClient
from redspice.client import RedClient
from redspice.display.framebuffer import Framebuffer
from redspice.interfaces import QxlInterface, TabletInterface
from redspice.pipe import PipeItem
from redspice.reds import RedsState
from redspice_protocol import CHANNELS
from redspice_protocol.enums import MouseMode
from redspice_protocol.main import MsgcMainMouseModeRequest, MsgMainMultiMediaTime
from runtime.fake_core import FakeCore
from runtime.peer import Peer, Viewer, picture

WIDTH, HEIGHT = 40, 30


class Alone(RedChannel[RedChannelClient]):
    """A channel for one viewer."""

    messages = CHANNELS["port"]
    max_message_size = 100
    allows_multiple = False
    client_class = RedChannelClient


@pytest.fixture
def framebuffer(reds: RedsState) -> Framebuffer:
    reds.allow_multiple_clients = True
    framebuffer = Framebuffer(WIDTH, HEIGHT)
    reds.add_interface(QxlInterface(framebuffer))
    return framebuffer


@pytest.fixture
def alone(reds: RedsState, framebuffer: Framebuffer) -> Alone:
    channel = Alone(reds)
    reds.register_channel(channel)
    return channel


def listed(peer: Peer) -> set[tuple[int, int]]:
    peer.send("attach_channels")
    (message,) = peer.messages()
    return {(one.type, one.id) for one in message.message.channels}


def test_one_replaces_the_other_unless_told_otherwise(reds: RedsState) -> None:
    first, second = Viewer(reds), Viewer(reds)
    assert first.main.connection.closed
    assert len(reds.clients) == 1
    reds.allow_multiple_clients = True
    third = Viewer(reds)
    assert not second.main.connection.closed
    assert len({second.session_id, third.session_id}) == 2


def test_each_viewer_has_its_own_capabilities(reds: RedsState, framebuffer: Framebuffer) -> None:
    plain = Viewer(reds).open_display(channel_caps=())
    able = Viewer(reds).open_display(channel_caps=[DisplayCap.MONITORS_CONFIG])
    assert "monitors_config" not in plain.names()
    assert "monitors_config" in able.names()
    caps = [peer.connection.channel_client.remote_caps for peer in (plain, able)]
    assert caps == [Capabilities(), Capabilities([DisplayCap.MONITORS_CONFIG])]


def test_each_viewer_has_its_own_header_and_serials(
    reds: RedsState, framebuffer: Framebuffer
) -> None:
    mini = Viewer(reds).open_display()
    full = Viewer(reds).open_display(common_caps=(0, 1))
    mini.messages()
    framebuffer.damage(0, 0, WIDTH, HEIGHT)
    mini.messages()
    assert [one.serial for one in full.messages()] == list(range(1, 7))


def test_each_viewer_acknowledges_for_itself(reds: RedsState, framebuffer: Framebuffer) -> None:
    stalled = Viewer(reds).open_display(acking=False)
    quick = Viewer(reds).open_display()
    for _ in range(100):
        framebuffer.damage(0, 0, 1, 1)
        stalled.messages()
        quick.messages()
    assert stalled.connection.channel_client.ack.blocked
    assert not quick.connection.channel_client.ack.blocked


def test_each_viewer_hears_of_the_mouse_mode_when_it_reads(
    reds: RedsState, framebuffer: Framebuffer
) -> None:
    quick, slow = Viewer(reds).main, Viewer(reds).main
    reds.add_interface(TabletInterface())
    (message,) = quick.messages()
    assert message.message.current_mode == MouseMode.CLIENT
    quick.send("mouse_mode_request", MsgcMainMouseModeRequest(mode=MouseMode.SERVER))
    assert [one.message.current_mode for one in quick.messages()] == [MouseMode.SERVER]
    assert [one.message.current_mode for one in slow.messages()] == [MouseMode.SERVER]


def test_a_dead_viewer_delays_nobody_and_ends_with_a_reason(
    reds: RedsState, framebuffer: Framebuffer, core: FakeCore, caplog: pytest.LogCaptureFixture
) -> None:
    dead = Viewer(reds).open_display(acking=False)
    quick = Viewer(reds).open_display()
    dead.messages()
    quick.messages()
    canvas = bytearray(framebuffer.pixels)
    while not dead.connection.closed:
        framebuffer.fill(0, 0, 3, 3, (int(core.now()) % 256, 2, 3))
        picture(quick.messages(), canvas, WIDTH)
        assert canvas == framebuffer.pixels
        dead.read()
        core.advance(0.5)
    assert caplog.messages == ["viewer display:0: nothing acknowledged in 30 s"]
    assert not quick.connection.closed
    assert len(reds.clients) == 2, "the channel is gone, its viewer may open it again"


def test_a_channel_for_one_viewer_is_listed_while_there_is_one(
    reds: RedsState, alone: Alone
) -> None:
    only = Viewer(reds)
    assert (10, 0) in listed(only.main)
    assert {(10, 0)} == listed(only.main) - listed(Viewer(reds).main)


def test_a_new_channel_for_one_viewer_is_announced_while_there_is_one(
    reds: RedsState, framebuffer: Framebuffer
) -> None:
    only = Viewer(reds)
    listed(only.main)
    reds.register_channel(Alone(reds, 0))
    assert only.main.names() == ["channels_list"]
    Viewer(reds)
    reds.register_channel(Alone(reds, 1))
    assert only.main.names() == []


def test_who_has_a_channel_for_one_viewer_keeps_it(
    reds: RedsState, alone: Alone, caplog: pytest.LogCaptureFixture
) -> None:
    first = Viewer(reds).open("port")
    second = Viewer(reds)
    late = Peer(reds, local=True)
    late.link("port", connection_id=second.session_id)
    assert late.connection.closed
    assert caplog.messages == ["viewer link: another viewer has channel port:0"]
    assert not first.connection.closed
    assert not second.main.connection.closed
    first.connection.close()
    assert not second.open("port").connection.closed


def test_one_message_goes_to_every_viewer(reds: RedsState, framebuffer: Framebuffer) -> None:
    viewers = [Viewer(reds) for _ in range(3)]
    item = PipeItem(
        CHANNELS["main"].server.by_name["multi_media_time"], MsgMainMultiMediaTime(time=7)
    )
    reds.main.push(item)
    assert [viewer.main.names() for viewer in viewers] == [["multi_media_time"]] * 3


def test_a_viewer_that_never_got_in_cannot_be_told_to_leave() -> None:
    gone: list[RedClient] = []
    RedClient(1, on_gone=gone.append).disconnect("the server shuts down")
    assert gone == []


@pytest.mark.parametrize("seconds", [0, 0.1, 0.2, 15, 31])
@pytest.mark.parametrize("answering", [True, False])
@pytest.mark.parametrize("compression", ["off", "quic"])
def test_nothing_is_left_of_a_viewer_whenever_it_goes(
    reds: RedsState,
    framebuffer: Framebuffer,
    core: FakeCore,
    seconds: float,
    answering: bool,
    compression: str,
) -> None:
    reds.image_compression = compression
    core.do_jobs()
    before = core.armed
    viewer = Viewer(reds, local=False)
    peers = [viewer.open_display(), viewer.open("cursor"), viewer.open("inputs")]
    for peer in peers:
        peer.acking = answering
    for step in range(20):
        framebuffer.damage(0, 0, WIDTH, HEIGHT)
        core.advance(seconds / 20)
        for peer in peers:
            peer.messages()
        if step % 2:
            core.do_jobs()
    viewer.main.connection.receive_eof()
    core.do_jobs()
    assert [peer.connection.closed for peer in peers] == [True] * 3
    assert [channel.clients_num for channel in reds.channels] == [0] * len(reds.channels)
    assert (reds.clients, core.armed) == ([], before)
