from __future__ import annotations

import pytest

from redspice.channels.pressed_keys import PressedKeys


@pytest.mark.parametrize(
    ("fragments", "released"),
    [
        ("", ""),
        ("1e", "9e"),
        ("1e 9e", ""),
        ("1e 1e 1e", "9e"),
        ("9e", ""),
        ("1d e0 1d", "9d e0 9d"),
        ("1d e0 1d e0 9d", "9d"),
        ("e0 e0 4d", "e0 cd"),
        ("e1 1d 45 e1 9d c5", ""),
        ("1e e0", "9e"),
        ("61 1e 60", "9e"),
        ("e0 60 e0 61 e0 4d", "e0 cd"),
    ],
)
def test_what_is_down_is_released_in_order(fragments: str, released: str) -> None:
    keys = PressedKeys()
    for fragment in bytes.fromhex(fragments):
        keys.follow(fragment)
    assert keys.release() == bytes.fromhex(released)
    assert keys.release() == b""
