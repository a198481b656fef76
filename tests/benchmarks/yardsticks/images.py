"""The two pictures that codecs are timed on, always the same: 1920x1080 BGRX as NumPy arrays."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image

Pixels = NDArray[np.uint8]

GLYPH_WIDTH, GLYPH_HEIGHT = 9, 14
WINDOWS = (
    (60, 60, 900, 800, (255, 255, 255), (30, 30, 30)),
    (700, 300, 1000, 680, (30, 30, 34), (200, 210, 200)),
    (1250, 40, 600, 380, (245, 246, 250), (60, 40, 20)),
)
#: Noise of so many cells across, and how strong.
OCTAVES = ((8, 60), (32, 35), (128, 18), (512, 8))


class Desk:
    """A desktop being painted."""

    def __init__(self, width: int, height: int) -> None:
        self.rng = np.random.default_rng(1)
        self.width, self.height = width, height
        self.pixels = np.zeros((height, width, 4), np.uint8)
        y = np.linspace(0, 1, height)[:, None]
        for channel, shade in enumerate((90 + 60 * y, 60 + 40 * y, 40)):
            self.pixels[..., channel] = np.asarray(shade).astype(np.uint8)
        self.glyphs = [self._glyph() for _ in range(60)]

    def _glyph(self) -> NDArray[np.float32]:
        """A random, antialiased letter."""
        ink = (self.rng.random((GLYPH_HEIGHT, GLYPH_WIDTH)) < 0.35).astype(np.float32)
        ink = (ink + np.roll(ink, 1, 1) * 0.35).clip(0, 1)
        ink[:, -2:] = 0
        ink[:2] = 0
        return ink

    def rectangle(self, x: int, y: int, width: int, height: int, colour: Sequence[int]) -> None:
        self.pixels[y : y + height, x : x + width, :3] = colour

    def text(self, x: int, y: int, count: int, ink: Sequence[int], paper: Sequence[int]) -> None:
        for left in range(x, x + GLYPH_WIDTH * count, GLYPH_WIDTH):
            if self.rng.random() < 0.16:
                continue
            glyph = self.glyphs[self.rng.integers(60)][..., None]
            if left + GLYPH_WIDTH > self.width or y + GLYPH_HEIGHT > self.height:
                break
            letter = np.array(ink) * glyph + np.array(paper) * (1 - glyph)
            self.pixels[y : y + GLYPH_HEIGHT, left : left + GLYPH_WIDTH, :3] = letter.astype(
                np.uint8
            )


def desktop(width: int = 1920, height: int = 1080) -> Pixels:
    """Windows full of text on a gradient, with a task bar."""
    desk = Desk(width, height)
    for x, y, w, h, paper, ink in WINDOWS:
        desk.rectangle(x - 1, y - 1, w + 2, h + 2, (80, 80, 80))
        desk.rectangle(x, y, w, 28, (200, 190, 180))
        desk.text(x + 8, y + 7, 30, (20, 20, 20), (200, 190, 180))
        desk.rectangle(x, y + 28, w, h - 28, paper)
        for row in range((h - 50) // 18):
            count = int(desk.rng.integers(10, (w - 30) // 9))
            desk.text(x + 10, y + 40 + 18 * row, count, ink, paper)
    desk.rectangle(0, height - 40, width, 40, (50, 45, 45))
    for button in range(12):
        colour = tuple(int(v) for v in desk.rng.integers(0, 255, 3))
        desk.rectangle(10 + 50 * button, height - 36, 32, 32, colour)
    return desk.pixels


def photo(width: int = 1920, height: int = 1080) -> Pixels:
    """Smooth noise of several sizes with grain."""
    rng = np.random.default_rng(2)
    pixels = np.zeros((height, width, 4), np.uint8)
    for channel in range(3):
        shades = np.zeros((height, width), np.float32)
        for cells, strength in OCTAVES:
            noise = rng.random((max(2, cells * height // width), cells)).astype(np.float32)
            smooth = Image.fromarray(noise).resize((width, height), Image.Resampling.BICUBIC)
            shades += np.asarray(smooth) * strength
        shades += rng.normal(0, 2.0, (height, width))
        pixels[..., channel] = (shades * 1.9).clip(0, 255)
    return pixels
