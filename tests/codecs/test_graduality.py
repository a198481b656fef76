"""Graduality: the classes that the reference server gives, and the walk of the samples."""

import json
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import imagegen
from codec_vectors import DIRECTORY
from redspice.codecs.graduality import Graduality, level, sample_positions
from redspice.codecs.image import PixelFormat

SOURCES: dict[str, tuple[PixelFormat, Callable[[imagegen.Picture], Any]]] = {
    "16BIT": (PixelFormat.X1R5G5B5, imagegen.to_rgb16),
    "24BIT": (PixelFormat.BGR24, imagegen.to_rgb24),
    "32BIT": (PixelFormat.BGRX32, imagegen.to_bgrx),
    "RGBA": (PixelFormat.BGRA32, imagegen.to_bgrx),
}
VECTORS = json.loads((DIRECTORY / "graduality.json").read_text())


@pytest.mark.parametrize(
    "vector",
    VECTORS,
    ids=lambda v: f"{v['format']}-{v['pattern']}-{v['width']}x{v['height']}",
)
def test_the_class_is_that_of_the_reference(vector: dict[str, Any]) -> None:
    width, height = vector["width"], vector["height"]
    format, convert = SOURCES[vector["format"]]
    pixels = convert(imagegen.gen(vector["pattern"], width, height, vector["seed"]))
    stride = format.row_bytes(width)
    assert level(pixels, width, height, stride, format) is Graduality[vector["level"]]


@pytest.mark.parametrize("format", [format for format, _ in SOURCES.values()])
def test_padding_between_rows_is_not_looked_at(format: PixelFormat) -> None:
    width, height = 45, 30
    row = format.row_bytes(width)
    soft = imagegen.photo(width, height, 1)
    convert = next(convert for each, convert in SOURCES.values() if each is format)
    rows = convert(soft).reshape(height, -1).view(np.uint8)
    padded = np.full((height, row + 7), 255, np.uint8)
    padded[:, :row] = rows
    wanted = level(np.ascontiguousarray(rows), width, height, row, format)
    assert level(padded, width, height, row + 7, format) is wanted


def walked(width: int, height: int) -> list[int]:
    """The rule, sample by sample."""
    step = 14 if 15 % width == 0 else 15
    at, found = width // 2, []
    while at < (height - 1) * width:
        if (at + 1) % width == 0:
            at -= 1
        found.append(at)
        at += step
    return found


def test_the_walk_is_the_same_for_every_width() -> None:
    for width in range(2, 130):
        for height in (2, 3, 4, 17, 40):
            assert sample_positions(width, height).tolist() == walked(width, height)


@pytest.mark.parametrize(("width", "height"), [(2, 5000), (5000, 2), (1920, 300), (3, 4001)])
def test_the_walk_is_the_same_for_large_pictures(width: int, height: int) -> None:
    assert sample_positions(width, height).tolist() == walked(width, height)


@pytest.mark.parametrize("size", [(1, 1), (1, 9), (9, 1)])
def test_a_single_row_or_column_is_of_low_graduality(size: tuple[int, int]) -> None:
    pixels = np.zeros((size[1], size[0], 4), np.uint8)
    assert level(pixels, *size, size[0] * 4, PixelFormat.BGRX32) is Graduality.LOW


def test_one_colour_is_neither_soft_nor_sharp() -> None:
    pixels = np.full((20, 20, 4), 77, np.uint8)
    assert level(pixels, 20, 20, 80, PixelFormat.BGRX32) is Graduality.MEDIUM


@pytest.mark.parametrize("format", [PixelFormat.A8, PixelFormat.PLT8, PixelFormat.PLT1_BE])
def test_formats_without_colours_have_none(format: PixelFormat) -> None:
    with pytest.raises(ValueError, match=f"not defined for {format.name}"):
        level(bytes(100), 10, 10, 10, format)


def test_too_few_pixels_are_refused() -> None:
    with pytest.raises(ValueError, match="99 bytes of pixels, 400 wanted"):
        level(bytes(99), 10, 10, 40, PixelFormat.BGRX32)
