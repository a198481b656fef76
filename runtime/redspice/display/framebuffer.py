"""The picture that an embedder draws into and that every viewer sees.

Pixels are four bytes B, G, R, X (X is ignored), rows run from the top down without padding. Whoever
writes into `pixels` says so with `damage`; `fill` and `paste` do it themselves. Listeners hear of
damage at once and read the pixels when they are ready to send them.

All methods are for the loop's thread. Another thread may write into `pixels`, and then has the loop
say so: `loop.call_soon_threadsafe(framebuffer.damage, left, top, right, bottom)`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Protocol

from redspice.checks import flat_bytes, whole
from redspice.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from redspice_protocol import Buffer

# The reference client refuses surfaces beyond this, and 4 * 16384 * 16384 still fits 32 bits.
MAX_SIDE = 16384
BYTES_PER_PIXEL = 4


class Box(NamedTuple):
    """A rectangle; `right` and `bottom` are the first column and row outside it."""

    left: int
    top: int
    right: int
    bottom: int

    @property
    def width(self) -> int:
        return self.right - self.left

    @property
    def height(self) -> int:
        return self.bottom - self.top


def pixel_bytes(bgr: Sequence[int]) -> bytes:
    """One pixel of a colour. Raises `ConfigurationError` unless it is three of 0..255."""
    try:
        blue, green, red = bgr
        return bytes((blue, green, red, 0))
    except (TypeError, ValueError):
        raise ConfigurationError(f"colour {bgr!r} is not blue, green, red of 0..255") from None


class FramebufferListener(Protocol):
    """Who wants to know what happens to a framebuffer."""

    def damaged(self, box: Box) -> None:
        """The pixels in `box`, never empty and inside the framebuffer, have changed."""

    def resized(self) -> None:
        """The size, and so every pixel, has changed."""


class Framebuffer:
    """A picture of `width` x `height` pixels, black at first.

    Raises `ConfigurationError` for a side out of 1..16384.
    """

    pixels: memoryview
    """The picture as a flat, writable view of `stride * height` bytes. For NumPy it is
    `np.frombuffer(framebuffer.pixels, np.uint8).reshape(height, width, 4)`; `resize` makes
    another."""

    def __init__(self, width: int, height: int) -> None:
        self._listeners: list[FramebufferListener] = []
        self._allocate(width, height)

    def __repr__(self) -> str:
        return f"Framebuffer({self.width}x{self.height})"

    @property
    def box(self) -> Box:
        """The whole picture."""
        return Box(0, 0, self.width, self.height)

    def add_listener(self, listener: FramebufferListener) -> None:
        """Tell `listener` of every damage and resize from now on."""
        self._listeners.append(listener)

    def remove_listener(self, listener: FramebufferListener) -> None:
        """Undo `add_listener`; harmless if it is not there."""
        if listener in self._listeners:
            self._listeners.remove(listener)

    def damage(self, left: int, top: int, right: int, bottom: int) -> None:
        """Say that these pixels changed; the part outside the picture is dropped.

        For the loop's thread alone. Raises `ConfigurationError` unless all are whole numbers.
        """
        box = self.clip(left, top, right, bottom)
        if box is not None:
            for listener in tuple(self._listeners):
                listener.damaged(box)

    def clip(self, left: int, top: int, right: int, bottom: int) -> Box | None:
        """The part of a rectangle that lies inside the picture, or None.

        Raises `ConfigurationError` unless all are whole numbers.
        """
        left, top, right, bottom = whole("rectangle", left, top, right, bottom)
        box = Box(max(left, 0), max(top, 0), min(right, self.width), min(bottom, self.height))
        return box if box.left < box.right and box.top < box.bottom else None

    def fill(self, left: int, top: int, right: int, bottom: int, bgr: Sequence[int]) -> None:
        """Paint a rectangle (clipped) in one colour, given as blue, green, red of 0..255.

        Raises `ConfigurationError` for any other colour.
        """
        pixel = pixel_bytes(bgr)
        box = self.clip(left, top, right, bottom)
        if box is None:
            return
        row = pixel * box.width
        if box.width == self.width:
            self.pixels[box.top * self.stride : box.bottom * self.stride] = row * box.height
        else:
            start = box.top * self.stride + box.left * BYTES_PER_PIXEL
            for offset in range(start, start + box.height * self.stride, self.stride):
                self.pixels[offset : offset + len(row)] = row
        self.damage(*box)

    def paste(self, x: int, y: int, width: int, height: int, data: Buffer) -> None:
        """Copy a picture of `width` x `height` BGRX pixels to `x`, `y`; what sticks out is dropped.

        `data` is anything contiguous with the bytes of the rows from the top down: `bytes`, an
        array of `(height, width, 4)` bytes, what Pillow's `tobytes("raw", "BGRX")` returns. Raises
        `ConfigurationError` unless these are exactly `width * height * 4` bytes.
        """
        source = flat_bytes("picture", data)
        x, y, width, height = whole("place and size", x, y, width, height)
        if width < 0 or height < 0 or len(source) != width * height * BYTES_PER_PIXEL:
            raise ConfigurationError(f"{len(source)} bytes are not {width}x{height} pixels of 4")
        box = self.clip(x, y, x + width, y + height)
        if box is None:
            return
        source_stride = width * BYTES_PER_PIXEL
        skipped = (box.left - x) * BYTES_PER_PIXEL
        length = box.width * BYTES_PER_PIXEL
        for row in range(box.top, box.bottom):
            start = (row - y) * source_stride + skipped
            target = row * self.stride + box.left * BYTES_PER_PIXEL
            self.pixels[target : target + length] = source[start : start + length]
        self.damage(*box)

    def read(self, box: Box) -> bytes:
        """A copy of the pixels in `box`, rows joined without padding.

        Raises `ConfigurationError` for a box that is not inside the picture.
        """
        if self.clip(*box) != box:
            raise ConfigurationError(f"{box} is not inside {self!r}")
        if box.width == self.width:
            return bytes(self.pixels[box.top * self.stride : box.bottom * self.stride])
        start = box.top * self.stride + box.left * BYTES_PER_PIXEL
        length = box.width * BYTES_PER_PIXEL
        offsets = range(start, start + box.height * self.stride, self.stride)
        return b"".join([self.pixels[offset : offset + length] for offset in offsets])

    def resize(self, width: int, height: int) -> None:
        """Start over, black, in another size. A view taken of `pixels` before stays behind."""
        self._allocate(width, height)
        for listener in tuple(self._listeners):
            listener.resized()

    def _allocate(self, width: int, height: int) -> None:
        width, height = whole("framebuffer size", width, height)
        if not (0 < width <= MAX_SIDE and 0 < height <= MAX_SIDE):
            raise ConfigurationError(f"framebuffer of {width}x{height}: sides are 1..{MAX_SIDE}")
        self.width = width
        self.height = height
        self.stride = width * BYTES_PER_PIXEL
        self.pixels = memoryview(bytearray(self.stride * height))
