from __future__ import annotations

import pytest

from redspice.buttons import device_buttons
from redspice_protocol.enums import MouseButtonMask

LEFT, MIDDLE, RIGHT = MouseButtonMask.LEFT, MouseButtonMask.MIDDLE, MouseButtonMask.RIGHT


@pytest.mark.parametrize(
    ("buttons", "device"),
    [
        (0, 0),
        (LEFT, 1),
        (RIGHT, 2),
        (MIDDLE, 4),
        (LEFT | RIGHT, 3),
        (MouseButtonMask.UP | MouseButtonMask.DOWN, 0),
        (MouseButtonMask.SIDE, 0x40),
        (MouseButtonMask.EXTRA, 0x80),
        (0xFFE0, 0x1FFC0),
        (0xFFFF, 0x1FFC7),
    ],
)
def test_middle_and_right_change_places_and_side_buttons_move_up(buttons: int, device: int) -> None:
    assert device_buttons(buttons) == device
