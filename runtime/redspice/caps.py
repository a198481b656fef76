"""Capabilities: what a peer can do beyond the first version of the protocol.

On the wire they are 32 bit words; capability n is bit n % 32 of word n // 32. Words that are
missing count as zero and capabilities that nobody knows are kept but mean nothing. Each channel has
two sets: the common one and its own.
"""

from __future__ import annotations

import struct
from enum import IntEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

WORD_BITS = 32


class CommonCap(IntEnum):
    AUTH_SELECTION = 0
    AUTH_SPICE = 1
    AUTH_SASL = 2
    MINI_HEADER = 3


class MainCap(IntEnum):
    SEMI_SEAMLESS_MIGRATE = 0
    NAME_AND_UUID = 1
    AGENT_CONNECTED_TOKENS = 2
    SEAMLESS_MIGRATE = 3


class DisplayCap(IntEnum):
    SIZED_STREAM = 0
    MONITORS_CONFIG = 1
    COMPOSITE = 2
    A8_SURFACE = 3
    STREAM_REPORT = 4
    LZ4_COMPRESSION = 5
    PREF_COMPRESSION = 6
    GL_SCANOUT = 7
    MULTI_CODEC = 8
    CODEC_MJPEG = 9
    CODEC_VP8 = 10
    CODEC_H264 = 11
    PREF_VIDEO_CODEC_TYPE = 12
    CODEC_VP9 = 13
    CODEC_H265 = 14


class InputsCap(IntEnum):
    KEY_SCANCODE = 0


class SpicevmcCap(IntEnum):
    DATA_COMPRESS_LZ4 = 0


class Capabilities:
    """An immutable set of capability numbers."""

    __slots__ = ("_bits",)

    # One number, as a peer may set every bit of a message full of words.
    def __init__(self, numbers: Iterable[int] = ()) -> None:
        bits = 0
        for number in numbers:
            bits |= 1 << number
        self._bits = bits

    @classmethod
    def from_words(cls, words: Sequence[int]) -> Capabilities:
        """The set that a list of 32 bit words stands for."""
        caps = cls()
        caps._bits = int.from_bytes(struct.pack(f"<{len(words)}I", *words), "little")
        return caps

    def to_words(self) -> list[int]:
        """As few words as hold the set; none for the empty set."""
        count = -(-self._bits.bit_length() // WORD_BITS)
        data = self._bits.to_bytes(count * WORD_BITS // 8, "little")
        return list(struct.unpack(f"<{count}I", data))

    def __contains__(self, number: int) -> bool:
        return bool(self._bits >> number & 1)

    def __iter__(self) -> Iterator[int]:
        lowest_first = f"{self._bits:b}"[::-1]
        return (number for number, bit in enumerate(lowest_first) if bit == "1")

    def __len__(self) -> int:
        return self._bits.bit_count()

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Capabilities) and self._bits == other._bits

    def __hash__(self) -> int:
        return hash(self._bits)

    def __repr__(self) -> str:
        return f"Capabilities({list(self)})"
