"""Pixels as the units that LZ codes: 32 bit words in the machine's order, whatever the format."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from redspice.codecs.convert import convert
from redspice.codecs.image import Image, PixelFormat

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Units: TypeAlias = NDArray[np.uint32]


def units_of(rows: NDArray[np.uint8], format: PixelFormat) -> Units:
    """The units of rows of bytes, uncopied where they lie like words already.

    A unit of a packed palette format is a byte. The 4th bytes of pixels that have them are kept.
    """
    flat = np.ascontiguousarray(rows).reshape(-1)
    if format.bits < 24:
        return flat.view("<u2" if format.bits == 16 else np.uint8).astype(np.uint32)
    if format.bits == 24:
        source = Image(format, len(flat) // 3, 1, len(flat), flat.data)
        flat = np.frombuffer(convert(source, PixelFormat.BGRX32).pixels, np.uint8)
    return np.require(flat.view("<u4"), np.uint32, "A")


def image_of(
    units: Units, format: PixelFormat, width: int, height: int, *, top_down: bool
) -> Image:
    """A picture in a format of at most 16 bits."""
    pixels = units.astype("<u2" if format.bits == 16 else np.uint8).view(np.uint8).data
    return Image(format, width, height, format.row_bytes(width), pixels, top_down)


def room_for_units(image: Image) -> Units:
    """Words to decode the pixels of a 32 bit image to: its own where they lie like words."""
    count = image.width * image.height
    if image.stride == image.width * 4:
        words = np.frombuffer(image.pixels, "<u4", count)
        if words.flags.aligned and words.dtype.isnative:
            return words
    return np.empty(count, np.uint32)


def store(units: Units, image: Image) -> None:
    """Copy what `room_for_units` gave to the image, if it is not there already."""
    if np.may_share_memory(units, np.frombuffer(image.pixels, np.uint8)):
        return
    rows = units.astype("<u4", copy=False).view(np.uint8)
    in_memory_order = image.array()[:: 1 if image.top_down else -1]
    in_memory_order[...] = rows.reshape(in_memory_order.shape)
