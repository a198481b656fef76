"""Pictures in files: streams of our codecs by the name's suffix, any other with Pillow.

A stream is what travels as the data of an image, so what travels beside them is missing: the size
of an LZ4 picture must be told, and indices have no palette.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from PIL import Image as Pillow
from PIL import UnidentifiedImageError

from redspice.cli.refusal import Refusal
from redspice.codecs import MAX_PIXELS, CodecError, Image, PixelFormat, bitmap, jpeg, lz, lz4, quic
from redspice.codecs.convert import convert
from redspice.codecs.errors import MissingImageError
from redspice.codecs.glz_dictionary import Dictionary
from redspice.codecs.glz_window import GlzWindow
from redspice.sources.image import BROKEN, DEEP_GREYS

F = PixelFormat

#: What the command calls the formats of pixels.
FORMATS = {
    "gray": F.GRAY8,
    "a8": F.A8,
    "rgb16": F.X1R5G5B5,
    "rgb24": F.BGR24,
    "rgb32": F.BGRX32,
    "rgba": F.BGRA32,
}
_NAMES = {format: name for name, format in FORMATS.items()}
_COLOURS = (F.X1R5G5B5, F.BGR24, F.BGRX32, F.BGRA32)

#: The number of the bitmap format that X1R5G5B5 has.
_16_BITS = 6

Size = tuple[int, int]


class Pixels(NamedTuple):
    """Rows from the top down, without padding."""

    format: PixelFormat
    width: int
    height: int
    octets: bytes

    @property
    def layout(self) -> tuple[bytes, int, int, int, PixelFormat]:
        """What encoders take."""
        stride = self.format.row_bytes(self.width)
        return self.octets, self.width, self.height, stride, self.format


class Suffix(NamedTuple):
    """What can be done with the streams of one codec."""

    formats: tuple[PixelFormat, ...]
    encode: Callable[[Pixels], bytes]
    decode: Callable[[bytes, Size | None], Image]


def _decode_lz4(data: bytes, size: Size | None) -> Image:
    if size is None:
        raise Refusal("LZ4 streams do not have their size in them: give --size")
    return lz4.decode(data, *size)


SUFFIXES = {
    ".quic": Suffix(
        (F.GRAY8, *_COLOURS),
        lambda pixels: quic.encode(*pixels.layout),
        lambda data, size: quic.decode(data),
    ),
    ".lz": Suffix(
        (*_COLOURS, F.A8),
        lambda pixels: lz.encode(*pixels.layout),
        lambda data, size: lz.decode(data),
    ),
    ".glz": Suffix(
        _COLOURS,
        lambda pixels: Dictionary(pixels.width * pixels.height + 1).encode(*pixels.layout),
        lambda data, size: GlzWindow(next_id=None).decode(data),
    ),
    ".lz4": Suffix(_COLOURS, lambda pixels: lz4.encode(*pixels.layout), _decode_lz4),
}
JPEG_SUFFIXES = (".jpg", ".jpeg")


def load(path: Path, size: Size | None = None) -> Pillow.Image:
    """The picture in a file, of mode L, RGB or RGBA. Raises `Refusal`."""
    suffix = SUFFIXES.get(path.suffix.lower())
    try:
        if suffix is None:
            return _open(path)
        return to_pillow(suffix.decode(path.read_bytes(), size))
    except UnidentifiedImageError:
        raise Refusal(f"{path}: not a picture in a format that can be read") from None
    except (CodecError, MissingImageError, Pillow.DecompressionBombError) as error:
        raise Refusal(f"{path}: {error}") from None
    except BROKEN as error:
        reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
        raise Refusal(f"{path}: {reason}") from None


def _open(path: Path) -> Pillow.Image:
    with warnings.catch_warnings():
        # The size is checked here, against the limit of the codecs.
        warnings.simplefilter("ignore", Pillow.DecompressionBombWarning)
        with Pillow.open(path) as picture:
            if picture.width * picture.height > MAX_PIXELS:
                size = f"{picture.width}x{picture.height}"
                raise Refusal(f"{path}: {size} pixels, {MAX_PIXELS} allowed")
            if picture.has_transparency_data:
                return picture.convert("RGBA")
            if picture.mode in DEEP_GREYS:
                return picture.point(lambda level: level / 256).convert("L")
            return picture.convert("L" if picture.mode in ("1", "L") else "RGB")


def save(
    picture: Pillow.Image, path: Path, format: PixelFormat | None = None, quality: int | None = None
) -> str:
    """Write a picture to a file; says what was written. Raises `Refusal`.

    `format` is for streams, `quality` for JPEG.
    """
    kind = path.suffix.lower()
    suffix = SUFFIXES.get(kind)
    if suffix is None and format is not None:
        raise Refusal(f"--format is for {', '.join(SUFFIXES)}: {path.name} has its own")
    if kind not in JPEG_SUFFIXES and quality is not None:
        raise Refusal(f"--quality is for {', '.join(JPEG_SUFFIXES)}")
    try:
        if suffix is not None:
            form = chosen_format(picture, kind, suffix, format)
            path.write_bytes(suffix.encode(from_pillow(picture, form)))
            return _NAMES[form]
        if kind in JPEG_SUFFIXES:
            pixels = from_pillow(picture, F.BGRX32)
            path.write_bytes(jpeg.encode(*pixels.layout, quality=quality or jpeg.QUALITY))
            return f"quality {quality or jpeg.QUALITY}"
        picture.save(path)
    except (OSError, ValueError, KeyError) as error:
        raise Refusal(f"{path}: {getattr(error, 'strerror', None) or error}") from None
    return picture.mode


def chosen_format(
    picture: Pillow.Image, kind: str, suffix: Suffix, format: PixelFormat | None
) -> PixelFormat:
    """The format of a stream's pixels: with alpha, unless told otherwise, where there is any."""
    if format is None:
        return F.BGRA32 if picture.mode == "RGBA" else F.BGRX32
    if format not in suffix.formats:
        known = ", ".join(_NAMES[each] for each in suffix.formats)
        raise Refusal(f"{kind} has no format {_NAMES[format]}: use one of {known}")
    return format


def to_pillow(image: Image) -> Pillow.Image:
    """A picture of mode L (GRAY8 and A8), RGBA (BGRA32) or RGB."""
    size = image.width, image.height
    if image.format in (F.GRAY8, F.A8):
        return Pillow.frombytes("L", size, image.tight())
    if image.format is F.BGRA32:
        return Pillow.frombytes("RGBA", size, image.tight(), "raw", "BGRA")
    return Pillow.frombytes("RGB", size, convert(image, F.BGRX32).tight(), "raw", "BGRX")


def from_pillow(picture: Pillow.Image, format: PixelFormat) -> Pixels:
    """The pixels of a picture; A8 is its alpha, or its brightness where it has none."""
    size = picture.size
    if format is F.A8 and picture.mode == "RGBA":
        return Pixels(format, *size, picture.getchannel("A").tobytes())
    if format in (F.A8, F.GRAY8):
        return Pixels(format, *size, picture.convert("L").tobytes())
    if format is F.BGRA32:
        return Pixels(format, *size, picture.convert("RGBA").tobytes("raw", "BGRA"))
    colours = picture.convert("RGB")
    if format is F.BGR24:
        return Pixels(format, *size, colours.tobytes("raw", "BGR"))
    pixels = Pixels(F.BGRX32, *size, colours.tobytes("raw", "BGRX"))
    if format is F.X1R5G5B5:
        return Pixels(format, *size, bitmap.encode(*pixels.layout, to=_16_BITS))
    return pixels
