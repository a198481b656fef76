"""What the keys pressed so far amount to: a line of text, the keys held, the lock lights."""

from __future__ import annotations

from redspice.sources.scancodes import EXTENDED, KEYPAD, PRINTABLE, KeyEvent, ScanCodes, key_name
from redspice_protocol.enums import KeyboardModifierFlags

TEXT_MAX = 120
"""Characters of the text line that are remembered: more than any window shows."""

RECENT_MAX = 12
"""Keys shown as pressed lately; also how many held keys are told apart."""

TEXT_STEP, RECENT_STEP = 20, 4
"""By how much a line moves that is full. If it moved with each key, each would damage all of it."""

SHIFTS = frozenset({0x2A, 0x36})
CHORDS = frozenset({0x1D, EXTENDED << 8 | 0x1D, 0x38, 0xE05B, 0xE05C})
"""Keys that turn letters into commands while they are held."""

LOCKS: dict[int, KeyboardModifierFlags] = {
    0x3A: KeyboardModifierFlags.CAPS_LOCK,
    0x45: KeyboardModifierFlags.NUM_LOCK,
    0x46: KeyboardModifierFlags.SCROLL_LOCK,
}
BACKSPACE = 0x0E
CLEAR = frozenset({0x01, 0x1C, EXTENDED << 8 | 0x1C})
"""Esc and both Enter keys start a new line."""
KEYPAD_SLASH = EXTENDED << 8 | 0x35


class Typist:
    """Follows a keyboard; plain state, drawn by the echo window."""

    def __init__(self) -> None:
        self.text = ""
        self.recent: list[int] = []
        self.held: set[int] = set()
        self.leds = KeyboardModifierFlags(0)
        self._scan_codes = ScanCodes()

    def push(self, fragment: int) -> KeyEvent | None:
        """Take one byte of a scan code; the key event it completes, if it does."""
        event = self._scan_codes.feed(fragment)
        if event is None:
            return None
        if event.pressed:
            self._press(event.code)
        else:
            self.held.discard(event.code)
        return event

    @property
    def keys(self) -> list[tuple[str, bool]]:
        """The keys pressed lately, newest first, and whether that press still lasts."""
        held = set(self.held)
        shown: list[tuple[str, bool]] = []
        for code in reversed(self.recent):
            shown.append((key_name(code), code in held))
            held.discard(code)
        return shown

    def _press(self, code: int) -> None:
        repeated = code in self.held
        if len(self.held) < RECENT_MAX:
            self.held.add(code)
        if not repeated:
            self.recent.append(code)
            if len(self.recent) > RECENT_MAX:
                del self.recent[:RECENT_STEP]
            self.leds ^= LOCKS.get(code, KeyboardModifierFlags(0))
        if code == BACKSPACE:
            self.text = self.text[:-1]
        elif code in CLEAR:
            self.text = ""
        elif not self.held & CHORDS:
            self.text += self._typed(code)
            if len(self.text) > TEXT_MAX:
                self.text = self.text[TEXT_STEP:]

    def _typed(self, code: int) -> str:
        if code == KEYPAD_SLASH:
            return "/"
        if code in KEYPAD:
            digits = bool(self.leds & KeyboardModifierFlags.NUM_LOCK)
            return KEYPAD[code] if digits or KEYPAD[code] in "*-+" else ""
        plain, shifted = PRINTABLE.get(code, ("", ""))
        shift = bool(self.held & SHIFTS)
        if plain.isalpha() and self.leds & KeyboardModifierFlags.CAPS_LOCK:
            shift = not shift
        return shifted if shift else plain
