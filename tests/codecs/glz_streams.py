"""GLZ sequences: those of the vectors, and streams written by hand."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import numpy as np

from codec_vectors import Vector, unpacked
from redspice.codecs import PixelFormat
from redspice.codecs.glz_format import FORMATS, HEADER_SIZE, GlzHeader

RGB16, RGB24, RGB32, RGBA = 6, 7, 8, 9


@dataclass(frozen=True)
class Step:
    """One image of a vector: what is known of it, its stream, and the pixels that it gives."""

    fields: dict[str, Any]
    stream: bytes
    pixels: bytes

    def __getitem__(self, key: str) -> Any:
        return self.fields[key]

    @property
    def size(self) -> tuple[int, int]:
        return self["width"], self["height"]

    @property
    def format(self) -> PixelFormat:
        """That of the source."""
        return FORMATS[self["type_id"]]

    @property
    def source(self) -> bytes:
        """Pixels that an encoder can make the stream of, rows tight."""
        return source_of(self.pixels, self.format)


def source_of(pixels: bytes, format: PixelFormat) -> bytes:
    """Decoded pixels, four bytes each, in the format that they had before."""
    rows = np.frombuffer(pixels, np.uint8).reshape(-1, 4)
    if format is PixelFormat.X1R5G5B5:
        b, g, r = (rows[:, channel].astype("<u2") >> 3 for channel in range(3))
        return (r << 10 | g << 5 | b).tobytes()
    return rows[:, :3].tobytes() if format is PixelFormat.BGR24 else pixels


def steps(vector: Vector) -> list[Step]:
    """The images of a vector in the order of decoding."""
    images = vector.get("images")
    if images is None:
        table = json.loads(unpacked(vector.directory / vector["images_file"]))
        images = [dict(zip(table["keys"], row, strict=True)) for row in table["rows"]]
    streams, pixels = vector.stream, unpacked(vector.directory / vector["raw"])

    def piece(content: bytes, image: dict[str, Any], name: str) -> bytes:
        start = image[f"{name}_offset"]
        return content[start : start + image[f"{name}_size"]]

    return [Step(each, piece(streams, each, "bin"), piece(pixels, each, "raw")) for each in images]


def stream(
    tokens: str | bytes,
    width: int,
    height: int = 1,
    *,
    type: int = RGB32,
    id: int = 0,
    head: int = 0,
) -> bytes:
    """A stream of tokens; those in hexadecimal may have spaces between them."""
    header = GlzHeader(FORMATS[type], width, height, True, id, head).pack()
    assert len(header) == HEADER_SIZE
    return header + (bytes.fromhex(tokens) if isinstance(tokens, str) else tokens)


def colours(count: int, first: int = 0) -> bytes:
    """That many pixels of three bytes, no two of them alike."""
    return b"".join((first + k).to_bytes(3, "big") for k in range(count))


def literals(pixels: bytes, unit: int = 3) -> bytes:
    """Tokens for pixels, nothing but literals."""
    runs = (pixels[at : at + 32 * unit] for at in range(0, len(pixels), 32 * unit))
    return b"".join(bytes([len(run) // unit - 1]) + run for run in runs)
