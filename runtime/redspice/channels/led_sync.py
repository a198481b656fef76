"""Brings the guest's lock lights in line with the lock keys of a viewer's keyboard.

A viewer tells its lock keys when it connects and whenever it becomes active again. Where the guest
differs, the key is pressed and released in the viewer's name. But what a viewer tells right after
one of its lock keys was pressed cannot be compared yet: the guest may not have noticed the key, and
a second press would undo the first. Then it is compared when the guest has had time. At last the
viewer is told the guest's lights, for guests have their own mind.
"""

from __future__ import annotations

from collections.abc import Callable
from math import inf
from typing import TYPE_CHECKING

from redspice.channels.pressed_keys import RELEASED
from redspice_protocol.enums import KeyboardModifierFlags

if TYPE_CHECKING:
    from redspice.interfaces import CoreInterface

# The keys in PC/AT set 1.
LOCK_KEYS = {
    KeyboardModifierFlags.SCROLL_LOCK: 0x46,
    KeyboardModifierFlags.NUM_LOCK: 0x45,
    KeyboardModifierFlags.CAPS_LOCK: 0x3A,
}
LOCK_CODES = frozenset(bytes((key,)) for key in LOCK_KEYS.values())
# Seconds that a guest gets to follow a lock key, as from the reference server.
SETTLING = 2.0


class LedSync:
    """The lock keys of one viewer.

    `lights` tells the guest's lock lights, `press` takes scan codes for the guest, and `settled` is
    called when the viewer should be told.
    """

    def __init__(
        self,
        core: CoreInterface,
        lights: Callable[[], int],
        press: Callable[[bytes], None],
        settled: Callable[[], None],
    ) -> None:
        self._now = core.now
        self._lights = lights
        self._press = press
        self._settled = settled
        self._timer = core.timer(self._settle)
        self._pressed_at = -inf
        self._waiting: int | None = None

    def key_pressed(self, code: bytes) -> None:
        """The viewer pressed a key. A lock key outdates what the viewer has told."""
        if code in LOCK_CODES:
            self._pressed_at = self._now()
            self._waiting = None

    def told(self, modifiers: int) -> None:
        """The viewer told its lock keys, as `KeyboardModifierFlags`."""
        self._waiting = modifiers
        # Before keys are pressed, as that may end the viewer and so stop this.
        self._timer.start(SETTLING)
        if self._now() - self._pressed_at >= SETTLING:
            self._compare()

    def stop(self) -> None:
        """The viewer is gone."""
        self._timer.cancel()

    def _settle(self) -> None:
        self._compare()
        self._settled()

    def _compare(self) -> None:
        modifiers, self._waiting = self._waiting, None
        if modifiers is None:
            return
        differing = self._lights() ^ modifiers
        for light, key in LOCK_KEYS.items():
            if differing & light:
                self._press(bytes((key, key | RELEASED)))
