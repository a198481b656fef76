from __future__ import annotations

import numpy as np
import pytest

from redspice.display.framebuffer import Framebuffer
from redspice.errors import ConfigurationError
from redspice.interfaces import (
    CursorShape,
    KeyboardInterface,
    Monitor,
    MouseInterface,
    QxlInterface,
    TabletInterface,
)
from redspice_protocol.enums import CursorType


@pytest.fixture
def qxl() -> QxlInterface:
    return QxlInterface(Framebuffer(64, 48))


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ((0, 1, 0, 0, 0), r"sides are 1\.\.1024"),
        ((1, 1025, 0, 0, 4100), r"sides are 1\.\.1024"),
        ((2, 2, 2, 0, 16), "hot spot 2,0 is outside 2x2"),
        ((2, 2, 0, -1, 16), "hot spot 0,-1 is outside 2x2"),
        ((2, 2, 0, 0, 15), "needs 16 pixel bytes, got 15"),
    ],
)
def test_an_impossible_cursor_is_refused(fields: tuple[int, ...], reason: str) -> None:
    width, height, hot_x, hot_y, size = fields
    with pytest.raises(ConfigurationError, match=reason):
        CursorShape(width, height, hot_x, hot_y, bytes(size))


@pytest.mark.parametrize("fields", [(2.0, 1, 0, 0), (2, 1, 0.0, 0)])
def test_a_cursor_has_whole_numbers(fields: tuple[int, int, int, int]) -> None:
    with pytest.raises(ConfigurationError, match="whole numbers are needed"):
        CursorShape(*fields, bytes(8))


@pytest.mark.parametrize(
    ("type", "size"),
    [
        (CursorType.ALPHA, 13 * 4 * 5),
        (CursorType.MONO, 2 * 2 * 5),
        (CursorType.COLOR4, 7 * 5 + 16 * 4 + 2 * 5),
        (CursorType.COLOR8, 13 * 5 + 256 * 4 + 2 * 5),
        (CursorType.COLOR16, 13 * 2 * 5 + 2 * 5),
        (CursorType.COLOR24, 13 * 3 * 5 + 2 * 5),
        (CursorType.COLOR32, 13 * 4 * 5 + 2 * 5),
    ],
)
def test_each_type_of_cursor_has_a_size(type: CursorType, size: int) -> None:
    assert len(CursorShape(13, 5, 0, 0, bytes(size), type).pixels) == size
    for wrong in (size - 1, size + 1, 0):
        with pytest.raises(ConfigurationError, match=f"needs {size} pixel bytes, got {wrong}"):
            CursorShape(13, 5, 0, 0, bytes(wrong), type)


@pytest.mark.parametrize("type", [7, -1, None])
def test_a_cursor_of_no_type_is_refused(type: CursorType) -> None:
    with pytest.raises(ConfigurationError, match="is no type of cursors"):
        CursorShape(1, 1, 0, 0, bytes(4), type)


def test_equal_cursors_have_one_name_and_others_another() -> None:
    shape = CursorShape(4, 2, 1, 0, bytes(32))
    assert shape.unique == CursorShape(4, 2, 1, 0, bytearray(32)).unique  # type: ignore[arg-type]
    others = [
        CursorShape(2, 4, 1, 0, bytes(32)),
        CursorShape(4, 2, 0, 0, bytes(32)),
        CursorShape(4, 2, 1, 1, bytes(32)),
        CursorShape(4, 2, 1, 0, bytes(31) + b"\1"),
        CursorShape(4, 2, 1, 0, bytes(34), CursorType.COLOR32),
    ]
    assert len({shape.unique, *(other.unique for other in others)}) == 6
    assert all(0 < other.unique < 1 << 64 for other in others)


@pytest.mark.parametrize("trail", [(-1, 0), (0, 0x10000), (1.0, 0)])
def test_an_impossible_trail_is_refused(qxl: QxlInterface, trail: tuple[int, int]) -> None:
    with pytest.raises(ConfigurationError, match="cursor trail"):
        qxl.set_cursor_trail(*trail)
    assert qxl.cursor_trail == (0, 0)


def test_a_cursor_may_be_set_hidden(qxl: QxlInterface) -> None:
    qxl.set_cursor(CursorShape(1, 1, 0, 0, bytes(4)), visible=False)
    assert not qxl.cursor_visible
    qxl.move_cursor(1, 2)
    assert qxl.cursor_visible


def test_a_reset_forgets_all_of_the_cursor(qxl: QxlInterface) -> None:
    qxl.set_cursor(CursorShape(1, 1, 0, 0, bytes(4)), 3, 4)
    qxl.set_cursor_trail(5, 6)
    qxl.reset_cursor()
    assert (qxl.cursor, qxl.cursor_visible, qxl.cursor_trail) == (None, False, (0, 0))
    assert (qxl.cursor_x, qxl.cursor_y) == (0, 0)


def test_a_cursor_keeps_a_copy_of_its_pixels() -> None:
    array = np.full((1, 2, 4), 7, np.uint8)
    shape = CursorShape(2, 1, 0, 0, array)  # type: ignore[arg-type]
    array[:] = 9
    assert shape.pixels == bytes([7] * 8)
    with pytest.raises(ConfigurationError, match="cursor is not contiguous bytes"):
        CursorShape(1, 1, 0, 0, "abcd")  # type: ignore[arg-type]


def test_the_repr_of_a_cursor_has_no_pixels() -> None:
    assert repr(CursorShape(2, 1, 1, 0, bytes(8))) == "CursorShape(2x1 hot 1,0)"


@pytest.mark.parametrize("id", [-1, 256])
def test_a_screen_id_is_one_byte(id: int) -> None:
    with pytest.raises(ConfigurationError, match=f"qxl id {id}"):
        QxlInterface(Framebuffer(1, 1), id)


@pytest.mark.parametrize(("x", "y"), [(32768, 0), (0, -32769)])
def test_cursor_positions_are_16_bits(qxl: QxlInterface, x: int, y: int) -> None:
    with pytest.raises(ConfigurationError, match="does not fit 16 bits"):
        qxl.move_cursor(x, y)
    with pytest.raises(ConfigurationError, match="does not fit 16 bits"):
        qxl.set_cursor(CursorShape(1, 1, 0, 0, bytes(4)), x, y)
    with pytest.raises(ConfigurationError, match="whole numbers are needed"):
        qxl.move_cursor(1.0, 1)  # type: ignore[arg-type]
    assert (qxl.cursor, qxl.cursor_x, qxl.cursor_y) == (None, 0, 0)


def test_a_cursor_without_a_shape_is_never_visible(qxl: QxlInterface) -> None:
    qxl.move_cursor(1, 2)
    assert not qxl.cursor_visible
    qxl.set_cursor(CursorShape(1, 1, 0, 0, bytes(4)))
    assert (qxl.cursor_visible, qxl.cursor_x, qxl.cursor_y) == (True, 1, 2)


def test_the_default_monitor_follows_the_framebuffer(qxl: QxlInterface) -> None:
    assert qxl.monitors == (Monitor(0, 0, 0, 64, 48),)
    qxl.framebuffer.resize(10, 20)
    assert qxl.monitors == (Monitor(0, 0, 0, 10, 20),)


def test_monitors_can_be_chosen_and_left_to_the_default(qxl: QxlInterface) -> None:
    chosen = (Monitor(0, 0, 0, 32, 48), Monitor(1, 32, 0, 32, 48))
    qxl.monitors = iter(chosen)
    assert qxl.monitors == chosen
    qxl.monitors = ()
    assert len(qxl.monitors) == 1


def test_monitors_are_cut_at_the_edges_until_they_fit_again(qxl: QxlInterface) -> None:
    chosen = (Monitor(0, 0, 0, 32, 48), Monitor(1, 32, 0, 32, 48))
    qxl.monitors = chosen
    qxl.framebuffer.resize(40, 20)
    assert qxl.monitors == (Monitor(0, 0, 0, 32, 20), Monitor(1, 32, 0, 8, 20))
    qxl.framebuffer.resize(32, 48)
    assert qxl.monitors == (Monitor(0, 0, 0, 32, 48),)
    qxl.framebuffer.resize(64, 48)
    assert qxl.monitors == chosen
    qxl.monitors = (Monitor(3, 64, 0, 5, 5),)
    assert qxl.monitors == (Monitor(0, 0, 0, 64, 48),), "there is always one"


@pytest.mark.parametrize(
    "monitors",
    [
        [Monitor(0, 0, 0, 1, 1)] * 17,
        [Monitor(0, -1, 0, 1, 1)],
        [Monitor(0, 0, 0, 0, 1)],
        [Monitor(0, 0, 0, 1, 16385)],
        [Monitor(-1, 0, 0, 1, 1)],
        [Monitor(0, 0, 0, 1.5, 1)],
    ],
)
def test_impossible_monitors_are_refused(qxl: QxlInterface, monitors: list[Monitor]) -> None:
    with pytest.raises(ConfigurationError, match="monitor"):
        qxl.monitors = monitors
    assert len(qxl.monitors) == 1


def test_devices_that_override_nothing_do_nothing() -> None:
    keyboard, mouse, tablet = KeyboardInterface(), MouseInterface(), TabletInterface()
    keyboard.push_scan_freg(1)
    mouse.motion(1, 1, 1, 1)
    mouse.buttons(1)
    tablet.set_logical_size(1, 1)
    tablet.position(1, 1, 1)
    tablet.wheel(1, 1)
    tablet.buttons(1)
    assert keyboard.get_leds() == 0
