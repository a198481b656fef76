"""Tallies: what came of many measurements."""

from __future__ import annotations

from dataclasses import astuple

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from redspice.stats import Encodings, Tally

WHOLE = st.lists(st.integers(0, 1 << 40))


def tally_of(measured: list[int]) -> Tally:
    tally = Tally()
    for each in measured:
        tally.add(each)
    return tally


def test_an_empty_tally_has_no_least_no_most_and_no_mean() -> None:
    tally = Tally()
    assert astuple(tally) == (0, 0, None, None)
    assert tally.mean is None


@pytest.mark.parametrize(
    ("measured", "least", "most", "mean"),
    [
        ([7], 7, 7, 7),
        ([0], 0, 0, 0),
        ([1, 2, 3], 1, 3, 2),
        ([3, 2, 1], 1, 3, 2),
        ([5, 1, 9, 1], 1, 9, 4),
        ([4, 4, 4], 4, 4, 4),
        ([-2, 2], -2, 2, 0),
    ],
)
def test_a_tally_has_count_sum_least_most_and_mean(
    measured: list[int], least: int, most: int, mean: int
) -> None:
    tally = tally_of(measured)
    assert astuple(tally) == (len(measured), sum(measured), least, most)
    assert tally.mean == mean


@settings(deadline=None)
@given(WHOLE, WHOLE)
@example([], [])
@example([], [3, 1, 2])
@example([3, 1, 2], [])
@example([3, 1], [2])
def test_merging_is_the_same_as_counting_in_one_place(first: list[int], second: list[int]) -> None:
    merged = tally_of(first)
    merged.merge(tally_of(second))
    assert merged == tally_of(first + second)


def test_encodings_are_counted_apart_and_sorted() -> None:
    encodings = Encodings()
    encodings.add("quic", 0.5, 4000, 900)
    encodings.add("bitmap", 0.0, 40, 40)
    encodings.add("quic", 0.25, 400, 100)
    bitmap, quic = encodings.snapshot()
    assert (bitmap.encoding, bitmap.in_bytes, bitmap.out_bytes) == ("bitmap", 40, 40)
    assert (quic.encoding, quic.in_bytes, quic.out_bytes) == ("quic", 4400, 1000)
    assert quic.seconds == Tally(2, 0.75, 0.25, 0.5)


def test_a_snapshot_of_encodings_stays_as_it_was() -> None:
    encodings = Encodings()
    encodings.add("lz", 1.0, 8, 4)
    (before,) = encodings.snapshot()
    encodings.add("lz", 1.0, 8, 4)
    assert (before.seconds.count, before.in_bytes, before.out_bytes) == (1, 8, 4)
