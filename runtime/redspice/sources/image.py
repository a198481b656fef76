"""The image source: a picture file on a screen of its own size, pixel for pixel.

Any format that Pillow reads will do. The picture becomes RGB: other colour models are converted,
16-bit greys keep their upper byte, transparency is composited on black, and of several frames
the first is taken. Orientation tags are ignored.
"""

from __future__ import annotations

import os
import struct
import warnings

from PIL import Image, UnidentifiedImageError

from redspice.display.framebuffer import MAX_SIDE, Framebuffer
from redspice.errors import ConfigurationError
from redspice.interfaces import QxlInterface, TabletInterface
from redspice.reds import RedsState
from redspice.sources.cursor_shape import arrow
from redspice.sources.pixels import paste

BROKEN = (OSError, ValueError, SyntaxError, EOFError, struct.error)
"""What Pillow's decoders raise for a file that starts well and is broken further on."""

DEEP_GREYS = frozenset({"I;16", "I;16L", "I;16B", "I;16N"})


class ImageSource:
    """The screen that shows one picture; `attach` puts it on a server.

    Raises `ConfigurationError` for a file that cannot be read, is not a picture, or is larger
    than a framebuffer can be.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        picture = load_picture(path)
        self.framebuffer = Framebuffer(*picture.size)
        paste(self.framebuffer, 0, 0, picture)
        self.qxl = QxlInterface(self.framebuffer)
        self.qxl.set_cursor(arrow())

    def attach(self, reds: RedsState) -> None:
        """Register the screen with a server whose `init` was called.

        The tablet ignores what it is told; with it the viewer's pointer need not be captured.
        """
        reds.add_interface(self.qxl)
        reds.add_interface(TabletInterface())


def load_picture(path: str | os.PathLike[str]) -> Image.Image:
    """The picture in a file, as RGB. Raises `ConfigurationError` as `ImageSource` does."""
    name = os.fspath(path)
    try:
        with warnings.catch_warnings():
            # The size is checked below, against our own limit.
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            with Image.open(path) as picture:
                _check_size(name, *picture.size)
                return _to_rgb(picture)
    except UnidentifiedImageError:
        raise ConfigurationError(f"{name}: not a picture in a format that can be read") from None
    except Image.DecompressionBombError:
        raise ConfigurationError(f"{name}: the picture has too many pixels to be read") from None
    except BROKEN as error:
        reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
        raise ConfigurationError(f"{name}: cannot read the picture: {reason}") from error


def _check_size(name: str, width: int, height: int) -> None:
    if not (0 < width <= MAX_SIDE and 0 < height <= MAX_SIDE):
        raise ConfigurationError(
            f"{name}: the picture is {width}x{height} pixels, a screen has sides of 1..{MAX_SIDE}"
        )


def _to_rgb(picture: Image.Image) -> Image.Image:
    if picture.mode in DEEP_GREYS:
        return picture.point(lambda level: level / 256).convert("L").convert("RGB")
    if picture.has_transparency_data:
        layer = picture.convert("RGBA")
        return Image.alpha_composite(Image.new("RGBA", layer.size, "black"), layer).convert("RGB")
    return picture.convert("RGB")
