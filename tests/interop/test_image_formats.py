"""spice-gtk decodes what the encoders make of other formats than that of our framebuffer.

What it cannot show of all that they make: QUIC of GRAY8, BITMAPs of 1BIT_LE and 4BIT_LE, and LZ4 of
8BIT_A. It ends itself when it gets one of these.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

import imagegen
from interop.embedded import EmbeddedServer, embedded_server
from interop.gtk_viewer import GtkViewer
from interop.image_messages import (
    bitmap_image,
    jpeg_alpha_image,
    lz_plt_image,
    stream_image,
    zlib_glz_image,
)
from redspice.channels import display
from redspice.codecs import PixelFormat, jpeg, lz, lz4, quic
from redspice.codecs.glz_dictionary import Dictionary
from redspice.display import drawing
from redspice_protocol.display import MsgDisplaySurfaceCreate
from redspice_protocol.enums import ImageType, SurfaceFmt
from redspice_protocol.structs import Image, JPEGAlphaData

# No multiple of what formats pack into a byte or a word.
WIDTH, HEIGHT = 317, 199
BGRA = imagegen.gen("desktop", WIDTH, HEIGHT, 7)
FIVE_BITS = BGRA >> 3

Connect = Callable[..., GtkViewer]
Pixels = NDArray[np.uint8]

# A format, the picture in it, and what is to be shown.
FORMATS = {
    PixelFormat.X1R5G5B5: (imagegen.to_rgb16(BGRA), FIVE_BITS << 3 | FIVE_BITS >> 2),
    PixelFormat.BGR24: (imagegen.to_rgb24(BGRA), BGRA),
    PixelFormat.BGRX32: (imagegen.to_bgrx(BGRA), BGRA),
    PixelFormat.BGRA32: (BGRA, BGRA),
}
ENCODERS = {
    ImageType.QUIC: quic.encode,
    ImageType.LZ_RGB: lz.encode,
    ImageType.GLZ_RGB: lambda *picture: Dictionary(1 << 20).encode(*picture),
    ImageType.LZ4: lz4.encode,
}
BITMAPS = {
    PixelFormat.X1R5G5B5: 6,
    PixelFormat.BGR24: 7,
    PixelFormat.BGRX32: 8,
    PixelFormat.BGRA32: 9,
}

INDEX_8 = imagegen.to_plt8(BGRA)
INDICES = {1: BGRA[..., 1] >> 7, 4: (INDEX_8 ^ INDEX_8 >> 4) & 15, 8: INDEX_8}
PACKED = {
    PixelFormat.PLT1_LE: imagegen.to_plt1(BGRA, be=False),
    PixelFormat.PLT1_BE: imagegen.to_plt1(BGRA, be=True),
    PixelFormat.PLT4_LE: imagegen.to_plt4(BGRA, be=False),
    PixelFormat.PLT4_BE: imagegen.to_plt4(BGRA, be=True),
    PixelFormat.PLT8: INDEX_8,
}
# Bits of an index by the number of the format.
PALETTE_BITMAPS = {2: 1, 4: 4, 5: 8}

A8 = imagegen.to_a8(BGRA).tobytes()
WITH_ALPHA = {
    "JPEG_ALPHA": jpeg_alpha_image(BGRA.tobytes(), WIDTH, HEIGHT),
    "LZ of 8BIT_A": stream_image(
        ImageType.LZ_RGB, lz.encode(A8, WIDTH, HEIGHT, WIDTH, PixelFormat.A8), WIDTH, HEIGHT
    ),
    "BITMAP of 8BIT_A": bitmap_image(A8, WIDTH, HEIGHT, PixelFormat.A8, 10),
    "BITMAP of RGBA": bitmap_image(BGRA.tobytes(), WIDTH, HEIGHT, PixelFormat.BGRA32, 9),
}

# Decoders of JPEG may round in other ways; the same library gives the same.
JPEG_TOLERANCE = 3


@pytest.fixture
def server() -> Iterator[EmbeddedServer]:
    with embedded_server(WIDTH, HEIGHT) as running:
        yield running


@pytest.fixture
def shown(
    server: EmbeddedServer, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> Callable[[Image], Pixels]:
    """What spice-gtk shows of an image that it gets in place of the framebuffer's picture."""

    def show(image: Image) -> Pixels:
        monkeypatch.setattr(drawing, "image_message", lambda *_: image)
        viewer = connect(server)
        viewer.wait_opened()
        pixels, width, height = viewer.surface()
        return np.frombuffer(pixels, np.uint8).reshape(height, width, 4)

    return show


def coloured(bits: int) -> tuple[list[int], Pixels]:
    """A palette, and the picture in its colours."""
    colours = imagegen.palette(1 << bits, 7)
    return colours, np.array(colours, "<u4")[INDICES[bits]].view(np.uint8).reshape(BGRA.shape)


@pytest.mark.parametrize("type", ENCODERS, ids=lambda type: type.name)
@pytest.mark.parametrize("format", FORMATS, ids=lambda format: format.name)
def test_a_picture_of_another_format_is_shown_exactly(
    shown: Callable[[Image], Pixels], type: ImageType, format: PixelFormat
) -> None:
    source, expected = FORMATS[format]
    stream = ENCODERS[type](source.tobytes(), WIDTH, HEIGHT, format.row_bytes(WIDTH), format)
    image = stream_image(type, stream, WIDTH, HEIGHT)
    assert (shown(image)[..., :3] == expected[..., :3]).all()


@pytest.mark.parametrize("format", FORMATS, ids=lambda format: format.name)
def test_a_deflated_glz_image_is_shown_exactly(
    shown: Callable[[Image], Pixels], format: PixelFormat
) -> None:
    source, expected = FORMATS[format]
    image = zlib_glz_image(source.tobytes(), WIDTH, HEIGHT, format)
    assert (shown(image)[..., :3] == expected[..., :3]).all()


@pytest.mark.parametrize("format", FORMATS, ids=lambda format: format.name)
def test_a_bitmap_is_shown_exactly(shown: Callable[[Image], Pixels], format: PixelFormat) -> None:
    source, expected = FORMATS[format]
    image = bitmap_image(source.tobytes(), WIDTH, HEIGHT, format, BITMAPS[format])
    assert (shown(image)[..., :3] == expected[..., :3]).all()


@pytest.mark.parametrize("number", PALETTE_BITMAPS)
def test_a_bitmap_with_a_palette_is_shown_exactly(
    shown: Callable[[Image], Pixels], number: int
) -> None:
    colours, expected = coloured(PALETTE_BITMAPS[number])
    pixels = expected.tobytes()
    image = bitmap_image(pixels, WIDTH, HEIGHT, PixelFormat.BGRX32, number, colours)
    assert (shown(image)[..., :3] == expected[..., :3]).all()


@pytest.mark.parametrize("format", PACKED, ids=lambda format: format.name)
def test_an_lz_image_with_a_palette_is_shown_exactly(
    shown: Callable[[Image], Pixels], format: PixelFormat
) -> None:
    colours, expected = coloured(format.bits)
    image = lz_plt_image(PACKED[format].tobytes(), WIDTH, HEIGHT, format, colours)
    assert (shown(image)[..., :3] == expected[..., :3]).all()


def test_the_colours_of_a_jpeg_with_alpha_are_those_that_we_decode(
    shown: Callable[[Image], Pixels],
) -> None:
    image = jpeg_alpha_image(BGRA.tobytes(), WIDTH, HEIGHT)
    assert isinstance(image.u, JPEGAlphaData)
    expected = jpeg.decode_alpha(image.u.data, image.u.jpeg_size).array()
    difference = np.abs(shown(image).astype(int) - expected)[..., :3]
    assert difference.max() <= JPEG_TOLERANCE


@pytest.mark.parametrize("image", WITH_ALPHA.values(), ids=WITH_ALPHA)
def test_alpha_arrives_exactly(
    shown: Callable[[Image], Pixels], monkeypatch: pytest.MonkeyPatch, image: Image
) -> None:
    """On a surface that has alpha it is copied like a colour."""

    def surface(width: int, height: int) -> MsgDisplaySurfaceCreate:
        message = drawing.surface_message(width, height)
        return replace(message, format=SurfaceFmt.FMT_32_ARGB)

    monkeypatch.setattr(display, "surface_message", surface)
    assert (shown(image)[..., 3] == BGRA[..., 3]).all()
