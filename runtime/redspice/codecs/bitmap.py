"""BITMAP: pictures that are not compressed.

    number  format     a row, from the left
    1, 2    1BIT       palette index, first in the lowest (1) or the highest bit (2)
    3, 4    4BIT       palette index, first in the low (3) or the high nibble (4)
    5       8BIT       palette index
    6       16BIT      little endian x1r5g5b5
    7       24BIT      B, G, R
    8, 9    32BIT      B, G, R and a byte that is unused (8) or alpha (9)
    10      8BIT_A     alpha

Each row has `stride` bytes, the last one too; what follows the pixels in a row has no meaning.
The format number, the sizes, the palette and whether the first row is the top one travel beside
the pixels, in the image's descriptor.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from redspice.codecs.convert import convert
from redspice.codecs.errors import CodecError
from redspice.codecs.image import MAX_PIXELS, Image, PixelFormat, check_size, octets, target
from redspice.codecs.rows import source_array

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray
    from typing_extensions import Buffer

    Octets: TypeAlias = NDArray[np.uint8]

#: How the pixels of each number lie in memory.
FORMATS: dict[int, PixelFormat] = {
    1: PixelFormat.PLT1_LE,
    2: PixelFormat.PLT1_BE,
    3: PixelFormat.PLT4_LE,
    4: PixelFormat.PLT4_BE,
    5: PixelFormat.PLT8,
    6: PixelFormat.X1R5G5B5,
    7: PixelFormat.BGR24,
    8: PixelFormat.BGRX32,
    9: PixelFormat.BGRA32,
    10: PixelFormat.A8,
}
_NUMBERS = {format: number for number, format in FORMATS.items()}

_32_BITS = (PixelFormat.BGRX32, PixelFormat.BGRA32)


def decode(
    data: Buffer,
    format: int,
    width: int,
    height: int,
    stride: int,
    *,
    top_down: bool = True,
    palette: Sequence[int] | None = None,
    depth: int = 32,
    into: Buffer | None = None,
    into_stride: int | None = None,
    max_pixels: int = MAX_PIXELS,
) -> Image:
    """The picture: BGRX32 of formats 5, 7 and 8 and below 5, X1R5G5B5 of 6, BGRA32 of 9, A8 of 10.

    Indices become the entries of `palette`, little endian, as they are: colours 0x00RRGGBB, or
    with `depth` 16, for a surface of 16 bits, X1R5G5B5. Indices beyond the palette have some
    colour. Without a palette they stay packed, as a mask does. The fourth byte of format 8 is kept.

    Raises `CodecError` for an unknown format, sizes that cannot be or exceed the limit, and data
    that are not `height * stride` bytes; `ValueError` for a wrong `depth` or buffer.
    """
    source = _checked(octets(data), format, width, height, stride, max_pixels)
    source.top_down = top_down
    source.palette = palette
    if depth not in (16, 32):
        raise ValueError(f"a surface of {depth} bits")
    wanted = _natural(source, depth)
    out = target(wanted, width, height, into=into, stride=into_stride, top_down=top_down)
    if source.format.has_palette and wanted is PixelFormat.X1R5G5B5:
        entries = convert(source, PixelFormat.BGRX32, stride=4 * width).array().view("<u4")
        out.array()[...] = entries[..., 0] & 0xFFFF
    else:
        convert(source, wanted, into=out.pixels, stride=out.stride)
    return out


def _checked(
    data: memoryview, number: int, width: int, height: int, stride: int, max_pixels: int
) -> Image:
    """The bitmap as it came."""
    format = FORMATS.get(number)
    if format is None:
        raise CodecError(f"bitmap format {number} is not known", 0)
    check_size(width, height, max_pixels, 0)
    if stride < format.row_bytes(width):
        raise CodecError(f"a stride of {stride} bytes for rows of {format.row_bytes(width)}", 0)
    size = height * stride
    if len(data) != size:
        raise CodecError(f"{len(data)} bytes of pixels, {size} wanted", min(len(data), size))
    return Image(format, width, height, stride, data)


def _natural(source: Image, depth: int) -> PixelFormat:
    if source.format.has_palette and source.palette is not None:
        return PixelFormat.BGRX32 if depth == 32 else PixelFormat.X1R5G5B5
    return PixelFormat.BGRX32 if source.format is PixelFormat.BGR24 else source.format


def encode(
    pixels: Buffer,
    width: int,
    height: int,
    stride: int,
    format: PixelFormat,
    *,
    to: int | None = None,
    to_stride: int | None = None,
    palette: Sequence[int] | None = None,
) -> bytes:
    """The rows as format number `to`, `to_stride` bytes each, in the order that they come in.

    Unless given, `to` is the number of the pixels' own format, and rows are without padding;
    padding is zero. Pictures of 32 bits become any format: one with a palette by `palette`, of
    colours 0x00RRGGBB, which must have every colour of the picture; 8BIT_A of the fourth byte; and
    16BIT loses the low bits. BGR24 becomes 32 bits, X1R5G5B5 the unused kind.

    Raises `ValueError` for other pairs of formats, for a colour that is not in the palette and for
    sizes that cannot be.
    """
    number = _NUMBERS.get(format) if to is None else to
    wanted = FORMATS.get(number) if number is not None else None
    if wanted is None:
        raise ValueError(f"no bitmap format {format.name if to is None else to}")
    rows = source_array(pixels, width, height, stride, format)
    row_bytes = wanted.row_bytes(width)
    if to_stride is None:
        to_stride = row_bytes
    elif to_stride < row_bytes:
        raise ValueError(f"a stride of {to_stride} bytes for rows of {row_bytes}")
    if wanted is not format:
        rows = _converted(rows, width, format, wanted, palette)
    if to_stride == row_bytes:
        return rows.tobytes()
    padded = np.zeros((height, to_stride), np.uint8)
    padded[:, :row_bytes] = rows
    return padded.tobytes()


def _converted(
    rows: Octets,
    width: int,
    format: PixelFormat,
    wanted: PixelFormat,
    palette: Sequence[int] | None,
) -> Octets:
    """Rows of `format` as rows of `wanted`, both without padding."""
    height = len(rows)
    if format in _32_BITS:
        colours = np.ascontiguousarray(rows).view("<u4")
        if wanted.has_palette:
            return _packed(_indices(colours, 1 << wanted.bits, palette), wanted)
        if wanted is PixelFormat.X1R5G5B5:
            return _x1r5g5b5(colours)
        if wanted is PixelFormat.A8:
            return (colours >> 24).astype(np.uint8)
        format = PixelFormat.BGRX32
    tight = np.ascontiguousarray(rows)
    source = Image(format, width, height, tight.shape[1], tight.data.cast("B"))
    return np.frombuffer(convert(source, wanted).tight(), np.uint8).reshape(height, -1)


def _x1r5g5b5(colours: NDArray[np.uint32]) -> Octets:
    """The upper five bits of each component."""
    value = colours >> 3 & 0x001F | colours >> 6 & 0x03E0 | colours >> 9 & 0x7C00
    return value.astype("<u2").view(np.uint8)


def _indices(
    colours: NDArray[np.uint32], most: int, palette: Sequence[int] | None
) -> NDArray[np.intp]:
    """For each pixel the first entry of its colour."""
    if not palette or len(palette) > most:
        raise ValueError(f"a palette of 1 to {most} colours wanted, {len(palette or ())} given")
    entries = np.array(palette, np.uint32) & 0xFFFFFF
    order = np.argsort(entries, stable=True)
    colours = np.bitwise_and(colours, 0xFFFFFF, dtype=np.uint32)
    place = np.searchsorted(entries, colours, sorter=order).clip(max=len(entries) - 1)
    indices: NDArray[np.intp] = order[place]
    strange = entries[indices] != colours
    if strange.any():
        y, x = np.argwhere(strange)[0]
        raise ValueError(f"colour {colours[y, x]:06x} of pixel {x}, {y} is not in the palette")
    return indices


def _packed(indices: NDArray[np.intp], format: PixelFormat) -> Octets:
    """One index after the other into bytes; bits that are left over are zero."""
    octets = indices.astype(np.uint8)
    first_low = format.name.endswith("LE")
    if format.bits == 1:
        return np.packbits(octets, axis=1, bitorder="little" if first_low else "big")
    if format.bits == 4:
        even = np.pad(octets, ((0, 0), (0, octets.shape[1] % 2)))
        left, right = even[:, 0::2], even[:, 1::2]
        if first_low:
            left, right = right, left
        left <<= 4
        left |= right
        return left
    return octets
