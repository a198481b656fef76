"""Real viewers get every pixel right, however pictures are compressed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageChops

import imagegen
from interop.command import serve_command
from interop.embedded import EmbeddedServer, embedded_server
from interop.gtk_viewer import GtkViewer
from interop.pictures import assert_same_picture, from_bgrx
from interop.screenshot import Screenshot
from redspice.channels.display import DisplayChannel
from redspice.display.compression import EncodedImage
from redspice.display.framebuffer import Box
from redspice.pipe import PipeItem
from redspice_protocol.enums import ImageCompression, ImageType

LOSSLESS = ("off", "auto_glz", "auto_lz", "quic", "glz", "lz", "lz4")
SIZE = (320, 200)

# What a picture of these patterns goes as; by the rules "photo" looks like a photograph.
TYPES = {
    "off": {ImageType.BITMAP},
    "auto_glz": {ImageType.GLZ_RGB, ImageType.QUIC},
    "auto_lz": {ImageType.LZ_RGB, ImageType.QUIC},
    "quic": {ImageType.QUIC},
    "glz": {ImageType.GLZ_RGB},
    "lz": {ImageType.LZ_RGB},
    "lz4": {ImageType.LZ4},
}

# Full scale is 255; spice-gtk's JPEG decoder differs from ours by a little, JPEG itself by more.
JPEG_TOLERANCE = 40

# The wish takes a moment to arrive; each round draws and waits for the viewer twice.
ENOUGH_ROUNDS = 20

Connect = Callable[..., GtkViewer]
Sent = list[ImageType]


def pixels(pattern: str, width: int, height: int) -> bytes:
    """A picture as BGRX."""
    return imagegen.gen(pattern, width, height, 7).tobytes()


def photo_palette() -> Image.Image:
    """A picture of 200 colours, as a GIF or an indexed PNG has them."""
    return from_bgrx(pixels("photo", *SIZE), *SIZE).quantize(200)


def one_bit() -> Image.Image:
    return from_bgrx(pixels("text", *SIZE), *SIZE).convert("1")


def ruler() -> Image.Image:
    """One row of pixels."""
    return from_bgrx(pixels("runs", 301, 1), 301, 1)


PICTURES = {
    **{
        name: (lambda name=name: from_bgrx(pixels(name, 321, 201), 321, 201))
        for name in ("flat", "text", "photo", "desktop")
    },
    "ruler": ruler,
    "palette": photo_palette,
    "one-bit": one_bit,
}


@pytest.fixture
def server() -> Iterator[EmbeddedServer]:
    with embedded_server(*SIZE) as running:
        yield running


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> Sent:
    """The types of the pictures that went out."""
    types: Sent = []
    draw_item = DisplayChannel.draw_item

    def record(channel: DisplayChannel, box: Box, image: EncodedImage) -> PipeItem:
        types.append(image.type)
        return draw_item(channel, box, image)

    monkeypatch.setattr(DisplayChannel, "draw_item", record)
    return types


def draw(
    server: EmbeddedServer, pattern: str, left: int, top: int, right: int, bottom: int
) -> None:
    width, height = right - left, bottom - top
    drawing = pixels(pattern, width, height)
    server.call(lambda: server.framebuffer.paste(left, top, width, height, drawing))


def screen(server: EmbeddedServer) -> Image.Image:
    return from_bgrx(server.pixels(), *SIZE)


def difference(shown: Image.Image, expected: Image.Image) -> int:
    return int(np.asarray(ImageChops.difference(shown, expected)).max())


def show(server: EmbeddedServer, picture: Image.Image) -> None:
    """Have the screen show just this, at its size."""
    shown = picture.convert("RGB")

    def paste() -> None:
        server.framebuffer.resize(*shown.size)
        server.framebuffer.paste(0, 0, *shown.size, shown.tobytes("raw", "BGRX"))

    server.call(paste)


@pytest.mark.parametrize("compression", LOSSLESS)
def test_a_screenshot_is_exact(
    server: EmbeddedServer, screenshot: Screenshot, sent: Sent, compression: str
) -> None:
    server.reds.image_compression = compression
    for make in PICTURES.values():
        picture = make()
        show(server, picture)
        assert_same_picture(screenshot.take_from(server.port), picture.convert("RGB"))
    assert TYPES[compression] <= set(sent) <= TYPES[compression] | {ImageType.BITMAP}


@pytest.mark.parametrize("compression", LOSSLESS)
def test_the_command_serves_a_picture_exactly(
    tmp_path: Path, screenshot: Screenshot, compression: str
) -> None:
    path = tmp_path / "picture.png"
    picture = photo_palette()
    picture.save(path)
    with serve_command(f"image:{path}", "--compression", compression) as server:
        assert_same_picture(screenshot.take_from(server.port), picture.convert("RGB"))


@pytest.mark.parametrize("compression", LOSSLESS)
def test_a_viewer_follows_a_session_exactly(
    server: EmbeddedServer, sent: Sent, connect: Connect, compression: str
) -> None:
    server.reds.image_compression = compression
    viewer = connect(server)
    viewer.wait_opened()
    for round in range(3):
        draw(server, "desktop", 0, 0, *SIZE)
        viewer.wait_for_picture(screen(server))
        for number, pattern in enumerate(imagegen.PATTERNS):
            draw(server, pattern, 10 * number, 5 * round, 10 * number + 97, 5 * round + 61)
        draw(server, "text", 3, 190, 310, 191)
        draw(server, "photo", 0, 100, 320, 200)
        viewer.wait_for_picture(screen(server))
    assert TYPES[compression] <= set(sent) <= TYPES[compression] | {ImageType.BITMAP}


def test_jpeg_is_close(server: EmbeddedServer, sent: Sent, connect: Connect) -> None:
    server.reds.image_compression = "jpeg"
    draw(server, "photo", 0, 0, *SIZE)
    viewer = connect(server)
    viewer.wait_opened()
    shown = viewer.picture()
    assert shown is not None
    assert sent == [ImageType.JPEG]
    assert 0 < difference(shown, screen(server)) < JPEG_TOLERANCE


@pytest.mark.parametrize("wish", ["QUIC", "GLZ", "LZ", "LZ4", "OFF"])
def test_a_viewer_gets_the_compression_that_it_prefers(
    server: EmbeddedServer, sent: Sent, connect: Connect, wish: str
) -> None:
    viewer = connect(server)
    viewer.wait_opened()
    viewer.order("prefer_compression", ImageCompression[wish].value)
    expected = TYPES[wish.lower()]
    for _ in range(ENOUGH_ROUNDS):
        sent.clear()
        for pattern in ("desktop", "text"):
            draw(server, pattern, 0, 0, *SIZE)
            viewer.wait_for_picture(screen(server))
        if set(sent) == expected:
            return
    pytest.fail(f"the viewer still gets {sent}")
