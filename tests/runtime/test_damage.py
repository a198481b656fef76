from __future__ import annotations

import random

import pytest

from redspice.display.damage import MAX_RECTS, MERGE_GROWTH, Damage
from redspice.display.framebuffer import Box


def damaged(*boxes: Box) -> Damage:
    damage = Damage()
    for box in boxes:
        damage.add(box)
    return damage


def area(boxes: list[Box]) -> int:
    return sum(box.width * box.height for box in boxes)


def spots(count: int, size: int = 5) -> list[Box]:
    """Boxes far apart, on a diagonal."""
    return [Box(100 * n, 60 * n, 100 * n + size, 60 * n + size) for n in range(count)]


def scattered(count: int, seed: int = 1) -> list[Box]:
    """Boxes of 16x16 all over a full HD screen."""
    numbers = random.Random(seed)
    places = [(numbers.randrange(1904), numbers.randrange(1064)) for _ in range(count)]
    return [Box(x, y, x + 16, y + 16) for x, y in places]


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


def test_what_is_nearly_one_box_becomes_one() -> None:
    gap = MERGE_GROWTH // 16
    assert damaged(Box(0, 0, 16, 16), Box(16 + gap, 0, 32 + gap, 16)).take() == [
        Box(0, 0, 32 + gap, 16)
    ]
    apart = [Box(0, 0, 16, 16), Box(17 + gap, 0, 33 + gap, 16)]
    assert damaged(*apart).take() == apart


def test_lines_that_cross_do_not_become_the_screen() -> None:
    lines = [Box(0, 500, 1920, 501), Box(900, 0, 901, 1080)]
    assert damaged(*lines).take() == lines


@pytest.mark.parametrize("count", [2, 33, MAX_RECTS])
def test_scattered_boxes_cost_little_more_than_their_area(count: int) -> None:
    for seed in range(10):
        boxes = scattered(count, seed)
        assert area(damaged(*boxes).take()) <= area(boxes) + count * MERGE_GROWTH // 2


def test_one_box_too_many_joins_the_nearest() -> None:
    boxes = spots(MAX_RECTS)
    corner = boxes[7].right + 1
    extra = Box(corner, boxes[7].bottom + 40, corner + 5, boxes[7].bottom + 45)
    expected = [*boxes[:7], *boxes[8:], Box(700, 420, corner + 5, boxes[7].bottom + 45)]
    assert damaged(*boxes, extra).take() == expected


def test_without_end_of_boxes_their_number_is_bounded() -> None:
    damage = damaged(*scattered(2000))
    rects = damage.take()
    assert len(rects) <= MAX_RECTS
    assert all(0 <= box.left < box.right <= 1920 for box in rects)


def test_every_damaged_pixel_is_taken_whatever_was_added() -> None:
    numbers = random.Random(1)
    for _ in range(200):
        damage = Damage(limit=8)
        wanted = set()
        for _ in range(numbers.randrange(1, 60)):
            left, top = numbers.randrange(90), numbers.randrange(90)
            box = Box(left, top, left + numbers.randrange(1, 30), top + numbers.randrange(1, 30))
            wanted |= {(x, y) for x in range(left, box.right) for y in range(top, box.bottom)}
            damage.add(box)
        taken = damage.take()
        assert len(taken) <= 8
        assert wanted <= {
            (x, y)
            for box in taken
            for x in range(box.left, box.right)
            for y in range(box.top, box.bottom)
        }
