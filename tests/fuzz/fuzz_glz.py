"""Fuzz the window of GLZ. An input is a sequence of streams, each behind its length, u16."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from contextlib import suppress
from itertools import islice

from harness import MAX_PIXELS, run

from codec_vectors import DIRECTORY, read
from glz_streams import steps
from redspice.codecs import CodecError
from redspice.codecs.errors import MissingImageError
from redspice.codecs.glz_window import GlzWindow

LENGTH = struct.Struct("<H")

#: Images of a vector in a seed: of most they are small enough for one.
IMAGES = 8


def decode(data: bytes) -> None:
    """Images that cannot be decoded are left out: the window must stand that."""
    window = GlzWindow(window_pixels=4 * MAX_PIXELS)
    at = 0
    while at + LENGTH.size <= len(data):
        end = at + LENGTH.size + LENGTH.unpack_from(data, at)[0]
        with suppress(CodecError, MissingImageError):
            window.decode(data[at + LENGTH.size : end], max_pixels=MAX_PIXELS)
        at = end


def seeds() -> Iterator[bytes]:
    for vector in read(DIRECTORY, "glz"):
        streams = (step.stream for step in steps(vector) if len(step.stream) < 1000)
        yield b"".join(LENGTH.pack(len(each)) + each for each in islice(streams, IMAGES))


if __name__ == "__main__":
    run(decode, seeds())
