"""The demo desktop and the image source, without a server: pixels, damage, input."""

from __future__ import annotations

import struct
import zlib
from datetime import datetime
from pathlib import Path
from typing import TypeVar

import pytest
from PIL import Image

from redspice.display.framebuffer import MAX_SIDE, Box, Framebuffer
from redspice.errors import ConfigurationError
from redspice.interfaces import (
    KeyboardInterface,
    MouseInterface,
    QxlInterface,
    TabletInterface,
)
from redspice.reds import RedsState
from redspice.sources import testcard
from redspice.sources.area import Area
from redspice.sources.cursor_shape import arrow
from redspice.sources.demo import FRAME_DELAY, PAINT_DELAY, Demo
from redspice.sources.desktop import Desktop
from redspice.sources.image import ImageSource, load_picture
from redspice.sources.layout import Layout, Part, layout
from redspice.sources.motion import Dots
from redspice.sources.pointer import Pointer
from redspice.sources.scancodes import KeyEvent, ScanCodes
from redspice.sources.typist import TEXT_MAX, Typist
from runtime.fake_core import FakeCore

Result = TypeVar("Result")
Device = QxlInterface | KeyboardInterface | MouseInterface | TabletInterface

SIZES = [(320, 200), (640, 480), (800, 600), (1024, 768), (1920, 1080), (480, 800), (3840, 2160)]
NOON = datetime(2024, 5, 1, 12, 0, 0)


class RecordingReds(RedsState):
    """A server that only keeps what is registered with it."""

    def __init__(self, core: FakeCore) -> None:
        super().__init__()
        self.init(core)
        self.devices: list[Device] = []
        self.leds: list[int] = []

    def kbd_leds(self, leds: int) -> None:
        self.leds.append(leds)

    def add_interface(self, instance: Device) -> None:
        self.devices.append(instance)

    def find(self, kind: type[Result]) -> Result:
        return next(device for device in self.devices if isinstance(device, kind))


class DamageLog:
    """Hears what a framebuffer says."""

    def __init__(self, framebuffer: Framebuffer) -> None:
        self.boxes: list[Box] = []
        framebuffer.add_listener(self)

    def damaged(self, box: Box) -> None:
        self.boxes.append(box)

    def resized(self) -> None:
        raise AssertionError("a source does not resize its screen")

    def take(self) -> list[Box]:
        boxes, self.boxes = self.boxes, []
        return boxes


def picture_of(framebuffer: Framebuffer) -> Image.Image:
    size = (framebuffer.width, framebuffer.height)
    return Image.frombytes("RGB", size, bytes(framebuffer.pixels), "raw", "BGRX")


def colors_in(picture: Image.Image, area: Area) -> set[object]:
    found = picture.crop(area).getcolors(maxcolors=2)
    return {color for _, color in found} if found else set()


def started(
    width: int = 640, height: int = 480, *, frozen: bool = True
) -> tuple[Demo, RecordingReds, FakeCore]:
    core = FakeCore()
    demo = Demo(width, height, frozen=frozen, wall_clock=lambda: NOON)
    reds = RecordingReds(core)
    demo.attach(reds)
    return demo, reds, core


def card_of(plan: Layout) -> testcard.TestCard:
    assert plan.card is not None
    return plan.card


# layout


@pytest.mark.parametrize(("width", "height"), SIZES)
def test_windows_lie_inside_the_screen_below_the_bar_and_apart(width: int, height: int) -> None:
    plan = layout(width, height)
    assert plan.bar is not None
    assert Part.CARD in plan.windows
    boxes = [window.box for window in plan.windows.values()]
    for box in boxes:
        assert box.union(Area(0, 0, width, height)) == (0, 0, width, height)
        assert box.top > plan.bar.bottom
    for i, one in enumerate(boxes):
        for other in boxes[i + 1 :]:
            across = min(one.right, other.right) - max(one.left, other.left)
            down = min(one.bottom, other.bottom) - max(one.top, other.top)
            assert across < 0 or down < 0


@pytest.mark.parametrize("size", [size for size in SIZES if size != (320, 200)])
def test_every_window_fits_common_screens(size: tuple[int, int]) -> None:
    assert set(layout(*size).windows) == set(Part)


def test_windows_that_do_not_fit_are_left_out() -> None:
    assert set(layout(320, 200).windows) == {Part.CARD}
    assert layout(100, 100).windows == {}
    assert layout(1, 1).bar is None


def test_everything_grows_with_the_screen() -> None:
    units = [layout(*size).unit for size in [(640, 480), (1024, 768), (1920, 1080), (3840, 2160)]]
    assert units == sorted(set(units))


# test card


@pytest.mark.parametrize(("width", "height"), SIZES)
def test_the_card_has_its_colours_where_it_says(width: int, height: int) -> None:
    demo = Demo(width, height, frozen=True)
    picture, card = picture_of(demo.framebuffer), card_of(demo.desktop.layout)
    for area, color in (*card.bars, *card.greys):
        assert colors_in(picture, area) == {color}


def test_the_parts_of_the_card_cover_it() -> None:
    card = testcard.TestCard(7, 9, 5)
    parts = [*(area for area, _ in (*card.bars, *card.greys)), card.checkerboard]
    assert sum(area.width * area.height for area in parts) == card.box.width * card.box.height
    whole = parts[0]
    for part in parts:
        whole = whole.union(part)
    assert whole == card.box == (7, 9, 7 + 32 * 5, 9 + 18 * 5)


def test_the_checkerboard_alternates_single_pixels() -> None:
    demo = Demo(1024, 768, frozen=True)
    board = card_of(demo.desktop.layout).checkerboard
    picture = picture_of(demo.framebuffer).crop(board)
    for y in range(4):
        for x in range(5):
            expected = testcard.WHITE if (x + y) % 2 == 0 else testcard.BLACK
            assert picture.getpixel((x, y)) == expected
    assert colors_in(picture, Area(0, 0, *picture.size)) == {testcard.WHITE, testcard.BLACK}


# the whole picture


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


# keyboard


def feed(data: str) -> list[KeyEvent]:
    codes = ScanCodes()
    return [event for byte in bytes.fromhex(data) if (event := codes.feed(byte))]


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        ("1e", [("A", True)]),
        ("9e", [("A", False)]),
        ("e048", [("Up", True)]),
        ("e0c8", [("Up", False)]),
        ("48", [("Keypad 8", True)]),
        ("1d e01d", [("Left Ctrl", True), ("Right Ctrl", True)]),
        ("39 3b 58 01", [("Space", True), ("F1", True), ("F12", True), ("Esc", True)]),
        ("e11d45 e19dc5", [("Pause", True), ("Pause", False)]),
        ("7f e07e", [("7f", True), ("e0 7e", True)]),
        ("e0", []),
        ("e0e048", [("Up", True)]),
    ],
)
def test_scan_codes_become_named_keys(data: str, expected: list[tuple[str, bool]]) -> None:
    assert [(event.name, event.pressed) for event in feed(data)] == expected


def typed(data: str) -> Typist:
    typist = Typist()
    for byte in bytes.fromhex(data):
        typist.push(byte)
    return typist


@pytest.mark.parametrize(
    ("data", "text"),
    [
        ("2a 23 a3 aa 17 97 39 b9 02", "Hi 1"),
        ("2a 02 aa 36 33 b6", "!<"),
        ("3a ba 1e 9e 02 82 2a 30", "A1b"),
        ("1e 9e 30 b0 0e", "a"),
        ("1e 9e 1c 30", "b"),
        ("1d 2e ae 9d 2d", "x"),
        ("1e 1e 1e", "aaa"),
        ("47 c7 45 c5 47 4e e035", "7+/"),
        ("e0 2a e0 47", ""),
    ],
)
def test_keys_type_the_text_of_a_us_keyboard(data: str, text: str) -> None:
    assert typed(data).text == text


def test_only_the_last_press_of_a_key_counts_as_held() -> None:
    assert typed("2a 1e 9e aa 30 b0 2a").keys == [
        ("Left Shift", True),
        ("B", False),
        ("A", False),
        ("Left Shift", False),
    ]
    assert typed("1e e048 9e").keys == [("Up", True), ("A", False)]


def test_lock_keys_toggle_their_lights_once_per_press() -> None:
    assert typed("3a").leds == 4
    assert typed("3a 3a 3a").leds == 4
    assert typed("3a ba 3a ba").leds == 0
    assert typed("45 46").leds == 3


def test_a_flood_of_keys_is_remembered_in_bounds() -> None:
    typist = typed("1e" * 5000 + "".join(f"{code:02x}" for code in range(1, 0x80)))
    assert len(typist.text) <= TEXT_MAX
    assert len(typist.keys) <= 12
    assert len(typist.held) <= 12


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


# image files


def test_a_picture_is_shown_pixel_for_pixel(tmp_path: Path) -> None:
    picture = Image.frombytes("RGB", (7, 5), bytes(range(105)))
    picture.save(tmp_path / "p.png")
    source = ImageSource(tmp_path / "p.png")
    assert picture_of(source.framebuffer) == picture
    assert bytes(source.framebuffer.pixels[:3]) == bytes([2, 1, 0])


def test_an_image_source_registers_a_screen_and_a_tablet(tmp_path: Path) -> None:
    Image.new("RGB", (3, 2), "red").save(tmp_path / "p.png")
    source, reds = ImageSource(tmp_path / "p.png"), RecordingReds(FakeCore())
    source.attach(reds)
    assert reds.find(QxlInterface).framebuffer is source.framebuffer
    assert reds.find(TabletInterface)
    assert source.qxl.cursor_visible


def test_transparency_is_composited_on_black(tmp_path: Path) -> None:
    picture = Image.new("RGBA", (2, 1), (200, 100, 50, 128))
    picture.putpixel((1, 0), (255, 255, 255, 0))
    picture.save(tmp_path / "p.png")
    loaded = load_picture(tmp_path / "p.png")
    assert loaded.getpixel((0, 0)) == (100, 50, 25)
    assert loaded.getpixel((1, 0)) == (0, 0, 0)


@pytest.mark.parametrize(
    ("mode", "color", "name", "expected"),
    [
        ("L", 77, "p.png", (77, 77, 77)),
        ("1", 1, "p.png", (255, 255, 255)),
        ("LA", (200, 0), "p.png", (0, 0, 0)),
        ("I;16", 0xABCD, "p.png", (0xAB, 0xAB, 0xAB)),
        ("CMYK", (0, 255, 255, 0), "p.tif", (255, 0, 0)),
        ("RGB", (1, 2, 3), "p.bmp", (1, 2, 3)),
    ],
)
def test_other_modes_become_rgb(
    tmp_path: Path, mode: str, color: int, name: str, expected: tuple[int, ...]
) -> None:
    Image.new(mode, (3, 3), color).save(tmp_path / name)
    assert load_picture(tmp_path / name).getpixel((1, 1)) == expected


def test_a_palette_with_a_transparent_entry_is_composited(tmp_path: Path) -> None:
    picture = Image.new("P", (2, 1))
    picture.putpalette([255, 0, 0, 0, 255, 0])
    picture.putpixel((1, 0), 1)
    picture.save(tmp_path / "p.png", transparency=1)
    loaded = load_picture(tmp_path / "p.png")
    assert [loaded.getpixel((x, 0)) for x in (0, 1)] == [(255, 0, 0), (0, 0, 0)]


def png_header(width: int, height: int) -> bytes:
    """A PNG that claims a size and has no pixels."""
    body = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    chunk = b"IHDR" + body
    data = struct.pack(">I", len(body)) + chunk + struct.pack(">I", zlib.crc32(chunk))
    empty = b"\0\0\0\0IDAT" + struct.pack(">I", zlib.crc32(b"IDAT"))
    return b"\x89PNG\r\n\x1a\n" + data + empty


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"plain text", "not a picture in a format that can be read"),
        (b"", "not a picture in a format that can be read"),
        (png_header(8, 8), "cannot read the picture"),
        (png_header(MAX_SIDE + 1, 1), f"the picture is {MAX_SIDE + 1}x1 pixels, a screen has"),
        (png_header(10_000, 10_000), "cannot read the picture"),
        (png_header(2**20, 2**20), "too many pixels"),
    ],
)
def test_files_that_are_no_usable_picture_are_refused(
    tmp_path: Path, content: bytes, message: str
) -> None:
    path = tmp_path / "p.png"
    path.write_bytes(content)
    with pytest.raises(ConfigurationError, match=f"^{path}: .*{message}"):
        load_picture(path)


def test_a_picture_cut_short_is_refused(tmp_path: Path) -> None:
    Image.effect_noise((64, 64), 50).save(tmp_path / "p.png")
    data = (tmp_path / "p.png").read_bytes()
    for length in range(0, len(data) - 20, 97):
        (tmp_path / "p.png").write_bytes(data[:length])
        with pytest.raises(ConfigurationError):
            load_picture(tmp_path / "p.png")


@pytest.mark.parametrize(
    ("name", "reason"), [("missing.png", "No such file"), (".", "Is a directory")]
)
def test_unreadable_paths_are_refused(tmp_path: Path, name: str, reason: str) -> None:
    with pytest.raises(ConfigurationError, match=f"cannot read the picture: {reason}"):
        load_picture(tmp_path / name)
