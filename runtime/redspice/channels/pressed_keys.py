"""Which keys a viewer holds down, so that none stays down when the viewer is gone.

Follows the bytes of PC/AT set 1 scan codes: E0 marks the next byte as an extended key, bit 7 of a
byte means released.
"""

from __future__ import annotations

EXTENDED = 0xE0
PAUSE = 0xE1
RELEASED = 0x80
# No key has these codes: letting one go would look like a prefix and swallow what comes next.
NO_KEYS = frozenset({EXTENDED & ~RELEASED, PAUSE & ~RELEASED})


class PressedKeys:
    """At most the 252 keys that the codes can tell apart."""

    def __init__(self) -> None:
        # Keys as (extended, code), in the order they were pressed.
        self._keys: dict[tuple[bool, int], None] = {}
        self._extended = False

    def follow(self, fragment: int) -> None:
        """One more byte that went to the keyboard."""
        if fragment in (EXTENDED, PAUSE):
            self._extended = fragment == EXTENDED
            return
        key = (self._extended, fragment & ~RELEASED)
        self._extended = False
        if fragment & RELEASED:
            self._keys.pop(key, None)
        elif fragment not in NO_KEYS:
            self._keys[key] = None

    def release(self) -> bytes:
        """The scan codes that let go of every key; none is pressed afterwards."""
        keys, self._keys, self._extended = self._keys, {}, False
        return b"".join(
            bytes((EXTENDED, code | RELEASED)) if extended else bytes((code | RELEASED,))
            for extended, code in keys
        )
