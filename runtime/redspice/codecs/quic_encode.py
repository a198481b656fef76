# cython: boundscheck=False, wraparound=False, cdivision=True, initializedcheck=False
# cython: auto_pickle=False
"""Encoding of QUIC: rows of pixels to bits. The pixels are those of `quic_model`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cython

from redspice.codecs.quic_model import Plane, Stream

if TYPE_CHECKING:
    from redspice.codecs.views import Octets


def low64(value: cython.ulonglong) -> cython.ulonglong:
    """What C keeps of a number."""
    if not cython.compiled:
        value &= 0xFFFFFFFFFFFFFFFF
    return value


def average(a: cython.uint, b: cython.uint) -> cython.uint:
    """Of each component, rounded down."""
    return (a & b) + (((a ^ b) & 0xFEFEFE) >> 1)


def difference(a: cython.uint, b: cython.uint) -> cython.uint:
    """Of each component, modulo 256."""
    return ((a | 0x808080) - (b & 0x7F7F7F)) ^ ((a ^ b ^ 0x808080) & 0x808080)


def put(stream: Stream, value: cython.ulonglong, length: cython.int) -> None:
    """Append 1 to 32 bits. What does not fill a word is written again with the next bits."""
    used: cython.int = (stream.at & 31) + length
    stream.pending = low64(stream.pending << length | value)
    stream.words[stream.at >> 5] = low64(stream.pending << (64 - used)) >> 32
    stream.at += length


def put_pixel(stream: Stream, plane: Plane, near: cython.uint, step: cython.uint) -> None:
    """Append codewords one by one."""
    channel: cython.int
    for channel in range(plane.first, 3):
        shift: cython.int = 16 - 8 * channel
        code: cython.uint = plane.best[channel << 8 | (near >> shift & 255)]
        word: cython.uint = plane.codes.codewords[code | (step >> shift & 255)]
        put(stream, word >> 7, word & 127)


def put_run(stream: Stream, plane: Plane, length: cython.Py_ssize_t) -> None:
    """Append the length of a run."""
    bits: cython.int = plane.codes.run_bits[plane.run]
    while length >> bits:
        put(stream, 1, 1)
        length -= 1 << bits
        if plane.run < 31:
            plane.run += 1
        bits = plane.codes.run_bits[plane.run]
    put(stream, length, bits + 1)
    if plane.run > 0:
        plane.run -= 1


def encode_segment(
    stream: Stream,
    plane: Plane,
    x: cython.Py_ssize_t,
    stop: cython.Py_ssize_t,
    run_from: cython.Py_ssize_t,
) -> None:
    """Encode columns `x` to `stop` of a row, with no run before column `run_from`.

    It is long because what it keeps in variables stays in registers.
    """
    now: cython.Py_ssize_t = plane.now
    before: cython.Py_ssize_t = plane.before
    limits: cython.uint = plane.codes.limits
    wait: cython.int = plane.wait
    pending: cython.ulonglong = stream.pending
    at: cython.Py_ssize_t = stream.at
    left: cython.uint = plane.rows[now + x - 1] if x else plane.rows[before]
    near: cython.uint = plane.steps[x - 1] if x else plane.steps[0]
    while x < stop:
        up: cython.uint = plane.rows[before + x]
        if up == plane.rows[before + x - 1] and left == plane.rows[now + x - 2] and x >= run_from:
            start: cython.Py_ssize_t = x
            while x < stop and plane.rows[now + x] == left:
                x += 1
            stream.pending = pending
            stream.at = at
            put_run(stream, plane, x - start)
            pending = stream.pending
            at = stream.at
            near = plane.steps[x - 1]
            run_from = 3 if x > start else x + 1  # After no run at all, a pixel has to come.
            continue
        step: cython.uint = difference(plane.rows[now + x], average(left, up)) & limits
        red: cython.uint = plane.best[near >> 16] | step >> 16
        green: cython.uint = plane.best[256 | (near >> 8 & 255)] | (step >> 8 & 255)
        blue: cython.uint = plane.best[512 | (near & 255)] | (step & 255)
        red = plane.codes.codewords[red]
        green = plane.codes.codewords[green]
        blue = plane.codes.codewords[blue]
        size: cython.uint = (red + green + blue) & 127
        if size <= 32:
            value: cython.ulonglong = (red >> 7) << (green & 31) | green >> 7
            value = value << (blue & 63) | blue >> 7
            used: cython.uint = (at & 31) + size
            pending = low64(pending << size | value)
            stream.words[at >> 5] = low64(pending << (64 - used)) >> 32
            at += size
        else:
            stream.pending = pending
            stream.at = at
            put_pixel(stream, plane, near, step)
            pending = stream.pending
            at = stream.at
        if wait:
            wait -= 1
        else:
            wait = plane.update(near, step)
        plane.steps[x] = near = step
        left = plane.rows[now + x]
        x += 1
    plane.wait = wait
    stream.pending = pending
    stream.at = at


def encode_row(stream: Stream, plane: Plane, y: cython.Py_ssize_t) -> None:
    x: cython.Py_ssize_t = 0
    while x < plane.width:
        stop: cython.Py_ssize_t = plane.next_segment(x, y)
        encode_segment(stream, plane, x, stop, 3 if y else stop)
        x = stop
    plane.next_row()


def load_row(pixels: Octets, at: cython.Py_ssize_t, plane: Plane, size: cython.int) -> None:
    """Take a row of pixels of `size` bytes; of lone components, the first byte of each."""
    end: cython.Py_ssize_t = plane.now + plane.width
    place: cython.Py_ssize_t
    if plane.first:
        for place in range(plane.now, end):
            plane.rows[place] = pixels[at]
            at += size
    elif size == 2:
        for place in range(plane.now, end):
            word: cython.uint = pixels[at] | pixels[at + 1] << 8
            plane.rows[place] = (word & 0x7C00) << 6 | (word & 0x03E0) << 3 | (word & 0x001F)
            at += 2
    elif size == 3:
        for place in range(plane.now, end):
            plane.rows[place] = pixels[at] | pixels[at + 1] << 8 | pixels[at + 2] << 16
            at += 3
    else:
        for place in range(plane.now, end):
            plane.rows[place] = pixels[at] | pixels[at + 1] << 8 | pixels[at + 2] << 16
            at += 4


def encode_rows(
    stream: Stream,
    plane: Plane,
    alpha: Plane | None,
    pixels: Octets,
    start: cython.Py_ssize_t,
    stride: cython.Py_ssize_t,
    size: cython.int,
    y: cython.Py_ssize_t,
    height: cython.Py_ssize_t,
) -> cython.Py_ssize_t:
    """Encode rows from y on while there is room in the stream; returns the row that comes next."""
    with cython.nogil:
        while y < height and stream.at <= stream.end:
            load_row(pixels, start + y * stride, plane, size)
            encode_row(stream, plane, y)
            if alpha is not None:
                load_row(pixels, start + y * stride + 3, alpha, size)
                encode_row(stream, alpha, y)
            y += 1
    return y


def finish(stream: Stream) -> None:
    """Fill the last word with zeros."""
    if stream.at & 31:
        put(stream, 0, 32 - (stream.at & 31))
