"""Names of PC/AT set 1 scan codes, and the bytes of a keyboard turned into key events.

A key is one byte, or 0xe0 and a byte; the top bit is set when it is let go. Pause alone starts
with 0xe1 and has two bytes after it. Letters and signs are those of a US keyboard.
"""

from __future__ import annotations

from dataclasses import dataclass

RELEASE = 0x80
EXTENDED = 0xE0
PAUSE_PREFIX = 0xE1
PAUSE_LENGTH = 2

ROWS: tuple[tuple[int, str, str], ...] = (
    (0x02, "1234567890-=", "!@#$%^&*()_+"),
    (0x10, "qwertyuiop[]", "QWERTYUIOP{}"),
    (0x1E, "asdfghjkl;'`", 'ASDFGHJKL:"~'),
    (0x2B, "\\zxcvbnm,./", "|ZXCVBNM<>?"),
)
"""First code of a run of keys, what they type, and what they type with Shift."""

PRINTABLE: dict[int, tuple[str, str]] = {
    first + i: pair
    for first, plain, shifted in ROWS
    for i, pair in enumerate(zip(plain, shifted, strict=True))
} | {0x39: (" ", " "), 0x56: ("<", ">")}

KEYPAD: dict[int, str] = {0x37: "*", 0x4A: "-", 0x4E: "+"} | dict(
    zip(
        (0x47, 0x48, 0x49, 0x4B, 0x4C, 0x4D, 0x4F, 0x50, 0x51, 0x52, 0x53),
        "7894561230.",
        strict=True,
    )
)

NAMES: dict[int, str] = {
    0x01: "Esc",
    0x0E: "Backspace",
    0x0F: "Tab",
    0x1C: "Enter",
    0x1D: "Left Ctrl",
    0x2A: "Left Shift",
    0x36: "Right Shift",
    0x38: "Left Alt",
    0x39: "Space",
    0x3A: "Caps Lock",
    0x45: "Num Lock",
    0x46: "Scroll Lock",
    0x54: "Print Screen",
    0x57: "F11",
    0x58: "F12",
    **{0x3B + i: f"F{i + 1}" for i in range(10)},
    **{code: f"Keypad {sign}" for code, sign in KEYPAD.items()},
}

EXTENDED_NAMES: dict[int, str] = {
    0x1C: "Keypad Enter",
    0x1D: "Right Ctrl",
    0x2A: "Print Screen",
    0x35: "Keypad /",
    0x37: "Print Screen",
    0x38: "Right Alt",
    0x46: "Break",
    0x47: "Home",
    0x48: "Up",
    0x49: "Page Up",
    0x4B: "Left",
    0x4D: "Right",
    0x4F: "End",
    0x50: "Down",
    0x51: "Page Down",
    0x52: "Insert",
    0x53: "Delete",
    0x5B: "Left Super",
    0x5C: "Right Super",
    0x5D: "Menu",
}


@dataclass(frozen=True, slots=True)
class KeyEvent:
    """One key going down or up; `code` is without the release bit, 0xe0xx if extended."""

    code: int
    name: str
    pressed: bool


def key_name(code: int) -> str:
    """What is printed on a key; its hexadecimal code if nothing is known about it."""
    if code >> 8 == EXTENDED:
        return EXTENDED_NAMES.get(code & 0xFF, f"e0 {code & 0xFF:02x}")
    if code in NAMES:
        return NAMES[code]
    if code in PRINTABLE:
        return PRINTABLE[code][0].upper()
    return f"{code:02x}"


class ScanCodes:
    """Turns the bytes of a keyboard, one at a time, into key events."""

    def __init__(self) -> None:
        self._extended = False
        self._pause_left = 0

    def feed(self, byte: int) -> KeyEvent | None:
        """The event that this byte completes, if it does."""
        if self._pause_left:
            self._pause_left -= 1
            if self._pause_left:
                return None
            return KeyEvent(PAUSE_PREFIX << 8, "Pause", not byte & RELEASE)
        if byte == PAUSE_PREFIX:
            self._pause_left = PAUSE_LENGTH
            self._extended = False
            return None
        if byte == EXTENDED:
            self._extended = True
            return None
        code = byte & ~RELEASE | (EXTENDED << 8 if self._extended else 0)
        self._extended = False
        return KeyEvent(code, key_name(code), not byte & RELEASE)
