"""Fuzz what we do around the JPEG library. An input is a stream, with alpha or without."""

from __future__ import annotations

from harness import MAX_PIXELS, run

from redspice.codecs import PixelFormat, jpeg

WIDTH, HEIGHT = 9, 7
PIXELS = bytes(range(WIDTH * HEIGHT)) * 4


def decode(data: bytes) -> None:
    if data[:1] == b"\xff":
        jpeg.decode(data, max_pixels=MAX_PIXELS)
    else:
        jpeg.decode_alpha(data[2:], int.from_bytes(data[:2], "little"), max_pixels=MAX_PIXELS)


def seeds() -> list[bytes]:
    size = WIDTH, HEIGHT, 4 * WIDTH
    alpha = jpeg.encode_alpha(PIXELS, *size, PixelFormat.BGRA32)
    with_alpha = alpha.jpeg_size.to_bytes(2, "little") + alpha.data
    return [jpeg.encode(PIXELS, *size, PixelFormat.BGRX32), with_alpha]


if __name__ == "__main__":
    run(decode, seeds())
