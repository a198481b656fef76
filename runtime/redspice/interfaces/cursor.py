"""The image of a pointer, in any format that the protocol knows.

A program that has the choice takes ALPHA; the others are for guests that hand over what their own
driver drew. spice-html5 shows ALPHA alone. spice-gtk shows nothing for COLOR8 and COLOR24, white
where MONO inverts the screen, and reads the mask of COLOR4, 16 and 32 as if no bits were left over
at the end of its rows, so their widths should be multiples of 8.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, field
from enum import Enum, auto
from hashlib import blake2b
from typing import NamedTuple

from redspice.checks import flat_bytes, whole
from redspice.errors import ConfigurationError
from redspice_protocol.enums import CursorType

# A cursor of this side is already larger than any desktop draws; its size fields are 16 bits wide.
MAX_CURSOR_SIDE = 1024
PALETTE_ENTRY = 4
# What goes into an identity beside the pixels: type, sides, hot spot.
GEOMETRY = struct.Struct("<5H")


class Layout(NamedTuple):
    """What the bytes of a cursor are: pixels, then a palette, then masks of one bit a pixel."""

    bits: int
    """Of a pixel; each row is padded to whole bytes."""
    colors: int = 0
    """Entries of the palette, four bytes each."""
    masks: int = 1

    def size(self, width: int, height: int) -> int:
        """Bytes of a cursor."""
        rows = _row(width * self.bits) + self.masks * _row(width)
        return rows * height + self.colors * PALETTE_ENTRY


def _row(bits: int) -> int:
    return -(-bits // 8)


LAYOUTS = {
    CursorType.ALPHA: Layout(32, masks=0),
    CursorType.MONO: Layout(0, masks=2),
    CursorType.COLOR4: Layout(4, colors=16),
    CursorType.COLOR8: Layout(8, colors=256),
    CursorType.COLOR16: Layout(16),
    CursorType.COLOR24: Layout(24),
    CursorType.COLOR32: Layout(32),
}


class CursorChange(Enum):
    """What an embedder did to the cursor."""

    SET = auto()
    MOVE = auto()
    HIDE = auto()
    TRAIL = auto()
    RESET = auto()


@dataclass(frozen=True, slots=True, repr=False)
class CursorShape:
    """A pointer image, with the pixel of it that points; `pixels` are all its bytes.

    ALPHA: `width * height` times B, G, R, A with alpha premultiplied. MONO: two planes of one bit,
    AND then XOR. COLOR4, 8, 16, 24 and 32: the pixels (16: x1 r5 g5 b5, little endian; 24: B, G, R;
    32: B, G, R, 0), for COLOR4 and 8 then 16 or 256 colors of B, G, R, 0, then the AND plane. A bit
    of that which is set is a pixel that lets the screen through. Rows begin at whole bytes, the
    first bit or nibble of a byte is its highest.

    Raises `ConfigurationError` for a type that is none, a side out of 1..1024, a hot spot outside,
    or another number of bytes.
    """

    width: int
    height: int
    hot_x: int
    hot_y: int
    pixels: bytes
    type: CursorType = CursorType.ALPHA
    unique: int = field(init=False, compare=False)
    """What tells it from other shapes, in 64 bits; never 0, which viewers do not remember."""

    def __post_init__(self) -> None:
        whole("cursor size and hot spot", self.width, self.height, self.hot_x, self.hot_y)
        if self.type not in LAYOUTS:
            raise ConfigurationError(f"{self.type!r} is no type of cursors")
        if not (0 < self.width <= MAX_CURSOR_SIDE and 0 < self.height <= MAX_CURSOR_SIDE):
            raise ConfigurationError(
                f"cursor of {self.width}x{self.height}: sides are 1..{MAX_CURSOR_SIDE}"
            )
        if not (0 <= self.hot_x < self.width and 0 <= self.hot_y < self.height):
            raise ConfigurationError(
                f"hot spot {self.hot_x},{self.hot_y} is outside {self.width}x{self.height}"
            )
        wanted = LAYOUTS[self.type].size(self.width, self.height)
        pixels = flat_bytes("cursor", self.pixels)
        if len(pixels) != wanted:
            raise ConfigurationError(f"cursor needs {wanted} pixel bytes, got {len(pixels)}")
        object.__setattr__(self, "pixels", bytes(pixels))
        object.__setattr__(self, "unique", self._identity())

    def __repr__(self) -> str:
        return f"CursorShape({self.width}x{self.height} hot {self.hot_x},{self.hot_y})"

    def _identity(self) -> int:
        geometry = GEOMETRY.pack(self.type, self.width, self.height, self.hot_x, self.hot_y)
        digest = blake2b(geometry, digest_size=8)
        digest.update(self.pixels)
        return int.from_bytes(digest.digest(), "little") or 1
