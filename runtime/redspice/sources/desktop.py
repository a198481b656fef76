"""The demo desktop: draws each part into a framebuffer, and only the part that changed.

The frames are drawn once. A part that changes is drawn on a copy of the frame's pixels under it,
and of that the box is pasted that has become different: a letter damages no whole panel.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from functools import partial

from PIL import Image, ImageChops

from redspice.display.framebuffer import Framebuffer
from redspice.sources import echo, paint
from redspice.sources.area import Area
from redspice.sources.frames import TEXT, draw_frames
from redspice.sources.layout import Layout, Part, layout
from redspice.sources.motion import STILL, Dots
from redspice.sources.pixels import paste
from redspice.sources.pointer import Pointer
from redspice.sources.typist import Typist

CLOCK_FORMAT = "%a %d %b   %H:%M:%S"
CLOCK_WIDEST = "Wed 00 Nov   00:00:00"
"""The widest text of the clock: its box has room for it, so nothing of an older time is left."""


class Desktop:
    """A desktop on a framebuffer, drawn at once; the methods draw what has changed since."""

    def __init__(self, framebuffer: Framebuffer) -> None:
        self.framebuffer = framebuffer
        self.layout: Layout = layout(framebuffer.width, framebuffer.height)
        self._frames = draw_frames(self.layout)
        motion, typed = self.layout.windows.get(Part.MOTION), self.layout.windows.get(Part.ECHO)
        self._dots = Dots(self.layout, motion) if motion else None
        self._drawn_dots: list[Area] = []
        self._shown: dict[Area, Image.Image] = {}
        self._panels = echo.panels(self.layout, typed) if typed else None
        paste(framebuffer, 0, 0, self._frames)
        self.show_motion(STILL)

    def show_clock(self, moment: datetime) -> None:
        """Draw the time at the right end of the bar."""
        bar, desk = self.layout.bar, self.layout
        if bar is None:
            return
        text, size = moment.strftime(CLOCK_FORMAT), desk.px(TEXT)
        left = bar.right - paint.text_width(CLOCK_WIDEST, size) - desk.px(2)
        box = Area(max(bar.left, left), bar.top, bar.right, bar.bottom)

        def draw(picture: Image.Image) -> None:
            at = (picture.width - desk.px(1), picture.height // 2)
            paint.write(picture, at, text, size, (255, 255, 255), "rm")

        self._redraw(box, draw)

    def show_keys(self, typist: Typist) -> None:
        """Draw the keys and the line of text."""
        if self._panels is not None:
            self._redraw(
                self._panels.keys, partial(echo.draw_keys, layout=self.layout, typist=typist)
            )
            self._redraw(
                self._panels.text, partial(echo.draw_text, layout=self.layout, typist=typist)
            )

    def show_pointer(self, pointer: Pointer) -> None:
        """Draw where the pointer is and what it presses."""
        if self._panels is not None:
            self._redraw(
                self._panels.pointer,
                partial(echo.draw_pointer, layout=self.layout, pointer=pointer),
            )

    def show_motion(self, seconds: float) -> None:
        """Move the dots to where they are at this time."""
        if self._dots is None:
            return
        places = self._dots.at(seconds)
        mask = paint.disc_mask(self._dots.diameter)
        for i, (old, new) in enumerate(zip(self._drawn_dots or places, places, strict=True)):
            box = old.union(new)
            picture = self._frames.crop(box)
            picture.paste(self._dots.color(i), (new.left - box.left, new.top - box.top), mask)
            paste(self.framebuffer, box.left, box.top, picture)
        self._drawn_dots = places

    def _redraw(self, box: Area, draw: Callable[[Image.Image], None]) -> None:
        """Draw on the frames' pixels under a box and show what is different now."""
        frame = self._frames.crop(box)
        picture = frame.copy()
        draw(picture)
        changed = ImageChops.difference(self._shown.get(box, frame), picture).getbbox()
        self._shown[box] = picture
        if changed is not None:
            left, top = changed[:2]
            paste(self.framebuffer, box.left + left, box.top + top, picture.crop(changed))
