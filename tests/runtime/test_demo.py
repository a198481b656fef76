"""The demo desktop without a server: pixels, damage, input."""

from __future__ import annotations

from datetime import datetime

import pytest

from redspice.display.framebuffer import MAX_SIDE, Framebuffer
from redspice.errors import ConfigurationError
from redspice.interfaces import KeyboardInterface, MouseInterface, TabletInterface
from redspice.sources.area import Area
from redspice.sources.cursor_shape import arrow
from redspice.sources.demo import FRAME_DELAY, PAINT_DELAY, Demo
from redspice.sources.desktop import Desktop
from redspice.sources.layout import Part, layout
from redspice.sources.motion import Dots
from redspice.sources.pointer import Pointer
from redspice.sources.typist import TEXT_MAX, Typist
from runtime.fake_core import FakeCore
from runtime.sources_stage import NOON, DamageLog, RecordingReds, picture_of, started


@pytest.mark.parametrize(
    "size", [(1, 1), (1, 300), (300, 1), (2, 2), (17, 31), (97, 55), (200, 60)]
)
def test_any_size_can_be_drawn(size: tuple[int, int]) -> None:
    demo, reds, core = started(*size, frozen=False)
    reds.find(TabletInterface).position(5, 5, 1)
    reds.find(KeyboardInterface).push_scan_freg(0x1E)
    core.advance(1)
    assert (demo.framebuffer.width, demo.framebuffer.height) == size
    assert any(demo.framebuffer.pixels)


def test_impossible_sizes_are_refused() -> None:
    with pytest.raises(ConfigurationError, match=f"0x10: sides are 1..{MAX_SIDE}"):
        Demo(0, 10)


def test_a_frozen_demo_is_the_same_every_time_and_never_changes_by_itself() -> None:
    first, _, core = started()
    log = DamageLog(first.framebuffer)
    core.advance(100)
    assert log.boxes == []
    assert bytes(first.framebuffer.pixels) == bytes(Demo(640, 480, frozen=True).framebuffer.pixels)


def test_the_clock_shows_the_wall_clock_and_redraws_only_itself() -> None:
    core, moments = FakeCore(), iter([NOON, NOON, NOON.replace(second=1)])
    demo = Demo(640, 480, wall_clock=lambda: next(moments))
    demo.attach(RecordingReds(core))
    before, log = picture_of(demo.framebuffer), DamageLog(demo.framebuffer)
    core.advance(1)
    (box,) = log.take()
    bar = demo.desktop.layout.bar
    assert bar is not None
    assert bar.top <= box.top
    assert box.bottom <= bar.bottom
    assert box.width < 200
    assert picture_of(demo.framebuffer) != before


def test_the_clock_ticks_at_the_turn_of_the_second() -> None:
    core, calls = FakeCore(), [0]

    def clock() -> datetime:
        calls[0] += 1
        return NOON.replace(microsecond=750_000)

    Demo(64, 48, wall_clock=clock).attach(RecordingReds(core))
    before = calls[0]
    core.advance(0.2)
    assert calls[0] == before
    core.advance(0.05)
    assert calls[0] == before + 1


# motion


def test_a_letter_damages_less_than_its_panel_and_leaves_nothing_of_the_last() -> None:
    screen = Framebuffer(1024, 768)
    desktop, blank = Desktop(screen), Typist()
    desktop.show_keys(blank)
    before = bytes(screen.pixels)
    typist, log = Typist(), DamageLog(screen)
    typist.push(0x1E)
    desktop.show_keys(typist)
    window = layout(1024, 768).windows[Part.ECHO].body
    assert log.boxes
    assert all(2 * (box.right - box.left) < window.width for box in log.boxes)
    desktop.show_keys(blank)
    assert bytes(screen.pixels) == before
    log.boxes.clear()
    desktop.show_keys(blank)
    assert log.boxes == []


def test_a_narrow_window_shows_the_end_of_the_text() -> None:
    screen = Framebuffer(220, 340)
    desktop, typist = Desktop(screen), Typist()
    for fragment in (0x2A, *(0x11, 0x91) * 20):
        typist.push(fragment)
    assert typist.text == "W" * 20
    desktop.show_keys(typist)
    full = bytes(screen.pixels)
    typist.text = typist.text[-6:]
    desktop.show_keys(typist)
    shown = bytes(screen.pixels)
    typist.text = ""
    desktop.show_keys(typist)
    assert bytes(screen.pixels) not in (full, shown)


def test_a_full_line_of_keys_and_text_moves_seldom() -> None:
    """If it moved with each key, each key would damage all of the line."""
    screen = Framebuffer(1024, 768)
    desktop, typist, log = Desktop(screen), Typist(), DamageLog(screen)
    width = layout(1024, 768).windows[Part.ECHO].body.width
    small = []
    for code in range(200):
        for fragment in (0x10 + code % 8, 0x90 + code % 8):
            typist.push(fragment)
            log.boxes.clear()
            desktop.show_keys(typist)
            small.append(all(4 * (box.right - box.left) < width for box in log.boxes))
    assert len(typist.text) <= TEXT_MAX
    assert typist.text.endswith("wertyui")
    assert sum(small) > 0.8 * len(small)


def test_dots_move_only_while_somebody_looks(monkeypatch: pytest.MonkeyPatch) -> None:
    demo, reds, core = started(frozen=False)
    drawn: list[float] = []
    monkeypatch.setattr(demo.desktop, "show_motion", drawn.append)
    core.advance(1)
    assert drawn == []
    monkeypatch.setattr(reds.sessions, "clients", [object()])
    core.advance(10.5 * FRAME_DELAY)
    assert len(drawn) == 10
    assert drawn == sorted(set(drawn))


def test_a_frame_of_motion_damages_little_and_stays_in_its_window() -> None:
    demo = Demo(1024, 768, frozen=True)
    log = DamageLog(demo.framebuffer)
    demo.desktop.show_motion(3.0)
    log.take()
    demo.desktop.show_motion(3.0 + FRAME_DELAY)
    boxes = log.take()
    body = demo.desktop.layout.windows[Part.MOTION].body
    for box in boxes:
        assert Area(*box).union(body) == body
    assert sum(box.width * box.height for box in boxes) < body.width * body.height // 8


def test_dots_leave_no_trace() -> None:
    demo = Demo(640, 480, frozen=True)
    still = bytes(demo.framebuffer.pixels)
    for moment in (5.0, 17.3, 2.2):
        demo.desktop.show_motion(moment)
    assert bytes(demo.framebuffer.pixels) == still


def test_dots_stay_inside_their_window_at_any_time() -> None:
    plan = layout(1024, 768)
    window = plan.windows[Part.MOTION]
    dots = Dots(plan, window)
    for tenth in range(600):
        for box in dots.at(tenth / 10):
            assert box.union(window.body) == window.body


def test_typing_redraws_the_echo_window_only() -> None:
    demo, reds, core = started(1024, 768)
    log = DamageLog(demo.framebuffer)
    before = picture_of(demo.framebuffer)
    keyboard = reds.find(KeyboardInterface)
    for byte in (0x1E, 0x9E, 0xE0):
        keyboard.push_scan_freg(byte)
    assert log.boxes == []
    core.advance(PAINT_DELAY)
    body = demo.desktop.layout.windows[Part.ECHO].body
    boxes = log.take()
    assert len(boxes) == 2
    for box in boxes:
        assert Area(*box).union(body) == body
    assert picture_of(demo.framebuffer) != before


def test_viewers_are_told_of_the_lock_lights_when_they_change() -> None:
    _, reds, _ = started(64, 48)
    keyboard = reds.find(KeyboardInterface)
    assert keyboard.get_leds() == 0
    for byte in (0x1E, 0x9E, 0x3A, 0xBA, 0x1E, 0x3A):
        keyboard.push_scan_freg(byte)
    assert reds.leds == [4, 0]
    assert keyboard.get_leds() == 0


# pointer


def test_the_pointer_follows_the_tablet_and_the_mouse() -> None:
    demo, reds, _ = started(640, 480)
    reds.find(TabletInterface).position(100, 50, 1)
    assert (demo.pointer.x, demo.pointer.y, demo.pointer.buttons) == (100, 50, 1)
    assert demo.pointer.absolute
    reds.find(MouseInterface).motion(-30, 5, 1, 4)
    assert (demo.pointer.x, demo.pointer.y, demo.pointer.buttons) == (70, 55, 4)
    assert (demo.pointer.wheel, demo.pointer.absolute) == (1, False)
    assert (demo.qxl.cursor_x, demo.qxl.cursor_y) == (70, 55)
    reds.find(TabletInterface).wheel(-1, 0)
    reds.find(MouseInterface).buttons(2)
    assert (demo.pointer.wheel, demo.pointer.buttons) == (0, 2)
    reds.find(TabletInterface).buttons(0)
    assert demo.pointer.buttons == 0


def test_the_pointer_stays_on_the_screen() -> None:
    pointer = Pointer(640, 480)
    pointer.move_to(2**32 - 1, 2**32 - 1)
    assert (pointer.x, pointer.y) == (639, 479)
    pointer.move_by(-(2**31), -(2**31))
    assert (pointer.x, pointer.y) == (0, 0)


def test_a_flood_of_motion_is_painted_once_per_delay() -> None:
    demo, reds, core = started(640, 480)
    log = DamageLog(demo.framebuffer)
    for x in range(500):
        reds.find(TabletInterface).position(x, x // 2, 0)
    core.advance(PAINT_DELAY)
    (box,) = log.take()
    body = demo.desktop.layout.windows[Part.ECHO].body
    assert Area(*box).union(body) == body
    core.advance(10)
    assert log.boxes == []


def test_what_was_echoed_leaves_no_trace() -> None:
    demo, reds, core = started(640, 480)
    tablet = reds.find(TabletInterface)
    tablet.position(320, 240, 0)
    core.advance(1)
    before = bytes(demo.framebuffer.pixels)
    tablet.position(10, 400, 7)
    core.advance(1)
    assert bytes(demo.framebuffer.pixels) != before
    tablet.position(320, 240, 0)
    core.advance(1)
    assert bytes(demo.framebuffer.pixels) == before


# cursor


@pytest.mark.parametrize("scale", [1, 2])
def test_the_arrow_is_premultiplied_with_a_soft_edge(scale: int) -> None:
    shape = arrow(scale)
    pixels = [shape.pixels[i : i + 4] for i in range(0, len(shape.pixels), 4)]
    assert all(max(pixel[:3]) <= pixel[3] for pixel in pixels)
    assert {0, 255} < {pixel[3] for pixel in pixels}
    assert b"\xff\xff\xff\xff" in pixels
    assert pixels[shape.hot_y * shape.width + shape.hot_x][3] > 200
    assert shape.pixels[:4] != shape.pixels[-4:] or shape.pixels[3] == 0
