from __future__ import annotations

import random

from redspice.display.damage import MAX_RECTS, Damage
from redspice.display.framebuffer import Box


def damaged(*boxes: Box) -> Damage:
    damage = Damage()
    for box in boxes:
        damage.add(box)
    return damage


def spots(count: int) -> list[Box]:
    """Boxes that do not touch."""
    return [Box(10 * n, 0, 10 * n + 5, 5) for n in range(count)]


def test_is_empty_until_something_is_added_and_after_taking() -> None:
    damage = Damage()
    assert not damage
    assert damage.take() == []
    damage.add(Box(0, 0, 1, 1))
    assert damage
    damage.take()
    assert not damage


def test_boxes_apart_stay_apart() -> None:
    assert damaged(*spots(3)).take() == spots(3)


def test_touching_and_overlapping_boxes_become_one() -> None:
    assert damaged(Box(0, 0, 4, 4), Box(4, 0, 8, 4)).take() == [Box(0, 0, 8, 4)]
    assert damaged(Box(0, 0, 4, 4), Box(2, 2, 6, 6)).take() == [Box(0, 0, 6, 6)]


def test_a_box_inside_another_disappears() -> None:
    assert damaged(Box(0, 0, 9, 9), Box(2, 2, 3, 3)).take() == [Box(0, 0, 9, 9)]


def test_a_bridge_joins_what_was_apart() -> None:
    assert damaged(Box(0, 0, 2, 2), Box(6, 0, 8, 2), Box(2, 0, 6, 1)).take() == [Box(0, 0, 8, 2)]


def test_a_union_that_reaches_others_takes_them_too() -> None:
    corner = Box(5, 5, 6, 6)
    assert damaged(corner, Box(0, 0, 3, 9), Box(3, 8, 9, 9)).take() == [Box(0, 0, 9, 9)]


def test_too_many_boxes_become_the_one_around_them() -> None:
    assert len(damaged(*spots(MAX_RECTS)).take()) == MAX_RECTS
    assert damaged(*spots(MAX_RECTS + 1)).take() == [Box(0, 0, 10 * MAX_RECTS + 5, 5)]


def test_every_damaged_pixel_is_taken_whatever_was_added() -> None:
    numbers = random.Random(1)
    for _ in range(200):
        damage = Damage()
        wanted = set()
        for _ in range(numbers.randrange(1, 60)):
            left, top = numbers.randrange(30), numbers.randrange(30)
            box = Box(left, top, left + numbers.randrange(1, 5), top + numbers.randrange(1, 5))
            wanted |= {(x, y) for x in range(left, box.right) for y in range(top, box.bottom)}
            damage.add(box)
        taken = damage.take()
        assert len(taken) <= MAX_RECTS
        covered = [
            (x, y)
            for box in taken
            for x in range(box.left, box.right)
            for y in range(box.top, box.bottom)
        ]
        assert wanted <= set(covered)
        assert len(covered) == len(set(covered)), "a pixel would be sent twice"
