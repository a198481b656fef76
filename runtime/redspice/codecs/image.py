"""Pixels in memory: their formats, and the picture that a decoder returns."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Any

import numpy as np

from redspice.codecs.errors import CodecError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray
    from typing_extensions import Buffer

#: Pixels that a decoder makes room for unless the caller allows more: 8192 x 8192.
MAX_PIXELS = 1 << 26


class PixelFormat(Enum):
    """How pixels lie in memory. The name gives the bytes in their order, the value the bits of one.

    X1R5G5B5 is a little endian u16 with red on top and bit 15 unused; X bytes are unused. PLT
    formats are indices into a palette, packed into bytes with the leftmost pixel in the low (LE)
    or in the high bits (BE).
    """

    PLT1_LE = ("PLT1_LE", 1)
    PLT1_BE = ("PLT1_BE", 1)
    PLT4_LE = ("PLT4_LE", 4)
    PLT4_BE = ("PLT4_BE", 4)
    PLT8 = ("PLT8", 8)
    GRAY8 = ("GRAY8", 8)
    A8 = ("A8", 8)
    X1R5G5B5 = ("X1R5G5B5", 16)
    BGR24 = ("BGR24", 24)
    BGRX32 = ("BGRX32", 32)
    BGRA32 = ("BGRA32", 32)

    @property
    def bits(self) -> int:
        """Bits of one pixel."""
        return self.value[1]

    @property
    def has_palette(self) -> bool:
        return self.name.startswith("PLT")

    def row_bytes(self, width: int) -> int:
        """Bytes of a row of `width` pixels without padding."""
        return (width * self.bits + 7) // 8


@dataclass(slots=True, eq=False)
class Image:
    """A picture in memory.

    `pixels` is a flat, writable view of at least `height * stride` bytes. `stride` is the distance
    of rows in bytes. `top_down` is false where the first row in memory is the bottom one.
    `palette` has entries 0x00RRGGBB.
    """

    format: PixelFormat
    width: int
    height: int
    stride: int
    pixels: memoryview
    top_down: bool = True
    palette: Sequence[int] | None = None

    def array(self) -> NDArray[Any]:
        """The pixels as an array that shares their memory, top row first.

        Its shape is (height, width, channels) with dtype uint8 for BGR24, BGRX32 and BGRA32,
        (height, width) with uint16 for X1R5G5B5 and with uint8 for formats of eight bits, and
        (height, bytes of a row) with uint8 for packed palette formats.
        """
        flat = np.frombuffer(self.pixels, np.uint8, self.height * self.stride)
        row_bytes = self.format.row_bytes(self.width)
        rows = flat.reshape(self.height, self.stride)[:: 1 if self.top_down else -1, :row_bytes]
        if self.format is PixelFormat.X1R5G5B5:
            return rows.view("<u2")
        if self.format.bits > 16:
            return rows.reshape(self.height, self.width, self.format.bits // 8)
        return rows

    def tight(self) -> bytes:
        """The rows from the top down without padding."""
        return self.array().tobytes()


def octets(buffer: Buffer) -> memoryview:
    """A flat view of a buffer's bytes. Raises `ValueError` where they do not lie in one piece."""
    view = memoryview(buffer)
    if not view.c_contiguous:
        raise ValueError("the buffer is not contiguous: pass a view from its first byte and stride")
    return view.cast("B") if view.nbytes else memoryview(b"")


def source_rows(
    pixels: Buffer, width: int, height: int, stride: int, format: PixelFormat
) -> memoryview:
    """The pixels to encode as a flat view. Raises `ValueError` for sizes that cannot be."""
    if width <= 0 or height <= 0:
        raise ValueError(f"an image of {width}x{height} pixels")
    row_bytes = format.row_bytes(width)
    if stride < row_bytes:
        raise ValueError(f"a stride of {stride} bytes for rows of {row_bytes}")
    view = octets(pixels)
    wanted = (height - 1) * stride + row_bytes
    if len(view) < wanted:
        raise ValueError(f"{len(view)} bytes of pixels, {wanted} wanted")
    return view


def check_size(width: int, height: int, max_pixels: int, offset: int) -> None:
    """Raise `CodecError` for a size from a stream's header that is empty or above the limit."""
    if width <= 0 or height <= 0:
        raise CodecError(f"an image of {width}x{height} pixels", offset)
    if width * height > max_pixels:
        raise CodecError(f"{width}x{height} pixels, {max_pixels} allowed", offset)


def target(
    format: PixelFormat,
    width: int,
    height: int,
    *,
    into: Buffer | None = None,
    stride: int | None = None,
    top_down: bool = True,
) -> Image:
    """The image to decode into: the caller's buffer, or a new one whose bytes are not set.

    The stride is that of rows without padding unless given. The size must be checked before.
    Raises `ValueError` for a buffer that is too small or cannot be written to.
    """
    row_bytes = format.row_bytes(width)
    if stride is None:
        stride = row_bytes
    elif stride < row_bytes:
        raise ValueError(f"a stride of {stride} bytes for rows of {row_bytes}")
    size = height * stride
    if into is None:
        pixels = np.empty(size, np.uint8).data
    else:
        pixels = octets(into)
        if pixels.readonly:
            raise ValueError("the buffer to decode into cannot be written to")
        if len(pixels) < size:
            raise ValueError(f"a buffer of {len(pixels)} bytes, {size} wanted")
    return Image(format, width, height, stride, pixels, top_down)
