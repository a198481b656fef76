"""LZ4: pictures as a chain of LZ4 blocks.

    byte 0            1 if the first row is the top one, 0 if it is the bottom one
    byte 1            6 x1r5g5b5, 7 BGR24, 8 BGRX32, 9 BGRA32: the number of the bitmap format
    then, to the end  u32, big endian: bytes of a block; the block

A block may refer to 64 KiB of what the blocks before it gave. All of them together give the rows,
without padding; where one ends and the next begins has no meaning. The width and the height travel
in the image's descriptor.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

import lz4.block
import numpy as np

from redspice.codecs.convert import convert
from redspice.codecs.errors import CodecError
from redspice.codecs.image import MAX_PIXELS, Image, PixelFormat, check_size, octets, target
from redspice.codecs.rows import tight_rows

if TYPE_CHECKING:
    from collections.abc import Iterator

    from typing_extensions import Buffer

FORMATS = {
    6: PixelFormat.X1R5G5B5,
    7: PixelFormat.BGR24,
    8: PixelFormat.BGRX32,
    9: PixelFormat.BGRA32,
}
_NUMBERS = {format: number for number, format in FORMATS.items()}

_HEADER = struct.Struct("BB")
_SIZE = struct.Struct(">I")

#: How far a block can refer back.
WINDOW = 1 << 16

#: LZ4 blocks of more than about 2^31 bytes do not exist.
LARGEST_BLOCK = 1 << 30

#: No byte of a block gives more than this many: a length goes on in bytes that add 255 at most.
LARGEST_GAIN = 255


def encode(
    pixels: Buffer,
    width: int,
    height: int,
    stride: int,
    format: PixelFormat,
    *,
    top_down: bool = True,
    rows_per_block: int | None = None,
) -> bytes:
    """The stream of a picture in X1R5G5B5, BGR24, BGRX32 or BGRA32, rows `stride` bytes apart.

    Rows are coded in the order of memory; the first is the bottom one unless `top_down`. All go
    into one block, the best way to code them, unless a number is given. Raises `ValueError` for
    other formats and for sizes that cannot be.
    """
    number = _NUMBERS.get(format)
    if number is None:
        raise ValueError(f"LZ4 cannot code {format.name}")
    source = tight_rows(pixels, width, height, stride, format)
    row_bytes = format.row_bytes(width)
    if rows_per_block is None:
        rows_per_block = max(1, LARGEST_BLOCK // row_bytes)
    if rows_per_block < 1:
        raise ValueError(f"blocks of {rows_per_block} rows")
    parts = [_HEADER.pack(top_down, number)]
    step = rows_per_block * row_bytes
    for at in range(0, len(source), step):
        before = source[max(0, at - WINDOW) : at]
        block = lz4.block.compress(source[at : at + step], store_size=False, dict=before)
        parts += (_SIZE.pack(len(block)), block)
    return b"".join(parts)


def decode(
    data: Buffer,
    width: int,
    height: int,
    *,
    into: Buffer | None = None,
    format: PixelFormat | None = None,
    stride: int | None = None,
    max_pixels: int = MAX_PIXELS,
) -> Image:
    """The picture, in the stream's own format (the fourth byte as it was sent) or in `format`.

    Raises `CodecError` for a stream that is not of this format, that does not give just the pixels
    of this size, or whose size exceeds the limit; `ValueError` where `convert` does.
    """
    view = octets(data)
    check_size(width, height, max_pixels, 0)
    if len(view) < _HEADER.size:
        raise CodecError(f"a header of {_HEADER.size} bytes is cut", len(view))
    top_down, number = _HEADER.unpack_from(view)
    natural = FORMATS.get(number)
    if top_down > 1:
        raise CodecError(f"row order {top_down}, 0 or 1 wanted", 0)
    if natural is None:
        raise CodecError(f"bitmap format {number}, one of 6 to 9 wanted", 1)
    row_bytes = natural.row_bytes(width)
    buffer = None
    if into is not None and format in (None, natural) and stride in (None, row_bytes):
        buffer = target(natural, width, height, into=into).pixels
    pixels = _unpack(view, height * row_bytes, buffer)
    image = Image(natural, width, height, row_bytes, pixels, bool(top_down))
    return (
        image if buffer is not None else convert(image, format or natural, into=into, stride=stride)
    )


def _unpack(data: memoryview, size: int, out: memoryview | None) -> memoryview:
    """What all blocks give, which must be `size` bytes: in the buffer, if there is one."""
    done = 0
    for at, block in _blocks(data):
        room = min(size - done, LARGEST_GAIN * len(block))
        before = out[max(0, done - WINDOW) : done] if out is not None else b""
        try:
            rows = lz4.block.decompress(
                block, uncompressed_size=room, return_bytearray=True, dict=before
            )
        except lz4.block.LZ4BlockError:
            raise CodecError(f"not an LZ4 block that gives {room} bytes at most", at) from None
        if out is None and len(rows) == size:
            out = memoryview(rows)  # most streams have one block: no copy of it
        else:
            out = np.empty(size, np.uint8).data if out is None else out
            out[done : done + len(rows)] = rows
        done += len(rows)
    if out is None or done < size:
        raise CodecError(f"{done} bytes of pixels, {size} wanted", len(data))
    return out


def _blocks(data: memoryview) -> Iterator[tuple[int, memoryview]]:
    """Each block and where it is."""
    at = _HEADER.size
    while at < len(data):
        left = len(data) - at - _SIZE.size
        if left < 0:
            raise CodecError("the size of a block is cut", len(data))
        (size,) = _SIZE.unpack_from(data, at)
        if size > left:
            raise CodecError(f"a block of {size} bytes, {left} left", at)
        at += _SIZE.size
        yield at, data[at : at + size]
        at += size
