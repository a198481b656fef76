"""ZLIB_GLZ: a whole GLZ stream, deflated. Each is one zlib stream of its own (RFC 1950).

`glz_dictionary` makes and `glz_window` decodes the stream inside.
"""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING

from redspice.codecs.errors import CodecError
from redspice.codecs.glz_format import HEADER_SIZE
from redspice.codecs.image import octets

if TYPE_CHECKING:
    from typing_extensions import Buffer

#: Streams shorter than that do not become smaller.
SHORTEST = 100

#: A compromise: GLZ has taken out most of what higher levels look for.
LEVEL = 3

#: Bytes of a GLZ stream: 8 for each of the 2^25 pixels that windows have at most. A thousandth of
#: that may inflate to them.
MAX_SIZE = 1 << 28


def encode(stream: Buffer) -> bytes | None:
    """Deflate a GLZ stream; None if it does not become smaller."""
    view = octets(stream)
    if len(view) < SHORTEST:
        return None
    deflated = zlib.compress(view, LEVEL)
    return deflated if len(deflated) < len(view) else None


def decode(data: Buffer, glz_data_size: int, *, max_size: int = MAX_SIZE) -> bytes:
    """Inflate to a GLZ stream of `glz_data_size` bytes, which come with the image.

    Raises `CodecError` unless the data are one zlib stream of exactly that many bytes, and if they
    are more than `max_size`. No more than that is ever inflated.
    """
    if not HEADER_SIZE <= glz_data_size <= max_size:
        raise CodecError(f"{glz_data_size} bytes of GLZ, {HEADER_SIZE} to {max_size} allowed", 0)
    view = octets(data)
    inflater = zlib.decompressobj()
    try:
        stream = inflater.decompress(view, glz_data_size)
        # The end of the data may be left to read, but it must not inflate to anything.
        excess = inflater.decompress(inflater.unconsumed_tail, 1)
    except zlib.error as error:
        raise CodecError(f"not a zlib stream: {error}", 0) from error
    if excess:
        raise CodecError(f"more than {glz_data_size} bytes of GLZ", len(view))
    if not inflater.eof:
        raise CodecError(f"the zlib stream ends after {len(stream)} bytes of GLZ", len(view))
    if len(stream) < glz_data_size:
        raise CodecError(f"{len(stream)} bytes of GLZ, {glz_data_size} announced", len(view))
    if inflater.unused_data:
        count = len(inflater.unused_data)
        raise CodecError(f"{count} bytes behind the zlib stream", len(view) - count)
    return stream
