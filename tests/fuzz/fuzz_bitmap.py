"""Fuzz the decoder of bitmaps.

An input is format, entries of the palette and whether the surface has 16 bits, u8 each; width,
height and stride, u16 each; the palette; and the rows.
"""

from __future__ import annotations

import struct

from harness import MAX_PIXELS, bitmap, run

from codec_vectors import DIRECTORY, Vector, read

START = struct.Struct("<BBBHHH")


def decode(data: bytes) -> None:
    if len(data) < START.size:
        return
    format, entries, narrow, width, height, stride = START.unpack_from(data)
    entries = min(entries, (len(data) - START.size) // 4)
    palette = struct.unpack_from(f"<{entries}I", data, START.size)
    bitmap.decode(
        data[START.size + 4 * entries :],
        format,
        width,
        height,
        stride,
        palette=palette or None,
        depth=16 if narrow & 1 else 32,
        max_pixels=MAX_PIXELS,
    )


def seed(vector: Vector) -> bytes:
    palette = (vector["palette"] or [])[:255]
    start = START.pack(
        vector["format_id"],
        len(palette),
        vector["surface_depth"] == 16,
        vector["width"],
        vector["height"],
        vector["src_stride"],
    )
    return start + struct.pack(f"<{len(palette)}I", *palette) + vector.stream


if __name__ == "__main__":
    run(decode, [seed(v) for v in read(DIRECTORY, "image") if v["image_type"] == "BITMAP"])
