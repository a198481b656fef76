"""JPEG and JPEG_ALPHA: pictures with losses.

JPEG is an ordinary JFIF stream, baseline, with the colours at half of the resolution, whose first
row is always the top one. JPEG_ALPHA has behind it an LZ stream of type XXXA, which codes the
fourth bytes of the same picture without losses: its rows come in the order that its header tells.
"""

from __future__ import annotations

import re
import struct
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import simplejpeg

from redspice.codecs import lz
from redspice.codecs.convert import convert
from redspice.codecs.errors import CodecError
from redspice.codecs.image import MAX_PIXELS, Image, PixelFormat, check_size, octets, target
from redspice.codecs.lz_format import read_header
from redspice.codecs.rows import source_array

if TYPE_CHECKING:
    from typing_extensions import Buffer

#: As servers have it.
QUALITY = 85

#: Rows or pixels of a row that the encoder can handle.
LARGEST_SIDE = 65500

_START = b"\xff\xd8"
_END = 0xD9
_SCAN = 0xDA
#: Markers that have no length: restarts, and one for private use.
_BARE = frozenset({0x01, *range(0xD0, 0xD8)})
#: Frames coded by Huffman tables, one scan after the other.
_SEQUENTIAL = frozenset({0xC0, 0xC1})
#: All frames: progressive, lossless and arithmetic ones too. C4, C8 and CC are tables.
_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}

#: Every scan costs the time of the whole picture, however few bytes it has; a sequential frame
#: needs no more than one for each component.
MOST_SCANS = 3

_LENGTH = struct.Struct(">H")
#: Of a frame: length, bits of a component, height, width, components.
_FRAME_HEADER = struct.Struct(">HBHHB")

_MARKER = re.compile(rb"\xff+([^\x00\xff])")
#: Within the bits of a scan, 00 may follow FF, and restarts, and one more FF to fill up.
_SCAN_END = re.compile(rb"\xff[^\x00\xd0-\xd7\xff]")


class _Frame(NamedTuple):
    offset: int
    width: int
    height: int


class JpegAlpha(NamedTuple):
    """A JPEG_ALPHA image: the first `jpeg_size` bytes of `data` are the JPEG stream."""

    data: bytes
    jpeg_size: int


def encode(
    pixels: Buffer,
    width: int,
    height: int,
    stride: int,
    format: PixelFormat,
    *,
    top_down: bool = True,
    quality: int = QUALITY,
) -> bytes:
    """The stream of a picture in X1R5G5B5, BGR24, BGRX32 or BGRA32, rows `stride` bytes apart.

    The first row is the bottom one unless `top_down`. A fourth byte is left out. `quality` is 1 to
    100. Raises `ValueError` for other formats and qualities and for sizes that cannot be.
    """
    if not 1 <= quality <= 100:
        raise ValueError(f"a quality of {quality}, 1 to 100 wanted")
    if format.bits < 16:
        raise ValueError(f"JPEG cannot code {format.name}")
    if max(width, height) > LARGEST_SIDE:
        raise ValueError(f"{width}x{height} pixels, JPEG has sides of {LARGEST_SIDE} at most")
    rows = source_array(pixels, width, height, stride, format)
    tight = np.ascontiguousarray(rows if top_down else rows[::-1])
    if format is PixelFormat.X1R5G5B5:
        source = Image(format, width, height, 2 * width, tight.data.cast("B"))
        tight = convert(source, PixelFormat.BGRX32).array()
    channels = tight.size // (width * height)
    return simplejpeg.encode_jpeg(
        tight.reshape(height, width, channels),
        quality=quality,
        colorspace="BGRX" if channels == 4 else "BGR",
        colorsubsampling="420",
    )


def decode(
    data: Buffer,
    width: int | None = None,
    height: int | None = None,
    *,
    into: Buffer | None = None,
    stride: int | None = None,
    max_pixels: int = MAX_PIXELS,
) -> Image:
    """The picture in BGRX32 with a fourth byte of 0, its first row the top one.

    Raises `CodecError` for what is not a complete sequential JPEG stream, has another size than
    the given one or exceeds the limit; `ValueError` for a buffer that is too small.
    """
    view = octets(data)
    frame = _read_frame(view)
    check_size(frame.width, frame.height, max_pixels, frame.offset)
    if width not in (None, frame.width) or height not in (None, frame.height):
        reason = f"a JPEG of {frame.width}x{frame.height} pixels, {width}x{height} wanted"
        raise CodecError(reason, frame.offset)
    out = target(PixelFormat.BGRX32, frame.width, frame.height, into=into, stride=stride)
    tight = out.stride == 4 * frame.width
    pixels = out.pixels[: out.height * out.stride] if tight else None
    try:
        # Smooth upsampling and the exact transform: what viewers show.
        decoded = simplejpeg.decode_jpeg(view, "BGRX", buffer=pixels)
    except ValueError as error:
        raise CodecError(f"not a JPEG picture: {error}", frame.offset) from None
    rows = out.array()
    if not tight:
        rows[...] = decoded
    words = rows.view("<u4")[..., 0]
    words &= 0x00FFFFFF
    return out


def encode_alpha(
    pixels: Buffer,
    width: int,
    height: int,
    stride: int,
    format: PixelFormat = PixelFormat.BGRA32,
    *,
    top_down: bool = True,
    quality: int = QUALITY,
) -> JpegAlpha:
    """A JPEG_ALPHA image of a picture of 32 bits; the rest is as for `encode`.

    `top_down` must also go into the flags of the image.
    """
    if format.bits != 32:
        raise ValueError(f"{format.name} has no alpha")
    colours = encode(pixels, width, height, stride, format, top_down=top_down, quality=quality)
    alpha = lz.encode(pixels, width, height, stride, format, top_down=top_down, alpha_only=True)
    return JpegAlpha(colours + alpha, len(colours))


def decode_alpha(
    data: Buffer,
    jpeg_size: int,
    width: int | None = None,
    height: int | None = None,
    *,
    into: Buffer | None = None,
    top_down: bool | None = None,
    stride: int | None = None,
    max_pixels: int = MAX_PIXELS,
) -> Image:
    """The picture in BGRA32, its first row the top one; the rest is as for `decode`.

    `top_down` is what the flags of the image say: the alpha stream must agree with it.
    """
    view = octets(data)
    if not 0 <= jpeg_size <= len(view):
        raise CodecError(f"a JPEG of {jpeg_size} bytes in {len(view)}", 0)
    image = decode(view[:jpeg_size], width, height, into=into, stride=stride, max_pixels=max_pixels)
    image.format = PixelFormat.BGRA32
    try:
        alpha = view[jpeg_size:]
        if top_down not in (None, read_header(alpha, max_pixels).top_down):
            raise CodecError("rows in another order than the image's flags say", 24)
        lz.decode_alpha(alpha, image)
    except CodecError as error:
        raise CodecError(f"alpha: {error.reason}", jpeg_size + error.offset) from None
    return image


def _read_frame(data: memoryview) -> _Frame:
    """The frame of a stream that is complete and does not cost more than its size."""
    if data[:2] != _START:
        raise CodecError("not a JPEG", 0)
    at, scans, frame = len(_START), 0, None
    while True:
        found = _MARKER.match(data, at)
        if found is None:
            raise CodecError("a marker is wanted", min(at, len(data)))
        marker, at = found[1][0], found.end()
        if marker == _END:
            break
        if marker in _BARE:
            continue
        size = _segment_size(data, at)
        if marker in _FRAMES:
            if frame is not None or marker not in _SEQUENTIAL:
                raise CodecError(f"frame {marker:02x} of a JPEG", at)
            frame = _parse_frame(data[at : at + size], at)
        at += size
        if marker == _SCAN:
            scans += 1
            at = _end_of_scan(data, at, scans)
    if frame is None or not scans:
        raise CodecError("a JPEG without a picture", at)
    return frame


def _segment_size(data: memoryview, at: int) -> int:
    if len(data) - at < _LENGTH.size:
        raise CodecError("the length of a JPEG segment is cut", len(data))
    (size,) = _LENGTH.unpack_from(data, at)
    if not _LENGTH.size <= size <= len(data) - at:
        raise CodecError(f"a JPEG segment of {size} bytes, {len(data) - at} left", at)
    return int(size)


def _parse_frame(segment: memoryview, offset: int) -> _Frame:
    if len(segment) < _FRAME_HEADER.size:
        raise CodecError(f"a JPEG frame of {len(segment)} bytes", offset)
    _, bits, height, width, components = _FRAME_HEADER.unpack_from(segment)
    if bits != 8 or components not in (1, 3):
        raise CodecError(f"a JPEG of {components} components of {bits} bits", offset)
    return _Frame(offset, width, height)


def _end_of_scan(data: memoryview, at: int, scans: int) -> int:
    """Where the next marker is."""
    if scans > MOST_SCANS:
        raise CodecError(f"a JPEG of more than {MOST_SCANS} scans", at)
    end = _SCAN_END.search(data, at)
    if end is None:
        raise CodecError("a JPEG without an end", len(data))
    return end.start()
