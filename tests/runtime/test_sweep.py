"""The order and the pieces in which damage is drawn."""

from __future__ import annotations

import pytest

from redspice.display.damage_log import DamageLog
from redspice.display.framebuffer import Box
from redspice.display.sweep import MAX_RECENT, QUIET, Sweep, cut, overlaps, size

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


class Screen:
    """A log, the sweep of a viewer, and a clock."""

    def __init__(self) -> None:
        self.log = DamageLog()
        self.sweep = Sweep(self.log)
        self.now = 100.0

    def damage(self, *boxes: Box, after: float = 0.01) -> None:
        self.now += after
        for box in boxes:
            self.log.add(box)

    def take(self, limit: int = LIMIT, after: float = 0.01) -> list[Box]:
        self.now += after
        return self.sweep.take(limit, self.now)


@pytest.fixture
def screen() -> Screen:
    return Screen()


@pytest.fixture
def film(screen: Screen) -> list[Box]:
    """What moves on the screen, a viewer that is behind with it, and its first four boxes drawn."""
    film = [Box(100 * n, 0, 100 * n + 32, 32) for n in range(16)]
    screen.damage(*film)
    assert screen.take(4 * size(film[0])) == film[:4]
    screen.damage(*film)
    return film


def test_nothing_damaged_is_nothing_to_draw(screen: Screen) -> None:
    assert screen.take() == []
    screen.damage(LARGE)
    screen.take(LIMIT)
    screen.damage(LARGE, SMALL)
    screen.take(LIMIT)
    screen.sweep.clear()
    assert screen.take() == []


def test_small_boxes_are_drawn_together_up_to_the_limit(screen: Screen) -> None:
    boxes = [Box(100 * n, 0, 100 * n + 10, 10) for n in range(8)]
    screen.damage(*boxes)
    assert screen.take(5 * size(boxes[0])) == boxes[:5]
    assert screen.take() == boxes[5:]


def test_what_fits_is_drawn_in_the_order_of_its_damage(screen: Screen) -> None:
    screen.damage(SMALL, INSIDE)
    assert screen.take() == [SMALL, INSIDE]
    screen.damage(INSIDE, SMALL)
    assert screen.take() == [INSIDE, SMALL]


def test_new_small_damage_does_not_wait_for_the_sweep(screen: Screen) -> None:
    screen.damage(LARGE)
    first = screen.take()
    screen.damage(SMALL)
    assert screen.take() == [SMALL]
    assert first + screen.take() + screen.take() + screen.take() == [
        Box(0, top, 1024, top + 256) for top in range(0, 1024, 256)
    ]
    assert screen.take() == []


@pytest.mark.parametrize(
    ("step", "turns"),
    [
        (20, "sweep new new new new sweep new new new new"),
        (0, "sweep new sweep new sweep new sweep new sweep new"),
    ],
)
def test_new_damage_without_end_leaves_turns_to_the_sweep(
    screen: Screen, step: int, turns: str
) -> None:
    """Four of five turns in places that are always new, and every other one in the same place."""
    screen.damage(LARGE)
    taken, damage = [], SMALL
    for _ in range(10):
        boxes = screen.take(LIMIT // 4)
        taken.append("new" if boxes[0].left >= SMALL.left else "sweep")
        damage = damage._replace(left=damage.left + step, right=damage.right + step)
        screen.damage(damage)
    assert taken == turns.split()


def test_large_damage_waits_for_the_next_sweep_and_merges(screen: Screen) -> None:
    screen.damage(LARGE)
    screen.take()
    for _ in range(10):
        screen.damage(LARGE)
        assert len(screen.take(LIMIT // 4)) == 1
    drawn = 0
    while boxes := screen.take():
        drawn += sum(map(size, boxes))
    assert drawn == size(LARGE) - LIMIT - 10 * LIMIT // 4 + size(LARGE)


def test_of_fresh_damage_the_smallest_comes_first_and_the_last_in_part(screen: Screen) -> None:
    screen.damage(LARGE)
    screen.take()
    larger = Box(3000, 0, 3512, 512)
    screen.damage(larger, SMALL)
    top, bottom = cut(larger, LIMIT // 2)
    assert screen.take(LIMIT // 2) == [SMALL, top]
    assert screen.take(LIMIT // 2) == [bottom]


def test_of_restless_damage_the_smallest_comes_first(screen: Screen) -> None:
    larger, smaller = Box(500, 500, 532, 532), Box(600, 600, 616, 616)
    screen.damage(LARGE)
    screen.take(LIMIT // 4)
    screen.damage(larger, smaller)
    assert screen.take(size(larger)) == [smaller]
    assert screen.take(size(larger)) == [Box(0, 64, 1024, 65)]
    assert screen.take(size(larger)) == [larger]


def test_what_a_user_types_comes_before_the_film_beside_it(screen: Screen, film: list[Box]) -> None:
    typed = Box(3000, 500, 3064, 564)  # larger than a box of the film
    screen.damage(typed)
    assert screen.take(4 * size(film[0])) == [typed]
    assert screen.take(4 * size(film[0])) == film[4:8]
    assert screen.take(4 * size(film[0])) == film[:4]


@pytest.mark.parametrize(("pause", "first"), [(QUIET, "typed"), (QUIET / 2, "film")])
def test_a_place_is_fresh_again_when_nothing_has_changed_there_for_a_while(
    screen: Screen, film: list[Box], pause: float, first: str
) -> None:
    """A key is pressed and released in one place, and one sweep may last for both."""
    typed = Box(3000, 500, 3064, 564)
    screen.damage(typed)
    assert screen.take(4 * size(film[0])) == [typed]
    screen.now += pause - 0.03
    screen.damage(*film)
    screen.take(size(film[0]))
    screen.damage(typed)
    taken = screen.take(4 * size(film[0]))
    assert ("typed" if typed in taken else "film") == first


def test_motion_is_not_fresh_because_nobody_has_asked_for_long(
    screen: Screen, film: list[Box]
) -> None:
    """Behind a lost packet a viewer has no turn for longer than a place takes to be quiet."""
    typed = Box(3000, 500, 3064, 564)
    screen.take(size(film[0]))
    screen.damage(*film, typed, after=2 * QUIET)
    assert screen.take(4 * size(film[0])) == [typed]


def test_what_was_damaged_before_a_viewer_fell_behind_counts_too(screen: Screen) -> None:
    screen.damage(SMALL)
    assert screen.take() == [SMALL]
    screen.damage(LARGE)
    screen.take(LIMIT // 4)
    screen.damage(SMALL, INSIDE)
    assert screen.take(size(SMALL)) == [SMALL]  # both are restless, and SMALL is the first of them


def test_what_was_drawn_before_a_long_pause_is_fresh(screen: Screen) -> None:
    """No turn for long means nothing to draw there, not that the viewer could not be reached."""
    screen.damage(LARGE)
    for _ in range(4):
        assert screen.take()
    screen.damage(SMALL)
    assert screen.take() == [SMALL]
    screen.damage(SMALL, Box(0, 2000, 1024, 3024), after=5.0)
    assert screen.take() == [SMALL, Box(0, 2000, 1024, 2256)], "both, as they came"


def test_a_sweep_begins_with_what_is_fresh(screen: Screen) -> None:
    screen.damage(LARGE)
    for _ in range(4):
        assert screen.take()
    screen.damage(LARGE, SMALL)
    assert screen.take(LIMIT) == [SMALL]
    assert screen.take(LIMIT) == [Box(0, 0, 1024, 256)]


def test_what_is_fresh_can_be_taken_alone(screen: Screen, film: list[Box]) -> None:
    assert not screen.sweep.has_fresh
    screen.sweep.hear(screen.now)
    assert not screen.sweep.has_fresh
    assert screen.sweep.take_fresh(LIMIT) == []
    line = Box(2000, 500, 3024, 628)
    screen.damage(line)
    screen.sweep.hear(screen.now)
    assert screen.sweep.has_fresh
    assert screen.sweep.take_fresh(LIMIT // 4) == [Box(2000, 500, 3024, 564)]
    assert screen.sweep.take_fresh(LIMIT // 4) == [Box(2000, 564, 3024, 628)]
    assert not screen.sweep.has_fresh
    assert screen.take() == film
    assert screen.take() == film[4:]


def test_only_so_much_is_remembered(screen: Screen, film: list[Box]) -> None:
    typed = Box(3000, 500, 3064, 564)
    screen.damage(typed)
    screen.sweep.hear(screen.now)
    for row in range(MAX_RECENT // len(film)):
        screen.damage(*(box._replace(top=200 * row, bottom=200 * row + 32) for box in film))
        screen.sweep.hear(screen.now)
    screen.sweep.take_fresh(2**30)
    screen.damage(typed)
    screen.sweep.hear(screen.now)
    assert screen.sweep.take_fresh(2**30) == [typed]


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


def test_what_is_large_in_a_fresh_place_comes_in_pieces(screen: Screen) -> None:
    """A line of text beside a film: it does not wait until the film has been drawn."""
    screen.damage(LARGE)
    screen.take(LIMIT // 4)
    screen.damage(Box(2000, 0, 3024, 128))
    pieces = [screen.take(LIMIT // 4) for _ in range(3)]
    assert pieces[0] == [Box(2000, 0, 3024, 64)]
    assert pieces[1] == [Box(2000, 64, 3024, 128)]
    assert pieces[2] == [Box(0, 64, 1024, 128)]


def test_a_row_over_the_limit_in_a_fresh_place_is_a_piece_all_the_same(screen: Screen) -> None:
    screen.damage(LARGE)
    screen.take(100)
    row = Box(2000, 0, 3024, 1)
    screen.damage(row)
    assert screen.take(100) == [row]
    assert screen.take(100) == [Box(0, 1, 1024, 2)]
