"""A row of dots that swing at slightly different speeds and drift in and out of step.

Where a dot is depends only on the time, so a still picture of any moment can be drawn.
"""

from __future__ import annotations

import math

from redspice.sources import paint
from redspice.sources.area import Area, Color
from redspice.sources.layout import Layout, Window

DOTS = 16
PERIOD = 60.0
"""Seconds after which all dots are in step again."""

SLOWEST = 12
"""Swings of the first dot in one period; each dot further makes one more."""

DIAMETER = 1.4
"""Of a dot, in units."""

STILL = 2.2
"""The moment, in seconds, that a frozen desktop shows: a full wave."""


class Dots:
    """Where the dots of a window are; the boxes are pixels of the screen."""

    def __init__(self, layout: Layout, window: Window) -> None:
        self.diameter = layout.px(DIAMETER)
        self._body = window.body

    def at(self, seconds: float) -> list[Area]:
        """The box of each dot at a moment."""
        return [self._box(i, seconds) for i in range(DOTS)]

    def color(self, index: int) -> Color:
        """The colour of one dot: from one end of the row to the other."""
        return paint.fade(paint.ACCENT, paint.CORAL, index / (DOTS - 1))

    def _box(self, index: int, seconds: float) -> Area:
        body, side = self._body, self.diameter
        x = body.left + (2 * index + 1) * body.width // (2 * DOTS) - side // 2
        swing = math.cos(2 * math.pi * (SLOWEST + index) * seconds / PERIOD)
        y = body.top + round((body.height - side) * (1 + swing) / 2)
        return Area.at(x, y, side, side)
