from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

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
        ("e1 1d 45", "e1 9d c5"),
        ("1d e1 1d 45", "9d e1 9d c5"),
        ("1d e1 9d c5", "9d"),
        ("1d 45 e1 1d 46", "9d c5"),
        ("e1 1e 30", ""),
        ("e1 e0 4d", "e0 cd"),
        ("e0 e1 1d 45", "e1 9d c5"),
        # What was begun is ended, or what is let go would be taken for its rest.
        ("1e e0", "aa 9e"),
        ("1e e1", "9d c5 9e"),
        ("1e e1 1d", "c5 9e"),
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


@pytest.mark.parametrize(
    ("fragments", "pressed"),
    [
        ("1e", "1e"),
        ("9e", None),
        ("e0", None),
        ("e0 1d", "e0 1d"),
        ("e0 9d", None),
        ("e1 1d", None),
        ("e1 1d 45", "e1 1d 45"),
        ("e1 1d 46", None),
        ("60", None),
        ("e0 61", None),
        ("3a 3a", "3a"),
    ],
)
def test_the_last_byte_of_a_key_tells_it(fragments: str, pressed: str | None) -> None:
    keys = PressedKeys()
    told = [keys.follow(fragment) for fragment in bytes.fromhex(fragments)]
    assert told[-1] == (None if pressed is None else bytes.fromhex(pressed))


def test_a_viewer_that_tries_every_sequence_holds_few_keys() -> None:
    keys = PressedKeys()
    for first in range(128):
        for fragment in (first, 0xE0, first, *(b for k in range(128) for b in (0xE1, first, k))):
            keys.follow(fragment)
    released = keys.release()
    assert len(released) == 126 + 2 * 126 + 3


@given(st.binary(max_size=40))
def test_what_is_released_leaves_nothing_pressed(fragments: bytes) -> None:
    keys, guest = PressedKeys(), PressedKeys()
    for fragment in fragments:
        keys.follow(fragment)
        guest.follow(fragment)
    for fragment in keys.release():
        guest.follow(fragment)
    assert guest.release() == b""
