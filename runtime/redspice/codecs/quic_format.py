"""What QUIC streams are made of: the header, the types of image, the size of words.

A stream is little endian 32 bit words, each read from its highest bit down. Five words are the
header: the magic, the version, the type, width and height in pixels. Then come the pixels from the
top row down, without any padding between them, zero bits up to the end of a word, and one more word
of zeros. Nothing tells in which order the rows lie in memory.
"""

from __future__ import annotations

from dataclasses import dataclass
from struct import Struct

from redspice.codecs.errors import CodecError
from redspice.codecs.image import PixelFormat, check_size

HEADER = Struct("<5I")
MAGIC = 0x43495551  # "QUIC"
VERSION = 0

#: Pixels of the largest image that decoders take.
MOST_PIXELS = (1 << 29) - 1

#: What may be wrong with the pixels' bits, by the number that the coder has for it.
FAULTS = (
    "",
    "the stream ends within the image or its last word",
    "a run goes beyond the end of its segment",
    "a codeword stands for no symbol",
)
TRUNCATED = FAULTS[1]


@dataclass(frozen=True, slots=True)
class Type:
    """A type of image. `bits` are those of a component; alpha is coded apart from the colours."""

    id: int
    format: PixelFormat
    components: int
    bits: int = 8


TYPES = {
    type.id: type
    for type in (
        Type(1, PixelFormat.GRAY8, 1),
        Type(2, PixelFormat.X1R5G5B5, 3, bits=5),
        Type(3, PixelFormat.BGR24, 3),
        Type(4, PixelFormat.BGRX32, 3),
        Type(5, PixelFormat.BGRA32, 4),
    )
}
TYPE_OF_FORMAT = {type.format: type for type in TYPES.values()}

#: What a decoder makes of a format if asked to.
CONVERSIONS = {
    PixelFormat.X1R5G5B5: PixelFormat.BGRX32,
    PixelFormat.BGR24: PixelFormat.BGRX32,
    PixelFormat.BGRX32: PixelFormat.BGR24,
}


@dataclass(frozen=True, slots=True)
class Header:
    type: Type
    width: int
    height: int

    def pack(self) -> bytes:
        return HEADER.pack(MAGIC, VERSION, self.type.id, self.width, self.height)

    @classmethod
    def unpack(cls, data: memoryview, max_pixels: int) -> Header:
        """Raises `CodecError` for what no decoder takes, and for sizes that cannot be.

        Those are the empty ones, those above `max_pixels`, and those of images that have more
        components than the data has bits.
        """
        if len(data) < HEADER.size:
            raise CodecError("the stream ends within the header", len(data))
        magic, version, number, width, height = HEADER.unpack_from(data)
        if magic != MAGIC:
            raise CodecError(f"magic {magic:#010x} in place of {MAGIC:#010x}", 0)
        if version != VERSION:
            raise CodecError(f"version {version:#x} in place of {VERSION}", 4)
        if number not in TYPES:
            raise CodecError(f"type {number}, 1 to {len(TYPES)} known", 8)
        check_size(width, height, max_pixels, 12)
        header = cls(TYPES[number], width, height)
        if header.least_bits() > 8 * (len(data) - HEADER.size):
            raise CodecError(TRUNCATED, len(data))
        return header

    def least_bits(self) -> int:
        """Bits that no image of this size can do without.

        Runs, which may be long for a few bits, cover neither the top row nor the first three
        columns; a component has one bit at least everywhere else.
        """
        pixels = self.width + (self.height - 1) * min(self.width, 3)
        return pixels * self.type.components
