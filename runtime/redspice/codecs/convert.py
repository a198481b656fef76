"""The same picture in another pixel format, with NumPy.

    PLT1, PLT4, PLT8           -> BGRX32           by the image's palette
    X1R5G5B5, GRAY8            -> BGRX32
    BGR24                     <-> BGRX32
    A8                         -> BGRX32, BGRA32   B = G = R = 0, the value is the 4th byte
    BGRX32                    <-> BGRA32           the bytes as they are
    any                        -> the same         a copy, to rows at another distance

The 4th byte is 0 where nothing else is said. Rows keep their order in memory.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from redspice.codecs.image import Image, PixelFormat, target

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from typing_extensions import Buffer

    Octets: TypeAlias = NDArray[np.uint8]
    Pixels: TypeAlias = NDArray[Any]

F = PixelFormat


def convert(
    image: Image, format: PixelFormat, *, into: Buffer | None = None, stride: int | None = None
) -> Image:
    """The picture in `format`, in the caller's buffer or a new one (`image` where it is in it).

    Rows of packed palette formats are expanded with the pixels that pad their last byte, as far
    as the stride has room for them; unless a stride is given it has room for all.
    Raises `ValueError` for a pair of formats not in the table above, a palette format without
    palette and a buffer that is too small.
    """
    check_convertible(image.format, format, image.palette)
    if format is image.format and into is None and stride in (None, image.stride):
        return image
    if format is not image.format and image.palette is not None and image.format.has_palette:
        return _expand(image, image.palette, into, stride)
    write = _copy if format is image.format else WRITERS[image.format, format]
    out = target(
        format, image.width, image.height, into=into, stride=stride, top_down=image.top_down
    )
    out.palette = image.palette
    write(image.array(), out.array())
    return out


def check_convertible(
    source: PixelFormat, format: PixelFormat, palette: Sequence[int] | None = None
) -> None:
    """Raise the `ValueError` that `convert` would raise for these formats and this palette."""
    expands = source.has_palette and format is F.BGRX32
    if source is not format and not expands and (source, format) not in WRITERS:
        raise ValueError(f"no conversion of {source.name} to {format.name}")
    if expands and palette is None:
        raise ValueError(f"{source.name} without a palette")


def _expand(image: Image, palette: Sequence[int], into: Buffer | None, stride: int | None) -> Image:
    table = _expansions(image.format, palette)
    row_bytes = image.format.row_bytes(image.width)
    row_size = table[0].nbytes * row_bytes
    out = target(
        F.BGRX32,
        image.width,
        image.height,
        into=into,
        stride=row_size if stride is None else stride,
        top_down=image.top_down,
    )
    packed = _rows(image)[:, :row_bytes]
    expanded = table[packed].view(np.uint8).reshape(image.height, row_size)
    row_size = min(row_size, out.stride)
    _rows(out)[:, :row_size] = expanded[:, :row_size]
    return out


def _rows(image: Image) -> Octets:
    flat = np.frombuffer(image.pixels, np.uint8, image.height * image.stride)
    return flat.reshape(image.height, image.stride)


def _expansions(format: PixelFormat, palette: Sequence[int]) -> NDArray[np.uint32]:
    """The pixels of each packed byte, from the left: 256 rows.

    PLT4 takes the index modulo the size of the palette, as decoders of LZ do; other indices
    that are not in the palette are black.
    """
    entries = np.zeros(1 << format.bits, "<u4")
    given = np.array(palette[: len(entries)], "<u4")
    if format.bits == 4 and len(given):
        entries[:] = np.resize(given, len(entries))
    else:
        entries[: len(given)] = given
    shifts = np.arange(0, 8, format.bits)
    if format.name.endswith("BE"):
        shifts = shifts[::-1]
    indices = np.arange(256)[:, None] >> shifts & len(entries) - 1
    table: NDArray[np.uint32] = entries[indices]
    return table


@cache
def _wide_of_x1r5g5b5() -> NDArray[np.uint32]:
    """B, G, R, 0 of each of the 2^15 colours: v -> v << 3 | v >> 2 for each component."""
    colour = np.arange(1 << 15, dtype="<u4")
    wide = np.zeros_like(colour)
    for shift in (0, 5, 10):
        component = colour >> shift & 31
        wide |= (component << 3 | component >> 2) << (shift // 5 * 8)
    return wide


# What follows goes channel by channel: NumPy takes five times as long for `out[..., :3] = ...`.


def _copy(source: Pixels, out: Pixels) -> None:
    out[...] = source


def _x1r5g5b5_to_bgrx32(source: Pixels, out: Pixels) -> None:
    wide = _wide_of_x1r5g5b5()[source & 0x7FFF]
    out[...] = wide.view(np.uint8).reshape(out.shape)


def _gray8_to_bgrx32(source: Pixels, out: Pixels) -> None:
    for channel in range(3):
        out[..., channel] = source
    out[..., 3] = 0


def _a8_to_32_bits(source: Pixels, out: Pixels) -> None:
    out[...] = 0
    out[..., 3] = source


def _bgr24_to_bgrx32(source: Pixels, out: Pixels) -> None:
    for channel in range(3):
        out[..., channel] = source[..., channel]
    out[..., 3] = 0


def _bgrx32_to_bgr24(source: Pixels, out: Pixels) -> None:
    for channel in range(3):
        out[..., channel] = source[..., channel]


WRITERS: dict[tuple[PixelFormat, PixelFormat], Callable[[Pixels, Pixels], None]] = {
    (F.X1R5G5B5, F.BGRX32): _x1r5g5b5_to_bgrx32,
    (F.GRAY8, F.BGRX32): _gray8_to_bgrx32,
    (F.A8, F.BGRX32): _a8_to_32_bits,
    (F.A8, F.BGRA32): _a8_to_32_bits,
    (F.BGR24, F.BGRX32): _bgr24_to_bgrx32,
    (F.BGRX32, F.BGR24): _bgrx32_to_bgr24,
    (F.BGRX32, F.BGRA32): _copy,
    (F.BGRA32, F.BGRX32): _copy,
}
