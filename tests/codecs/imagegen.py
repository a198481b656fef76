"""Deterministic test pictures, in integer arithmetic only: the sources of the codec vectors.

    gen(pattern, width, height, seed) -> uint8 array (height, width, 4) in B, G, R, A order

Everything derives from one integer hash of (x, y, channel, seed), modulo 2**32:

    v = x*0x9E3779B1 + y*0x85EBCA77 + channel*0xC2B2AE3D + seed*0x27D4EB2F + 0x165667B1
    v ^= v >> 15;  v *= 0x2C1B3C6D;  v ^= v >> 12;  v *= 0x297A2D39;  v ^= v >> 15

The `to_` functions turn such a picture into the source formats of the codecs, rows tight.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

U = np.uint64
M = U(0xFFFFFFFF)

Plane = NDArray[np.uint64]
Picture = NDArray[np.uint8]


def hashed(x: Any, y: Any, channel: int, seed: int) -> Plane:
    x = np.asarray(x, np.uint64)
    y = np.asarray(y, np.uint64)
    salt = (channel * 0xC2B2AE3D + seed * 0x27D4EB2F + 0x165667B1) & 0xFFFFFFFF
    v = (x * U(0x9E3779B1) + y * U(0x85EBCA77) + U(salt)) & M
    v = ((v ^ (v >> U(15))) * U(0x2C1B3C6D)) & M
    v = ((v ^ (v >> U(12))) * U(0x297A2D39)) & M
    return v ^ (v >> U(15))


def _grid(width: int, height: int) -> tuple[Plane, Plane]:
    y, x = np.mgrid[0:height, 0:width]
    return x.astype(np.uint64), y.astype(np.uint64)


def _stacked(planes: Sequence[Plane]) -> Picture:
    return np.stack([(plane & U(255)).astype(np.uint8) for plane in planes], axis=2)


def flat(width: int, height: int, seed: int) -> Picture:
    x, y = _grid(width, height)
    return _stacked([hashed(x * U(0), y * U(0), c, seed) for c in range(4)])


def gradient(width: int, height: int, seed: int) -> Picture:
    x, y = _grid(width, height)
    w, h = U(width), U(height)
    first = [U(int(hashed(0, 0, 10 + c, seed)) & 255) for c in range(4)]
    across = x * U(256) // w + first[0]
    down = y * U(256) // h + first[1]
    both = (x + y) * U(256) // (w + h) + first[2]
    return _stacked([across, down, both, (x * U(2) + y + first[3]) // U(3)])


def checker(width: int, height: int, seed: int) -> Picture:
    x, y = _grid(width, height)
    side = U(1 + seed % 8)
    on = ((x // side) + (y // side)) & U(1)
    dark, light = ([hashed(i, 0, 20 + c, seed) for c in range(4)] for i in (0, 1))
    return _stacked([np.where(on == 1, light[c], dark[c]) for c in range(4)])


def noise(width: int, height: int, seed: int) -> Picture:
    x, y = _grid(width, height)
    return _stacked([hashed(x, y, c, seed) for c in range(4)])


def text(width: int, height: int, seed: int) -> Picture:
    """6x10 character cells; 23 glyphs; ink on paper, every 7th line of text in another ink."""
    x, y = _grid(width, height)
    column, line, dx, dy = x // U(6), y // U(10), x % U(6), y % U(10)
    glyph = hashed(column, line, 30, seed) % U(23)
    dots = (hashed(dx + glyph * U(6), dy, 31, seed) & U(7)) < U(3)
    ink = dots & (dx < 5) & (dy > 0) & (dy < 9) & (glyph > 3)
    paper = [U(250), U(250), U(248), U(255)]
    title = line % U(7) == 0
    inks = [
        np.where(title, U(160), U(16)),
        np.where(title, U(32), U(16)),
        np.where(title, U(32), U(24)),
        np.where(dx == 0, U(128), U(255)),
    ]
    return _stacked([np.where(ink, inks[c], paper[c]) for c in range(4)])


def photo(width: int, height: int, seed: int) -> Picture:
    """Bilinear value noise on a 16-pixel lattice (8-bit fixed point), plus a 0..3 grain."""
    x, y = _grid(width, height)
    column, row, right, down = x >> U(4), y >> U(4), x & U(15), y & U(15)

    def corner(i: int, j: int, channel: int) -> Plane:
        return hashed(column + U(i), row + U(j), 40 + channel, seed) & U(255)

    planes = []
    for c in range(4):
        upper = corner(0, 0, c) * (U(16) - right) + corner(1, 0, c) * right
        lower = corner(0, 1, c) * (U(16) - right) + corner(1, 1, c) * right
        smooth = (upper * (U(16) - down) + lower * down) >> U(8)
        planes.append((smooth * U(252) >> U(8)) + (hashed(x, y, 50 + c, seed) & U(3)))
    return _stacked(planes)


def runs(width: int, height: int, seed: int) -> Picture:
    """Horizontal runs; bands of equal rows, so that runs of the row above line up."""
    x, y = _grid(width, height)
    band = y // U(5)
    unit = U(1) << (hashed(band, band * U(0), 60, seed) % U(8))  # 1..128 pixels
    jog = np.where((hashed(x // U(37), y, 61, seed) & U(31)) == 0, U(1), U(0))
    color = hashed(x // unit + jog, band, 62, seed) % U(6)
    return _stacked([hashed(color, color * U(0), 70 + c, seed) for c in range(4)])


def desktop(width: int, height: int, seed: int) -> Picture:
    """Flat background with three windows, of text, photo and gradient, with title bars."""
    picture = flat(width, height, seed)
    picture[..., 3] = 255
    w, h = max(1, width * 5 // 12), max(1, height * 5 // 12)
    bar = max(1, h // 12)
    for i, pattern in enumerate((text, photo, gradient)):
        left = int(hashed(i, 0, 80, seed)) % max(1, width - w + 1)
        top = int(hashed(i, 1, 80, seed)) % max(1, height - h + 1)
        picture[top : top + h, left : left + w] = pattern(w, h, seed + i)
        picture[top : top + bar, left : left + w] = flat(w, bar, seed + 10 + i)
    return picture


PATTERNS: dict[str, Callable[[int, int, int], Picture]] = {
    pattern.__name__: pattern
    for pattern in (flat, gradient, checker, noise, text, photo, runs, desktop)
}


def gen(pattern: str, width: int, height: int, seed: int) -> Picture:
    return PATTERNS[pattern](width, height, seed)


def to_gray(picture: Picture) -> Picture:
    return picture[..., 1].copy()


def to_rgb16(picture: Picture) -> NDArray[np.uint16]:
    """Little endian x1r5g5b5, bit 15 clear."""
    b, g, r = (picture[..., i].astype(np.uint16) >> 3 for i in range(3))
    return ((r << 10) | (g << 5) | b).astype("<u2")


def to_rgb24(picture: Picture) -> Picture:
    return picture[..., :3].copy()


def to_bgrx(picture: Picture) -> Picture:
    """The fourth byte is the alpha plane."""
    return picture.copy()


def to_a8(picture: Picture) -> Picture:
    return picture[..., 3].copy()


def to_plt8(picture: Picture) -> Picture:
    b, g, r = (picture[..., i] for i in range(3))
    return (b >> 6) | ((g >> 5) << 2) | ((r >> 5) << 5)


def to_plt4(picture: Picture, be: bool) -> Picture:
    index = (to_plt8(picture) ^ (to_plt8(picture) >> 4)) & 15
    if index.shape[1] & 1:
        index = np.pad(index, ((0, 0), (0, 1)))
    left, right = index[:, 0::2], index[:, 1::2]
    return (left << 4) | right if be else (right << 4) | left


def to_plt1(picture: Picture, be: bool) -> Picture:
    index = (picture[..., 1] > 127).astype(np.uint8)
    return np.packbits(index, axis=1, bitorder="big" if be else "little")


def palette(entries: int, seed: int) -> list[int]:
    """Colours 0x00RRGGBB."""
    return [int(hashed(i, 0, 90, seed)) & 0xFFFFFF for i in range(entries)]
