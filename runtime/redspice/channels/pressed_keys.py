"""Which keys a viewer holds down, so that none stays down when the viewer is gone.

Follows the bytes of PC/AT set 1 scan codes: E0 begins an extended key of two bytes, E1 the Pause
key of three. Bit 7 of the other bytes means released. A key is called by the code that presses it.
"""

from __future__ import annotations

EXTENDED = 0xE0
PAUSE_PREFIX = 0xE1
PAUSE = b"\xe1\x1d\x45"
RELEASED = 0x80
# Bytes of a code that begins so; all others have one.
CODE_SIZES = {EXTENDED: 2, PAUSE_PREFIX: 3}
# No key has these codes: letting one go would look like a prefix and swallow what comes next.
NO_KEYS = frozenset({EXTENDED & ~RELEASED, PAUSE_PREFIX & ~RELEASED})
# What ends a code that was begun, and does nothing: the shift that keyboards themselves let go
# around extended keys, and the end of Pause.
ENDINGS = {EXTENDED: b"\xaa", PAUSE_PREFIX: b"\x9d\xc5"}


class PressedKeys:
    """At most the 253 keys that the codes can tell apart."""

    def __init__(self) -> None:
        # In the order they were pressed.
        self._keys: dict[bytes, None] = {}
        self._begun = b""

    def follow(self, fragment: int) -> bytes | None:
        """One more byte that went to the keyboard; returns the key that it pressed."""
        if fragment in CODE_SIZES:
            self._begun = bytes((fragment,))
            return None
        code = self._begun + bytes((fragment,))
        if len(code) < CODE_SIZES.get(code[0], 1):
            self._begun = code
            return None
        self._begun = b""
        key = bytes(_pressing(byte) for byte in code)
        if fragment & RELEASED:
            self._keys.pop(key, None)
            return None
        if key[-1] in NO_KEYS or (key[0] == PAUSE_PREFIX and key != PAUSE):
            return None
        self._keys[key] = None
        return key

    def release(self) -> bytes:
        """The scan codes that let go of every key, after the end of a code that was begun; none is
        pressed afterwards."""
        begun, self._begun = self._begun, b""
        keys, self._keys = self._keys, {}
        ending = ENDINGS[begun[0]][len(begun) - 1 :] if begun else b""
        return ending + bytes(_releasing(byte) for key in keys for byte in key)


def _pressing(byte: int) -> int:
    return byte if byte in CODE_SIZES else byte & ~RELEASED


def _releasing(byte: int) -> int:
    return byte if byte in CODE_SIZES else byte | RELEASED
