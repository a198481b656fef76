"""Where the pointer is and what it presses: plain state, drawn by the echo window."""

from __future__ import annotations

WHEEL_MAX = 9999
"""The wheel count stops here, so that its text stays short."""


class Pointer:
    """Follows a mouse or a tablet inside a screen of this size in pixels."""

    def __init__(self, width: int, height: int) -> None:
        self.width = width
        self.height = height
        self.x = width // 2
        self.y = height // 2
        self.buttons = 0
        self.wheel = 0
        self.absolute = False

    def move_by(self, dx: int, dy: int) -> None:
        """A relative move, stopped by the edges of the screen."""
        self.absolute = False
        self._place(self.x + dx, self.y + dy)

    def move_to(self, x: int, y: int) -> None:
        """An absolute move; positions off the screen count as its edge."""
        self.absolute = True
        self._place(x, y)

    def turn(self, dz: int) -> None:
        """The wheel: -1 up, 1 down."""
        self.wheel = min(max(self.wheel + dz, -WHEEL_MAX), WHEEL_MAX)

    def _place(self, x: int, y: int) -> None:
        self.x = min(max(x, 0), self.width - 1)
        self.y = min(max(y, 0), self.height - 1)
