"""Which encoding a picture gets, and making it: `ImageEncoder`.

The rules are those of the reference server. Photographs go as QUIC, or as JPEG if the viewer is to
get them with losses; everything else as LZ, GLZ or LZ4; what would not become smaller as it is.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple

from redspice.codecs import COMPILED, PixelFormat, jpeg, lz, lz4, quic
from redspice.codecs.graduality import Graduality, level
from redspice.display.framebuffer import BYTES_PER_PIXEL
from redspice_protocol.enums import ImageCompression, ImageType

if TYPE_CHECKING:
    from redspice.codecs.glz_dictionary import Dictionary
    from redspice_protocol import Buffer

# Below this the descriptors of a compressed image weigh more than what can be saved.
SMALLEST_BYTES = 54
# QUIC looks at neighbours: the reference server gives it nothing narrower or lower.
QUIC_SMALLEST_SIDE = 3


class Compression(StrEnum):
    """What a server may be told to do with pictures."""

    OFF = "off"
    AUTO_GLZ = "auto_glz"
    """QUIC for what looks like a photograph, GLZ for the rest."""
    AUTO_LZ = "auto_lz"
    """QUIC for what looks like a photograph, LZ for the rest."""
    QUIC = "quic"
    GLZ = "glz"
    LZ = "lz"
    LZ4 = "lz4"
    """LZ for viewers that cannot decode LZ4."""
    JPEG = "jpeg"
    """As `AUTO_GLZ`, but photographs with the losses of JPEG."""


#: As the reference server has it; without compiled codecs the network is the faster part.
DEFAULT_COMPRESSION = Compression.AUTO_GLZ if COMPILED else Compression.OFF

# What a library does. The rest would take minutes where our own codecs are not compiled, and no
# viewer may have that of a server.
_QUICK = frozenset({Compression.OFF, Compression.LZ4})

#: What a viewer can ask for, by the number in its message.
PREFERRED: dict[int, Compression] = {
    ImageCompression[each.name]: each
    for each in Compression
    if each is not Compression.JPEG and (COMPILED or each in _QUICK)
}

_PHOTOGRAPHS = {
    Compression.AUTO_GLZ: ImageType.QUIC,
    Compression.AUTO_LZ: ImageType.QUIC,
    Compression.JPEG: ImageType.JPEG,
}
_GLOBAL = frozenset({Compression.AUTO_GLZ, Compression.GLZ, Compression.JPEG})
# What becomes of it without a dictionary.
_WITHOUT_DICTIONARY = {
    Compression.AUTO_GLZ: Compression.AUTO_LZ,
    Compression.GLZ: Compression.LZ,
}

Encode = Callable[["Buffer", int, int, int, PixelFormat], bytes]
_ENCODERS: dict[ImageType, Encode] = {
    ImageType.QUIC: quic.encode,
    ImageType.LZ_RGB: lz.encode,
    ImageType.LZ4: lz4.encode,
    ImageType.JPEG: jpeg.encode,
}


class EncodedImage(NamedTuple):
    """A picture as it goes on the wire: `data` is the body of an image of this type."""

    type: ImageType
    width: int
    height: int
    data: Buffer
    seconds: float = 0.0
    """How long the encoding took, for statistics."""


@dataclass(frozen=True, slots=True)
class ImageEncoder:
    """Encodes what a display channel sends to one viewer, or to all that have an equal encoder.

    `lz4` says whether the viewer decodes LZ4; `dictionary`, which the viewer's displays may share,
    is there if it decodes GLZ. A GLZ image must be sent, in the order of encoding: later ones refer
    to it.
    """

    compression: Compression
    lz4: bool = False
    dictionary: Dictionary | None = None

    @property
    def uses_dictionary(self) -> bool:
        """Whether what it encodes is for one viewer only."""
        return self.dictionary is not None and self.compression in _GLOBAL

    def shared(self) -> ImageEncoder:
        """The encoder without a dictionary, equal for all viewers that get the same from it."""
        lz4 = self.lz4 and self.compression is Compression.LZ4
        return ImageEncoder(_WITHOUT_DICTIONARY.get(self.compression, self.compression), lz4)

    def encode(self, pixels: Buffer, width: int, height: int) -> EncodedImage:
        """The picture of BGRX `pixels`, rows from the top without padding. For any thread."""
        kind = self._choose(pixels, width, height)
        stride = width * BYTES_PER_PIXEL
        if kind is ImageType.GLZ_RGB and self.dictionary is not None:
            data = self.dictionary.encode(pixels, width, height, stride, PixelFormat.BGRX32)
            return EncodedImage(kind, width, height, data)
        if kind is not ImageType.BITMAP:
            data = _ENCODERS[kind](pixels, width, height, stride, PixelFormat.BGRX32)
            if len(data) < len(pixels):
                return EncodedImage(kind, width, height, data)
        return EncodedImage(ImageType.BITMAP, width, height, pixels)

    def _choose(self, pixels: Buffer, width: int, height: int) -> ImageType:
        quic_able = min(width, height) >= QUIC_SMALLEST_SIDE
        if self.compression is Compression.OFF or len(pixels) < SMALLEST_BYTES:
            return ImageType.BITMAP
        if self.compression is Compression.QUIC:
            return ImageType.QUIC if quic_able else ImageType.BITMAP
        if self.compression in _PHOTOGRAPHS and quic_able:
            stride = width * BYTES_PER_PIXEL
            graduality = level(pixels, width, height, stride, PixelFormat.BGRX32)
            if graduality is Graduality.HIGH:
                return _PHOTOGRAPHS[self.compression]
        if self.compression is Compression.LZ4 and self.lz4:
            return ImageType.LZ4
        if self.compression in _GLOBAL and self._fits_window(width, height):
            return ImageType.GLZ_RGB
        return ImageType.LZ_RGB

    def _fits_window(self, width: int, height: int) -> bool:
        return self.dictionary is not None and self.dictionary.fits(width, height)
