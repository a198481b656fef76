# cython: boundscheck=False, wraparound=False, cdivision=True, initializedcheck=False
# cython: auto_pickle=False
"""Decoding of QUIC: bits to rows of pixels. The pixels are those of `quic_model`.

Runs are checked against the end of their segment and the reader after each pixel; the words of a
stream go on for what one pixel can take.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import cython

from redspice.codecs.quic_model import Codes, Plane, Stream

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


def total(a: cython.uint, b: cython.uint) -> cython.uint:
    """Of each component, modulo 256."""
    return ((a & 0x7F7F7F) + (b & 0x7F7F7F)) ^ ((a ^ b) & 0x808080)


def window(stream: Stream, at: cython.Py_ssize_t) -> cython.ulonglong:
    """The bits from `at` on, first bit on top: 33 at least, of 64."""
    high: cython.ulonglong = stream.words[at >> 5]
    return low64((high << 32 | stream.words[(at >> 5) + 1]) << (at & 31))


def long_codeword(codes: Codes, bits: cython.ulonglong, code: cython.int) -> cython.uint:
    """`residual << 8 | length` of the codeword that the window begins with; 0 if it is none."""
    zeros: cython.int = 0
    while zeros < codes.prefixes[code] and not bits >> 63:
        bits = low64(bits << 1)
        zeros += 1
    symbol: cython.int = codes.escapes[code] + (bits >> (64 - codes.suffixes[code]))
    length: cython.int = zeros + codes.suffixes[code]
    if zeros < codes.prefixes[code]:
        symbol = zeros << code | low64(bits << 1) >> 1 >> (63 - code)
        length = zeros + 1 + code
    if symbol >> codes.bits:
        return 0
    return codes.residuals[symbol] << 8 | length


def get_pixel(stream: Stream, plane: Plane, near: cython.uint) -> cython.uint:
    """Read codewords one by one, of any length."""
    channel: cython.int
    step: cython.uint = 0
    for channel in range(plane.first, 3):
        left: cython.uint = near >> (16 - 8 * channel) & 255
        code: cython.int = plane.best[channel << 8 | left] >> plane.scale
        found: cython.uint = long_codeword(plane.codes, window(stream, stream.at), code)
        if not found:
            stream.fault = 3
            break
        step = step << 8 | found >> 8
        stream.at += found & 255
    return step


def get_run(stream: Stream, plane: Plane, most: cython.Py_ssize_t) -> cython.Py_ssize_t:
    """Read the length of a run, of `most` pixels at most."""
    length: cython.Py_ssize_t = 0
    bits: cython.int = plane.codes.run_bits[plane.run]
    while length <= most and window(stream, stream.at) >> 63:
        length += 1 << bits
        stream.at += 1
        if plane.run < 31:
            plane.run += 1
        bits = plane.codes.run_bits[plane.run]
    length += low64(window(stream, stream.at) << 1) >> 1 >> (63 - bits)
    stream.at += 1 + bits
    if plane.run > 0:
        plane.run -= 1
    if length > most:
        stream.fault = 2
    return length


def decode_segment(
    stream: Stream,
    plane: Plane,
    x: cython.Py_ssize_t,
    stop: cython.Py_ssize_t,
    run_from: cython.Py_ssize_t,
) -> None:
    """Decode columns `x` to `stop` of a row; the reverse of `encode_segment`."""
    now: cython.Py_ssize_t = plane.now
    before: cython.Py_ssize_t = plane.before
    limits: cython.uint = plane.codes.limits
    wait: cython.int = plane.wait
    at: cython.Py_ssize_t = stream.at
    left: cython.uint = plane.rows[now + x - 1] if x else plane.rows[before]
    near: cython.uint = plane.steps[x - 1] if x else plane.steps[0]
    while x < stop:
        up: cython.uint = plane.rows[before + x]
        if up == plane.rows[before + x - 1] and left == plane.rows[now + x - 2] and x >= run_from:
            stream.at = at
            end: cython.Py_ssize_t = x + get_run(stream, plane, stop - x)
            at = stream.at
            if at > stream.end or stream.fault:
                break
            run_from = 3 if end > x else x + 1
            while x < end:
                plane.rows[now + x] = left
                x += 1
            near = plane.steps[x - 1]
            continue
        bits: cython.ulonglong = window(stream, at)
        red: cython.uint = plane.codes.glances[plane.best[near >> 16] | bits >> 53]
        bits = low64(bits << (red & 63))
        green: cython.uint = plane.best[256 | (near >> 8 & 255)] | bits >> 53
        green = plane.codes.glances[green]
        bits = low64(bits << (green & 63))
        blue: cython.uint = plane.codes.glances[plane.best[512 | (near & 255)] | bits >> 53]
        step: cython.uint = red >> 8 << 16 | green & 0xFF00 | blue >> 8
        if red and green and blue:
            at += (red + green + blue) & 63
        else:
            stream.at = at
            step = get_pixel(stream, plane, near)
            at = stream.at
        if at > stream.end or stream.fault:
            break
        if wait:
            wait -= 1
        else:
            wait = plane.update(near, step)
        left = total(average(left, up), step) & limits
        plane.rows[now + x] = left
        plane.steps[x] = near = step
        x += 1
    plane.wait = wait
    stream.at = at
    if at > stream.end:
        stream.fault = 1


def decode_row(stream: Stream, plane: Plane, y: cython.Py_ssize_t) -> None:
    x: cython.Py_ssize_t = 0
    while x < plane.width and not stream.fault:
        stop: cython.Py_ssize_t = plane.next_segment(x, y)
        decode_segment(stream, plane, x, stop, 3 if y else stop)
        x = stop


def store_row(
    out: Octets, at: cython.Py_ssize_t, plane: Plane, size: cython.int, widen: cython.bint
) -> None:
    """Give a row; the reverse of `load_row`. `widen` makes eight bits of components of five."""
    end: cython.Py_ssize_t = plane.now + plane.width
    place: cython.Py_ssize_t
    word: cython.uint
    if plane.first:
        for place in range(plane.now, end):
            out[at] = plane.rows[place]
            at += size
    elif size == 2:
        for place in range(plane.now, end):
            word = plane.rows[place]
            word = (word >> 6 & 0x7C00) | (word >> 3 & 0x03E0) | (word & 0x001F)
            out[at] = word & 255
            out[at + 1] = word >> 8
            at += 2
    elif size == 3:
        for place in range(plane.now, end):
            word = plane.rows[place]
            out[at] = word & 255
            out[at + 1] = word >> 8 & 255
            out[at + 2] = word >> 16
            at += 3
    else:
        for place in range(plane.now, end):
            word = plane.rows[place]
            if widen:
                word = word << 3 | (word >> 2 & 0x070707)
            out[at] = word & 255
            out[at + 1] = word >> 8 & 255
            out[at + 2] = word >> 16 & 255
            out[at + 3] = word >> 24  # 0: all four bytes of a word become one store
            at += 4


def decode_rows(
    stream: Stream,
    plane: Plane,
    alpha: Plane | None,
    out: Octets,
    stride: cython.Py_ssize_t,
    size: cython.int,
    widen: cython.bint,
    height: cython.Py_ssize_t,
) -> cython.int:
    """Decode all rows, or those before a fault; returns the fault."""
    y: cython.Py_ssize_t = 0
    with cython.nogil:
        while y < height and not stream.fault:
            decode_row(stream, plane, y)
            store_row(out, y * stride, plane, size, widen)
            plane.next_row()
            if alpha is not None:
                decode_row(stream, alpha, y)
                store_row(out, y * stride + 3, alpha, size, False)
                alpha.next_row()
            y += 1
    return stream.fault
