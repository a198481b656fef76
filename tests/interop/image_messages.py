"""Image messages of the formats that our framebuffer never has, made by our encoders."""

from __future__ import annotations

from collections.abc import Sequence

from redspice.codecs import PixelFormat, bitmap, jpeg, lz, zlib_glz
from redspice.codecs.glz_dictionary import Dictionary
from redspice_protocol.enums import BitmapFlags, ImageType, JpegAlphaFlags
from redspice_protocol.structs import (
    BinaryData,
    BitmapData,
    Image,
    ImageDescriptor,
    JPEGAlphaData,
    LZPLTData,
    Palette,
    ZlibGlzRGBData,
)

IMAGE_ID = 1
WINDOW_PIXELS = 1 << 20
"""Of a dictionary for one small picture."""


def descriptor(type: ImageType, width: int, height: int) -> ImageDescriptor:
    return ImageDescriptor(id=IMAGE_ID, type=type, flags=0, width=width, height=height)


def stream_image(type: ImageType, stream: bytes, width: int, height: int) -> Image:
    """An image that is a stream and nothing else."""
    return Image(descriptor=descriptor(type, width, height), u=BinaryData(data=stream))


def bitmap_image(
    pixels: bytes,
    width: int,
    height: int,
    format: PixelFormat,
    number: int,
    colours: Sequence[int] = (),
) -> Image:
    """A BITMAP of this number, by our encoder from rows without padding."""
    stride = (bitmap.FORMATS[number].row_bytes(width) + 3) // 4 * 4
    rows = bitmap.encode(
        pixels,
        width,
        height,
        format.row_bytes(width),
        format,
        to=number,
        to_stride=stride,
        palette=colours or None,
    )
    body = BitmapData(
        format=number,
        flags=BitmapFlags.TOP_DOWN,
        x=width,
        y=height,
        stride=stride,
        palette_id=None,
        palette=Palette(unique=0, ents=list(colours)) if colours else None,
        data=rows,
    )
    return Image(descriptor=descriptor(ImageType.BITMAP, width, height), u=body)


def lz_plt_image(
    indices: bytes, width: int, height: int, format: PixelFormat, colours: Sequence[int]
) -> Image:
    body = LZPLTData(
        flags=BitmapFlags.TOP_DOWN,
        palette_id=None,
        palette=Palette(unique=0, ents=list(colours)),
        data=lz.encode(indices, width, height, format.row_bytes(width), format),
    )
    return Image(descriptor=descriptor(ImageType.LZ_PLT, width, height), u=body)


def zlib_glz_image(pixels: bytes, width: int, height: int, format: PixelFormat) -> Image:
    stride = format.row_bytes(width)
    stream = Dictionary(WINDOW_PIXELS).encode(pixels, width, height, stride, format)
    deflated = zlib_glz.encode(stream)
    assert deflated is not None
    body = ZlibGlzRGBData(glz_data_size=len(stream), data=deflated)
    return Image(descriptor=descriptor(ImageType.ZLIB_GLZ_RGB, width, height), u=body)


def jpeg_alpha_image(pixels: bytes, width: int, height: int) -> Image:
    """A JPEG_ALPHA of a picture in BGRA32."""
    encoded = jpeg.encode_alpha(pixels, width, height, 4 * width)
    body = JPEGAlphaData(
        flags=JpegAlphaFlags.TOP_DOWN, jpeg_size=encoded.jpeg_size, data=encoded.data
    )
    return Image(descriptor=descriptor(ImageType.JPEG_ALPHA, width, height), u=body)
