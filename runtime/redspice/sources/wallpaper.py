"""The demo's wallpaper: a soft gradient of a few colours with two waves along the bottom.

The gradient is a picture of a few pixels, enlarged: smooth at every size, cheap, and without
noise, so that it also compresses well.
"""

from __future__ import annotations

import math

from PIL import Image, ImageDraw

from redspice.sources.area import Color

MESH: tuple[tuple[Color, ...], ...] = (
    ((22, 32, 74), (38, 44, 104), (64, 48, 118), (58, 38, 96)),
    ((24, 58, 106), (46, 74, 140), (104, 74, 150), (136, 70, 128)),
    ((22, 96, 128), (52, 112, 160), (150, 98, 148), (204, 108, 112)),
)
"""Colours from the top left to the bottom right corner; the picture blends between them."""

WAVES: tuple[tuple[float, float, float, float, int], ...] = (
    (0.74, 0.050, 1.15, 0.4, 22),
    (0.84, 0.040, 0.90, 2.6, 26),
)
"""Resting height and swing (parts of the height), periods across, phase, opacity (of 255)."""

SMOOTHING = 4
"""Rows drawn for one row of a wave: its slopes are gentle, so vertical smoothing is enough."""


def wallpaper(width: int, height: int) -> Image.Image:
    """An RGB picture of this size in pixels."""
    picture = Image.merge("RGB", [_gradient(width, height, channel) for channel in range(3)])
    for rest, swing, periods, phase, opacity in WAVES:
        top = int((rest - swing) * height)
        mask = _wave_mask(width, height, top, (rest, swing, periods, phase), opacity)
        picture.paste((255, 255, 255), (0, top), mask)
    return picture


def _gradient(width: int, height: int, channel: int) -> Image.Image:
    """One channel of the mesh; enlarged in floating point, since bytes would leave streaks."""
    mesh = Image.new("F", (len(MESH[0]), len(MESH)))
    for y, row in enumerate(MESH):
        for x, color in enumerate(row):
            mesh.putpixel((x, y), color[channel])
    return mesh.resize((width, height), Image.Resampling.BICUBIC).convert("L")


def _wave_mask(
    width: int, height: int, top: int, wave: tuple[float, float, float, float], opacity: int
) -> Image.Image:
    """Everything below the wave, as a mask whose first row is row `top` of the picture."""
    rest, swing, periods, phase = wave
    rows = height - top
    mask = Image.new("L", (width, rows * SMOOTHING))
    step = max(1, width // 512)
    edge = [
        (x, SMOOTHING * (_wave_y(x / width, rest, swing, periods, phase) * height - top))
        for x in range(0, width + step, step)
    ]
    floor = rows * SMOOTHING
    ImageDraw.Draw(mask).polygon([*edge, (edge[-1][0], floor), (0, floor)], fill=opacity)
    return mask.reduce((1, SMOOTHING))


def _wave_y(x: float, rest: float, swing: float, periods: float, phase: float) -> float:
    return rest + swing * math.sin(2 * math.pi * periods * x + phase)
