"""What GLZ streams are made of: a header, then one pass over the image's units, or two.

    bytes  0  magic and version, 8 bytes
           8  type in the low nibble; bit 4: the first row is the top one
           9  width, height, stride of the rows as coded, u32 each
          21  id, u64
          29  how many ids before is the head: the oldest image that may be referred to, u32

All are big endian. `redspice.codecs.glz` describes the tokens of a pass.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from redspice.codecs.errors import CodecError
from redspice.codecs.image import MAX_PIXELS, PixelFormat, check_size, octets

if TYPE_CHECKING:
    from typing_extensions import Buffer


class Pass(NamedTuple):
    """How a pass codes its units, which are the bits `mask` of 32 bit words.

    `unit` is the bytes of a literal and `bias` what the lengths of references leave out.
    """

    unit: int
    bias: int
    mask: int


COLOUR = 0x00FFFFFF
ALPHA = 0xFF000000

#: Palette types exist too, but equal indices need not be equal colours: nobody sends them as GLZ.
FORMATS = {
    6: PixelFormat.X1R5G5B5,
    7: PixelFormat.BGR24,
    8: PixelFormat.BGRX32,
    9: PixelFormat.BGRA32,
}
TYPES = {format: type for type, format in FORMATS.items()}

PASSES = {
    PixelFormat.X1R5G5B5: (Pass(2, 1, COLOUR),),
    PixelFormat.BGR24: (Pass(3, 0, COLOUR),),
    PixelFormat.BGRX32: (Pass(3, 0, COLOUR),),
    PixelFormat.BGRA32: (Pass(3, 0, COLOUR), Pass(1, 2, ALPHA)),
}

LAYOUT = struct.Struct(">8sBIIIQI")
HEADER_SIZE = LAYOUT.size
MAGIC = b"\x20\x20\x5a\x4c\x00\x01\x00\x01"
TOP_DOWN = 0x10

TYPE_AT, SIZE_AT, STRIDE_AT, ID_AT, HEAD_AT = 8, 9, 17, 21, 29


@dataclass(frozen=True, slots=True)
class GlzHeader:
    """What a stream says of its image. `format` is that of the source, `head` an image's id."""

    format: PixelFormat
    width: int
    height: int
    top_down: bool
    id: int
    head: int

    @property
    def pixels(self) -> int:
        return self.width * self.height

    @property
    def type(self) -> int:
        return TYPES[self.format]

    def pack(self) -> bytes:
        """The header's bytes. The stride is that of rows without padding."""
        return LAYOUT.pack(
            MAGIC,
            self.type | (TOP_DOWN if self.top_down else 0),
            self.width,
            self.height,
            self.format.row_bytes(self.width),
            self.id,
            self.id - self.head,
        )


def parse_header(data: Buffer, *, max_pixels: int = MAX_PIXELS) -> GlzHeader:
    """Read and check the header of a stream. Raises `CodecError` for one that no encoder writes."""
    view = octets(data)
    if len(view) < HEADER_SIZE:
        raise CodecError(f"{len(view)} bytes, a header has {HEADER_SIZE}", len(view))
    magic, kind, width, height, stride, id, distance = LAYOUT.unpack_from(view)
    if magic != MAGIC:
        raise CodecError("not a GLZ stream of version 1.1", 0)
    format = FORMATS.get(kind & ~TOP_DOWN)
    if format is None:
        raise CodecError(f"type {kind:#04x}, which GLZ does not have", TYPE_AT)
    check_size(width, height, max_pixels, SIZE_AT)
    if stride != format.row_bytes(width):
        raise CodecError(f"a stride of {stride} bytes for {width} pixels", STRIDE_AT)
    if distance > id:
        raise CodecError(f"image {id} may refer to {distance} earlier ones", HEAD_AT)
    return GlzHeader(format, width, height, bool(kind & TOP_DOWN), id, id - distance)
