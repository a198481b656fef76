"""Pictures for tests, and the comparison of two."""

from __future__ import annotations

import random
import re
from pathlib import Path

from PIL import Image, ImageChops

from redspice.sources.demo import Demo


def noise(width: int, height: int, seed: int = 1) -> Image.Image:
    """An RGB picture of random pixels, the same for the same seed: every mistake shows."""
    return Image.frombytes(
        "RGB", (width, height), random.Random(seed).randbytes(width * height * 3)
    )


def from_bgrx(pixels: bytes, width: int, height: int) -> Image.Image:
    """An RGB picture of what a framebuffer holds."""
    return Image.frombytes("RGB", (width, height), pixels, "raw", "BGRX")


def demo_picture(width: int, height: int) -> Image.Image:
    """The frozen demo before anybody touched it."""
    framebuffer = Demo(width, height, frozen=True).framebuffer
    return from_bgrx(bytes(framebuffer.pixels), width, height)


def read_ppm(path: Path) -> Image.Image:
    """A binary PPM as spicy-screenshot writes it, with nothing before or after its pixels."""
    data = path.read_bytes()
    header = re.match(rb"P6\n(\d+) (\d+)\n255\n", data)
    assert header is not None, data[:40]
    width, height = int(header[1]), int(header[2])
    assert len(data) == header.end() + width * height * 3
    return Image.frombytes("RGB", (width, height), data[header.end() :])


def assert_same_picture(shown: Image.Image, expected: Image.Image) -> None:
    """Every pixel is the same."""
    assert shown.size == expected.size
    box = ImageChops.difference(shown, expected).getbbox()
    assert box is None, f"pixels differ inside {box}"
