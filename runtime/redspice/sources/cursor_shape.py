"""The demo's pointer: a white arrow with a dark rim and a soft shadow."""

from __future__ import annotations

from PIL import Image, ImageChops, ImageDraw, ImageFilter

from redspice.interfaces import CursorShape
from redspice.sources.paint import SMOOTHING

WIDTH = 20
HEIGHT = 26
"""Size in pixels at scale 1."""

TIP = (2.0, 1.5)
"""The point of the arrow and its hot spot, in pixels from the top left corner."""

OUTLINE = ((0, 0), (0, 15.6), (3.7, 12.3), (6.2, 18.0), (8.9, 16.8), (6.5, 11.3), (11.4, 11.1))
"""Corners of the arrow, in pixels from its tip."""

RIM = 1.1
SHADOW_OPACITY = 0.38


def arrow(scale: int = 1) -> CursorShape:
    """The arrow at a whole scale; BGRA with alpha premultiplied, as a cursor wants it."""
    body = _outline_mask(scale, 0)
    rim = _outline_mask(scale, RIM)
    dark = ImageChops.offset(rim, scale, scale).filter(ImageFilter.GaussianBlur(1.4 * scale))
    dark = dark.point(lambda level: level * SHADOW_OPACITY)
    alpha = ImageChops.lighter(dark, rim)
    grey = ImageChops.lighter(body, ImageChops.multiply(rim, Image.new("L", rim.size, 24)))
    pixels = Image.merge("RGBA", (grey, grey, grey, alpha))
    hot_x, hot_y = (int(side * scale) for side in TIP)
    return CursorShape(pixels.width, pixels.height, hot_x, hot_y, pixels.tobytes())


def _outline_mask(scale: int, grow: float) -> Image.Image:
    """The arrow, made wider by `grow` pixels on every side."""
    zoom = scale * SMOOTHING
    mask = Image.new("L", (WIDTH * zoom, HEIGHT * zoom))
    draw = ImageDraw.Draw(mask)
    corners = [((TIP[0] + x) * zoom, (TIP[1] + y) * zoom) for x, y in OUTLINE]
    draw.polygon(corners, fill=255)
    if grow:
        draw.line(
            [*corners, corners[0], corners[1]],
            fill=255,
            width=round(2 * grow * zoom),
            joint="curve",
        )
    return mask.reduce(SMOOTHING)
