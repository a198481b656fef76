"""A test card whose every pixel is known: colour bars, a grey ramp and a checkerboard.

The card is `WIDTH` x `HEIGHT` units; a unit is a whole number of pixels, so every edge is exact.
From top to bottom: eight pure colours, sixteen greys from black to white, and a checkerboard of
single pixels, white where x + y (counted from its own corner) is even. No pixel is smoothed.
"""

from __future__ import annotations

from dataclasses import dataclass

from PIL import Image, ImageDraw

from redspice.sources.area import Area, Color

WIDTH = 32
HEIGHT = 18

WHITE: Color = (255, 255, 255)
BLACK: Color = (0, 0, 0)

BARS: tuple[tuple[str, Color], ...] = (
    ("white", WHITE),
    ("yellow", (255, 255, 0)),
    ("cyan", (0, 255, 255)),
    ("green", (0, 255, 0)),
    ("magenta", (255, 0, 255)),
    ("red", (255, 0, 0)),
    ("blue", (0, 0, 255)),
    ("black", BLACK),
)
BAR_WIDTH = WIDTH // len(BARS)
BAR_HEIGHT = 10

GREYS: tuple[int, ...] = tuple(range(0, 256, 17))
GREY_WIDTH = WIDTH // len(GREYS)
GREY_HEIGHT = 4

CHECKER_HEIGHT = HEIGHT - BAR_HEIGHT - GREY_HEIGHT


@dataclass(frozen=True, slots=True)
class TestCard:
    """A card with its top left corner at (left, top) of the picture; `unit` in pixels."""

    __test__ = False  # pytest collects classes by this prefix

    left: int
    top: int
    unit: int

    @property
    def box(self) -> Area:
        return self._units(0, 0, WIDTH, HEIGHT)

    @property
    def bars(self) -> tuple[tuple[Area, Color], ...]:
        """Each colour bar and its colour, left to right."""
        return tuple(
            (self._units(i * BAR_WIDTH, 0, BAR_WIDTH, BAR_HEIGHT), color)
            for i, (_, color) in enumerate(BARS)
        )

    @property
    def greys(self) -> tuple[tuple[Area, Color], ...]:
        """Each step of the grey ramp and its colour, dark to light."""
        return tuple(
            (self._units(i * GREY_WIDTH, BAR_HEIGHT, GREY_WIDTH, GREY_HEIGHT), (grey, grey, grey))
            for i, grey in enumerate(GREYS)
        )

    @property
    def checkerboard(self) -> Area:
        return self._units(0, BAR_HEIGHT + GREY_HEIGHT, WIDTH, CHECKER_HEIGHT)

    def draw(self, picture: Image.Image) -> None:
        """Draw the card into an RGB picture."""
        draw = ImageDraw.Draw(picture)
        for box, color in (*self.bars, *self.greys):
            draw.rectangle((box.left, box.top, box.right - 1, box.bottom - 1), fill=color)
        board = self.checkerboard
        picture.paste(_checkerboard(*board.size), (board.left, board.top))

    def _units(self, x: int, y: int, width: int, height: int) -> Area:
        unit = self.unit
        return Area.at(self.left + x * unit, self.top + y * unit, width * unit, height * unit)


def _checkerboard(width: int, height: int) -> Image.Image:
    rows = [bytes([255, 0] * (width // 2 + 1))[first : first + width] for first in (0, 1)]
    pixels = b"".join(rows[y % 2] for y in range(height))
    return Image.frombytes("L", (width, height), pixels).convert("RGB")
