# cython: boundscheck=False, wraparound=False, cdivision=True, initializedcheck=False
"""The encoder's loop of LZ; `lz_format` says what tokens are.

No index comes from outside: what `recent` says is compared before it is used, and is never above
the place where the encoder is.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import cython

from redspice.codecs.lz_format import FARTHEST, NEAR

if TYPE_CHECKING:
    from redspice.codecs.views import Octets, Words

COMPILED: bool = cython.compiled

#: Places that the encoder remembers: 32 KiB, which stay in the first level cache.
SLOTS = 8192


def room(count: int, literal: int) -> int:
    """Bytes that `pack` may need for so many units.

    A token of r literals has r * literal + 1, and a reference is never longer than the tokens of
    as many literals.
    """
    return count * (literal + 1)


def pack(
    units: Words,
    mask: cython.uint,
    out: Octets,
    recent: Words,
    literal: cython.int,
    bias: cython.int,
) -> cython.Py_ssize_t:
    """Write the tokens of one pass to `out`; returns how many bytes they have.

    Greedy: at each unit, a run of equal ones goes first, then the last place in `recent` that had
    the same three units. `recent` is SLOTS zeros; `out` has the bytes that `room` says.
    """
    count: cython.Py_ssize_t = len(units)
    # Three units are looked at from `here`, and one more after a match.
    limit: cython.Py_ssize_t = count - 3
    done: cython.Py_ssize_t = 0
    here: cython.Py_ssize_t = 0
    end: cython.Py_ssize_t = 0
    at: cython.Py_ssize_t = 0
    distance: cython.Py_ssize_t = 0
    with cython.nogil:
        while here < limit:
            distance = last_distance(units, mask, recent, here)
            if distance == 0:
                here += 1
                continue
            end = end_of_match(units, mask, here + 3, distance)
            if literal == 1 and distance > NEAR and end - here < 5:
                # The reference would be as long as the literals.
                here += 1
                continue
            at = write_literals(units, done, here, out, at, literal)
            at = write_reference(out, at, distance, end - here - bias)
            done = here = end
            if end < limit:
                remember_tail(units, mask, recent, end)
        at = write_literals(units, done, count, out, at, literal)
    return at


def last_distance(
    units: Words, mask: cython.uint, recent: Words, here: cython.Py_ssize_t
) -> cython.Py_ssize_t:
    """How far back three units like those at `here` are, 0 for nowhere; `here` is remembered."""
    a: cython.uint = units[here] & mask
    b: cython.uint = units[here + 1] & mask
    c: cython.uint = units[here + 2] & mask
    slot: cython.uint = 0
    distance: cython.Py_ssize_t = 0
    if a == b and a == c and here > 0 and a == units[here - 1] & mask:
        return 1
    slot = slot_of(a, b, c)
    distance = here - recent[slot]
    recent[slot] = here
    if (
        0 < distance <= FARTHEST
        and units[here - distance] & mask == a
        and units[here - distance + 1] & mask == b
        and units[here - distance + 2] & mask == c
    ):
        return distance
    return 0


def remember_tail(units: Words, mask: cython.uint, recent: Words, end: cython.Py_ssize_t) -> None:
    """The last two places of a match: one in the next row often begins a little earlier."""
    a: cython.uint = units[end - 2] & mask
    b: cython.uint = units[end - 1] & mask
    c: cython.uint = units[end] & mask
    recent[slot_of(a, b, c)] = end - 2
    recent[slot_of(b, c, units[end + 1] & mask)] = end - 1


def slot_of(a: cython.uint, b: cython.uint, c: cython.uint) -> cython.uint:
    """The place of three units among SLOTS; the factors are odd, without pattern, below 2^31."""
    return (a * 0x1E3779B1 ^ b * 0x45EBCA77 ^ c * 0x62B2AE3D) >> 19 & 8191


def end_of_match(
    units: Words, mask: cython.uint, at: cython.Py_ssize_t, distance: cython.Py_ssize_t
) -> cython.Py_ssize_t:
    """Where units are no longer those `distance` before, from `at` on. Compares four at once."""
    count: cython.Py_ssize_t = len(units)
    while at + 4 <= count and not (
        (
            (units[at] ^ units[at - distance])
            | (units[at + 1] ^ units[at + 1 - distance])
            | (units[at + 2] ^ units[at + 2 - distance])
            | (units[at + 3] ^ units[at + 3 - distance])
        )
        & mask
    ):
        at += 4
    while at < count and not (units[at] ^ units[at - distance]) & mask:
        at += 1
    return at


def write_literals(
    units: Words,
    start: cython.Py_ssize_t,
    end: cython.Py_ssize_t,
    out: Octets,
    at: cython.Py_ssize_t,
    literal: cython.int,
) -> cython.Py_ssize_t:
    """Write runs of at most 32 literals; returns where they end."""
    stop: cython.Py_ssize_t = 0
    unit: cython.uint = 0
    while start < end:
        stop = start + 32 if end - start > 32 else end
        out[at] = stop - start - 1
        at += 1
        while start < stop:
            unit = units[start]
            start += 1
            if literal == 3:
                out[at] = unit & 0xFF
                out[at + 1] = unit >> 8 & 0xFF
                out[at + 2] = unit >> 16 & 0xFF
            elif literal == 2:
                out[at] = unit >> 8 & 0xFF
                out[at + 1] = unit & 0xFF
            else:
                out[at] = unit & 0xFF
            at += literal
    return at


def write_reference(
    out: Octets, at: cython.Py_ssize_t, distance: cython.Py_ssize_t, length: cython.Py_ssize_t
) -> cython.Py_ssize_t:
    """Write a reference, its length without the bias; returns where it ends."""
    near: cython.Py_ssize_t = distance - 1 if distance <= NEAR else NEAR
    out[at] = (length if length < 7 else 7) << 5 | near >> 8
    at += 1
    if length >= 7:
        length -= 7
        while length >= 255:
            out[at] = 255
            length -= 255
            at += 1
        out[at] = length
        at += 1
    out[at] = near & 0xFF
    at += 1
    if near == NEAR:
        distance -= NEAR + 1
        out[at] = distance >> 8
        out[at + 1] = distance & 0xFF
        at += 2
    return at
