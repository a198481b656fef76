from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from redspice.display.framebuffer import Box, Framebuffer
from redspice.errors import ConfigurationError


class Listener:
    def __init__(self) -> None:
        self.heard: list[Box | str] = []

    def damaged(self, box: Box) -> None:
        self.heard.append(box)

    def resized(self) -> None:
        self.heard.append("resized")


@pytest.fixture
def framebuffer() -> Framebuffer:
    return Framebuffer(4, 3)


@pytest.fixture
def listener(framebuffer: Framebuffer) -> Listener:
    listener = Listener()
    framebuffer.add_listener(listener)
    return listener


def pixel(framebuffer: Framebuffer, x: int, y: int) -> bytes:
    return framebuffer.read(Box(x, y, x + 1, y + 1))


def test_is_black_and_four_bytes_a_pixel(framebuffer: Framebuffer) -> None:
    assert framebuffer.stride == 16
    assert bytes(framebuffer.pixels) == bytes(4 * 3 * 4)


@pytest.mark.parametrize(("width", "height"), [(0, 1), (1, 0), (-1, 1), (16385, 1), (1, 16385)])
def test_impossible_sizes_are_refused(width: int, height: int) -> None:
    with pytest.raises(ConfigurationError, match=r"sides are 1\.\.16384"):
        Framebuffer(width, height)


def test_a_refused_resize_changes_nothing(framebuffer: Framebuffer, listener: Listener) -> None:
    with pytest.raises(ConfigurationError):
        framebuffer.resize(0, 7)
    assert (framebuffer.width, framebuffer.height) == (4, 3)
    assert listener.heard == []


def test_the_longest_sides_are_allowed() -> None:
    assert len(Framebuffer(16384, 1).pixels) == 65536
    assert len(Framebuffer(1, 16384).pixels) == 65536


@pytest.mark.parametrize(
    ("box", "clipped"),
    [
        ((1, 1, 3, 2), Box(1, 1, 3, 2)),
        ((-5, -5, 100, 100), Box(0, 0, 4, 3)),
        ((3, 2, 9, 9), Box(3, 2, 4, 3)),
        ((4, 0, 9, 3), None),
        ((2, 2, 2, 3), None),
        ((3, 0, 1, 3), None),
    ],
)
def test_damage_is_clipped(
    framebuffer: Framebuffer,
    listener: Listener,
    box: tuple[int, int, int, int],
    clipped: Box | None,
) -> None:
    framebuffer.damage(*box)
    assert listener.heard == ([] if clipped is None else [clipped])


def test_damage_outside_is_not_told(framebuffer: Framebuffer, listener: Listener) -> None:
    framebuffer.damage(framebuffer.width, 0, framebuffer.width + 5, 5)
    assert listener.heard == []


def test_a_removed_listener_hears_nothing(framebuffer: Framebuffer, listener: Listener) -> None:
    framebuffer.remove_listener(listener)
    framebuffer.remove_listener(listener)
    framebuffer.damage(0, 0, 1, 1)
    assert listener.heard == []


@pytest.mark.parametrize("box", [Box(1, 1, 3, 3), Box(0, 1, 4, 2), Box(0, 0, 4, 3)])
def test_fill_paints_its_box_and_nothing_else(
    framebuffer: Framebuffer, listener: Listener, box: Box
) -> None:
    framebuffer.fill(*box, (1, 2, 3))
    for y in range(3):
        for x in range(4):
            inside = box.left <= x < box.right and box.top <= y < box.bottom
            assert pixel(framebuffer, x, y)[:3] == (b"\1\2\3" if inside else bytes(3))
    assert listener.heard == [box]


def test_fill_outside_does_nothing(framebuffer: Framebuffer, listener: Listener) -> None:
    framebuffer.fill(10, 10, 20, 20, (1, 2, 3))
    assert not any(framebuffer.pixels)
    assert listener.heard == []


@pytest.mark.parametrize(
    ("x", "y", "expected"),
    [
        (1, 1, {(1, 1): 0, (2, 1): 1, (1, 2): 2, (2, 2): 3}),
        (-1, -1, {(0, 0): 3}),
        (3, 2, {(3, 2): 0}),
        (0, 2, {(0, 2): 0, (1, 2): 1}),
        (4, 0, {}),
    ],
)
def test_paste_clips_at_every_edge(
    framebuffer: Framebuffer, x: int, y: int, expected: dict[tuple[int, int], int]
) -> None:
    pixels = [bytes((n + 1, n + 1, n + 1, 0)) for n in range(4)]
    framebuffer.paste(x, y, 2, 2, b"".join(pixels))
    got = {
        (column, row): pixel(framebuffer, column, row)
        for row in range(3)
        for column in range(4)
        if any(pixel(framebuffer, column, row))
    }
    assert got == {place: pixels[n] for place, n in expected.items()}


def test_paste_damages_what_it_changed(framebuffer: Framebuffer, listener: Listener) -> None:
    framebuffer.paste(3, 1, 2, 2, bytearray(16))
    assert listener.heard == [Box(3, 1, 4, 3)]


@pytest.mark.parametrize(("width", "height", "size"), [(2, 2, 15), (2, 2, 17), (-2, -2, 16)])
def test_paste_wants_exactly_its_pixels(
    framebuffer: Framebuffer, width: int, height: int, size: int
) -> None:
    with pytest.raises(ConfigurationError, match=f"{size} bytes are not {width}x{height}"):
        framebuffer.paste(0, 0, width, height, bytes(size))


def test_read_joins_rows(framebuffer: Framebuffer) -> None:
    framebuffer.pixels[:] = bytes(range(48))
    assert framebuffer.read(Box(1, 1, 3, 3)) == bytes([*range(20, 28), *range(36, 44)])
    assert framebuffer.read(Box(0, 1, 4, 3)) == bytes(range(16, 48))


def test_read_is_a_copy(framebuffer: Framebuffer) -> None:
    before = framebuffer.read(framebuffer.box)
    framebuffer.fill(0, 0, 4, 3, (9, 9, 9))
    assert not any(before)


@pytest.mark.parametrize("box", [Box(0, 0, 5, 3), Box(-1, 0, 2, 2), Box(2, 2, 2, 2)])
def test_read_outside_is_refused(framebuffer: Framebuffer, box: Box) -> None:
    with pytest.raises(ConfigurationError, match="not inside"):
        framebuffer.read(box)


def test_resize_starts_over(framebuffer: Framebuffer, listener: Listener) -> None:
    framebuffer.fill(0, 0, 4, 3, (9, 9, 9))
    framebuffer.resize(2, 5)
    assert framebuffer.box == Box(0, 0, 2, 5)
    assert bytes(framebuffer.pixels) == bytes(40)
    assert listener.heard == [Box(0, 0, 4, 3), "resized"]


@pytest.mark.parametrize("wrong", [0.0, 10.5, "1", None])
def test_coordinates_are_whole_numbers(
    framebuffer: Framebuffer, listener: Listener, wrong: int
) -> None:
    for call in (
        lambda: framebuffer.damage(wrong, 0, 3, 3),
        lambda: framebuffer.fill(0, 0, wrong, 3, (1, 2, 3)),
        lambda: framebuffer.paste(0, wrong, 1, 1, bytes(4)),
        lambda: framebuffer.resize(wrong, 3),
        lambda: Framebuffer(3, wrong),
    ):
        with pytest.raises(ConfigurationError, match="whole numbers are needed"):
            call()
    assert listener.heard == []
    assert not any(framebuffer.pixels)


def test_numbers_of_numpy_are_whole(framebuffer: Framebuffer, listener: Listener) -> None:
    framebuffer.damage(*np.array([0, 1, 3, 9]))
    assert listener.heard == [Box(0, 1, 3, 3)]
    assert {type(number) for box in listener.heard for number in box} == {int}


@pytest.mark.parametrize("colour", [(300, 0, 0), (-1, 0, 0), (1, 2), (1, 2, 3, 4), 7, (1.0, 2, 3)])
def test_an_impossible_colour_is_refused(framebuffer: Framebuffer, colour: object) -> None:
    with pytest.raises(ConfigurationError, match="is not blue, green, red"):
        framebuffer.fill(0, 0, 1, 1, colour)  # type: ignore[arg-type]


@pytest.mark.parametrize("data", ["abcd", 4, None, np.zeros((2, 2, 8), np.uint8)[:, :, ::2]])
def test_paste_wants_contiguous_bytes(framebuffer: Framebuffer, data: bytes) -> None:
    with pytest.raises(ConfigurationError, match="picture is not contiguous bytes"):
        framebuffer.paste(0, 0, 2, 2, data)


def test_pictures_of_numpy_are_pasted(framebuffer: Framebuffer) -> None:
    rows = np.arange(16, dtype=np.uint8).reshape(2, 2, 4)
    framebuffer.paste(0, 0, 2, 2, rows)
    assert framebuffer.read(Box(0, 0, 2, 2)) == bytes(range(16))
    framebuffer.paste(0, 0, 0, 2, np.zeros((2, 0, 4), np.uint8))
    framebuffer.paste(0, 0, 2, 1, np.array([[1, 2]], "<u4"))
    assert framebuffer.read(Box(0, 0, 2, 1)) == b"\1\0\0\0\2\0\0\0"


def test_pixels_are_drawn_into_through_numpy(framebuffer: Framebuffer) -> None:
    array = np.frombuffer(framebuffer.pixels, np.uint8).reshape(3, 4, 4)
    array[1, 2] = (10, 20, 30, 0)
    assert pixel(framebuffer, 2, 1) == bytes((10, 20, 30, 0))


def test_pictures_of_pillow_are_pasted(framebuffer: Framebuffer) -> None:
    image = Image.new("RGB", (2, 1), (1, 2, 3))
    image.putpixel((1, 0), (4, 5, 6))
    framebuffer.paste(1, 1, *image.size, image.tobytes("raw", "BGRX"))
    assert pixel(framebuffer, 1, 1)[:3] == bytes((3, 2, 1))
    assert pixel(framebuffer, 2, 1)[:3] == bytes((6, 5, 4))
