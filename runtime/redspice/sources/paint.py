"""Drawing with soft edges: text, rounded boxes, shadows, discs.

Shapes are drawn several times too large and reduced, which smooths their edges; text is smooth
by itself. The font is the one that Pillow carries, so the result needs no font of the system.
"""

from __future__ import annotations

from functools import lru_cache

from PIL import Image, ImageDraw, ImageFilter, ImageFont

from redspice.sources.area import Area, Color

SMOOTHING = 4
"""Pixels drawn, along each side, for one pixel of a shape."""

FONT_MIN = 11
"""Height of the smallest text, in pixels, that can still be read."""

INK: Color = (36, 41, 56)
FAINT: Color = (122, 130, 148)
PAPER: Color = (249, 250, 252)
CHROME: Color = (233, 236, 242)
LINE: Color = (216, 221, 231)
ACCENT: Color = (64, 110, 232)
CORAL: Color = (232, 93, 100)
GREEN: Color = (52, 178, 123)


@lru_cache(maxsize=32)
def font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    """The built-in font at a height in pixels."""
    return ImageFont.load_default(max(FONT_MIN, size))


def text_width(text: str, size: int) -> int:
    """How wide `write` sets this text, in pixels."""
    return round(font(size).getlength(text))


def write(
    picture: Image.Image,
    at: tuple[int, int],
    text: str,
    size: int,
    color: Color = INK,
    anchor: str = "lm",
) -> None:
    """Set text at a point; the anchor is Pillow's: `lm` is the middle of the left side."""
    ImageDraw.Draw(picture).text(at, text, font=font(size), fill=color, anchor=anchor)


@lru_cache(maxsize=64)
def rounded_mask(width: int, height: int, radius: int) -> Image.Image:
    """A filled box with round corners, as a mask of this size."""
    mask = Image.new("L", (width, height), 255)
    radius = min(radius, width // 2, height // 2)
    if radius < 1:
        return mask
    side = 2 * radius
    disc = disc_mask(side)
    for x, from_x in ((0, 0), (width - radius, radius)):
        for y, from_y in ((0, 0), (height - radius, radius)):
            mask.paste(disc.crop((from_x, from_y, from_x + radius, from_y + radius)), (x, y))
    return mask


@lru_cache(maxsize=64)
def disc_mask(diameter: int) -> Image.Image:
    """A filled circle that touches the sides of its square."""
    big = Image.new("L", (diameter * SMOOTHING, diameter * SMOOTHING))
    ImageDraw.Draw(big).ellipse((0, 0, big.width - 1, big.height - 1), fill=255)
    return big.reduce(SMOOTHING)


def rounded(picture: Image.Image, box: Area, radius: int, color: Color) -> None:
    """Fill a box with round corners."""
    picture.paste(color, (box.left, box.top), rounded_mask(*box.size, radius))


def framed(picture: Image.Image, box: Area, radius: int, edge: Color, fill: Color) -> None:
    """A rounded box with a hairline around it."""
    rounded(picture, box, radius, edge)
    rounded(picture, box.inset(1), radius - 1, fill)


def disc(picture: Image.Image, center: tuple[int, int], diameter: int, color: Color) -> None:
    """Fill a circle around a point."""
    corner = (center[0] - diameter // 2, center[1] - diameter // 2)
    picture.paste(color, corner, disc_mask(diameter))


def veil(picture: Image.Image, box: Area, color: Color, opacity: int) -> None:
    """Lay a colour over a box; opacity of 255."""
    picture.paste(color, (box.left, box.top), Image.new("L", box.size, opacity))


def shadow(picture: Image.Image, box: Area, radius: int, reach: int, opacity: int) -> None:
    """A soft dark rim around and below a rounded box; `reach` in pixels.

    The picture under the box itself is left alone: the box is drawn there next.
    """
    size = (box.width + 2 * reach, box.height + 2 * reach)
    mask = Image.new("L", size)
    mask.paste(opacity, (reach, reach), rounded_mask(*box.size, radius))
    soft = mask.filter(ImageFilter.BoxBlur(reach / 3)).filter(ImageFilter.BoxBlur(reach / 3))
    picture.paste((8, 12, 32), (box.left - reach, box.top - reach + reach // 3), soft)


def fade(color: Color, toward: Color, amount: float) -> Color:
    """A colour on the way to another: 0 is the first, 1 the second."""
    r, g, b = (round(a + (z - a) * amount) for a, z in zip(color, toward, strict=True))
    return r, g, b
