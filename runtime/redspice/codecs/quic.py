"""QUIC images: lossless prediction, adaptive Golomb-Rice codes and runs.

`quic_format` draws the header, `quic_model` has the model, `quic_encode` and `quic_decode` go over
the pixels; these three are compiled.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from redspice.codecs import quic_tables as tables
from redspice.codecs.errors import CodecError
from redspice.codecs.image import MAX_PIXELS, Image, PixelFormat, octets, source_rows, target
from redspice.codecs.quic_decode import decode_rows
from redspice.codecs.quic_encode import encode_rows, finish
from redspice.codecs.quic_format import (
    CONVERSIONS,
    FAULTS,
    HEADER,
    MOST_PIXELS,
    TRUNCATED,
    TYPE_OF_FORMAT,
    Header,
    Type,
)
from redspice.codecs.quic_model import COMPILED, Plane, Stream, codes_of

if TYPE_CHECKING:
    from typing_extensions import Buffer

__all__ = ["COMPILED", "decode", "encode"]

#: Zero words after a stream's own: the pixel that ends too late is read to its end.
MARGIN = 8

#: Words that a pixel of four components may take: codewords of 26 bits, and in each of two planes
#: a run of no pixels before them, of 16 bits.
PIXEL_WORDS = 5


def planes(type: Type, width: int, scale: int) -> tuple[Plane, Plane | None]:
    """The planes of a type as they are before the first pixel: of all but alpha, and of alpha."""
    codes = codes_of(type.bits)
    plane = Plane(codes, width, lone=type.components == 1, scale=scale)
    alpha = Plane(codes, width, lone=True, scale=scale) if type.components == 4 else None
    return plane, alpha


def reader(data: memoryview) -> Stream:
    """The whole words after the header, in the machine's byte order."""
    count = (len(data) - HEADER.size) // 4
    words = np.zeros(count + MARGIN, np.uint32)
    words[:count] = np.frombuffer(data, "<u4", count, HEADER.size)
    return Stream(words.data, 32 * count)


def decode(
    data: Buffer,
    *,
    into: Buffer | None = None,
    format: PixelFormat | None = None,
    stride: int | None = None,
    max_pixels: int = MAX_PIXELS,
) -> Image:
    """Decode a QUIC stream (the format is drawn in `quic_format`).

    The image's format is that of the stream: GRAY8, X1R5G5B5 (bit 15 is 0), BGR24, BGRX32 (X is 0)
    or BGRA32. `format` asks for another: BGRX32 in place of BGR24 or X1R5G5B5, or BGR24 in place of
    BGRX32. The first row in memory is the top one; `stride` is in bytes, by default that of rows
    without padding; padding is left as it is. `into` may be any writable buffer of
    `height * stride` bytes; without it there is a new one.

    The data may be longer than the stream. Raises `CodecError` for anything else that is wrong with
    it, before memory is taken where that is in the header or where the size is above `max_pixels`,
    and `ValueError` for a format that cannot be had and for an unfit buffer. After an error `into`
    may have been written.
    """
    view = octets(data)
    header = Header.unpack(view, max_pixels)
    natural = header.type.format
    format = format or natural
    if format not in (natural, CONVERSIONS.get(natural)):
        raise ValueError(f"a QUIC image of {natural.name} cannot be decoded to {format.name}")
    image = target(format, header.width, header.height, into=into, stride=stride)
    stream = reader(view)
    plane, alpha = planes(header.type, header.width, tables.GLANCE)
    size = format.bits // 8
    widen = natural is PixelFormat.X1R5G5B5
    fault = decode_rows(
        stream, plane, alpha, image.pixels, image.stride, size, widen, header.height
    )
    if fault:
        raise CodecError(FAULTS[fault], HEADER.size + min(stream.at, stream.end) // 32 * 4)
    last = (stream.at + 31) // 32 * 32  # a word of zeros ends every stream
    if last >= stream.end:
        raise CodecError(TRUNCATED, HEADER.size + stream.end // 8)
    return image


def encode(
    pixels: Buffer,
    width: int,
    height: int,
    stride: int,
    format: PixelFormat,
    *,
    top_down: bool = True,
) -> bytes:
    """Encode pixels as a QUIC stream (the format is drawn in `quic_format`).

    `format` is GRAY8, X1R5G5B5, BGR24, BGRX32 or BGRA32; unused bits and bytes do not matter.
    `pixels` are rows of `width` pixels, `stride` bytes apart, from the first byte of the buffer on;
    the first one is the top row if `top_down`, else the bottom row. Raises `ValueError` for
    another format, for sizes that the buffer does not have and for more pixels than decoders take.
    """
    if format not in TYPE_OF_FORMAT:
        raise ValueError(f"QUIC has no images of {format.name}")
    if width * height > MOST_PIXELS:
        raise ValueError(f"{width}x{height} pixels, QUIC has {MOST_PIXELS} at most")
    view = source_rows(pixels, width, height, stride, format)
    header = Header(TYPE_OF_FORMAT[format], width, height)
    plane, alpha = planes(header.type, width, tables.CODE_BITS)
    start, step = (0, stride) if top_down else ((height - 1) * stride, -stride)
    room = (width + 1) * PIXEL_WORDS
    words = np.empty(room + width * height // 4, np.uint32)
    stream = Stream(words.data, 32 * (len(words) - room))
    size = format.bits // 8
    y = encode_rows(stream, plane, alpha, view, start, step, size, 0, height)
    while y < height:
        words = np.concatenate((words, np.empty_like(words)))
        stream.words = words.data
        stream.end = 32 * (len(words) - room)
        y = encode_rows(stream, plane, alpha, view, start, step, size, y, height)
    finish(stream)
    return header.pack() + words[: stream.at >> 5].astype("<u4").tobytes() + bytes(4)
