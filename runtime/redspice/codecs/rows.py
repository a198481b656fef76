"""Rows of pixels to encode, as NumPy sees them or without the padding between them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from redspice.codecs.image import PixelFormat, source_rows

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from typing_extensions import Buffer


def source_array(
    pixels: Buffer, width: int, height: int, stride: int, format: PixelFormat
) -> NDArray[np.uint8]:
    """The rows in the order of memory, uncopied: shape (height, bytes of a row), dtype uint8.

    Padding is left out; the last row need not have any. Raises `ValueError` for sizes that cannot
    be.
    """
    view = source_rows(pixels, width, height, stride, format)
    return np.ndarray((height, format.row_bytes(width)), np.uint8, view, strides=(stride, 1))


def tight_rows(
    pixels: Buffer, width: int, height: int, stride: int, format: PixelFormat
) -> memoryview:
    """The bytes of `source_array` in one piece, copied only if there is padding to leave out."""
    rows = source_array(pixels, width, height, stride, format)
    return np.ascontiguousarray(rows).data.cast("B")
