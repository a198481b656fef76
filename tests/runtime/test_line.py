"""The real display channel over simulated lines: full, and without a long queue."""

from __future__ import annotations

import pytest

from redspice.display.framebuffer import Framebuffer
from redspice.flow import ROUND_TRIP_AGE
from redspice.interfaces import QxlInterface
from redspice.limits import DEFAULT_LIMITS
from redspice.reds import RedsState
from runtime.fake_core import FakeCore
from runtime.line import Line
from runtime.peer import DISPLAY_INIT, Received, Viewer

MBIT = 125_000
WIDTH, HEIGHT = 800, 600
FRAME = 1 / 20
KEY = (700, 500, 710, 510)


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


def is_key(one: Received) -> bool:
    if one.name != "draw_copy":
        return False
    box = one.message.base.box
    return (box.left, box.top, box.right, box.bottom) == KEY
