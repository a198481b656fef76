from __future__ import annotations

import sys

import pytest

from redspice.caps import Capabilities, CommonCap, DisplayCap


@pytest.mark.parametrize(
    ("numbers", "words"),
    [
        ((), []),
        ((CommonCap.AUTH_SELECTION, CommonCap.AUTH_SPICE, CommonCap.MINI_HEADER), [0b1011]),
        ((0, 31, 32, 95), [1 | 1 << 31, 1, 1 << 31]),
    ],
)
def test_words_and_sets_convert_both_ways(numbers: tuple[int, ...], words: list[int]) -> None:
    assert Capabilities(numbers).to_words() == words
    assert Capabilities.from_words(words) == Capabilities(numbers)


def test_missing_words_are_zero() -> None:
    assert DisplayCap.CODEC_H265 not in Capabilities.from_words([])


def test_unknown_capabilities_are_kept() -> None:
    caps = Capabilities.from_words([0, 0x80])
    assert list(caps) == [39]
    assert len(caps) == 1


def test_zero_words_at_the_end_do_not_matter() -> None:
    one, other = Capabilities.from_words([1, 0, 0]), Capabilities.from_words([1])
    assert one == other
    assert hash(one) == hash(other)


def test_repr_shows_the_numbers() -> None:
    assert repr(Capabilities((3, 1))) == "Capabilities([1, 3])"


def test_a_message_full_of_capabilities_stays_small() -> None:
    words = [0xFFFFFFFF] * 1019
    caps = Capabilities.from_words(words)
    assert len(caps) == 1019 * 32
    assert 32607 in caps
    assert 32608 not in caps
    assert caps.to_words() == words
    assert sum(map(sys.getsizeof, (caps, caps._bits))) < 5000
