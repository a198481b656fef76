# cython: boundscheck=False, wraparound=False, cdivision=True, initializedcheck=False
"""LZ images: runs of pixels and references to earlier ones (the format is drawn in `lz_format`).

Pixels are coded as 32 bit units whatever their format: `unpack` goes from tokens to units and
`lz_pack.pack` back, the rest from units to pixels. These two are compiled; where nothing is
compiled, `lz_plain` has others that are faster in plain Python.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import cython
import numpy as np

from redspice.codecs import lz_pack, lz_plain
from redspice.codecs.convert import check_convertible, convert
from redspice.codecs.errors import CodecError
from redspice.codecs.image import MAX_PIXELS, Image, PixelFormat, octets, target
from redspice.codecs.lz_format import (
    ALPHA_BIAS,
    HEADER,
    MAX_BYTES,
    NEAR,
    TOO_FAR,
    TOO_LONG,
    TRUNCATED,
    TYPE_OF_FORMAT,
    XXXA,
    Header,
    read_header,
)
from redspice.codecs.lz_units import image_of, room_for_units, store, units_of
from redspice.codecs.rows import source_array

if TYPE_CHECKING:
    from collections.abc import Sequence

    from typing_extensions import Buffer

    from redspice.codecs.lz_units import Units
    from redspice.codecs.views import Octets, Words

COMPILED: bool = cython.compiled

# Which of the two `lz_plain` does.
PLAIN_UNPACK = not COMPILED
PLAIN_PACK = not lz_pack.COMPILED

# Units are equal if they are under the mask of their literals' bytes; bit 15 of X1R5G5B5 is unused.
MASKS = {1: 0xFF, 2: 0x7FFF, 3: 0xFFFFFF}


def decode(
    data: Buffer,
    *,
    into: Buffer | None = None,
    format: PixelFormat | None = None,
    palette: Sequence[int] | None = None,
    stride: int | None = None,
    max_pixels: int = MAX_PIXELS,
) -> Image:
    """The picture of an LZ stream, in the caller's buffer or in a new one.

    Its format is that of the pixels as they were coded, unless one is given that they can be
    converted to (see `convert`; for palette formats to BGRX32 by `palette`, entries 0x00RRGGBB).
    The 4th byte of BGRX32 is 0. A stream of alpha values alone gives BGRA32 with B = G = R = 0, or
    A8. Rows are in the stream's order; `stride` is their distance in bytes, without padding if
    not given.

    Raises `CodecError` for a bad stream and for pictures above `max_pixels`, `ValueError` for a
    format that cannot be had and for a buffer that is too small.
    """
    view = octets(data)
    header = read_header(view, max_pixels)
    wanted = format or header.type.format
    coded = PixelFormat.A8 if header.type is XXXA else header.type.format
    check_convertible(coded, wanted, palette)
    if header.type.literal == 3:
        return _decode_colours(view, header, wanted, into, stride)
    count = header.height * coded.row_bytes(header.width) // header.type.literal
    units: Units = np.empty(count, np.uint32)
    _check_end(view, _unpack(view, HEADER.size, units, header.type.literal, header.type.bias))
    image = image_of(units, coded, header.width, header.height, top_down=header.top_down)
    image.palette = palette
    return convert(image, wanted, into=into, stride=stride)


def decode_alpha(data: Buffer, image: Image) -> None:
    """Write a stream of alpha values to the 4th bytes of a BGRX32 or BGRA32 image.

    The rows of the stream and of the image may be in different orders. Raises `CodecError` for a
    bad stream, one of another type or size than the image, and `ValueError` for another image.
    """
    if image.format.bits != 32 or image.pixels.readonly:
        raise ValueError("alpha values are for a writable image of 32 bits")
    header = read_header(octets(data), image.width * image.height)
    if header.type is not XXXA:
        raise CodecError(f"type {header.type.id} is not that of alpha values", 8)
    if (header.width, header.height) != (image.width, image.height):
        sizes = f"{header.width}x{header.height} alpha values for {image.width}x{image.height}"
        raise CodecError(sizes, 12)
    alpha = decode(data, format=PixelFormat.A8, max_pixels=image.width * image.height)
    image.array()[..., 3] = alpha.array()


def encode(
    pixels: Buffer,
    width: int,
    height: int,
    stride: int,
    format: PixelFormat,
    *,
    top_down: bool = True,
    alpha_only: bool = False,
) -> bytes:
    """An LZ stream of the picture, whose rows are `stride` bytes apart and in the given order.

    All formats but GRAY8; the palette is not in the stream. With `alpha_only` the stream has just
    the 4th bytes of 32 bit pixels. Raises `ValueError` for a format or a size that LZ cannot code
    and for too few pixels.
    """
    type = XXXA if alpha_only else TYPE_OF_FORMAT.get(format)
    if type is None or (alpha_only and format.bits != 32):
        raise ValueError(f"LZ has no type for {'alpha of ' * alpha_only}{format.name}")
    rows = source_array(pixels, width, height, stride, format)
    if rows.size > MAX_BYTES:
        raise ValueError(f"{rows.size} bytes of pixels, LZ has room for {MAX_BYTES}")
    units = units_of(rows, format)
    parts: list[Buffer] = [Header(type, width, height, top_down).pack()]
    if type is not XXXA:
        parts.append(_pack(units, type.literal, type.bias))
    if type.format is PixelFormat.BGRA32:
        parts.append(_pack(units >> np.uint32(24), 1, ALPHA_BIAS))
    return b"".join(parts)


def _decode_colours(
    data: memoryview, header: Header, format: PixelFormat, into: Buffer | None, stride: int | None
) -> Image:
    """Pixels of three bytes and their alpha values, if any, become 32 bit words at once."""
    direct = format.bits == 32
    image = target(
        format if direct else PixelFormat.BGRX32,
        header.width,
        header.height,
        into=into if direct else None,
        stride=stride if direct else None,
        top_down=header.top_down,
    )
    units = room_for_units(image)
    at = _unpack(data, HEADER.size, units, header.type.literal, header.type.bias)
    if header.type.format is PixelFormat.BGRA32:
        alpha: Units = np.empty(len(units), np.uint32)
        at = _unpack(data, at, alpha, 1, ALPHA_BIAS)
        units |= alpha << 24
    _check_end(data, at)
    store(units, image)
    return image if direct else convert(image, format, into=into, stride=stride)


def _check_end(data: memoryview, at: int) -> None:
    if at != len(data):
        raise CodecError(f"{len(data) - at} bytes after the last pixel", at)


def _unpack(data: memoryview, at: int, out: Units, literal: int, bias: int) -> int:
    if PLAIN_UNPACK:
        return lz_plain.unpack(data, at, out, literal, bias)
    return unpack(data, at, out.data, literal, bias)


def _pack(units: Units, literal: int, bias: int) -> Buffer:
    if PLAIN_PACK:
        return lz_plain.pack(units, MASKS[literal], literal, bias)
    out = np.empty(lz_pack.room(len(units), literal), np.uint8)
    recent = np.zeros(lz_pack.SLOTS, np.uint32)
    end = lz_pack.pack(units.data, MASKS[literal], out.data, recent.data, literal, bias)
    return out[:end].data


def unpack(
    data: Octets, at: cython.Py_ssize_t, out: Words, literal: cython.int, bias: cython.int
) -> cython.Py_ssize_t:
    """Fill `out` with the units of one pass whose tokens begin at `at`; returns where they end."""
    total: cython.Py_ssize_t = len(data)
    count: cython.Py_ssize_t = len(out)
    done: cython.Py_ssize_t = 0
    token: cython.Py_ssize_t = at
    distance: cython.Py_ssize_t = 0
    length: cython.Py_ssize_t = 0
    control: cython.uint = 0
    beyond: cython.bint = False
    with cython.nogil:
        while done < count:
            token = at
            if at >= total:
                break
            control = data[at]
            at += 1
            if control < 32:
                length = control + 1
                if length > count - done:
                    beyond = True
                    break
                if length * literal > total - at:
                    break
                read_literals(data, at, out, done, done + length, literal)
                at += length * literal
                done += length
                continue
            length = control >> 5
            if length == 7:
                length += read_extension(data, at, total)
                # All bytes of the extension but the last are 255.
                at += (length - 7) // 255 + 1
            length += bias
            distance = read_distance(data, at, total, control & 31)
            if distance == 0:
                break
            at += 1 if distance <= NEAR else 3
            if distance > done or length > count - done:
                beyond = True
                break
            repeat(out, done, done + length, distance)
            done += length
    if done < count:
        reason = TRUNCATED if not beyond else TOO_FAR if distance > done else TOO_LONG
        raise CodecError(reason, token)
    return at


def read_literals(
    data: Octets,
    at: cython.Py_ssize_t,
    out: Words,
    done: cython.Py_ssize_t,
    end: cython.Py_ssize_t,
    literal: cython.int,
) -> None:
    if literal == 3:
        while done < end:
            out[done] = data[at] | data[at + 1] << 8 | data[at + 2] << 16
            at += 3
            done += 1
    elif literal == 2:
        while done < end:
            out[done] = data[at] << 8 | data[at + 1]
            at += 2
            done += 1
    else:
        while done < end:
            out[done] = data[at]
            at += 1
            done += 1


def read_extension(
    data: Octets, at: cython.Py_ssize_t, total: cython.Py_ssize_t
) -> cython.Py_ssize_t:
    """The sum of the bytes up to the first below 255, or to the end of the stream."""
    length: cython.Py_ssize_t = 0
    while at < total and data[at] == 255:
        length += 255
        at += 1
    return length + data[at] if at < total else length


def read_distance(
    data: Octets, at: cython.Py_ssize_t, total: cython.Py_ssize_t, high: cython.Py_ssize_t
) -> cython.Py_ssize_t:
    """The distance whose `high` bits were in the control byte; 0 if the stream ends in it."""
    distance: cython.Py_ssize_t = 0
    if at >= total:
        return 0
    distance = high << 8 | data[at]
    if distance == NEAR:
        if total - at < 3:
            return 0
        distance += data[at + 1] << 8 | data[at + 2]
    return distance + 1


def repeat(
    out: Words, done: cython.Py_ssize_t, end: cython.Py_ssize_t, distance: cython.Py_ssize_t
) -> None:
    unit: cython.uint = out[done - 1]
    if distance == 1:
        while done < end:
            out[done] = unit
            done += 1
    while done < end:
        out[done] = out[done - distance]
        done += 1
