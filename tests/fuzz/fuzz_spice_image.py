"""Fuzz images as they travel in messages, with any fields.

An input is type, bitmap format, flags, whether the surface has 16 bits and whether the high bits
are set in one byte, entries of the palette, u8 each; width, height, stride and announced size (of
the JPEG, or of the inflated GLZ), u16 each; the palette; and the data.
"""

from __future__ import annotations

import struct
from contextlib import suppress

from harness import MAX_PIXELS, run

from codec_vectors import DIRECTORY, Vector, read
from redspice.codecs import spice_image
from redspice.codecs.errors import MissingImageError
from redspice.codecs.glz_window import GlzWindow

START = struct.Struct("<BBBBBHHHH")
NARROW, HIGH_BITS = 1, 2
LARGEST = (1 << 16) - 1


def decode(data: bytes) -> None:
    if len(data) < START.size:
        return
    type, format, flags, options, entries, width, height, stride, size = START.unpack_from(data)
    entries = min(entries, (len(data) - START.size) // 4)
    palette = struct.unpack_from(f"<{entries}I", data, START.size)
    with suppress(MissingImageError):
        image = spice_image.decode(
            type,
            data[START.size + 4 * entries :],
            width,
            height,
            high_bits=bool(options & HIGH_BITS),
            max_pixels=MAX_PIXELS,
            bitmap_format=format,
            flags=flags,
            stride=stride,
            palette=palette or None,
            jpeg_size=size,
            glz_data_size=size,
            window=GlzWindow(window_pixels=4 * MAX_PIXELS),
            depth=16 if options & NARROW else 32,
        )
        assert (image.width, image.height) == (width, height)
        image.tight()


def seed(vector: Vector) -> bytes:
    palette = (vector.get("palette") or [])[:255]
    start = START.pack(
        vector["image_type_id"],
        vector.get("format_id", 0) & 0xFF,
        vector.get("flags", 0),
        NARROW if vector.get("surface_depth") == 16 else 0,
        len(palette),
        vector["width"],
        vector["height"],
        min(vector.get("src_stride", 0), LARGEST),
        min(vector.get("jpeg_size", 0) or vector.get("glz_data_size", 0), LARGEST),
    )
    return start + struct.pack(f"<{len(palette)}I", *palette) + vector.stream


if __name__ == "__main__":
    run(decode, [seed(vector) for vector in read(DIRECTORY, "image")])
