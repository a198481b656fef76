"""The real display channel over simulated lines: full, and without a long queue."""

from __future__ import annotations

import random

import pytest

from redspice.channel_client import RedChannelClient
from redspice.channels.display import DisplayChannelClient
from redspice.display.framebuffer import Framebuffer
from redspice.flow import LATE, ROUND_TRIP_AGE
from redspice.interfaces import QxlInterface
from redspice.limits import DEFAULT_LIMITS
from redspice.marks import PROBES
from redspice.pings import PING_BYTES
from redspice.reds import RedsState
from runtime.fake_core import FakeCore
from runtime.line import Line
from runtime.peer import DISPLAY_INIT, Received, Viewer

MBIT = 125_000
WIDTH, HEIGHT = 800, 600
FRAME = 1 / 20
PING_SIZE = 6 + PING_BYTES
KEY = (700, 500, 710, 510)
BESIDE_KEY = (0, 0, 640, 600)


class Screen:
    """A framebuffer that changes all the time, more than any line carries."""

    def __init__(self, reds: RedsState, core: FakeCore) -> None:
        self.framebuffer = Framebuffer(WIDTH, HEIGHT)
        reds.add_interface(QxlInterface(self.framebuffer))
        self._timer = core.timer(self._draw)
        self._boxes = [(0, 0, WIDTH, HEIGHT)]

    def move(self, *boxes: tuple[int, int, int, int]) -> None:
        """From now on these boxes change, or else all."""
        self._boxes = list(boxes) or self._boxes
        self._draw()

    def scatter(self) -> None:
        """From now on small boxes change that are far from each other."""
        self.move(*((x, y, x + 5, y + 5) for x in range(0, 800, 100) for y in range(0, 600, 80)))

    def _draw(self) -> None:
        for box in self._boxes:
            self.framebuffer.damage(*box)
        self._timer.start(FRAME)


@pytest.fixture
def screen(reds: RedsState, core: FakeCore) -> Screen:
    reds.image_compression = "off"
    return Screen(reds, core)


def connect(reds: RedsState, core: FakeCore, *, mbit: float, round_trip: float) -> Line:
    """A viewer at the other end of a line, after its first picture."""
    peer = Viewer(reds, local=False).open("display")
    line = Line(core, peer, rate=mbit * MBIT, delay=round_trip / 2)
    line.run(2 * round_trip)
    peer.send("init", DISPLAY_INIT)
    line.run(2 * round_trip + 1.5 * WIDTH * HEIGHT * 4 / line.rate)
    return line


def fall_silent(
    reds: RedsState,
    core: FakeCore,
    screen: Screen,
    seconds: float,
    *moving: tuple[int, int, int, int],
) -> Line:
    """A line that motion fills, and on which nothing has come up for so many seconds."""
    line = connect(reds, core, mbit=10, round_trip=0.08)
    screen.move(*moving)
    line.run(2)
    line.cut = True
    line.run(seconds)
    return line


def measured(line: Line, seconds: float) -> tuple[float, float]:
    """How much of the line was used, and the longest queue in front of it, in seconds."""
    line.queue, line.carried = 0.0, 0
    line.run(seconds)
    return line.carried / line.rate / seconds, line.queue


@pytest.mark.parametrize(("mbit", "round_trip"), [(10, 0.08), (100, 0.02), (3, 0.15)])
def test_a_line_is_full_and_its_queue_short(
    reds: RedsState, core: FakeCore, screen: Screen, mbit: float, round_trip: float
) -> None:
    line = connect(reds, core, mbit=mbit, round_trip=round_trip)
    screen.move()
    line.run(1)
    used, queue = measured(line, 5)
    assert used > 0.95
    assert queue < 0.25


@pytest.mark.parametrize(
    ("mbit", "round_trip", "loss"), [(10, 0.08, 0.01), (10, 0.08, 0.05), (3, 0.15, 0.05)]
)
def test_a_line_with_losses_is_used_as_far_as_its_packets_come(
    reds: RedsState,
    core: FakeCore,
    screen: Screen,
    mbit: float,
    round_trip: float,
    loss: float,
) -> None:
    line = connect(reds, core, mbit=mbit, round_trip=round_trip)
    line.loss = loss
    screen.move()
    line.run(2)
    used, queue = measured(line, 10)
    assert used > 0.85
    assert queue < 0.4


def test_a_line_stays_so_while_the_round_trip_is_measured_anew(
    reds: RedsState, core: FakeCore, screen: Screen
) -> None:
    line = connect(reds, core, mbit=10, round_trip=0.08)
    screen.move()
    line.run(1)
    used, queue = measured(line, 2.5 * ROUND_TRIP_AGE)
    assert used > 0.95
    assert queue < 0.25


def test_a_fast_line_is_not_held_back(reds: RedsState, core: FakeCore, screen: Screen) -> None:
    line = connect(reds, core, mbit=1000, round_trip=0.001)
    screen.move()
    line.run(0.5)
    line.carried = 0
    line.run(1)
    drawn = WIDTH * HEIGHT * 4 / FRAME
    assert line.carried > 0.95 * drawn


def test_small_messages_fill_a_long_line(reds: RedsState, core: FakeCore, screen: Screen) -> None:
    line = connect(reds, core, mbit=1, round_trip=0.3)
    screen.scatter()
    line.run(2)
    used, _ = measured(line, 5)
    assert used > 0.9, "forty messages in each round trip would fill a quarter"


def test_a_line_that_gets_slower_and_faster_again_is_followed(
    reds: RedsState, core: FakeCore, screen: Screen
) -> None:
    line = connect(reds, core, mbit=10, round_trip=0.08)
    screen.move()
    line.run(2)
    line.rate /= 10
    line.run(4)
    used, queue = measured(line, 5)
    assert used > 0.95
    assert queue < 0.3
    line.rate *= 10
    line.run(2)
    used, queue = measured(line, 5)
    assert used > 0.95
    assert queue < 0.25


def test_what_a_user_types_is_seen_soon_though_more_is_drawn_than_the_line_carries(
    reds: RedsState, core: FakeCore, screen: Screen
) -> None:
    line = connect(reds, core, mbit=10, round_trip=0.08)
    screen.move((0, 0, 640, 600))
    line.run(2)
    for _ in range(20):
        pressed, before = core.now(), len(line.received)
        line.run(line.delay)  # the key is on its way
        screen.framebuffer.damage(*KEY)
        line.run(0.5)
        shown = [at for at, one in line.received[before:] if is_key(one)]
        assert shown
        assert shown[0] - pressed < 0.3


@pytest.mark.parametrize("compression", ["off", "lz"])
def test_what_a_user_types_does_not_wait_for_answers_that_are_late(
    reds: RedsState, core: FakeCore, screen: Screen, compression: str
) -> None:
    """A packet that is lost holds up answers, and with them all that is less urgent."""
    reds.image_compression = compression
    pixels = screen.framebuffer.pixels
    pixels[:] = random.Random(7).randbytes(len(pixels))  # which no compression makes smaller
    line = fall_silent(reds, core, screen, 0.5, BESIDE_KEY)
    assert line.peer.connection.data_to_send() == [], "the window is shut"
    waiting = len(client_of(line).pipe)
    screen.framebuffer.damage(*KEY)
    before = len(line.received)
    line.run(0.2)
    new = [one for _, one in line.received[before:] if one.name == "draw_copy"]
    assert [is_key(one) for one in new] == [*[False] * waiting, True]
    for _ in range(20):
        line.run(0.3)
        screen.framebuffer.damage(*KEY)
        screen.framebuffer.damage(700, 0, 800, 200)
    flow = client_of(line).flow
    assert flow is not None
    assert flow.budget < flow.in_flight < 2 * flow.budget


def test_what_follows_something_urgent_is_not_urgent_too(
    reds: RedsState, core: FakeCore, screen: Screen
) -> None:
    line = fall_silent(reds, core, screen, 0.3, BESIDE_KEY)
    screen.framebuffer.damage(*KEY)
    line.run(0.05)
    assert client_of(line).has_urgent()
    line.cut = False
    line.run(2)
    assert not client_of(line).has_urgent()


def test_nothing_exceeds_the_window_while_monitors_are_to_be_told(
    reds: RedsState, core: FakeCore, screen: Screen
) -> None:
    line = fall_silent(reds, core, screen, 0.5, BESIDE_KEY)
    client = client_of(line)
    assert isinstance(client, DisplayChannelClient)
    client.monitors_stale = True
    screen.framebuffer.damage(*KEY)
    before = len(line.received)
    line.run(0.2)
    assert not [one for _, one in line.received[before:] if is_key(one)]


def test_an_answer_that_is_lost_is_asked_for_again(
    reds: RedsState, core: FakeCore, screen: Screen
) -> None:
    line = connect(reds, core, mbit=10, round_trip=0.08)
    screen.move()
    line.run(2)
    line.cut = True  # what is on its way up is lost, and never comes
    line.run(0.3)
    line.cut = False
    before = line.carried
    line.run(LATE * 0.08 + 0.3)
    assert line.carried - before > 0.05 * line.rate
    used, _ = measured(line, 2)
    assert used > 0.9


def test_it_is_asked_for_only_so_often(reds: RedsState, core: FakeCore, screen: Screen) -> None:
    line = fall_silent(reds, core, screen, 0.3)
    before = len(line.received)
    line.carried = 0
    line.run(20)
    assert line.received[before:] == []
    assert line.carried == (PROBES - 1) * PING_SIZE, "the first went before"


def test_what_only_asked_again_is_not_asked_for_again(
    reds: RedsState, core: FakeCore, screen: Screen
) -> None:
    """A line whose round trip grows: every answer is late, and there is nothing to be told."""
    line = connect(reds, core, mbit=10, round_trip=0.08)
    line.run(5)
    screen.framebuffer.damage(*KEY)
    for _ in range(10):
        line.delay += 0.03
        line.run(0.1)
    line.run(0.5)
    line.carried = 0
    line.run(5)
    assert line.carried == 0


@pytest.mark.parametrize(("round_trip", "whole"), [(0.08, False), (0.001, True)])
def test_one_round_of_sending_is_short_on_a_long_line_only(
    reds: RedsState, core: FakeCore, screen: Screen, round_trip: float, whole: bool
) -> None:
    """On a short line the answers come before the next round, and prove no more than one round."""
    line = connect(reds, core, mbit=10, round_trip=round_trip)
    line.run(1)
    flow = client_of(line).flow
    assert flow is not None
    flow.budget = 64 * 1024
    screen.framebuffer.damage(0, 0, WIDTH, HEIGHT)
    sent = sum(map(len, line.peer.connection.data_to_send()))
    assert (sent > flow.budget // 2) is whole


def test_a_line_that_falls_silent_ends_the_channel(
    reds: RedsState, core: FakeCore, screen: Screen, caplog: pytest.LogCaptureFixture
) -> None:
    line = connect(reds, core, mbit=10, round_trip=0.08)
    screen.move()
    line.run(2)
    line.cut = True
    line.run(DEFAULT_LIMITS.ack_timeout - 1)
    assert not line.peer.connection.closed
    line.run(10)
    assert line.peer.connection.closed
    assert "viewer display:0: nothing answered in 3" in caplog.text


def client_of(line: Line) -> RedChannelClient:
    client = line.peer.connection.channel_client
    assert client is not None
    return client


def is_key(one: Received) -> bool:
    if one.name != "draw_copy":
        return False
    box = one.message.base.box
    return (box.left, box.top, box.right, box.bottom) == KEY
