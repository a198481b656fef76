"""What the codecs are measured beside: well-known ones, straight from their libraries.

They take all the pixels of a BGRX32 picture, without padding, and give them back.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable
from typing import NamedTuple

import lz4.block
import numpy as np
import simplejpeg


class Yardstick(NamedTuple):
    """`encode` takes pixels, width and height; `decode` what it gave, and the bytes of pixels."""

    encode: Callable[[memoryview, int, int], bytes]
    decode: Callable[[bytes, int], object]


def _encode_jpeg(pixels: memoryview, width: int, height: int) -> bytes:
    rows = np.frombuffer(pixels, np.uint8).reshape(height, width, 4)
    return simplejpeg.encode_jpeg(rows, 85, "BGRX", "420")


YARDSTICKS = {
    "lz4.block": Yardstick(
        lambda pixels, width, height: lz4.block.compress(pixels, store_size=False),
        lambda data, size: lz4.block.decompress(data, uncompressed_size=size),
    ),
    "zlib-1": Yardstick(
        lambda pixels, width, height: zlib.compress(pixels, 1),
        lambda data, size: zlib.decompress(data, bufsize=size),
    ),
    "simplejpeg": Yardstick(
        _encode_jpeg,
        lambda data, size: simplejpeg.decode_jpeg(data, "BGRX"),
    ),
}
