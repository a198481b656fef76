# cython: boundscheck=False, wraparound=False, cdivision=True, initializedcheck=False
"""The encoder's loop of GLZ; `glz` says what tokens are.

`glz_dictionary` keeps the images in a ring and calls `pack`, which refers to where the same units
were last, if a table says so. A reference is always shorter than the literals that it stands for,
so what is written is bounded. The compiler's own checks are off: no index comes from outside.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import cython

if TYPE_CHECKING:
    from redspice.codecs.views import Octets, Positions, Words

COMPILED: bool = cython.compiled

#: Length of the table of recent units: one for each value of a hash of 20 bits.
SLOTS = 1 << 20

#: An entry of the table has a place in the ring, below this, and above it 7 more bits of the hash:
#: they tell most other units without a look at the ring, which is rarely in the cache.
PLACES: cython.uint = 1 << 25


class Packing:
    """A piece of an image to encode in a pass, and where the encoder is.

    The piece is the words `low` to `high` of a ring of `size` words (and one behind them); its
    first unit is the image's unit `first`. `at` is where its tokens go, `unit` the bytes of a
    literal, `bias` what lengths leave out, `mask` the word's bits that are coded, the lowest of
    them at `shift`. The image is `id`, of a `type`, and `head` is the oldest that it may refer to.
    """

    at: cython.Py_ssize_t
    low: cython.Py_ssize_t
    high: cython.Py_ssize_t
    first: cython.Py_ssize_t
    size: cython.Py_ssize_t
    unit: cython.int
    bias: cython.int
    shift: cython.int
    mask: cython.uint
    type: cython.uchar
    id: cython.longlong
    head: cython.longlong
    # The image that was found last, and the positions of its units.
    known: cython.longlong
    known_start: cython.longlong
    known_end: cython.longlong
    # The reference that was found last, and how long it may be.
    pixel: cython.Py_ssize_t
    image: cython.uint
    room: cython.Py_ssize_t


def pack(
    state: Packing, ring: Words, recent: Words, starts: Positions, types: Octets, out: Octets
) -> cython.int:
    """Encode a piece of the ring that holds the window's images one behind another.

    `recent` has for each hash of three units where in the ring they were last, xor 7 bits of the
    hash on top; what it says may be out of date. `starts` and `types` have what is known of image i
    at i modulo their length: its type and its position, which counts units from the first image's,
    without end: the ring has a unit at its position modulo the ring's size.
    """
    mask: cython.uint = state.mask
    shift: cython.int = state.shift
    low: cython.Py_ssize_t = state.low
    high: cython.Py_ssize_t = state.high
    here: cython.Py_ssize_t = low
    done: cython.Py_ssize_t = low
    there: cython.Py_ssize_t = 0
    length: cython.Py_ssize_t = 0
    hashed: cython.uint = 0
    slot: cython.uint = 0
    marks: cython.uint = 0
    a: cython.uint = 0
    b: cython.uint = 0
    c: cython.uint = 0
    with cython.nogil:
        while here < high - 2:
            a = ring[here] & mask
            b = ring[here + 1] & mask
            c = ring[here + 2] & mask
            if a == b == c and here > low and ring[here - 1] & mask == a:
                there = here - 1
                state.pixel = 0
                state.image = 0
                state.room = high - here
            else:
                hashed = hash_of(a, b, c, shift)
                slot = hashed >> 12 & 0xFFFFF
                marks = (hashed & 0xFE0) << 20
                there = recent[slot] ^ marks
                recent[slot] = here ^ marks
                if (
                    there >= PLACES
                    or ring[there] & mask != a
                    or ring[there + 1] & mask != b
                    or not locate(state, here, there, starts, types)
                ):
                    here += 1
                    continue
            length = equal_units(ring, here, there, state.room, mask)
            if length * state.unit <= reference_size(state.pixel, state.image):
                here += 1
                continue
            state.at = write_literals(ring, done, here, out, state.at, state.unit)
            state.at = write_reference(out, state.at, length - state.bias, state.pixel, state.image)
            here += length
            done = here
        state.at = write_literals(ring, done, high, out, state.at, state.unit)
    return 0


def hash_of(a: cython.uint, b: cython.uint, c: cython.uint, shift: cython.int) -> cython.uint:
    """A hash of three units: its low 32 bits are the same whether or not ints overflow."""
    a >>= shift
    b >>= shift
    c >>= shift
    return a * 0x1E3779B1 ^ b * 0x45EBCA77 ^ c * 0x62B2AE3D


def equal_units(
    ring: Words,
    here: cython.Py_ssize_t,
    there: cython.Py_ssize_t,
    limit: cython.Py_ssize_t,
    mask: cython.uint,
) -> cython.Py_ssize_t:
    """How many units are equal from two places of the ring on."""
    count: cython.Py_ssize_t = 0
    near: cython.Py_ssize_t = limit if limit < 16 else 16
    difference: cython.uint = 0
    k: cython.Py_ssize_t = 0
    while count < near and (ring[here + count] ^ ring[there + count]) & mask == 0:
        count += 1
    if count < near:
        return count
    # Most references are short; those that are not are compared in blocks that compilers like.
    while count + 16 <= limit:
        difference = 0
        for k in range(16):
            difference |= ring[here + count + k] ^ ring[there + count + k]
        if difference & mask:
            break
        count += 16
    while count < limit and (ring[here + count] ^ ring[there + count]) & mask == 0:
        count += 1
    return count


def locate(
    state: Packing,
    here: cython.Py_ssize_t,
    there: cython.Py_ssize_t,
    starts: Positions,
    types: Octets,
) -> cython.bint:
    """Make a reference of a place in the ring, if it is one that may be referred to.

    Sets `pixel`, `image` and `room`. A reference stays in its image, and the copy in its piece;
    neither crosses the end of the ring.
    """
    slots: cython.Py_ssize_t = len(starts)
    unit: cython.Py_ssize_t = here - state.low + state.first
    distance: cython.longlong = here - there
    position: cython.longlong = 0
    if distance <= 0:
        distance += state.size
    state.room = state.high - here
    if state.room > state.size - there:
        state.room = state.size - there
    if distance <= unit:
        state.image = 0
        state.pixel = distance - 1
        return True
    position = starts[state.id & (slots - 1)] + unit - distance
    if position < state.known_start or position >= state.known_end:
        if position < starts[state.head & (slots - 1)]:
            return False
        find_image(state, position, starts)
    if types[state.known & (slots - 1)] != state.type:
        return False
    state.image = state.id - state.known
    state.pixel = position - state.known_start
    if state.room > state.known_end - position:
        state.room = state.known_end - position
    return True


def find_image(state: Packing, position: cython.longlong, starts: Positions) -> None:
    """Set `known` to the image that has the position: the last that does not start behind it."""
    slots: cython.Py_ssize_t = len(starts)
    low: cython.longlong = state.head
    high: cython.longlong = state.id
    middle: cython.longlong = 0
    while high - low > 1:
        middle = (low + high) // 2
        if starts[middle & (slots - 1)] <= position:
            low = middle
        else:
            high = middle
    state.known = low
    state.known_start = starts[low & (slots - 1)]
    state.known_end = starts[(low + 1) & (slots - 1)]


def reference_size(pixel: cython.Py_ssize_t, image: cython.uint) -> cython.int:
    """Bytes of a reference without those of its length."""
    far: cython.bint = pixel >= 1 << 12
    size: cython.int = 3
    if far:
        size += pixel >= 1 << 17
    else:
        image >>= 6
    while image:
        image >>= 8
        size += 1
    return size


def write_literals(
    ring: Words,
    here: cython.Py_ssize_t,
    end: cython.Py_ssize_t,
    out: Octets,
    at: cython.Py_ssize_t,
    unit: cython.int,
) -> cython.Py_ssize_t:
    """Write units in runs of 32; returns the offset behind them."""
    stop: cython.Py_ssize_t = 0
    value: cython.uint = 0
    while here < end:
        stop = end if end - here < 32 else here + 32
        out[at] = stop - here - 1
        at += 1
        while here < stop:
            value = ring[here]
            if unit == 3:
                out[at] = value & 0xFF
                out[at + 1] = value >> 8 & 0xFF
                out[at + 2] = value >> 16 & 0xFF
            elif unit == 2:
                out[at] = value >> 8 & 0xFF
                out[at + 1] = value & 0xFF
            else:
                out[at] = value >> 24
            at += unit
            here += 1
    return at


def write_reference(
    out: Octets,
    at: cython.Py_ssize_t,
    length: cython.Py_ssize_t,
    pixel: cython.Py_ssize_t,
    image: cython.uint,
) -> cython.Py_ssize_t:
    """Write a reference in its shortest form; returns the offset behind it."""
    far: cython.bint = pixel >= 1 << 12
    more: cython.Py_ssize_t = 0
    out[at] = (length if length < 7 else 7) << 5 | far << 4 | pixel & 15
    at += 1
    if length >= 7:
        length -= 7
        while length >= 255:
            out[at] = 255
            length -= 255
            at += 1
        out[at] = length
        at += 1
    out[at] = pixel >> 4 & 0xFF
    more = at + 1
    if far:
        out[more] = pixel >> 12 & 31 | (pixel >= 1 << 17) << 5
    else:
        out[more] = image & 63
        image >>= 6
    at += 2
    while image:
        out[at] = image & 0xFF
        image >>= 8
        at += 1
        out[more] += 64
    if pixel >= 1 << 17:
        out[at] = pixel >> 17
        at += 1
    return at
