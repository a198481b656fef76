"""Connections: what a transport shell sees, and what a bad peer costs."""

from __future__ import annotations

import logging
import struct

import pytest

from redspice import refusals
from redspice.caps import CommonCap
from redspice.display.framebuffer import Framebuffer
from redspice.interfaces import ChannelEvent, ChannelEventInfo, KeyboardInterface, QxlInterface
from redspice.limits import DEFAULT_LIMITS
from redspice.pipe import PipeItem
from redspice.reds import RedsState
from redspice.ticket_key import TICKET_SIZE
from redspice_protocol import CHANNELS
from redspice_protocol.base import MsgcDisconnecting
from runtime.fake_core import FakeCore
from runtime.peer import DISPLAY_INIT, PASSWORD, Peer, Viewer, link_message


@pytest.fixture(autouse=True)
def screen(reds: RedsState, caplog: pytest.LogCaptureFixture) -> QxlInterface:
    caplog.set_level(logging.DEBUG, "redspice")
    qxl = QxlInterface(Framebuffer(8, 4))
    reds.add_interface(qxl)
    return qxl


def test_the_first_message_follows_the_link_result(reds: RedsState) -> None:
    peer = Peer(reds)
    assert peer.link("main") == 0
    assert peer.names()[0] == "init"


def test_the_shell_is_woken_when_there_is_output_and_when_closed(reds: RedsState) -> None:
    peer = Peer(reds)
    peer.send_bytes(link_message("main")[:20])
    peer.wakes = 0
    peer.send_bytes(link_message("main")[20:])
    assert peer.wakes > 0
    peer.wakes = 0
    peer.connection.close()
    assert peer.wakes == 1
    peer.connection.close()
    assert peer.wakes == 1


def test_messages_may_come_with_the_ticket(reds: RedsState) -> None:
    viewer = Viewer(reds)
    peer = Peer(reds, local=True)
    peer.channel = "display"
    peer.send_bytes(link_message("display", connection_id=viewer.session_id))
    ticket = peer.encrypt(peer.take_reply().public_key)
    init = peer.frame(101, b"\1" + bytes(8) + b"\1" + bytes(4))
    peer.send_bytes(b"\1\0\0\0" + ticket + init)
    assert peer.take_result() == 0
    assert "surface_create" in peer.names()


@pytest.mark.usefixtures("one_modulus")
def test_closing_at_any_byte_of_the_link_leaves_nothing_behind(
    reds: RedsState, core: FakeCore
) -> None:
    opening = link_message("main")
    for length in range(len(opening) + 1):
        peer = Peer(reds)
        peer.send_bytes(opening[:length])
        peer.connection.receive_eof()
        assert peer.connection.closed
    for length in range(4 + TICKET_SIZE):
        peer = Peer(reds)
        peer.send_bytes(opening)
        rest = b"\1\0\0\0" + peer.encrypt(peer.take_reply().public_key)
        peer.send_bytes(rest[:length])
        peer.connection.connection_lost("reset")
        assert peer.connection.closed
    assert reds.clients == []
    core.advance(refusals.INTERVAL)
    assert core.armed == 0
    events = [event for event, _ in core.events]
    assert events.count(ChannelEvent.CONNECTED) == events.count(ChannelEvent.DISCONNECTED) == 133


def test_a_link_error_is_flushed_then_closed(
    reds: RedsState, caplog: pytest.LogCaptureFixture
) -> None:
    peer = Peer(reds, name="1.2.3.4:5")
    peer.send_bytes(b"GET / HTTP/1.1\r\n\r\n")
    assert peer.connection.closed
    assert peer.take_reply().error == 2
    peer.send_bytes(link_message("main"))
    assert peer.connection.data_to_send() == []
    assert len(caplog.records) == 1
    assert caplog.messages[0].startswith("1.2.3.4:5 link: link refused (INVALID_MAGIC)")


def test_a_slow_link_ends_at_its_deadline(reds: RedsState, core: FakeCore) -> None:
    peer = Peer(reds)
    for byte in link_message("main")[:9]:
        core.advance(1)
        peer.send_bytes(bytes([byte]))
    assert not peer.connection.closed
    core.advance(DEFAULT_LIMITS.link_timeout - 9)
    assert peer.connection.closed
    assert DEFAULT_LIMITS.link_timeout == 10


def test_a_finished_link_has_no_deadline(reds: RedsState, core: FakeCore) -> None:
    viewer = Viewer(reds)
    core.advance(1000)
    assert not viewer.main.connection.closed


def test_an_unknown_message_ends_only_its_channel_with_one_line(
    reds: RedsState, caplog: pytest.LogCaptureFixture
) -> None:
    viewer = Viewer(reds)
    display, inputs = viewer.open_display(), viewer.open("inputs")
    display.send_bytes(display.frame(999, b"xyz"))
    assert display.connection.closed
    assert display.connection.data_to_send() == []
    assert not inputs.connection.closed
    assert not viewer.main.connection.closed
    assert caplog.messages == ["viewer display:0: unknown message type 999"]


def test_an_oversized_message_ends_only_its_channel_with_one_line(
    reds: RedsState, caplog: pytest.LogCaptureFixture
) -> None:
    viewer = Viewer(reds)
    display = viewer.open_display()
    display.send_bytes(display.frame(101, bytes(1025))[:6])
    assert display.connection.closed
    assert not viewer.main.connection.closed
    assert caplog.messages == [
        "viewer display:0: message type 101 of 1025 bytes is over the limit of 1024"
    ]


@pytest.mark.parametrize(
    ("channel", "limit"), [("main", 26624), ("display", 1024), ("inputs", 2048), ("cursor", 1024)]
)
def test_every_channel_has_its_limit(reds: RedsState, channel: str, limit: int) -> None:
    for size, closed in ((limit, False), (limit + 1, True)):
        viewer = Viewer(reds)
        peer = viewer.main if channel == "main" else viewer.open(channel)
        peer.send_bytes(peer.frame(101, bytes(size))[:6])
        assert peer.connection.closed is closed


def test_a_short_body_ends_the_channel(reds: RedsState, caplog: pytest.LogCaptureFixture) -> None:
    inputs = Viewer(reds).open("inputs")
    inputs.send_bytes(inputs.frame(101, b"\1\2"))
    assert inputs.connection.closed
    assert len(caplog.records) == 1
    assert "key_down" in caplog.messages[0]


def test_a_known_but_unexpected_message_is_named(
    reds: RedsState, caplog: pytest.LogCaptureFixture
) -> None:
    display = Viewer(reds).open_display()
    display.send("gl_draw_done")
    assert display.connection.closed
    assert caplog.messages == ["viewer display:0: unexpected message gl_draw_done"]


def test_messages_behind_a_bad_one_are_not_looked_at(reds: RedsState) -> None:
    keys: list[int] = []

    class Keyboard(KeyboardInterface):
        def push_scan_freg(self, fragment: int) -> None:
            keys.append(fragment)

    reds.add_interface(Keyboard())
    inputs = Viewer(reds).open("inputs")
    key = inputs.frame(101, b"\x1e\0\0\0")
    inputs.send_bytes(key + inputs.frame(999, b"") + key)
    inputs.send_bytes(key)
    assert keys == [0x1E, 0x9E], "the key, and its release as the viewer is gone"


def test_an_exception_of_the_embedder_ends_only_that_connection(
    reds: RedsState, caplog: pytest.LogCaptureFixture
) -> None:
    class Broken(KeyboardInterface):
        def push_scan_freg(self, fragment: int) -> None:
            raise RuntimeError("the keyboard is on fire")

    reds.add_interface(Broken())
    viewer = Viewer(reds)
    inputs, display = viewer.open("inputs"), viewer.open_display()
    inputs.send_bytes(inputs.frame(101, b"\x1e\0\0\0"))
    assert inputs.connection.closed
    assert not display.connection.closed
    # The key may be down all the same, so it is let go of.
    assert caplog.messages == [
        "viewer inputs:0: unexpected error, closing",
        "viewer inputs:0: while disconnecting",
    ]
    assert all(record.exc_info is not None for record in caplog.records)
    assert viewer.open("inputs").names() == ["init"]


def test_an_exception_while_a_message_is_made_ends_only_that_connection(
    reds: RedsState, caplog: pytest.LogCaptureFixture
) -> None:
    def fail() -> PipeItem:
        raise RuntimeError("no ink")

    viewer = Viewer(reds)
    inputs, display = viewer.open("inputs"), viewer.open_display()
    client = inputs.connection.channel_client
    assert client is not None
    client.mark_due(fail)
    assert inputs.connection.data_to_send() == []
    assert inputs.connection.closed
    assert not display.connection.closed
    assert caplog.messages == ["viewer inputs:0: unexpected error, closing"]


def test_an_exception_while_a_channel_opens_leaves_nothing_behind(reds: RedsState) -> None:
    keyboard = KeyboardInterface()
    reds.add_interface(keyboard)
    keyboard.get_leds = lambda: 1 // 0  # type: ignore[method-assign]
    viewer = Viewer(reds)
    for _ in range(2):
        inputs = viewer.open("inputs")
        assert inputs.connection.closed
    assert reds.inputs.clients_num == 0
    assert len(reds.clients[0].channel_clients) == 1


@pytest.mark.parametrize("channel", ["main", "display"])
@pytest.mark.parametrize("bad_event", ChannelEvent)
def test_an_embedder_may_shut_down_in_any_channel_event(
    reds: RedsState, core: FakeCore, channel: str, bad_event: ChannelEvent
) -> None:
    viewer = Viewer(reds)
    channel_type = CHANNELS[channel].id

    def channel_event(event: ChannelEvent, info: ChannelEventInfo) -> None:
        if event is bad_event and info.channel_type == channel_type:
            reds.shutdown()

    core.channel_event = channel_event  # type: ignore[method-assign]
    reds.allow_multiple_clients = True
    peer = Peer(reds, local=True)
    peer.link(channel, connection_id=0 if channel == "main" else viewer.session_id)
    peer.connection.close()
    viewer.main.connection.close()
    assert reds.clients == []
    assert core.armed == 0


def test_messages_behind_one_that_made_the_embedder_close_are_not_looked_at(
    reds: RedsState,
) -> None:
    keys: list[int] = []

    class Keyboard(KeyboardInterface):
        def push_scan_freg(self, fragment: int) -> None:
            keys.append(fragment)
            reds.shutdown()

    reds.add_interface(Keyboard())
    inputs = Viewer(reds).open("inputs")
    inputs.send_bytes(inputs.frame(101, b"\x1e\0\0\0") + inputs.frame(101, b"\x1f\0\0\0"))
    assert keys == [0x1E, 0x9E], "the key, and its release as the viewer is gone"


def test_channel_events_tell_every_step(reds: RedsState, core: FakeCore) -> None:
    viewer = Viewer(reds)
    viewer.main.connection.receive_eof()
    assert [event for event, _ in core.events] == list(ChannelEvent)
    infos = [info for _, info in core.events]
    assert [info.connection_id for info in infos] == [0, viewer.session_id, viewer.session_id]
    assert {(info.channel_type, info.channel_id, info.peer) for info in infos} == {(1, 0, "viewer")}


def test_a_full_header_client_gets_serials(reds: RedsState) -> None:
    viewer = Viewer(reds, common_caps=(CommonCap.AUTH_SELECTION, CommonCap.AUTH_SPICE))
    viewer.main.send("attach_channels")
    received = viewer.greeting + viewer.main.messages()
    assert [one.serial for one in received] == list(range(1, len(received) + 1))
    assert received[-1].name == "channels_list"
    display = viewer.open_display(common_caps=())
    assert "draw_copy" in [one.name for one in display.messages()]


def test_an_end_of_stream_is_no_fault(reds: RedsState, caplog: pytest.LogCaptureFixture) -> None:
    viewer = Viewer(reds)
    viewer.main.connection.receive_eof()
    viewer.main.connection.connection_lost("closed")
    assert viewer.main.connection.closed
    assert caplog.messages == []


def test_a_goodbye_ends_the_connection(reds: RedsState, caplog: pytest.LogCaptureFixture) -> None:
    viewer = Viewer(reds)
    inputs = viewer.open("inputs")
    goodbye = MsgcDisconnecting(time_stamp=0, reason=0)
    body = CHANNELS["inputs"].client.by_name["disconnecting"].marshal(goodbye)
    inputs.send_bytes(inputs.frame(6, body) * 1000)
    assert inputs.connection.closed
    assert not viewer.main.connection.closed
    assert caplog.messages == ["viewer inputs:0: the viewer says goodbye, reason 0"]
    assert caplog.records[0].levelno == logging.INFO


def test_sub_messages_of_a_viewer_end_its_channel(
    reds: RedsState, caplog: pytest.LogCaptureFixture
) -> None:
    viewer = Viewer(reds)
    inputs = viewer.open("inputs", common_caps=())
    key_up = (0x9E).to_bytes(4, "little")
    sub_list = b"\1\0" + (10).to_bytes(4, "little") + b"\x65\0\4\0\0\0\x1e\0\0\0"
    size = len(key_up + sub_list)
    inputs.send_bytes(struct.pack("<QHII", 1, 102, size, len(key_up)) + key_up + sub_list)
    assert inputs.connection.closed
    assert caplog.messages == [
        "viewer inputs:0: message type 102 has sub-messages, as only servers send"
    ]


@pytest.mark.parametrize("failing", ["device", "core"])
def test_a_callback_that_fails_at_the_end_keeps_nobody_from_hearing_of_it(
    reds: RedsState, core: FakeCore, monkeypatch: pytest.MonkeyPatch, failing: str
) -> None:
    released: list[int] = []

    class Keyboard(KeyboardInterface):
        def push_scan_freg(self, fragment: int) -> None:
            if fragment & 0x80:
                released.append(fragment)
                assert failing != "device"

    events: list[ChannelEvent] = []

    def channel_event(event: ChannelEvent, info: ChannelEventInfo) -> None:
        events.append(event)
        assert failing != "core" or event is not ChannelEvent.DISCONNECTED

    reds.add_interface(Keyboard())
    viewer = Viewer(reds)
    monkeypatch.setattr(core, "channel_event", channel_event)
    inputs = viewer.open("inputs")
    inputs.send_bytes(inputs.frame(101, b"\x1e\0\0\0"))
    inputs.wakes = 0
    inputs.connection.close()
    assert released == [0x9E]
    assert events == list(ChannelEvent)
    assert inputs.wakes == 1
    assert reds.inputs.clients_num == 0


def test_a_connection_that_is_closed_while_others_make_way_leaves_no_viewer(
    reds: RedsState, core: FakeCore, monkeypatch: pytest.MonkeyPatch
) -> None:
    Viewer(reds)
    late = Peer(reds, local=True)
    events: list[ChannelEvent] = []

    def channel_event(event: ChannelEvent, info: ChannelEventInfo) -> None:
        events.append(event)
        late.connection.close()

    late.channel = "main"
    late.send_bytes(link_message("main"))
    ticket = late.encrypt(late.take_reply().public_key)
    monkeypatch.setattr(core, "channel_event", channel_event)
    late.send_bytes(b"\1\0\0\0" + ticket)
    assert late.connection.closed
    assert reds.clients == []
    assert reds.main.clients_num == 0
    assert events == [ChannelEvent.DISCONNECTED] * 2, "the viewer before it, and itself"
    assert core.armed == 0


def test_no_log_tells_a_session(reds: RedsState, caplog: pytest.LogCaptureFixture) -> None:
    viewer = Viewer(reds)
    peer = Peer(reds)
    peer.send_bytes(link_message("inputs", connection_id=viewer.session_id))
    ticket = peer.encrypt(peer.take_reply().public_key)
    reds.unregister_channel(reds.inputs)
    peer.send_bytes(b"\1\0\0\0" + ticket)
    assert "channel 3:0 is gone" in caplog.text
    assert str(viewer.session_id) not in caplog.text


def test_a_viewer_that_asks_and_does_not_read_is_disconnected(
    reds: RedsState, caplog: pytest.LogCaptureFixture
) -> None:
    viewer = Viewer(reds)
    for _ in range(2000):
        viewer.main.send("attach_channels")
    assert viewer.main.connection.closed
    assert caplog.messages == [
        "viewer main:0: 1024 messages of 10240 bytes wait and the viewer does not read"
    ]


def test_output_comes_in_bounded_rounds(reds: RedsState, screen: QxlInterface) -> None:
    screen.framebuffer.resize(1024, 1024)
    display = Viewer(reds).open("display")
    display.send("init", DISPLAY_INIT)
    while buffers := display.connection.data_to_send():
        # One large message may be over the bound, what follows it waits for the next round.
        assert sum(map(len, buffers)) < 4 * 1024 * 1024 + 1024
        assert sum(len(buffer) > 100_000 for buffer in buffers) <= 1


def test_no_repr_or_log_tells_a_secret(reds: RedsState, caplog: pytest.LogCaptureFixture) -> None:
    viewer = Viewer(reds)
    display = viewer.open_display()
    assert Peer(reds).link("main", password="not the one") == 7
    shown = [reds, *reds.clients, *reds.channels, viewer.main.connection, display.connection]
    shown += [one for channel in reds.channels for one in channel.clients]
    text = " ".join(map(repr, shown)) + caplog.text
    assert PASSWORD not in text
    assert "not the one" not in text
    assert str(viewer.session_id) not in text
