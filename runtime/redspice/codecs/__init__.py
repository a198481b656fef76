"""Image codecs of SPICE: pure functions on buffers.

    decode(data, ...) -> Image                                one module for each format:
    encode(pixels, width, height, stride, format, ...)        quic, lz, lz4, jpeg, bitmap

GLZ images refer to earlier ones: `glz_dictionary.Dictionary` encodes and `glz_window.GlzWindow`
decodes them. Nothing here knows of messages, channels or time. QUIC, LZ and GLZ are compiled with
Cython where the installation had a C compiler and run as the plain Python they are written in where
not; `COMPILED` tells which. Set REDSPICE_PURE=1 to have the plain Python in any case.
"""

from __future__ import annotations

import os
import sys
from importlib.machinery import SOURCE_SUFFIXES, FileFinder, SourceFileLoader

if os.environ.get("REDSPICE_PURE"):
    # From now on this folder has only sources: the extension modules beside them are not seen.
    sys.path_importer_cache[__path__[0]] = FileFinder(
        __path__[0], (SourceFileLoader, SOURCE_SUFFIXES)
    )

from redspice.codecs.errors import CodecError, MissingImageError
from redspice.codecs.image import MAX_PIXELS, Image, PixelFormat
from redspice.codecs.lz import COMPILED

__all__ = ["COMPILED", "MAX_PIXELS", "CodecError", "Image", "MissingImageError", "PixelFormat"]
