"""What LZ streams are made of: the header, the types of image, the limits of tokens.

A stream is a header of seven big endian u32 and one or two passes of tokens over units:

    0 to 31      literal run of one unit more than that; its units follow
    32 to 255    reference: length 1 to 7 in the top three bits, distance in the low five
                 [where length is 7: bytes to add to it, up to and including the first below 255]
                 low byte of the distance
                 [where both parts of the distance are all ones: a further distance, u16]

A unit is a pixel, or a byte of packed indices. A pass ends with the last unit of the image;
nothing marks the end, and nothing follows the last pass.
"""

from __future__ import annotations

from dataclasses import dataclass
from struct import Struct

from redspice.codecs.errors import CodecError
from redspice.codecs.image import PixelFormat, check_size

HEADER = Struct(">7I")
MAGIC = 0x20205A4C  # "  ZL"
VERSION = 0x00010001

#: Bytes of pixels, stride * height, that a stream may describe: decoders count them in 30 bits.
MAX_BYTES = (1 << 30) - 1

# The largest distance in the short form; as the bits of one it announces the long form.
NEAR = 8191

# References reach back 73727 units; the reference encoder stays below that, and so do we.
FARTHEST = 73724

# Reasons of errors in tokens.
TRUNCATED = "the stream ends within a token"
TOO_LONG = "a token goes beyond the last pixel"
TOO_FAR = "a reference to before the first pixel"


@dataclass(frozen=True, slots=True)
class Type:
    """A type of image. `literal` is the bytes of one literal unit, `bias` is added to lengths."""

    id: int
    format: PixelFormat
    literal: int
    bias: int


# The alpha values that follow the colours of RGBA, and that are all of XXXA.
ALPHA_BIAS = 2
XXXA = Type(10, PixelFormat.BGRA32, 1, ALPHA_BIAS)

TYPES = {
    type.id: type
    for type in (
        Type(1, PixelFormat.PLT1_LE, 1, 2),
        Type(2, PixelFormat.PLT1_BE, 1, 2),
        Type(3, PixelFormat.PLT4_LE, 1, 2),
        Type(4, PixelFormat.PLT4_BE, 1, 2),
        Type(5, PixelFormat.PLT8, 1, 2),
        Type(6, PixelFormat.X1R5G5B5, 2, 1),
        Type(7, PixelFormat.BGR24, 3, 0),
        Type(8, PixelFormat.BGRX32, 3, 0),
        Type(9, PixelFormat.BGRA32, 3, 0),
        XXXA,
        Type(11, PixelFormat.A8, 1, 2),
    )
}
TYPE_OF_FORMAT = {type.format: type for type in TYPES.values() if type is not XXXA}


@dataclass(frozen=True, slots=True)
class Header:
    """`width` is in pixels. Rows are coded without padding; if `top_down`, the top one first."""

    type: Type
    width: int
    height: int
    top_down: bool

    @property
    def stride(self) -> int:
        """Bytes of a row as coded."""
        return self.type.format.row_bytes(self.width)

    def pack(self) -> bytes:
        return HEADER.pack(
            MAGIC, VERSION, self.type.id, self.width, self.height, self.stride, self.top_down
        )


def read_header(data: memoryview, max_pixels: int) -> Header:
    """The header at the start of a stream.

    Raises `CodecError` for one that is not of this version and for sizes above the limits. The
    stride must be that of rows without padding.
    """
    if len(data) < HEADER.size:
        raise CodecError("the stream ends within its header", len(data))
    magic, version, type_id, width, height, stride, top_down = HEADER.unpack_from(data)
    if magic != MAGIC:
        raise CodecError(f"magic {magic:#010x} is not that of LZ", 0)
    if version != VERSION:
        raise CodecError(f"version {version >> 16}.{version & 0xFFFF}, 1.1 wanted", 4)
    type = TYPES.get(type_id)
    if type is None:
        raise CodecError(f"type {type_id} is unknown", 8)
    check_size(width, height, max_pixels, 12)
    if stride != type.format.row_bytes(width):
        reason = f"a stride of {stride} bytes for {width} pixels of {type.format.name}"
        raise CodecError(reason, 20)
    if stride * height > MAX_BYTES:
        raise CodecError(f"{stride * height} bytes of pixels, {MAX_BYTES} allowed", 20)
    if top_down > 1:
        raise CodecError(f"row order {top_down} is neither 0 nor 1", 24)
    return Header(type, width, height, bool(top_down))
