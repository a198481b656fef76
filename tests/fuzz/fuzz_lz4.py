"""Fuzz the decoder of LZ4. An input is width and height, u16 each, and the stream."""

from __future__ import annotations

import struct

from harness import MAX_PIXELS, lz4, run

from codec_vectors import DIRECTORY, read

SIZE = struct.Struct("<HH")


def decode(data: bytes) -> None:
    if len(data) >= SIZE.size:
        width, height = SIZE.unpack_from(data)
        lz4.decode(data[SIZE.size :], width, height, max_pixels=MAX_PIXELS)


if __name__ == "__main__":
    vectors = [v for v in read(DIRECTORY, "image") if v["image_type"] == "LZ4"]
    run(decode, [SIZE.pack(v["width"], v["height"]) + v.stream for v in vectors])
