"""A screen in memory: an X server that needs no graphics card, and its pixels.

Xvfb keeps its screen in a file as an X window dump: a header of big endian words, colour map
entries of 12 bytes, then the rows. Reading the file is as exact as a screenshot and
needs no client.
"""

from __future__ import annotations

import os
import select
import struct
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from PIL import Image

from interop.peers import PATIENCE

HEADER = struct.Struct(">25I")
HEADER_SIZE, WIDTH, HEIGHT, BITS_PER_PIXEL, BYTES_PER_LINE, COLORS = 0, 4, 5, 11, 12, 19
"""Which word of the header is what."""
COLOR_SIZE = 12


class Screen:
    """An X display and the file that holds its pixels."""

    def __init__(self, display: str, file: Path) -> None:
        self.display = display
        self._file = file

    def picture(self) -> Image.Image:
        """What is on the screen now."""
        dump = self._file.read_bytes()
        header = HEADER.unpack_from(dump)
        assert header[BITS_PER_PIXEL] == 32
        size, stride = (header[WIDTH], header[HEIGHT]), header[BYTES_PER_LINE]
        start = header[HEADER_SIZE] + header[COLORS] * COLOR_SIZE
        pixels = dump[start : start + stride * size[1]]
        return Image.frombytes("RGB", size, pixels, "raw", "BGRX", stride)


@contextmanager
def screen(folder: Path, width: int, height: int) -> Iterator[Screen]:
    """Run an X server on a display number that is free, without a pointer in its picture."""
    folder.mkdir()
    reading, writing = os.pipe()
    options = ["-screen", "0", f"{width}x{height}x24", "-nolisten", "tcp", "-nocursor"]
    with subprocess.Popen(
        ["Xvfb", "-displayfd", str(writing), *options, "-fbdir", str(folder)],
        pass_fds=[writing],
        stderr=subprocess.DEVNULL,
    ) as process:
        try:
            os.close(writing)
            yield Screen(f":{_first_line(reading)}", folder / "Xvfb_screen0")
        finally:
            os.close(reading)
            process.terminate()
            process.wait(PATIENCE)


def _first_line(descriptor: int) -> str:
    text = b""
    while not text.endswith(b"\n"):
        assert select.select([descriptor], [], [], PATIENCE)[0], "Xvfb does not start"
        piece = os.read(descriptor, 64)
        assert piece, "Xvfb ended"
        text += piece
    return text.decode().strip()
