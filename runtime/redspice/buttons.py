"""Mouse buttons as the protocol counts them and as devices do.

Embedders get the protocol's masks (`MouseButtonMask`: left, middle, right, then the side buttons).
PS/2 and USB mice report left, right, middle, and so does what emulates them, QEMU for one; an
embedder that feeds such a device converts in its `MouseInterface` and `TabletInterface`:

    def buttons(self, buttons: int) -> None:
        self.device.write(device_buttons(buttons))
"""

from __future__ import annotations

from redspice_protocol.enums import MouseButtonMask

# The side buttons and whatever bits follow them. The wheel's two come as turns, never as buttons.
EXTRA = 0xFFFF & -int(MouseButtonMask.SIDE)


def device_buttons(buttons: int) -> int:
    """The mask of a device for one of the protocol.

    Bit 0 is left, bit 1 right, bit 2 middle; SIDE and all that follow move up by one bit, so that
    SIDE is bit 6 and EXTRA bit 7. The bits of the wheel are dropped.
    """
    left = buttons & MouseButtonMask.LEFT
    middle = (buttons & MouseButtonMask.MIDDLE) << 1
    right = (buttons & MouseButtonMask.RIGHT) >> 1
    return int(left | middle | right | (buttons & EXTRA) << 1)
