# cython: boundscheck=False, wraparound=False, cdivision=True, initializedcheck=False
# cython: auto_pickle=False
"""The model of QUIC: what the coder has learned, and the rows that it looks at.

A pixel is one integer, 0x00RRGGBB, and its components are computed with all at once; a lone
component (gray, alpha) is 0x000000VV. `step` is the residuals of a pixel, laid out in the same way,
`near` those on its left. Components that are coded together are a `Plane`.

No index here comes from a stream unchecked: columns end with the row, and places in tables are
bytes and glances put together.
"""

from __future__ import annotations

from functools import cache

import cython
import numpy as np

from redspice.codecs import quic_tables as tables

COMPILED: bool = cython.compiled


class Codes:
    """The tables of a family of codes, as C arrays where this is compiled."""

    def __init__(self, bits: int) -> None:
        codes = range(bits)
        spare = [0] * (8 - bits)
        self.bits = bits
        self.limits = ((1 << bits) - 1) * 0x010101
        self.lengths = tables.lengths(bits)
        self.codewords = tables.codewords(bits)
        self.glances = tables.glances(bits)
        self.buckets = tables.buckets(bits)
        self.residuals = tables.residuals(bits)
        self.prefixes = [tables.prefix(code, bits) for code in codes] + spare
        self.escapes = [tables.escaped(code, bits) for code in codes] + spare
        self.suffixes = [tables.suffix(code, bits) for code in codes] + spare
        self.waits = list(tables.WAITS)
        self.triggers = list(tables.TRIGGERS)
        self.run_bits = list(tables.RUN_BITS)


codes_of = cache(Codes)


class Plane:
    """Components that are coded together: their model, the row being coded and the one above.

    Channels 0, 1 and 2 are the bytes of a pixel from the top down, `first` is the first in use.
    `best` says which code follows a residual, at `channel << 8 | residual`: where it begins in the
    table of codewords, or of glances, in which codes are `1 << scale` places apart. `used` has the
    same for a bucket, at `channel << 3 | bucket`, as a number. `steps` are the last residuals coded
    in each column. Rows begin at `now` and `before` in `rows`; the row above the top one begins one
    place before it, so that there a pixel's left neighbour is also the one above.
    """

    def __init__(self, codes: Codes, width: int, *, lone: bool, scale: int) -> None:
        start = codes.bits - 1
        self.codes = codes
        self.first = 2 if lone else 0
        self.scale = scale
        self.best = [(tables.NO_CODE if lone else start) << scale] * 512 + [start << scale] * 256
        self.used = [start] * (3 * 8)
        self.counters = [0] * (3 * 8 * 8)
        self.wait = 0
        self.seed = 255
        self.run = 0
        self.mask = 0
        self.trigger = 0
        self.width = width
        self.now = 2
        self.before = 1
        self.rows = np.zeros(2 + 2 * width, np.uint32).data
        self.steps = np.zeros(width, np.uint32).data

    def next_row(self) -> None:
        self.before = self.now
        self.now = 2 if self.now > 2 else 2 + self.width

    def next_segment(self, x: cython.Py_ssize_t, y: cython.Py_ssize_t) -> cython.Py_ssize_t:
        """Set the pace of the segment that begins or goes on at a pixel; returns its end here.

        Segments are 2048 pixels long, on over the ends of rows; the seventh goes on to the end.
        """
        pixel: cython.Py_ssize_t = y * self.width + x
        level: cython.Py_ssize_t = pixel >> 11
        stop: cython.Py_ssize_t = self.width
        if level >= 6:
            level = 6
        elif x + ((level + 1) << 11) - pixel < stop:
            stop = x + ((level + 1) << 11) - pixel
        self.mask = (1 << level) - 1
        self.trigger = self.codes.triggers[level]
        return stop

    def update(self, near: cython.uint, step: cython.uint) -> cython.int:
        """Learn which codes are the best from a pixel; returns how many pixels to let pass then.

        Of codes that are equally good, the last is the best.
        """
        channel: cython.int
        code: cython.int
        best: cython.int = 0
        for channel in range(self.first, 3):
            shift: cython.int = 16 - 8 * channel
            bucket: cython.int = channel << 3 | self.codes.buckets[near >> shift & 255]
            least: cython.uint = 0xFFFFFFFF
            for code in range(self.codes.bits):
                count: cython.uint = self.counters[bucket << 3 | code]
                count += self.codes.lengths[(step >> shift & 255) << 3 | code]
                self.counters[bucket << 3 | code] = count
                if count <= least:
                    least = count
                    best = code
            if least > self.trigger:
                for code in range(self.codes.bits):
                    self.counters[bucket << 3 | code] >>= 1
            if best != self.used[bucket]:
                self.used[bucket] = best
                self.serve(channel, bucket & 7, best)
        self.seed = (self.seed + 1) & 255
        return self.codes.waits[self.seed] & self.mask

    def serve(self, channel: cython.int, bucket: cython.int, code: cython.int) -> None:
        """Use a code from now on after all residuals of a bucket."""
        symbol: cython.int
        end: cython.int = (2 << bucket) - 1
        if bucket == self.codes.bits - 1:
            end = 1 << self.codes.bits
        for symbol in range((1 << bucket) - 1, end):
            self.best[channel << 8 | self.codes.residuals[symbol]] = code << self.scale


class Stream:
    """Words, and a position in bits. `pending` are bits written, `fault` is an index of FAULTS."""

    def __init__(self, words: memoryview, end: int) -> None:
        self.words = words
        self.end = end
        self.at = 0
        self.pending = 0
        self.fault = 0
