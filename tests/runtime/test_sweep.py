"""The order and the pieces in which damage is drawn."""

from __future__ import annotations

import pytest

from redspice.display.damage_log import DamageLog
from redspice.display.framebuffer import Box
from redspice.display.sweep import Sweep, cut, size

LIMIT = 1024 * 1024
LARGE = Box(0, 0, 1024, 1024)
SMALL = Box(2000, 10, 2010, 20)


@pytest.mark.parametrize(
    ("box", "count", "rows"),
    [
        (Box(0, 0, 1024, 256), 1, 256),
        (Box(0, 0, 1024, 257), 2, 256),
        (Box(5, 7, 1029, 1031), 4, 256),
        (Box(0, 0, 16384, 64), 4, 16),
        (Box(0, 0, 1, 16384), 1, 16384),
    ],
)
def test_pieces_are_whole_rows_within_the_limit(box: Box, count: int, rows: int) -> None:
    pieces = []
    rest: Box | None = box
    while rest is not None:
        piece, rest = cut(rest, LIMIT)
        pieces.append(piece)
    assert len(pieces) == count
    assert pieces[0].height == rows
    assert all(size(one) <= LIMIT for one in pieces)
    assert [one.top for one in pieces[1:]] == [one.bottom for one in pieces[:-1]]
    assert (pieces[0].top, pieces[-1].bottom) == (box.top, box.bottom)
    assert {(one.left, one.right) for one in pieces} == {(box.left, box.right)}


def test_a_row_over_the_limit_is_a_piece_all_the_same() -> None:
    assert cut(Box(0, 0, 1000, 3), 100) == (Box(0, 0, 1000, 1), Box(0, 1, 1000, 3))


def test_nothing_damaged_is_nothing_to_draw() -> None:
    log = DamageLog()
    sweep = Sweep(log)
    assert sweep.take(LIMIT) == []
    log.add(LARGE)
    sweep.take(LIMIT)
    sweep.clear()
    assert sweep.take(LIMIT) == []


def test_small_boxes_are_drawn_together_up_to_the_limit() -> None:
    log = DamageLog()
    sweep = Sweep(log)
    boxes = [Box(100 * n, 0, 100 * n + 10, 10) for n in range(8)]
    for box in boxes:
        log.add(box)
    assert sweep.take(5 * size(boxes[0])) == boxes[:5]
    assert sweep.take(LIMIT) == boxes[5:]


def test_new_small_damage_does_not_wait_for_the_sweep() -> None:
    log = DamageLog()
    sweep = Sweep(log)
    log.add(LARGE)
    first = sweep.take(LIMIT)
    log.add(SMALL)
    assert sweep.take(LIMIT) == [SMALL]
    assert first + sweep.take(LIMIT) + sweep.take(LIMIT) + sweep.take(LIMIT) == [
        Box(0, top, 1024, top + 256) for top in range(0, 1024, 256)
    ]
    assert sweep.take(LIMIT) == []


def test_small_damage_without_end_takes_every_other_turn() -> None:
    log = DamageLog()
    sweep = Sweep(log)
    log.add(LARGE)
    turns = []
    for _ in range(8):
        turns.append(sweep.take(LIMIT) == [SMALL])
        log.add(SMALL)
    assert turns == [False, True, False, True, False, True, False, True]


def test_large_damage_waits_for_the_next_sweep_and_merges() -> None:
    log = DamageLog()
    sweep = Sweep(log)
    log.add(LARGE)
    sweep.take(LIMIT)
    for _ in range(10):
        log.add(LARGE)
        assert len(sweep.take(LIMIT // 4)) == 1
    drawn = 0
    while boxes := sweep.take(LIMIT):
        drawn += sum(map(size, boxes))
    assert drawn == size(LARGE) - LIMIT - 10 * LIMIT // 4 + size(LARGE)


def test_of_small_damage_the_smallest_comes_first() -> None:
    log = DamageLog()
    sweep = Sweep(log)
    log.add(LARGE)
    sweep.take(LIMIT)
    larger = Box(3000, 0, 3512, 512)
    log.add(larger)
    log.add(SMALL)
    assert sweep.take(LIMIT) == [SMALL]
    sweep.take(LIMIT)
    assert sweep.take(LIMIT) == [larger]
