# cython: boundscheck=False, wraparound=False, cdivision=True, initializedcheck=False
"""GLZ: LZ whose references may point into earlier images. Here is the decoder's loop.

A pass codes one value of each pixel: the colour, then for RGBA the alpha, which is the fourth byte.
Its tokens start with a control byte c:

    c < 32     c + 1 literal units: B, G, R; or the high and the low byte of 16 bits; or alpha
    c >= 32    a reference to units before, in this image or in an earlier one of the window

`glz_window` keeps the images and calls `unpack`. Every index that comes from a stream is checked
here before it is used: the compiler's own checks are off. The encoder's loop is in `glz_pack`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import cython

if TYPE_CHECKING:
    from redspice.codecs.views import Octets, Source, Sources, Wide, Words

COMPILED: bool = cython.compiled

#: What `unpack` returns.
FINE: cython.int = 0
TRUNCATED: cython.int = 1
TOO_MANY: cython.int = 2
BEFORE_START: cython.int = 3
OUTSIDE_WINDOW: cython.int = 4
MISSING: cython.int = 5
BEYOND_END: cython.int = 6

REASONS = {
    TRUNCATED: "the stream ends within a token",
    TOO_MANY: "more pixels than the image has",
    BEFORE_START: "a reference to before the first pixel",
    OUTSIDE_WINDOW: "a reference to outside the window",
    BEYOND_END: "a reference to beyond the end of another image",
}


class Unpacking:
    """Where a pass starts, and how its units are coded; afterwards where it ended.

    `at` is the offset of the next byte, `start` that of the last token, `unit` the bytes of a
    literal, `bias` what lengths leave out, `mask` the bits that the pass copies and `keep` those
    that it leaves. The image is `id`, its window reaches back `span` images, and `wanted` is the
    image that was `MISSING`.
    """

    at: cython.Py_ssize_t
    start: cython.Py_ssize_t
    unit: cython.int
    bias: cython.int
    mask: cython.uint
    keep: cython.uint
    span: cython.uint
    id: cython.ulonglong
    wanted: cython.ulonglong
    length: cython.Py_ssize_t
    pixel: cython.Py_ssize_t
    image: cython.uint


def unpack(
    state: Unpacking, data: Octets, out: Words, ids: Wide, counts: Words, shelf: Sources
) -> cython.int:
    """Decode a pass into `out`, one 32 bit word a pixel; returns what stopped it, or `FINE`.

    Earlier images lie in `shelf` at their ids modulo its length, a power of two: there are their
    `ids` and their `counts` of pixels, 0 for none.
    """
    size: cython.Py_ssize_t = len(data)
    total: cython.Py_ssize_t = len(out)
    at: cython.Py_ssize_t = state.at
    done: cython.Py_ssize_t = 0
    count: cython.Py_ssize_t = 0
    fault: cython.int = 0
    with cython.nogil:
        while done < total:
            state.start = at
            if at >= size:
                fault = TRUNCATED
                break
            count = data[at]
            if count >= 32:
                at = read_reference(state, data, at)
                if at > size:
                    fault = TRUNCATED
                    break
                count = state.length
                fault = refer(state, out, done, ids, counts, shelf)
                if fault:
                    break
            else:
                count += 1
                if count > total - done:
                    fault = TOO_MANY
                    break
                if count * state.unit >= size - at:
                    fault = TRUNCATED
                    break
                at = read_literals(data, at + 1, out, done, count, state.unit)
            done += count
        state.at = at
    return fault


def read_reference(state: Unpacking, data: Octets, at: cython.Py_ssize_t) -> cython.Py_ssize_t:
    """Read a reference; returns the offset behind it, which is beyond the data if they end within.

    A byte that is missing counts as 0.
    """
    size: cython.Py_ssize_t = len(data)
    control: cython.uint = data[at]
    length: cython.Py_ssize_t = control >> 5
    pixel: cython.uint = control & 15
    image: cython.uint = 0
    more: cython.uint = 0
    shift: cython.uint = 0
    at += 1
    if length == 7:
        while at < size and data[at] == 255:
            length += 255
            at += 1
        if at < size:
            length += data[at]
        at += 1
    if size - at < 2:
        return size + 1
    pixel |= data[at] << 4
    more = data[at + 1]
    at += 2
    if control & 16:
        pixel |= (more & 31) << 12
    else:
        image = more & 63
        shift = 6
    while more >= 64:
        if at >= size:
            return size + 1
        image |= data[at] << shift
        at += 1
        shift += 8
        more -= 64
    if control & 16 and more & 32:
        if at >= size:
            return size + 1
        pixel |= data[at] << 17
        at += 1
    state.length = length + state.bias
    state.pixel = pixel
    state.image = image
    return at


def refer(
    state: Unpacking,
    out: Words,
    done: cython.Py_ssize_t,
    ids: Wide,
    counts: Words,
    shelf: Sources,
) -> cython.int:
    """Copy what the reference that was read refers to; returns what is wrong with it."""
    slot: cython.Py_ssize_t = 0
    if state.length > len(out) - done:
        return TOO_MANY
    if state.image == 0:
        if state.pixel >= done:
            return BEFORE_START
        repeat(state, out, done)
        return FINE
    if state.image > state.span:
        return OUTSIDE_WINDOW
    state.wanted = state.id - state.image
    slot = state.wanted & (len(ids) - 1)
    if counts[slot] == 0 or ids[slot] != state.wanted:
        return MISSING
    if state.pixel + state.length > counts[slot]:
        return BEYOND_END
    borrow(state, shelf[slot], out, done)
    return FINE


def read_literals(
    data: Octets,
    at: cython.Py_ssize_t,
    out: Words,
    done: cython.Py_ssize_t,
    count: cython.Py_ssize_t,
    unit: cython.int,
) -> cython.Py_ssize_t:
    """Read `count` units that are known to be there; returns the offset behind them."""
    value: cython.uint = 0
    k: cython.Py_ssize_t = 0
    if unit == 3:
        for k in range(count):
            out[done + k] = data[at] | data[at + 1] << 8 | data[at + 2] << 16
            at += 3
    elif unit == 2:
        for k in range(count):
            # Three times five bits to three bytes whose low bits repeat the high ones.
            value = data[at] << 8 | data[at + 1]
            value = (value & 0x7C00) << 9 | (value & 0x3E0) << 6 | (value & 0x1F) << 3
            out[done + k] = value | (value >> 5 & 0x070707)
            at += 2
    else:
        for k in range(count):
            value = data[at]
            out[done + k] = (out[done + k] & 0xFFFFFF) | value << 24
            at += 1
    return at


def repeat(state: Unpacking, out: Words, done: cython.Py_ssize_t) -> None:
    """Copy units of this image. What is copied may be copied again."""
    distance: cython.Py_ssize_t = state.pixel + 1
    mask: cython.uint = state.mask
    keep: cython.uint = state.keep
    value: cython.uint = out[done - 1] & mask
    k: cython.Py_ssize_t = 0
    if distance == 1:
        for k in range(done, done + state.length):
            out[k] = (out[k] & keep) | value
    else:
        for k in range(done, done + state.length):
            out[k] = (out[k] & keep) | (out[k - distance] & mask)


def borrow(state: Unpacking, source: Source, out: Words, done: cython.Py_ssize_t) -> None:
    """Copy units of another image."""
    pixel: cython.Py_ssize_t = state.pixel
    mask: cython.uint = state.mask
    keep: cython.uint = state.keep
    k: cython.Py_ssize_t = 0
    if cython.compiled:
        # The address of pixels: views cannot be kept in an array.
        units = cython.cast(cython.p_uint, source)
        for k in range(state.length):
            out[done + k] = (out[done + k] & keep) | (units[pixel + k] & mask)
    else:
        for k in range(state.length):
            out[done + k] = (out[done + k] & keep) | (source[pixel + k] & mask)
