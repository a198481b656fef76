"""Fuzz the inflating of GLZ. An input is the announced size, u16, and the data.

The data are tried as they are and deflated: what the fuzzer changes rarely stays a zlib stream.
"""

from __future__ import annotations

import struct
import zlib
from contextlib import suppress

from harness import MAX_PIXELS, run

from codec_vectors import DIRECTORY, read
from glz_streams import steps
from redspice.codecs import CodecError, zlib_glz
from redspice.codecs.errors import MissingImageError
from redspice.codecs.glz_window import GlzWindow

SIZE = struct.Struct("<H")


def decode(data: bytes) -> None:
    if len(data) < SIZE.size:
        return
    (size,) = SIZE.unpack_from(data)
    for each in (data[SIZE.size :], zlib.compress(data[SIZE.size :])):
        with suppress(CodecError, MissingImageError):
            stream = zlib_glz.decode(each, size)
            assert len(stream) == size
            GlzWindow(window_pixels=4 * MAX_PIXELS).decode(stream, max_pixels=MAX_PIXELS)


def seeds() -> list[bytes]:
    """What was deflated, with its size; what was not needs none to be tried."""
    found = []
    for vector in read(DIRECTORY, "zlib_glz"):
        for step in steps(vector):
            if step["image_type"] == "ZLIB_GLZ_RGB" and step["glz_data_size"] < 1 << 16:
                inflated = zlib_glz.decode(step.stream, step["glz_data_size"])
                found += [SIZE.pack(len(inflated)) + each for each in (step.stream, inflated)]
    return found


if __name__ == "__main__":
    run(decode, seeds())
