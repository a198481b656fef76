"""Graduality: whether a picture changes softly, as photographs do, or in steps, as desktops do.

A server codes pictures of high graduality with QUIC and the others with a dictionary codec. The
picture is sampled every few pixels: each sample compares a pixel with three of its neighbours,
and a soft change to any of them speaks for a photograph.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum
from math import gcd
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from redspice.codecs.image import PixelFormat, source_rows

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from typing_extensions import Buffer

    Pixels: TypeAlias = NDArray[Any]
    Colours: TypeAlias = NDArray[np.uint32]

#: Pixels from one sample to the next; the other one where the width divides the first, for
#: samples would then lie in few columns.
STEP = 15
OTHER_STEP = 14

# Scores of a pair of neighbours, in quarters so that sums are exact.
CONTRAST = 4
EQUAL = 2
SOFT = -1
#: A difference of one component from which a pair is a contrast: of eight bits and of five.
CONTRAST_8 = 60
CONTRAST_5 = 8

# Mean scores of a pair below which a picture is of high graduality, or of medium.
HIGH_BELOW = -0.03
HIGH_BELOW_16BIT = 0.0
MEDIUM_BELOW = 0.002


class Graduality(Enum):
    """High: like a photograph. Low and medium: like a desktop."""

    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"


def level(pixels: Buffer, width: int, height: int, stride: int, format: PixelFormat) -> Graduality:
    """The graduality of a picture in X1R5G5B5, BGR24, BGRX32 or BGRA32.

    `pixels` is bytes-like with rows `stride` bytes apart. Raises `ValueError` for other formats,
    and for sizes that cannot be.
    """
    if format not in _COLOURS:
        raise ValueError(f"graduality is not defined for {format.name}")
    source = source_rows(pixels, width, height, stride, format)
    high_below = HIGH_BELOW_16BIT if format is PixelFormat.X1R5G5B5 else HIGH_BELOW
    mean = _mean_score(source, width, height, stride, format)
    if mean < high_below:
        return Graduality.HIGH
    return Graduality.MEDIUM if mean < MEDIUM_BELOW else Graduality.LOW


def _mean_score(
    source: memoryview, width: int, height: int, stride: int, format: PixelFormat
) -> float:
    """The mean score of all pairs: from -0.25, all soft, to 1, all contrasts."""
    if width <= 1 or height <= 1:
        return 1.0
    at = sample_positions(width, height)
    y = at // width
    x = at - y * width
    colours = _COLOURS[format]
    rows = np.ndarray((height, width), _UNITS[format], source, strides=(stride, format.bits // 8))
    one = colours(rows[y, x])
    contrast = CONTRAST_5 if format is PixelFormat.X1R5G5B5 else CONTRAST_8
    pairs = [
        _pair_scores(one, colours(rows[beside]), contrast)
        for beside in ((y, x + 1), (y + 1, x), (y + 1, x + 1))
    ]
    scores = pairs[0] + pairs[1] + pairs[2]
    scores[scores == 3 * EQUAL] = 0  # nothing changes here at all
    return int(scores.sum()) / 4 / (3 * len(at))


def sample_positions(width: int, height: int) -> NDArray[np.int64]:
    """The pixels, counted row by row, that are compared with their neighbours.

    From the middle of the first row on a step at a time. A pixel that ends a row gives way to the
    one before it, from which the walk then goes on.
    """
    step = OTHER_STEP if STEP % width == 0 else STEP
    start = width // 2
    end = (height - 1) * width
    at = np.arange((end - start) // (step - 1) + 1)
    shifts = _row_ends(at, start, step, width)
    passed = np.concatenate(([0], shifts[:-1]))
    at = at * step + start
    inside = at - passed < end
    return (at - shifts)[inside]


def _row_ends(samples: NDArray[np.int64], start: int, step: int, width: int) -> NDArray[np.int64]:
    """How many row ends the walk met, up to each sample and with it.

    Between two row ends the positions are those of plain steps, so the first one and the number of
    steps from one to the next follow from `position = -1 modulo width`.
    """
    common = gcd(step, width)
    if (start + 1) % common:
        return np.zeros_like(samples)
    reduced = width // common
    inverse = pow(step // common, -1, reduced)
    first = (-1 - start) // common * inverse % reduced
    met = samples >= first
    if common > 1:  # after one step back the walk is off the row ends for good
        return met.astype(np.int64)
    return np.where(met, (samples - first) // inverse + 1, 0)


def _of_x1r5g5b5(pixels: Pixels) -> Colours:
    return _word(*(pixels >> shift & 0x1F for shift in (0, 5, 10)))


def _of_bgr24(pixels: Pixels) -> Colours:
    return _word(*(pixels[channel] for channel in "bgr"))


def _of_32_bits(pixels: Pixels) -> Colours:
    return np.bitwise_and(pixels, 0xFFFFFF, dtype=np.uint32)


def _word(blue: Pixels, green: Pixels, red: Pixels) -> Colours:
    word = red.astype(np.uint32)
    for component in (green, blue):
        word <<= 8
        word |= component
    return word


_UNITS = {
    PixelFormat.X1R5G5B5: np.dtype("<u2"),
    PixelFormat.BGR24: np.dtype([("b", "u1"), ("g", "u1"), ("r", "u1")]),
    PixelFormat.BGRX32: np.dtype("<u4"),
    PixelFormat.BGRA32: np.dtype("<u4"),
}
#: Pixels to words with one component in each of the lower bytes.
_COLOURS: dict[PixelFormat, Callable[[Pixels], Colours]] = {
    PixelFormat.X1R5G5B5: _of_x1r5g5b5,
    PixelFormat.BGR24: _of_bgr24,
    PixelFormat.BGRX32: _of_32_bits,
    PixelFormat.BGRA32: _of_32_bits,
}


def _pair_scores(ones: Colours, others: Colours, contrast: int) -> NDArray[np.int8]:
    """The score of each pair, in quarters."""
    a, b = ones.view(np.uint8), others.view(np.uint8)
    differ = np.maximum(a, b) - np.minimum(a, b) >= contrast
    sharp = differ.view(np.uint32) != 0
    scores = np.where(ones == others, np.int8(EQUAL), np.int8(SOFT))
    scores[sharp] = CONTRAST
    return scores
