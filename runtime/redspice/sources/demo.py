"""The demo source: a small desktop that shows whether pictures, input and motion arrive.

Input is drawn at most once per `PAINT_DELAY`, so that a flood of it costs no more than a trickle.
A frozen demo has no clock and no motion: its pixels depend on nothing but its size and the input.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from redspice.display.framebuffer import Framebuffer
from redspice.interfaces import QxlInterface, Timer
from redspice.reds import RedsState
from redspice.sources.cursor_shape import arrow
from redspice.sources.desktop import Desktop
from redspice.sources.devices import EchoKeyboard, EchoMouse, EchoTablet
from redspice.sources.pointer import Pointer
from redspice.sources.typist import Typist

PAINT_DELAY = 1 / 60
"""Seconds between input and its picture."""

FRAME_DELAY = 1 / 20
"""Seconds between two pictures of the motion window."""

LARGE_SCREEN = 30
"""From this many pixels to a layout unit on, the cursor is drawn at double size."""


class Demo:
    """A desktop of this size in pixels; `attach` puts it on a server.

    `wall_clock` tells the time of day. Raises `ConfigurationError` for a size that no framebuffer
    can have.
    """

    def __init__(
        self,
        width: int,
        height: int,
        *,
        frozen: bool = False,
        wall_clock: Callable[[], datetime] = datetime.now,
    ) -> None:
        self.frozen = frozen
        self.framebuffer = Framebuffer(width, height)
        self.desktop = Desktop(self.framebuffer)
        self.typist = Typist()
        self.pointer = Pointer(width, height)
        self.qxl = QxlInterface(self.framebuffer)
        self.qxl.set_cursor(
            arrow(2 if self.desktop.layout.unit >= LARGE_SCREEN else 1),
            self.pointer.x,
            self.pointer.y,
        )
        self._wall_clock = wall_clock
        self._stale: set[Callable[[], None]] = set()
        self._paint_timer: Timer | None = None
        self._told_leds = self.typist.leds
        self._show_keys()
        self._show_pointer()
        if not frozen:
            self.desktop.show_clock(wall_clock())

    def attach(self, reds: RedsState) -> None:
        """Register screen and devices with a server whose `init` was called, and start to tick."""

        def keys_changed() -> None:
            if self.typist.leds != self._told_leds:
                self._told_leds = self.typist.leds
                reds.kbd_leds(int(self.typist.leds))
            self._repaint_soon(self._show_keys)

        self._paint_timer = reds.core.timer(self._paint)
        reds.add_interface(self.qxl)
        reds.add_interface(EchoKeyboard(self.typist, keys_changed))
        reds.add_interface(EchoMouse(self.pointer, self._pointer_changed))
        reds.add_interface(EchoTablet(self.pointer, self._pointer_changed))
        if not self.frozen:
            self._start_clock(reds)
            self._start_motion(reds)

    def _start_clock(self, reds: RedsState) -> None:
        def tick() -> None:
            moment = self._wall_clock()
            self.desktop.show_clock(moment)
            timer.start(1 - moment.microsecond / 1_000_000)

        timer = reds.core.timer(tick)
        tick()

    def _start_motion(self, reds: RedsState) -> None:
        started = reds.core.now()

        def step() -> None:
            if reds.clients:  # nobody looks: nothing to draw
                self.desktop.show_motion(reds.core.now() - started)
            timer.start(FRAME_DELAY)

        timer = reds.core.timer(step)
        step()

    def _pointer_changed(self) -> None:
        self.qxl.move_cursor(self.pointer.x, self.pointer.y)
        self._repaint_soon(self._show_pointer)

    def _repaint_soon(self, draw: Callable[[], None]) -> None:
        if not self._stale and self._paint_timer is not None:
            self._paint_timer.start(PAINT_DELAY)
        self._stale.add(draw)

    def _paint(self) -> None:
        stale, self._stale = self._stale, set()
        for draw in stale:
            draw()

    def _show_keys(self) -> None:
        self.desktop.show_keys(self.typist)

    def _show_pointer(self) -> None:
        self.desktop.show_pointer(self.pointer)
