"""The sender's side of GLZ: the dictionary of images that later ones may refer to.

All display channels of a client that named the same dictionary share one. It keeps copies of the
images it encoded as long as the client does: before an image is added, the oldest leave until it
and what is left are within the window that the client asked for. What it keeps lies in a ring of
that size, one image behind another, so that an image that leaves makes room for a new one.

Words are in the machine's byte order, here and in `glz_window`; both work with either order.
"""

from __future__ import annotations

import sys
from threading import Lock
from typing import TYPE_CHECKING

import numpy as np

from redspice.codecs.glz_format import HEADER_SIZE, PASSES, TYPES, GlzHeader
from redspice.codecs.glz_pack import SLOTS, Packing, pack
from redspice.codecs.image import PixelFormat
from redspice.codecs.rows import tight_rows

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from typing_extensions import Buffer

#: Units of an image are addressed in 25 bits.
MAX_WINDOW_PIXELS = 1 << 25

#: Ids are signed here, and this leaves room for as many images as can ever be sent.
MAX_FIRST_ID = 1 << 62

#: Words behind the ring, for `pack` looks at pairs of units before it knows where the ring ends.
PADDING = 1

#: Images in the window. More are possible, but tables for them would be large; the client does not
#: mind what leaves early.
MAX_IMAGES = 1 << 16

#: The step from the low byte of a word to the next.
UPWARDS = 1 if sys.byteorder == "little" else -1


class Dictionary:
    """Encodes the GLZ images for a client.

    `window_pixels` is what the client asked for, up to 2^25. `next_id`, below 2^62, continues the
    ids of another server. Threads may share a dictionary: they take turns, for each image refers to
    those before.
    """

    def __init__(self, window_pixels: int, *, next_id: int = 0) -> None:
        if not 0 <= window_pixels <= MAX_WINDOW_PIXELS:
            raise ValueError(f"a window of {window_pixels} pixels, {MAX_WINDOW_PIXELS} allowed")
        if not 0 <= next_id < MAX_FIRST_ID:
            raise ValueError(f"a first id of {next_id}, 0 to {MAX_FIRST_ID - 1} allowed")
        self.window_pixels = window_pixels
        self.closed = False
        self._lock = Lock()
        self._head = self._id = next_id
        # Pages of these arrays take memory from when they are first used.
        self._ring = np.zeros(window_pixels + PADDING, np.uint32)
        self._recent = np.zeros(SLOTS, np.uint32)
        self._starts = np.zeros(MAX_IMAGES, np.int64)
        self._types = np.zeros(MAX_IMAGES, np.uint8)

    @property
    def next_id(self) -> int:
        """The id of the next image."""
        return self._id

    def fits(self, width: int, height: int) -> bool:
        """Whether to encode an image of this size: it must be smaller than the window."""
        return not self.closed and width * height < self.window_pixels

    def close(self) -> None:
        """Let nothing fit from now on, for what was encoded may not have arrived.

        A later image could refer to it, and a client waits for images that it does not have.
        Calls of `encode` that other threads have begun go on.
        """
        self.closed = True

    def encode(
        self,
        pixels: Buffer,
        width: int,
        height: int,
        stride: int,
        format: PixelFormat,
        *,
        top_down: bool = True,
    ) -> bytes:
        """Encode an image and add it to the dictionary. It must be sent: later ones refer to it.

        The pixels are X1R5G5B5, BGR24, BGRX32 or BGRA32, with rows of `stride` bytes, the first of
        them the bottom one if not `top_down`. Raises `ValueError` for another format, an image
        that does not fit, and a buffer that is too small.
        """
        if format not in TYPES:
            raise ValueError(f"GLZ does not code {format.name}")
        if width * height >= self.window_pixels:
            raise ValueError(f"{width}x{height} pixels for a window of {self.window_pixels}")
        source = tight_rows(pixels, width, height, stride, format)
        with self._lock:
            self._make_room(width * height)
            header = GlzHeader(format, width, height, top_down, self._id, self._head)
            self._add(header, source)
            stream = self._packed(header)
            self._id += 1
        return stream

    def _make_room(self, count: int) -> None:
        """Drop the oldest images until another `count` pixels are within the window."""
        while (
            self._start(self._id) - self._start(self._head) + count > self.window_pixels
            or self._id - self._head > MAX_IMAGES - 2
        ):
            self._head += 1

    def _start(self, id: int) -> int:
        """The position of an image's first unit, counted from the first image's, without end."""
        return int(self._starts[id % MAX_IMAGES])

    def _pieces(self, id: int) -> list[tuple[int, int]]:
        """Where an image lies in the ring: one piece, or two if it goes on at the ring's start."""
        low = self._start(id) % self.window_pixels
        high = low + self._start(id + 1) - self._start(id)
        if high <= self.window_pixels:
            return [(low, high)]
        return [(low, self.window_pixels), (0, high - self.window_pixels)]

    def _add(self, header: GlzHeader, source: memoryview) -> None:
        """Copy an image's units into the ring, a word each."""
        id = header.id
        self._types[id % MAX_IMAGES] = header.type
        self._starts[(id + 1) % MAX_IMAGES] = self._start(id) + header.pixels
        first = 0
        for low, high in self._pieces(id):
            size = header.format.bits // 8
            FILLERS[header.format](self._ring[low:high], source[size * first :])
            first += high - low

    def _packed(self, header: GlzHeader) -> bytes:
        """The stream of the image that was added last."""
        passes = PASSES[header.format]
        # All units as literals, with a last run in each piece. A reference saves at least the
        # control byte of the run that it ends early.
        limit = sum(header.pixels * each.unit + header.pixels // 32 + 2 for each in passes)
        out = np.empty(HEADER_SIZE + limit, np.uint8)
        out[:HEADER_SIZE] = np.frombuffer(header.pack(), np.uint8)
        state = Packing()
        state.at = HEADER_SIZE
        state.size = self.window_pixels
        state.id = header.id
        state.head = header.head
        state.type = header.type
        state.known_start = state.known_end = 0
        arrays = self._ring, self._recent, self._starts, self._types
        ring, recent, starts, types = (array.data for array in arrays)
        for each in passes:
            state.unit, state.bias, state.mask = each
            state.shift = 24 if each.unit == 1 else 0
            state.first = 0
            for state.low, state.high in self._pieces(header.id):
                pack(state, ring, recent, starts, types, out.data)
                state.first += state.high - state.low
        return out[: state.at].tobytes()


def _fill_from_16(words: NDArray[np.uint32], source: memoryview) -> None:
    words[...] = np.frombuffer(source, "<u2", words.size)
    words &= 0x7FFF


def _fill_from_24(words: NDArray[np.uint32], source: memoryview) -> None:
    units = np.frombuffer(source, np.uint8, 3 * words.size)
    octets = words.view(np.uint8).reshape(-1, 4)[:, ::UPWARDS]
    for channel in range(3):
        octets[:, channel] = units[channel::3]


def _fill_from_32(words: NDArray[np.uint32], source: memoryview) -> None:
    words[...] = np.frombuffer(source, "<u4", words.size)


FILLERS = {
    PixelFormat.X1R5G5B5: _fill_from_16,
    PixelFormat.BGR24: _fill_from_24,
    PixelFormat.BGRX32: _fill_from_32,
    PixelFormat.BGRA32: _fill_from_32,
}
