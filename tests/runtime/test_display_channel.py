"""The display channel: the connect sequence, damage, slow viewers, resizes."""

from __future__ import annotations

import logging

import pytest

from redspice.ack import FLOW_WINDOW
from redspice.caps import DisplayCap
from redspice.channels.display import MIN_BAND_BYTES
from redspice.display.framebuffer import Box, Framebuffer
from redspice.interfaces import Monitor, QxlInterface
from redspice.limits import DEFAULT_LIMITS
from redspice.reds import RedsState
from redspice_protocol.base import MsgcPong
from redspice_protocol.display import MsgcDisplayPreferredCompression
from runtime.fake_core import FakeCore
from runtime.peer import DISPLAY_INIT, Peer, Received, Viewer, picture

WIDTH, HEIGHT = 40, 30
OPENING = ["inval_all_palettes", "surface_create", "draw_copy", "monitors_config", "mark"]


@pytest.fixture
def framebuffer() -> Framebuffer:
    framebuffer = Framebuffer(WIDTH, HEIGHT)
    framebuffer.pixels[:] = bytes(n % 251 for n in range(WIDTH * HEIGHT * 4))
    return framebuffer


@pytest.fixture
def qxl(reds: RedsState, framebuffer: Framebuffer) -> QxlInterface:
    qxl = QxlInterface(framebuffer)
    reds.add_interface(qxl)
    return qxl


@pytest.fixture
def display(reds: RedsState, qxl: QxlInterface) -> Peer:
    """A display channel whose opening has been read and acknowledged."""
    display = Viewer(reds).open_display()
    assert display.names() == ["set_ack", *OPENING]
    return display


def boxes(received: list[Received]) -> list[Box]:
    rects = [one.message.base.box for one in received if one.name == "draw_copy"]
    return [Box(rect.left, rect.top, rect.right, rect.bottom) for rect in rects]


def heads(received: Received) -> list[tuple[int, int, int, int, int, int]]:
    assert received.name == "monitors_config"
    return [
        (one.monitor_id, one.surface_id, one.x, one.y, one.width, one.height)
        for one in received.message.heads
    ]


def test_nothing_but_set_ack_before_the_viewers_init(reds: RedsState, qxl: QxlInterface) -> None:
    display = Viewer(reds).open("display")
    (set_ack,) = display.messages()
    assert (set_ack.name, set_ack.message.generation, set_ack.message.window) == ("set_ack", 1, 20)
    qxl.framebuffer.damage(0, 0, 5, 5)
    assert display.messages() == []


def test_the_opening_draws_the_whole_framebuffer(
    reds: RedsState, qxl: QxlInterface, framebuffer: Framebuffer
) -> None:
    display = Viewer(reds).open_display()
    received = display.messages()
    assert [one.name for one in received] == ["set_ack", *OPENING]
    create, draw, monitors = (one.message for one in received[2:5])
    assert (create.surface_id, create.width, create.height) == (0, WIDTH, HEIGHT)
    assert (create.format, create.flags) == (32, 1)
    image = draw.data.src_bitmap
    assert (image.descriptor.type, image.descriptor.flags) == (0, 0)
    assert (image.u.format, image.u.flags, image.u.stride) == (8, 4, WIDTH * 4)
    assert bytes(image.u.data) == bytes(framebuffer.pixels)
    assert (draw.data.rop_descriptor, draw.base.clip.type) == (8, 0)
    assert heads(received[4]) == [(0, 0, 0, 0, WIDTH, HEIGHT)]
    assert monitors.max_allowed == 1


def test_a_viewer_without_the_capability_gets_no_monitors(
    reds: RedsState, qxl: QxlInterface
) -> None:
    display = Viewer(reds).open_display(channel_caps=[DisplayCap.COMPOSITE])
    assert display.names() == ["set_ack", *(name for name in OPENING if "monitors" not in name)]
    qxl.monitors = [Monitor(0, 0, 0, 10, 10)]
    assert display.names() == []
    qxl.monitors = [Monitor(0, 0, 0, 20, 10)]
    qxl.framebuffer.damage(0, 0, 1, 1)
    assert display.connection.data_to_send(), "a shell that gets nothing does not ask again"


def test_a_second_init_ends_the_channel(display: Peer, caplog: pytest.LogCaptureFixture) -> None:
    display.send("init", DISPLAY_INIT)
    assert display.connection.closed
    assert caplog.messages == ["viewer display:0: a second init on a display channel"]


def test_a_viewer_that_never_says_init_is_disconnected(
    reds: RedsState, qxl: QxlInterface, core: FakeCore, caplog: pytest.LogCaptureFixture
) -> None:
    viewer = Viewer(reds)
    silent = viewer.open("display")
    core.advance(DEFAULT_LIMITS.init_timeout - 0.1)
    assert not silent.connection.closed
    core.advance(0.1)
    assert silent.connection.closed
    assert not viewer.main.connection.closed
    assert caplog.messages == ["viewer display:0: no init on the display channel in 30 s"]


def test_a_viewer_that_has_said_init_has_no_deadline(display: Peer, core: FakeCore) -> None:
    core.advance(10 * DEFAULT_LIMITS.init_timeout)
    assert not display.connection.closed
    assert core.armed == 0


def test_a_closed_display_leaves_no_deadline(
    reds: RedsState, qxl: QxlInterface, core: FakeCore
) -> None:
    Viewer(reds).open("display").connection.receive_eof()
    assert core.armed == 0


def test_scattered_damage_does_not_become_the_screen(reds: RedsState) -> None:
    framebuffer = Framebuffer(1920, 1080)
    reds.add_interface(QxlInterface(framebuffer))
    display = Viewer(reds).open_display()
    display.messages()
    for n in range(33):
        x, y = n * 241 % 1900, n * 157 % 1060
        framebuffer.damage(x, y, x + 16, y + 16)
    display.read()
    assert 33 * 16 * 16 * 4 < len(display.inbox) < 1.2 * 33 * 16 * 16 * 4


def test_damage_is_drawn(display: Peer, framebuffer: Framebuffer) -> None:
    framebuffer.fill(3, 4, 10, 6, (1, 2, 3))
    assert display.wakes > 0
    (draw,) = display.messages()
    assert boxes([draw]) == [Box(3, 4, 10, 6)]
    assert bytes(draw.message.data.src_bitmap.u.data) == bytes((1, 2, 3, 0)) * 14
    area = draw.message.data.src_area
    assert (area.left, area.top, area.right, area.bottom) == (0, 0, 7, 2)


def test_every_image_has_its_own_id(display: Peer, framebuffer: Framebuffer) -> None:
    framebuffer.damage(0, 0, 2, 2)
    framebuffer.damage(25, 25, 27, 27)
    ids = [one.message.data.src_bitmap.descriptor.id for one in display.messages()]
    assert len(set(ids)) == 2
    assert all(id >> 32 for id in ids)


def test_preferences_are_ignored(display: Peer) -> None:
    display.send("preferred_compression", MsgcDisplayPreferredCompression(image_compression=1))
    assert not display.connection.closed


def drawn_until_stalled(display: Peer, framebuffer: Framebuffer) -> int:
    """Damage one spot after the other until nothing is sent; returns how often it was."""
    for count in range(1000):
        framebuffer.damage(0, 0, 1, 1)
        if not display.messages():
            return count
    pytest.fail("the server never stops")


def test_a_viewer_that_does_not_acknowledge_stalls_after_two_windows(
    reds: RedsState, qxl: QxlInterface
) -> None:
    display = Viewer(reds).open_display(acking=False)
    opening = display.messages()
    # Two windows of 20 and the one message that goes over, counted from behind SET_ACK.
    assert len(opening) - 1 + drawn_until_stalled(display, qxl.framebuffer) == 41
    display.wakes = 0
    assert display.connection.data_to_send() == []
    assert display.wakes == 0


def test_an_ack_lets_a_stalled_viewer_go_on(reds: RedsState, qxl: QxlInterface) -> None:
    display = Viewer(reds).open_display(acking=False)
    drawn_until_stalled(display, qxl.framebuffer)
    display.send("ack")
    assert display.messages() == [], "no ACK counts before ACK_SYNC"
    display.send_bytes(display.frame(1, b"\1\0\0\0"))
    display.wakes = 0
    display.send("ack")
    assert display.wakes > 0
    assert len(boxes(display.messages())) == 1
    assert drawn_until_stalled(display, qxl.framebuffer) == 19


def test_surplus_acks_give_no_credit(reds: RedsState, qxl: QxlInterface) -> None:
    display = Viewer(reds).open_display(acking=False)
    display.messages()
    display.send_bytes(display.frame(1, b"\1\0\0\0"))
    for _ in range(500):
        display.send("ack")
    assert drawn_until_stalled(display, qxl.framebuffer) == 41


def test_a_viewer_that_never_acknowledges_is_disconnected(
    reds: RedsState, qxl: QxlInterface, core: FakeCore, caplog: pytest.LogCaptureFixture
) -> None:
    viewer = Viewer(reds)
    display = viewer.open_display(acking=False)
    display.messages()
    core.advance(10 * DEFAULT_LIMITS.ack_timeout)
    assert core.armed == 0, "there is no deadline before the window is full"
    drawn_until_stalled(display, qxl.framebuffer)
    core.advance(DEFAULT_LIMITS.ack_timeout - 0.1)
    qxl.framebuffer.damage(0, 0, 1, 1)
    assert display.messages() == []
    display.send("ack")  # of a generation that it has not said it has seen
    assert not display.connection.closed
    core.advance(0.1)
    assert display.connection.closed
    assert not viewer.main.connection.closed
    assert core.armed == 0
    assert caplog.messages == ["viewer display:0: nothing acknowledged in 30 s"]


def test_each_acknowledgement_gives_a_stalled_viewer_more_time(
    reds: RedsState, qxl: QxlInterface, core: FakeCore
) -> None:
    display = Viewer(reds).open_display(acking=False)
    drawn_until_stalled(display, qxl.framebuffer)
    display.send_bytes(display.frame(1, b"\1\0\0\0"))
    for _ in range(5):
        core.advance(DEFAULT_LIMITS.ack_timeout - 1)
        display.send("ack")
        assert core.armed == 0
        drawn_until_stalled(display, qxl.framebuffer)
        assert core.armed == 1
    display.connection.receive_eof()
    assert core.armed == 0


def test_damage_is_merged_while_a_viewer_is_stalled(
    reds: RedsState, framebuffer: Framebuffer, qxl: QxlInterface
) -> None:
    display = Viewer(reds).open_display(acking=False)
    canvas = bytearray(WIDTH * HEIGHT * 4)
    picture(display.messages(), canvas, WIDTH)
    for n in range(500):
        framebuffer.fill(n % 40, n % 30, n % 40 + 3, n % 30 + 3, (n % 251, 2, 3))
        picture(display.messages(), canvas, WIDTH)
    assert canvas != framebuffer.pixels
    display.send_bytes(display.frame(1, b"\1\0\0\0"))
    display.send("ack")
    late = display.messages()
    assert 0 < len(late) <= 20
    picture(late, canvas, WIDTH)
    assert canvas == framebuffer.pixels


def test_a_viewer_whose_transport_is_full_gets_the_newest_pixels_once(
    display: Peer, framebuffer: Framebuffer
) -> None:
    for n in range(100):
        framebuffer.fill(0, 0, 5, 5, (n, n, n))
    (draw,) = display.messages()
    assert bytes(draw.message.data.src_bitmap.u.data[:3]) == bytes([99] * 3)


def test_one_slow_viewer_does_not_slow_another(
    reds: RedsState, qxl: QxlInterface, framebuffer: Framebuffer
) -> None:
    reds.allow_multiple_clients = True
    slow = Viewer(reds).open_display(acking=False)
    quick = Viewer(reds).open_display()
    slow.messages()
    quick.messages()
    for _ in range(200):
        framebuffer.damage(0, 0, 1, 1)
        slow.read()
        assert len(quick.messages()) == 1


def test_a_large_framebuffer_comes_whole_at_first_and_in_bands_later(reds: RedsState) -> None:
    framebuffer = Framebuffer(1024, 600)
    reds.add_interface(QxlInterface(framebuffer))
    display = Viewer(reds).open_display()
    assert boxes(display.messages()) == [framebuffer.box]
    framebuffer.fill(0, 0, 1024, 600, (7, 8, 9))
    received = display.messages()
    assert [box.height for box in boxes(received)] == [256, 256, 88]
    canvas = bytearray(1024 * 600 * 4)
    picture(received, canvas, 1024)
    assert canvas == framebuffer.pixels


def test_each_band_has_the_pixels_of_the_moment_it_is_sent(reds: RedsState) -> None:
    framebuffer = Framebuffer(1024, 600)
    reds.add_interface(QxlInterface(framebuffer))
    display = Viewer(reds).open_display()
    display.messages()
    framebuffer.fill(0, 0, 1024, 600, (1, 1, 1))
    canvas = bytearray(1024 * 600 * 4)
    first = display.messages(limit=1)
    assert len(first) == 1
    framebuffer.fill(0, 0, 1024, 600, (2, 2, 2))
    picture(first, canvas, 1024)
    picture(display.messages(), canvas, 1024)
    assert canvas == framebuffer.pixels


def test_bands_of_another_size_are_dropped(reds: RedsState) -> None:
    framebuffer = Framebuffer(1024, 600)
    reds.add_interface(QxlInterface(framebuffer))
    display = Viewer(reds).open_display()
    display.messages()
    framebuffer.fill(0, 0, 1024, 600, (1, 1, 1))
    display.messages(limit=1)
    framebuffer.resize(20, 10)
    received = display.messages()
    assert boxes(received) == [Box(0, 0, 20, 10)]
    assert not display.connection.closed


def test_a_resize_makes_a_new_surface(display: Peer, framebuffer: Framebuffer) -> None:
    framebuffer.damage(0, 0, WIDTH, HEIGHT)
    framebuffer.resize(20, 50)
    framebuffer.fill(0, 0, 20, 50, (1, 2, 3))
    received = display.messages()
    assert [one.name for one in received] == ["surface_destroy", *OPENING[1:]]
    assert (received[1].message.width, received[1].message.height) == (20, 50)
    assert boxes(received) == [Box(0, 0, 20, 50)]
    assert heads(received[3]) == [(0, 0, 0, 0, 20, 50)]
    assert bytes(received[2].message.data.src_bitmap.u.data) == bytes(framebuffer.pixels)


def test_resizes_while_stalled_end_in_the_last_size(
    reds: RedsState, qxl: QxlInterface, framebuffer: Framebuffer
) -> None:
    display = Viewer(reds).open_display(acking=False)
    drawn_until_stalled(display, framebuffer)
    for size in range(1, 200):
        framebuffer.resize(size, size)
    assert display.messages() == []
    display.send_bytes(display.frame(1, b"\1\0\0\0"))
    display.send("ack")
    received = display.messages()
    assert [one.name for one in received] == ["surface_destroy", *OPENING[1:]]
    assert received[1].message.width == 199


def test_a_resize_before_init_only_changes_the_first_surface(
    reds: RedsState, qxl: QxlInterface, framebuffer: Framebuffer
) -> None:
    display = Viewer(reds).open("display")
    framebuffer.resize(5, 5)
    display.send("init", DISPLAY_INIT)
    assert display.names() == ["set_ack", *OPENING]


def test_new_monitors_are_told(display: Peer, qxl: QxlInterface) -> None:
    qxl.monitors = [Monitor(0, 0, 0, 20, 30), Monitor(1, 20, 0, 20, 30)]
    (received,) = display.messages()
    assert heads(received) == [(0, 0, 0, 0, 20, 30), (1, 0, 20, 0, 20, 30)]
    assert received.message.max_allowed == 2


def test_monitors_are_cut_when_the_screen_shrinks(
    display: Peer, qxl: QxlInterface, framebuffer: Framebuffer
) -> None:
    qxl.monitors = [Monitor(0, 0, 0, 20, 30), Monitor(1, 20, 0, 20, 30)]
    display.messages()
    framebuffer.resize(10, 15)
    (monitors,) = [one for one in display.messages() if one.name == "monitors_config"]
    assert heads(monitors) == [(0, 0, 0, 0, 10, 15)]


def test_an_unregistered_display_lets_its_viewers_and_framebuffer_go(
    reds: RedsState, display: Peer, framebuffer: Framebuffer, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    channel = reds.channels.find(2, 0)
    assert channel is not None
    reds.unregister_channel(channel)
    assert display.connection.closed
    assert channel.clients_num == 0
    assert (framebuffer._listeners, channel.qxl.monitor_listeners) == ([], [])
    assert caplog.messages == ["viewer display:0: the channel was unregistered"]


def test_a_broken_framebuffer_read_closes_only_that_viewer(
    reds: RedsState, display: Peer, qxl: QxlInterface, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(box: Box) -> bytes:
        raise RuntimeError("no pixels")

    qxl.framebuffer.damage(0, 0, 1, 1)
    monkeypatch.setattr(qxl.framebuffer, "read", broken)
    assert display.messages() == []
    assert display.connection.closed
    assert len(reds.clients) == 1


class TestOnANetwork:
    """Where the flow is by bytes."""

    @pytest.fixture
    def display(self, reds: RedsState, qxl: QxlInterface) -> Peer:
        reds.image_compression = "off"
        return Viewer(reds, local=False).open_display()

    def test_the_round_trip_is_asked_for_before_anything_large(self, display: Peer) -> None:
        display.acking = False
        assert display.names()[:2] == ["ping", "set_ack"]

    def test_the_ack_window_leaves_it_to_the_bytes(self, display: Peer) -> None:
        set_ack = display.messages()[0]
        assert (set_ack.name, set_ack.message.window) == ("set_ack", FLOW_WINDOW)

    def test_pings_are_in_nanoseconds(self, display: Peer) -> None:
        display.acking = False
        assert display.messages()[0].message.timestamp == 1000 * 10**9

    def test_an_unanswered_mark_stops_the_drawing_until_it_is_answered(
        self, reds: RedsState
    ) -> None:
        framebuffer, display = self.large(reds, budget=64 * 1024)
        framebuffer.damage(0, 0, 1024, 600)
        received = display.messages()
        drawn = sum(box.height for box in boxes(received))
        assert 0 < drawn < 600
        assert display.messages() == []
        display.acking = True
        for ping in (one.message for one in received if one.name == "ping"):
            display.send("pong", MsgcPong(id=ping.id, timestamp=ping.timestamp))
        assert drawn + sum(box.height for box in boxes(display.messages())) == 600

    @pytest.mark.parametrize(
        ("budget", "rows"), [(1, MIN_BAND_BYTES // 4096), (256 * 1024, 16), (1 << 26, 256)]
    )
    def test_updates_are_as_short_as_the_line_wants(
        self, reds: RedsState, budget: int, rows: int
    ) -> None:
        framebuffer, display = self.large(reds, budget)
        framebuffer.damage(0, 0, 1024, 600)
        assert boxes(display.messages(limit=1))[0].height == rows

    def large(self, reds: RedsState, budget: int) -> tuple[Framebuffer, Peer]:
        """A larger screen, drawn once, and a viewer that has stopped to answer."""
        framebuffer = Framebuffer(1024, 600)
        reds.image_compression = "off"
        reds.add_interface(QxlInterface(framebuffer, id=1))
        display = Viewer(reds, local=False).open("display", channel_id=1)
        display.send("init", DISPLAY_INIT)
        display.messages()
        display.acking = False
        client = display.connection.channel_client
        assert client is not None
        assert client.flow is not None
        client.flow.budget = budget
        return framebuffer, display

    def test_a_viewer_that_answers_no_ping_is_dropped(
        self,
        core: FakeCore,
        display: Peer,
        framebuffer: Framebuffer,
        caplog: pytest.LogCaptureFixture,
    ) -> None:
        display.messages()
        display.acking = False
        for _ in range(100):
            framebuffer.damage(0, 0, WIDTH, HEIGHT)
            display.messages()
        assert not display.connection.closed
        core.advance(DEFAULT_LIMITS.ack_timeout + 5)
        assert display.connection.closed
        assert any("nothing answered in 3" in message for message in caplog.messages)

    def test_an_ack_gives_a_viewer_that_owes_an_answer_no_time(
        self, core: FakeCore, display: Peer, framebuffer: Framebuffer
    ) -> None:
        display.messages()
        display.acking = False
        for _ in range(100):
            framebuffer.damage(0, 0, WIDTH, HEIGHT)
            display.messages()
        for _ in range(4):
            core.advance(DEFAULT_LIMITS.ack_timeout / 4)
            display.send("ack")
        core.advance(5)
        assert display.connection.closed
