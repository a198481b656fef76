"""An image as it travels in messages: any encoding, decoded to what a viewer shows.

    type             data                                 gives
    0    BITMAP      rows (see `bitmap`)                  as `bitmap.decode`
    1    QUIC        a stream                             X1R5G5B5, BGRX32 or BGRA32
    100  LZ_PLT      an LZ stream of palette indices      BGRX32
    101  LZ_RGB      an LZ stream of colours or alpha     X1R5G5B5, BGRX32, BGRA32 or A8
    102  GLZ_RGB     a GLZ stream                         BGRX32 or BGRA32
    105  JPEG        a JPEG stream                        BGRX32
    107  ZLIB_GLZ    a GLZ stream, deflated               BGRX32 or BGRA32
    108  JPEG_ALPHA  a JPEG and an LZ stream              BGRA32
    109  LZ4         a chain of LZ4 blocks                X1R5G5B5, BGR24, BGRX32 or BGRA32

The other types (3 of them name an image that is elsewhere) have no data to decode. The size in the
image's descriptor decides: a stream of another size is refused.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple, TypedDict, Unpack

import numpy as np

from redspice.codecs import bitmap, jpeg, lz, lz4, quic, zlib_glz
from redspice.codecs.convert import convert
from redspice.codecs.errors import CodecError
from redspice.codecs.glz_format import HEADER_SIZE, parse_header
from redspice.codecs.image import MAX_PIXELS, Image, PixelFormat, check_size, octets
from redspice.codecs.lz_format import read_header

if TYPE_CHECKING:
    from typing_extensions import Buffer

    from redspice.codecs.glz_window import GlzWindow

#: In the flags of BITMAP and LZ_PLT: the first row is the top one.
BITMAP_TOP_DOWN = 4
#: The same of JPEG_ALPHA.
JPEG_ALPHA_TOP_DOWN = 1

#: Entries of a palette that an index can reach.
LARGEST_PALETTE = 256

#: More bytes than a GLZ stream has for a pixel, even if each pixel is a run of its own.
GLZ_PIXEL = 16

# Where streams have their type and where their width and height.
_QUIC_TYPE_AT = _LZ_TYPE_AT = 8
_QUIC_SIZE_AT = _LZ_SIZE_AT = 12
_GLZ_SIZE_AT = 9
#: Types of LZ streams that the two types of image carry; a stream of alpha alone is none of them.
_PALETTE_TYPES = frozenset(range(1, 6))
_COLOUR_TYPES = frozenset({6, 7, 8, 9, 11})


#: Colours that get their fourth byte when they are converted.
_WITHOUT_FOURTH_BYTE = frozenset({PixelFormat.X1R5G5B5, PixelFormat.BGR24})


class Fields(TypedDict, total=False):
    """What some types need beside their data: fields of the message, and what viewers have."""

    bitmap_format: int
    """BITMAP: the number of the format."""
    flags: int
    """BITMAP, LZ_PLT, JPEG_ALPHA: flags of the body, not of the descriptor."""
    stride: int
    """BITMAP: bytes of a row."""
    palette: Sequence[int] | None
    """BITMAP, LZ_PLT: entries as sent, 0x00RRGGBB or X1R5G5B5 for a surface of 16 bits."""
    jpeg_size: int
    """JPEG_ALPHA: bytes of the JPEG stream."""
    glz_data_size: int
    """ZLIB_GLZ: bytes of the inflated stream."""
    window: GlzWindow
    """GLZ_RGB, ZLIB_GLZ: the images that this one may refer to."""
    depth: int
    """BITMAP, LZ_PLT: bits of a pixel of the surface, 16 or 32 (the default)."""


class _Picture(NamedTuple):
    data: memoryview
    width: int
    height: int

    @property
    def pixels(self) -> int:
        return self.width * self.height

    def check(self, width: int, height: int, offset: int) -> None:
        """Refuse a stream of another size."""
        if (width, height) != (self.width, self.height):
            reason = f"a stream of {width}x{height} pixels, {self.width}x{self.height} wanted"
            raise CodecError(reason, offset)


def decode(
    image_type: int,
    data: Buffer,
    width: int,
    height: int,
    *,
    high_bits: bool = False,
    format: PixelFormat | None = None,
    max_pixels: int = MAX_PIXELS,
    **fields: Unpack[Fields],
) -> Image:
    """The picture, in the format of the table above or converted to `format`.

    With `high_bits`, a flag of the descriptor, the fourth byte of BGRX32 becomes 255, also of
    colours that were converted to it. An image of
    GLZ is a read-only view of the window's pixels unless something is changed.

    Raises `CodecError` for types without data, for bad data and for sizes above the limit;
    `MissingImageError` for GLZ that must wait (see `GlzWindow`); `ValueError` for a GLZ image
    without a window and where `convert` does.
    """
    decoder = DECODERS.get(image_type)
    if decoder is None:
        raise CodecError(f"an image of type {image_type} has no picture in it", 0)
    check_size(width, height, max_pixels, 0)
    image = decoder(_Picture(octets(data), width, height), fields)
    if format is not None and image.format in _WITHOUT_FOURTH_BYTE:
        image = convert(image, format)
    if high_bits and image.format is PixelFormat.BGRX32:
        image = _with_high_bits(image)
    return image if format is None else convert(image, format)


def _with_high_bits(image: Image) -> Image:
    if image.pixels.readonly:
        image = replace(image, pixels=np.array(image.pixels).data)
    words = image.array().view("<u4")[..., 0]
    words |= 0xFF000000
    return image


def _bitmap(picture: _Picture, fields: Fields) -> Image:
    image = bitmap.decode(
        picture.data,
        fields.get("bitmap_format", 0),
        picture.width,
        picture.height,
        fields.get("stride", 0),
        top_down=bool(fields.get("flags", 0) & BITMAP_TOP_DOWN),
        palette=fields.get("palette"),
        depth=fields.get("depth", 32),
        max_pixels=picture.pixels,
    )
    if image.format.has_palette:
        raise CodecError(f"{image.format.name} without a palette", 0)
    return image


def _quic(picture: _Picture, fields: Fields) -> Image:
    image = quic.decode(picture.data, max_pixels=picture.pixels)
    picture.check(image.width, image.height, _QUIC_SIZE_AT)
    if image.format is PixelFormat.GRAY8:
        raise CodecError("GRAY8, which viewers do not show", _QUIC_TYPE_AT)
    if image.format is PixelFormat.BGR24:
        return convert(image, PixelFormat.BGRX32)
    return image


def _lz_plt(picture: _Picture, fields: Fields) -> Image:
    packed = _lz(picture, _PALETTE_TYPES)
    palette = fields.get("palette")
    if palette is None:
        raise CodecError(f"{packed.format.name} without a palette", 0)
    packed.palette = _widened(palette) if fields.get("depth", 32) == 16 else palette
    return convert(packed, PixelFormat.BGRX32, stride=4 * picture.width)


def _widened(palette: Sequence[int]) -> list[int]:
    """Entries X1R5G5B5 as 0x00RRGGBB."""
    entries = np.array(palette[:LARGEST_PALETTE], "<u4").astype("<u2")
    row = Image(PixelFormat.X1R5G5B5, len(entries), 1, entries.nbytes, entries.data.cast("B"))
    wide: list[int] = convert(row, PixelFormat.BGRX32).array().view("<u4").ravel().tolist()
    return wide


def _lz_rgb(picture: _Picture, fields: Fields) -> Image:
    image = _lz(picture, _COLOUR_TYPES)
    return convert(image, PixelFormat.BGRX32) if image.format is PixelFormat.BGR24 else image


def _lz(picture: _Picture, types: frozenset[int]) -> Image:
    header = read_header(picture.data, picture.pixels)
    picture.check(header.width, header.height, _LZ_SIZE_AT)
    if header.type.id not in types:
        raise CodecError(f"LZ type {header.type.id} in an image of another type", _LZ_TYPE_AT)
    return lz.decode(picture.data, max_pixels=picture.pixels)


def _glz(picture: _Picture, fields: Fields) -> Image:
    window = fields.get("window")
    if window is None:
        raise ValueError("GLZ images need a window")
    header = parse_header(picture.data, max_pixels=picture.pixels)
    picture.check(header.width, header.height, _GLZ_SIZE_AT)
    return window.decode(picture.data, max_pixels=picture.pixels)


def _zlib_glz(picture: _Picture, fields: Fields) -> Image:
    most = min(HEADER_SIZE + GLZ_PIXEL * picture.pixels, zlib_glz.MAX_SIZE)
    stream = zlib_glz.decode(picture.data, fields.get("glz_data_size", 0), max_size=most)
    return _glz(picture._replace(data=octets(stream)), fields)


def _jpeg(picture: _Picture, fields: Fields) -> Image:
    return jpeg.decode(picture.data, picture.width, picture.height, max_pixels=picture.pixels)


def _jpeg_alpha(picture: _Picture, fields: Fields) -> Image:
    return jpeg.decode_alpha(
        picture.data,
        fields.get("jpeg_size", 0),
        picture.width,
        picture.height,
        top_down=bool(fields.get("flags", 0) & JPEG_ALPHA_TOP_DOWN),
        max_pixels=picture.pixels,
    )


def _lz4(picture: _Picture, fields: Fields) -> Image:
    return lz4.decode(picture.data, picture.width, picture.height, max_pixels=picture.pixels)


DECODERS: dict[int, Callable[[_Picture, Fields], Image]] = {
    0: _bitmap,
    1: _quic,
    100: _lz_plt,
    101: _lz_rgb,
    102: _glz,
    105: _jpeg,
    107: _zlib_glz,
    108: _jpeg_alpha,
    109: _lz4,
}
