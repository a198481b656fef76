"""What scan codes type on the demo desktop."""

from __future__ import annotations

import pytest

from redspice.sources.scancodes import KeyEvent, ScanCodes
from redspice.sources.typist import TEXT_MAX, Typist


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
