"""The parts of the demo desktop that never change: wallpaper, bar, window frames, test card."""

from __future__ import annotations

from PIL import Image, ImageDraw

from redspice.sources import paint
from redspice.sources.area import Area
from redspice.sources.layout import Layout, Part, Window
from redspice.sources.wallpaper import wallpaper

TITLE = "Redspice"
SUBTITLE = "SPICE for Python"

BAR_OPACITY = 150
BAR_TINT = (10, 14, 34)

TEXT = 1.15
"""Height of the text, in units."""

DOTS = {Part.CARD: paint.ACCENT, Part.ECHO: paint.GREEN, Part.MOTION: paint.CORAL}
"""The colour of the mark in each window's title bar."""


def draw_frames(layout: Layout) -> Image.Image:
    """The whole desktop as it is before anything happens; RGB."""
    picture = wallpaper(layout.width, layout.height)
    if layout.bar is not None:
        _draw_bar(picture, layout, layout.bar)
    for window in layout.windows.values():
        _draw_window(picture, layout, window)
    if layout.card is not None:
        rim = layout.card.box.inset(-1)
        ImageDraw.Draw(picture).rectangle(
            (rim.left, rim.top, rim.right - 1, rim.bottom - 1), outline=paint.LINE
        )
        layout.card.draw(picture)
    return picture


def _draw_bar(picture: Image.Image, layout: Layout, bar: Area) -> None:
    paint.veil(picture, bar, BAR_TINT, BAR_OPACITY)
    size, margin = layout.px(TEXT), layout.px(1)
    middle = bar.center[1]
    mark = Area.at(margin, middle - size // 2, size, size)
    paint.rounded(picture, mark, max(2, size // 4), paint.CORAL)
    paint.rounded(picture, mark.inset(max(2, size // 3)), 1, (255, 255, 255))
    left = mark.right + layout.px(0.7)
    paint.write(picture, (left, middle), TITLE, size, (255, 255, 255))
    left += paint.text_width(TITLE, size) + layout.px(1)
    if left + paint.text_width(SUBTITLE, size) < bar.right - layout.px(20):
        paint.write(picture, (left, middle), SUBTITLE, size, (176, 184, 212))


def _draw_window(picture: Image.Image, layout: Layout, window: Window) -> None:
    radius = layout.px(0.6)
    paint.shadow(picture, window.box, radius, layout.px(1.6), 120)
    paint.rounded(picture, window.box, radius, paint.CHROME)
    body = Area(window.box.left, window.title.bottom, window.box.right, window.box.bottom)
    paint.rounded(picture, body, radius, paint.PAPER)
    squared = Area(body.left, body.top, body.right, body.top + radius)
    ImageDraw.Draw(picture).rectangle(
        (squared.left, squared.top, squared.right - 1, squared.bottom - 1), fill=paint.PAPER
    )
    ImageDraw.Draw(picture).line(
        (body.left, body.top, body.right - 1, body.top), fill=paint.LINE, width=1
    )
    size, left, middle = layout.px(TEXT), window.title.left, window.title.center[1]
    paint.disc(picture, (left + layout.px(1.3), middle), layout.px(0.7), DOTS[window.part])
    paint.write(picture, (left + layout.px(2.2), middle), window.part.value, size)
