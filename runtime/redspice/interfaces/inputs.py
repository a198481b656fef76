"""The guest's input devices.

Buttons are the protocol's `MouseButtonMask`; `redspice.buttons` has them in the order of devices.
"""

from __future__ import annotations

from redspice.interfaces.base import Interface


class KeyboardInterface(Interface):
    """The guest's keyboard."""

    def push_scan_freg(self, fragment: int) -> None:
        """One byte of a PC/AT set 1 scan code; a key takes one to six of them."""

    def get_leds(self) -> int:
        """The lock lights, as `KeyboardModifierFlags`.

        Where a viewer's own lock keys differ from them the server presses and releases the key.
        """
        return 0


class MouseInterface(Interface):
    """The guest's relative pointer, used in server mouse mode."""

    def motion(self, dx: int, dy: int, dz: int, buttons: int) -> None:
        """Moved by `dx`, `dy` pixels; `dz` is the wheel: -1 up, 1 down."""

    def buttons(self, buttons: int) -> None:
        """The buttons that are down now."""


class TabletInterface(Interface):
    """The guest's absolute pointer, used in client mouse mode."""

    display_id = 0
    """The display that the next position lies on, as the viewer counts them."""

    def set_logical_size(self, width: int, height: int) -> None:
        """The size, in pixels, of the area that positions refer to."""

    def position(self, x: int, y: int, buttons: int) -> None:
        """Moved to `x`, `y`, which may lie outside the area when the viewer is late or hostile."""

    def wheel(self, dz: int, buttons: int) -> None:
        """The wheel: -1 up, 1 down."""

    def buttons(self, buttons: int) -> None:
        """The buttons that are down now."""
