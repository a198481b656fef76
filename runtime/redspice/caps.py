"""Capabilities: what a peer can do beyond the first version of the protocol.

On the wire they are 32 bit words; capability n is bit n % 32 of word n // 32. Words that are
missing count as zero and capabilities that nobody knows are kept but mean nothing. Each channel has
two sets: the common one and its own.
"""

from __future__ import annotations

from enum import IntEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

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


class Capabilities:
    """An immutable set of capability numbers."""

    __slots__ = ("_numbers",)

    def __init__(self, numbers: Iterable[int] = ()) -> None:
        self._numbers = frozenset(int(number) for number in numbers)

    @classmethod
    def from_words(cls, words: Iterable[int]) -> Capabilities:
        """The set that a list of 32 bit words stands for."""
        return cls(
            index * WORD_BITS + bit
            for index, word in enumerate(words)
            for bit in range(WORD_BITS)
            if word >> bit & 1
        )

    def to_words(self) -> list[int]:
        """As few words as hold the set; none for the empty set."""
        words = [0] * (max(self._numbers, default=-1) // WORD_BITS + 1)
        for number in self._numbers:
            words[number // WORD_BITS] |= 1 << number % WORD_BITS
        return words

    def __contains__(self, number: int) -> bool:
        return number in self._numbers

    def __iter__(self) -> Iterator[int]:
        return iter(sorted(self._numbers))

    def __len__(self) -> int:
        return len(self._numbers)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Capabilities) and self._numbers == other._numbers

    def __hash__(self) -> int:
        return hash(self._numbers)

    def __repr__(self) -> str:
        return f"Capabilities({list(self)})"
