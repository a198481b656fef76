"""A picture from a file as a screen."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path

import pytest
from PIL import Image

from redspice.display.framebuffer import MAX_SIDE
from redspice.errors import ConfigurationError
from redspice.interfaces import QxlInterface, TabletInterface
from redspice.sources.image import ImageSource, load_picture
from runtime.fake_core import FakeCore
from runtime.sources_stage import RecordingReds, picture_of


def test_a_picture_is_shown_pixel_for_pixel(tmp_path: Path) -> None:
    picture = Image.frombytes("RGB", (7, 5), bytes(range(105)))
    picture.save(tmp_path / "p.png")
    source = ImageSource(tmp_path / "p.png")
    assert picture_of(source.framebuffer) == picture
    assert bytes(source.framebuffer.pixels[:3]) == bytes([2, 1, 0])


def test_an_image_source_registers_a_screen_and_a_tablet(tmp_path: Path) -> None:
    Image.new("RGB", (3, 2), "red").save(tmp_path / "p.png")
    source, reds = ImageSource(tmp_path / "p.png"), RecordingReds(FakeCore())
    source.attach(reds)
    assert reds.find(QxlInterface).framebuffer is source.framebuffer
    assert reds.find(TabletInterface)
    assert source.qxl.cursor_visible


def test_transparency_is_composited_on_black(tmp_path: Path) -> None:
    picture = Image.new("RGBA", (2, 1), (200, 100, 50, 128))
    picture.putpixel((1, 0), (255, 255, 255, 0))
    picture.save(tmp_path / "p.png")
    loaded = load_picture(tmp_path / "p.png")
    assert loaded.getpixel((0, 0)) == (100, 50, 25)
    assert loaded.getpixel((1, 0)) == (0, 0, 0)


@pytest.mark.parametrize(
    ("mode", "color", "name", "expected"),
    [
        ("L", 77, "p.png", (77, 77, 77)),
        ("1", 1, "p.png", (255, 255, 255)),
        ("LA", (200, 0), "p.png", (0, 0, 0)),
        ("I;16", 0xABCD, "p.png", (0xAB, 0xAB, 0xAB)),
        ("CMYK", (0, 255, 255, 0), "p.tif", (255, 0, 0)),
        ("RGB", (1, 2, 3), "p.bmp", (1, 2, 3)),
    ],
)
def test_other_modes_become_rgb(
    tmp_path: Path, mode: str, color: int, name: str, expected: tuple[int, ...]
) -> None:
    Image.new(mode, (3, 3), color).save(tmp_path / name)
    assert load_picture(tmp_path / name).getpixel((1, 1)) == expected


def test_a_palette_with_a_transparent_entry_is_composited(tmp_path: Path) -> None:
    picture = Image.new("P", (2, 1))
    picture.putpalette([255, 0, 0, 0, 255, 0])
    picture.putpixel((1, 0), 1)
    picture.save(tmp_path / "p.png", transparency=1)
    loaded = load_picture(tmp_path / "p.png")
    assert [loaded.getpixel((x, 0)) for x in (0, 1)] == [(255, 0, 0), (0, 0, 0)]


def png_header(width: int, height: int) -> bytes:
    """A PNG that claims a size and has no pixels."""
    body = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    chunk = b"IHDR" + body
    data = struct.pack(">I", len(body)) + chunk + struct.pack(">I", zlib.crc32(chunk))
    empty = b"\0\0\0\0IDAT" + struct.pack(">I", zlib.crc32(b"IDAT"))
    return b"\x89PNG\r\n\x1a\n" + data + empty


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"plain text", "not a picture in a format that can be read"),
        (b"", "not a picture in a format that can be read"),
        (png_header(8, 8), "cannot read the picture"),
        (png_header(MAX_SIDE + 1, 1), f"the picture is {MAX_SIDE + 1}x1 pixels, a screen has"),
        (png_header(10_000, 10_000), "cannot read the picture"),
        (png_header(2**20, 2**20), "too many pixels"),
    ],
)
def test_files_that_are_no_usable_picture_are_refused(
    tmp_path: Path, content: bytes, message: str
) -> None:
    path = tmp_path / "p.png"
    path.write_bytes(content)
    with pytest.raises(ConfigurationError, match=f"^{path}: .*{message}"):
        load_picture(path)


def test_a_picture_cut_short_is_refused(tmp_path: Path) -> None:
    Image.effect_noise((64, 64), 50).save(tmp_path / "p.png")
    data = (tmp_path / "p.png").read_bytes()
    for length in range(0, len(data) - 20, 97):
        (tmp_path / "p.png").write_bytes(data[:length])
        with pytest.raises(ConfigurationError):
            load_picture(tmp_path / "p.png")


@pytest.mark.parametrize(
    ("name", "reason"), [("missing.png", "No such file"), (".", "Is a directory")]
)
def test_unreadable_paths_are_refused(tmp_path: Path, name: str, reason: str) -> None:
    with pytest.raises(ConfigurationError, match=f"cannot read the picture: {reason}"):
        load_picture(tmp_path / name)
