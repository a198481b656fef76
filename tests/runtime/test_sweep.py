"""The order and the pieces in which damage is drawn."""

from __future__ import annotations

import pytest

from redspice.display.damage_log import DamageLog
from redspice.display.framebuffer import Box
from redspice.display.sweep import Sweep, cut, overlaps, size

LIMIT = 1024 * 1024
LARGE = Box(0, 0, 1024, 1024)
SMALL = Box(2000, 10, 2010, 20)
INSIDE = Box(100, 10, 110, 20)


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


@pytest.mark.parametrize(
    ("damage", "turns"),
    [(SMALL, "sweep new new sweep new new sweep new"), (INSIDE, "sweep new " * 4)],
)
def test_new_damage_without_end_leaves_turns_to_the_sweep(damage: Box, turns: str) -> None:
    """Two of three turns in a new place, and every other one where the sweep draws."""
    log = DamageLog()
    sweep = Sweep(log)
    log.add(LARGE)
    taken = []
    for _ in range(8):
        taken.append("new" if sweep.take(LIMIT // 4) == [damage] else "sweep")
        log.add(damage)
    assert taken == turns.split()


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
    assert sweep.take(LIMIT) == [larger]


def test_new_damage_elsewhere_comes_before_motion_in_the_sweep() -> None:
    """What a user types beside a film, on a line that the film alone fills."""
    log = DamageLog()
    sweep = Sweep(log)
    film = [Box(100 * n, 0, 100 * n + 32, 32) for n in range(16)]
    typed = Box(3000, 500, 3064, 564)  # larger than a box of the film
    for box in film:
        log.add(box)
    assert sweep.take(4 * size(film[0])) == film[:4]
    for box in film:
        log.add(box)
    log.add(typed)
    assert sweep.take(4 * size(film[0])) == [typed]
    assert sweep.take(4 * size(film[0])) == film[4:8]
    assert sweep.take(4 * size(film[0])) == film[:4]


def test_a_sweep_begins_where_the_last_one_has_not_drawn() -> None:
    log = DamageLog()
    sweep = Sweep(log)
    log.add(LARGE)
    for _ in range(4):
        assert sweep.take(LIMIT)
    log.add(LARGE)
    log.add(SMALL)
    assert sweep.take(LIMIT) == [SMALL, Box(0, 0, 1024, 256)]


def test_after_a_turn_that_drew_all_no_place_counts_as_drawn_before() -> None:
    log = DamageLog()
    sweep = Sweep(log)
    log.add(LARGE)
    for _ in range(4):
        assert sweep.take(LIMIT)
    assert sweep.take(LIMIT) == []
    log.add(LARGE)
    log.add(Box(0, 2000, 1024, 3024))
    assert sweep.take(LIMIT) == [Box(0, 0, 1024, 256)]


@pytest.mark.parametrize(
    ("box", "there"),
    [
        (Box(9, 9, 12, 12), True),
        (Box(10, 0, 12, 10), False),
        (Box(0, 10, 10, 12), False),
        (Box(2, 2, 3, 3), True),
        (Box(0, 0, 100, 100), True),
        (Box(49, 0, 50, 50), True),
        (Box(19, 0, 20, 9), False),
    ],
)
def test_boxes_overlap_where_they_share_a_pixel(box: Box, there: bool) -> None:
    assert overlaps(box, [Box(0, 0, 10, 10), Box(20, 10, 50, 50)]) is there
    assert not overlaps(box, [])


def test_what_is_large_in_a_new_place_comes_in_pieces() -> None:
    """A line of text beside a film: it does not wait until the film has been drawn."""
    log = DamageLog()
    sweep = Sweep(log)
    log.add(LARGE)
    sweep.take(LIMIT // 4)
    line = Box(2000, 0, 3024, 128)
    log.add(line)
    pieces = [sweep.take(LIMIT // 4) for _ in range(3)]
    assert pieces[0] == [Box(2000, 0, 3024, 64)]
    assert pieces[1] == [Box(2000, 64, 3024, 128)]
    assert pieces[2] == [Box(0, 64, 1024, 128)]


def test_a_row_over_the_limit_in_a_new_place_is_a_piece_all_the_same() -> None:
    log = DamageLog()
    sweep = Sweep(log)
    log.add(LARGE)
    sweep.take(100)
    row = Box(2000, 0, 3024, 1)
    log.add(row)
    assert sweep.take(100) == [row]
    assert sweep.take(100) == [Box(0, 1, 1024, 2)]
