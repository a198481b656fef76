"""The receiver's side of GLZ: the window of images that later ones may refer to.

All display channels of a session share one window. Images have ids in the order in which they were
encoded, and the ids on one channel ascend. The rules:

* An image refers to images with smaller ids. One of them may still be on its way on another
  channel: `MissingImageError` says which one. Nothing has changed then; decode again once that
  image is decoded.
* Each image names its head, the oldest image that it or a later one refers to. Once no image
  before it is missing, what is older than its head is released.
* Every image must be decoded, whether or not it is shown.
"""

from __future__ import annotations

from threading import Lock
from typing import TYPE_CHECKING, NamedTuple, NoReturn, cast

import numpy as np

from redspice.codecs.errors import CodecError, MissingImageError
from redspice.codecs.glz import COMPILED, REASONS, Unpacking, unpack
from redspice.codecs.glz_format import (
    COLOUR,
    HEADER_SIZE,
    ID_AT,
    PASSES,
    GlzHeader,
    parse_header,
)
from redspice.codecs.image import MAX_PIXELS, Image, PixelFormat, octets, target

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from typing_extensions import Buffer

    from redspice.codecs.views import Source, Sources

#: Pixels that a window keeps: clients ask servers for 2^24 at most, and the release may lag behind
#: while another channel's images are on their way.
WINDOW_PIXELS = 1 << 26

#: What an image costs beside its pixels, in pixels: a window of tiny images is bounded too.
IMAGE_COST = 128

#: Ids from the oldest image kept to the newest. A window of 2^24 pixels has that many images if
#: they are of 16 pixels each; servers do not compress much smaller ones.
MAX_SPAN = 1 << 20


class Kept(NamedTuple):
    """An image in the window: a 32 bit word for each pixel, and the oldest id still needed."""

    words: NDArray[np.uint32]
    head: int


class Shelf:
    """The images by id, in the arrays that `unpack` reads: an id's slot is its remainder."""

    def __init__(self) -> None:
        self.images: dict[int, Kept] = {}
        self._make_slots(64)

    def _make_slots(self, slots: int) -> None:
        self.slots = slots
        self.ids = np.zeros(slots, np.uint64)
        self.counts = np.zeros(slots, np.uint32)
        self.sources = empty_sources(slots)
        for id in self.images:
            self._fill_slot(id)

    def _fill_slot(self, id: int) -> None:
        words = self.images[id].words
        slot = id % self.slots
        self.ids[slot] = id
        self.counts[slot] = words.size
        self.sources[slot] = source_of(words)

    def put(self, id: int, image: Kept, span: int) -> None:
        """Add an image. `span` is greater than the distance of any two ids."""
        self.images[id] = image
        if span > self.slots:
            self._make_slots(1 << (span - 1).bit_length())
        else:
            self._fill_slot(id)

    def drop(self, id: int) -> Kept:
        self.counts[id % self.slots] = 0
        return self.images.pop(id)


def empty_sources(slots: int) -> Sources:
    """What `unpack` takes the pixels from: compiled it wants addresses, otherwise the views."""
    return cast("Sources", np.zeros(slots, np.uint64)) if COMPILED else [memoryview(b"")] * slots


def source_of(words: NDArray[np.uint32]) -> Source:
    return cast("Source", words.ctypes.data) if COMPILED else words.data


class GlzWindow:
    """Decodes the GLZ images of a session and keeps those that later ones may refer to.

    It keeps at most `window_pixels` pixels. The first id is `next_id`, or the head of the first
    image where it is None. Threads may share a window: they take turns.
    """

    def __init__(self, *, window_pixels: int = WINDOW_PIXELS, next_id: int | None = 0) -> None:
        self.window_pixels = window_pixels
        self._lock = Lock()
        self._restart(next_id)

    def _restart(self, next_id: int | None) -> None:
        self._shelf = Shelf()
        self._cost = 0
        # Everything below `_next` has been decoded, everything below `_floor` is released.
        self._next = next_id
        self._floor = next_id or 0

    def clear(self, next_id: int | None = None) -> None:
        """Forget all images, for a session that moved to another server, which continues the ids.

        The first of its images is `next_id`, or the head of the first one to come.
        """
        with self._lock:
            self._restart(next_id)

    def __contains__(self, id: int) -> bool:
        return id in self._shelf.images

    def __len__(self) -> int:
        return len(self._shelf.images)

    def decode(
        self,
        data: Buffer,
        *,
        into: Buffer | None = None,
        stride: int | None = None,
        max_pixels: int = MAX_PIXELS,
    ) -> Image:
        """Decode a GLZ stream and keep the image.

        Returns BGRA32 for a source with alpha and BGRX32 with X = 0 for any other: in the buffer
        `into` with rows of `stride` bytes, or else as a read-only view of the window's own pixels
        (on big endian machines of a copy).
        Raises `CodecError` for a bad stream, for an id that was there before or is too far ahead,
        and where the window is full; `MissingImageError` for an image that must wait; `ValueError`
        for a buffer that is too small. The window is unchanged then.
        """
        view = octets(data)
        header = parse_header(view, max_pixels=max_pixels)
        format = PixelFormat.BGRA32 if len(PASSES[header.format]) > 1 else PixelFormat.BGRX32
        size = header.width, header.height
        if into is not None:
            image = target(format, *size, into=into, stride=stride, top_down=header.top_down)
        with self._lock:
            self._check(header)
            words = self._unpacked(header, view)
            self._keep(header, words)
        content = words.astype("<u4", copy=False).view(np.uint8)
        if into is None:
            pixels = content.data.toreadonly()
            return Image(format, *size, 4 * header.width, pixels, header.top_down)
        shape = header.height, 4 * header.width
        rows = np.ndarray(shape, np.uint8, image.pixels, strides=(image.stride, 1))
        rows[...] = content.reshape(shape)
        return image

    def _check(self, header: GlzHeader) -> None:
        """Refuse an image that has no place in the window."""
        floor = header.head if self._next is None else self._floor
        if (self._next is not None and header.id < self._next) or header.id in self:
            raise CodecError(f"image {header.id} came before", ID_AT)
        if header.id - floor >= MAX_SPAN:
            raise CodecError(f"image {header.id} while {floor} is still kept", ID_AT)
        if self._cost + header.pixels + IMAGE_COST > self.window_pixels:
            raise CodecError(f"{header.pixels} pixels for a window that is full", ID_AT)

    def _unpacked(self, header: GlzHeader, data: memoryview) -> NDArray[np.uint32]:
        """The pixels of a stream."""
        shelf = self._shelf
        words = np.empty(header.pixels, np.uint32)
        state = Unpacking()
        state.at = HEADER_SIZE
        state.id = header.id
        state.span = header.id - header.head
        for each in PASSES[header.format]:
            state.unit = each.unit
            state.bias = each.bias
            state.mask = each.mask
            # The colour pass, which comes first, clears the alpha.
            state.keep = 0 if each.mask == COLOUR else COLOUR
            fault = unpack(
                state, data, words.data, shelf.ids.data, shelf.counts.data, shelf.sources
            )
            if fault:
                self._refuse(state, fault)
        if state.at < len(data):
            raise CodecError(f"{len(data) - state.at} bytes behind the last pixel", state.at)
        return words

    def _refuse(self, state: Unpacking, fault: int) -> NoReturn:
        if fault in REASONS:
            raise CodecError(REASONS[fault], state.start)
        if state.wanted < self._floor or (self._next is not None and state.wanted < self._next):
            raise CodecError(f"a reference to image {state.wanted}, which is released", state.start)
        raise MissingImageError(state.wanted)

    def _keep(self, header: GlzHeader, words: NDArray[np.uint32]) -> None:
        """Add an image, then release what is no longer needed."""
        if self._next is None:
            self._next = self._floor = header.head
        span = header.id - self._floor + 1
        self._shelf.put(header.id, Kept(words, header.head), span)
        self._cost += words.size + IMAGE_COST
        while (newest := self._shelf.images.get(self._next)) is not None:
            self._next += 1
            while self._floor < newest.head:
                self._cost -= self._shelf.drop(self._floor).words.size + IMAGE_COST
                self._floor += 1
