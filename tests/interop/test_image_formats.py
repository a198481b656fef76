"""spice-gtk decodes what the encoders make of other formats than that of our framebuffer."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import pytest

import imagegen
from interop.embedded import EmbeddedServer, embedded_server
from interop.gtk_viewer import GtkViewer
from interop.pictures import from_bgrx
from redspice.codecs import PixelFormat, lz, lz4, quic
from redspice.codecs.glz_dictionary import Dictionary
from redspice.display.compression import EncodedImage, ImageEncoder
from redspice_protocol.enums import ImageType

WIDTH, HEIGHT = 320, 200
BGRA = imagegen.gen("desktop", WIDTH, HEIGHT, 7)
FIVE_BITS = BGRA >> 3

Connect = Callable[..., GtkViewer]

# A format, the picture in it, and what is to be shown.
FORMATS = {
    PixelFormat.X1R5G5B5: (imagegen.to_rgb16(BGRA), FIVE_BITS << 3 | FIVE_BITS >> 2),
    PixelFormat.BGR24: (imagegen.to_rgb24(BGRA), BGRA),
    PixelFormat.BGRA32: (BGRA, BGRA),
}
ENCODERS = {
    ImageType.QUIC: quic.encode,
    ImageType.LZ_RGB: lz.encode,
    ImageType.GLZ_RGB: lambda *picture: Dictionary(1 << 20).encode(*picture),
    ImageType.LZ4: lz4.encode,
}


@pytest.fixture
def server() -> Iterator[EmbeddedServer]:
    with embedded_server(WIDTH, HEIGHT) as running:
        yield running


@pytest.mark.parametrize("type", ENCODERS, ids=lambda type: type.name)
@pytest.mark.parametrize("format", FORMATS, ids=lambda format: format.name)
def test_a_picture_of_another_format_is_shown_exactly(
    server: EmbeddedServer,
    connect: Connect,
    monkeypatch: pytest.MonkeyPatch,
    type: ImageType,
    format: PixelFormat,
) -> None:
    source, shown = FORMATS[format]
    stream = ENCODERS[type](source.tobytes(), WIDTH, HEIGHT, format.row_bytes(WIDTH), format)
    monkeypatch.setattr(
        ImageEncoder, "encode", lambda *_: EncodedImage(type, WIDTH, HEIGHT, stream)
    )
    viewer = connect(server)
    viewer.wait_opened()
    picture = viewer.picture()
    expected = from_bgrx(np.ascontiguousarray(shown).tobytes(), WIDTH, HEIGHT)
    assert picture == expected
