"""LZ4 of plain bytes: one block, whose size after decoding travels beside it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import lz4.block

from redspice.codecs.errors import CodecError
from redspice.codecs.image import octets
from redspice.codecs.lz4 import LARGEST_GAIN

if TYPE_CHECKING:
    from typing_extensions import Buffer


def compress(data: Buffer) -> bytes:
    """The block, which is a little longer than `data` if that cannot be compressed."""
    block: bytes = lz4.block.compress(data, store_size=False)
    return block


def decompress(block: Buffer, size: int) -> bytes:
    """The `size` bytes that a block stands for.

    Raises `CodecError` for a block that gives more or fewer, and before anything is allocated for
    a size that no block of this length can give.
    """
    view = octets(block)
    if size > LARGEST_GAIN * len(view):
        raise CodecError(f"{len(view)} bytes cannot give {size}", 0)
    try:
        data: bytes = lz4.block.decompress(view, uncompressed_size=size)
    except lz4.block.LZ4BlockError:
        raise CodecError(f"not an LZ4 block that gives {size} bytes", 0) from None
    if len(data) < size:
        raise CodecError(f"{len(data)} bytes, {size} wanted", len(view))
    return data
