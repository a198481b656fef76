"""The log of damage that all viewers of a framebuffer share."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from redspice.display.damage import MAX_RECTS
from redspice.display.damage_log import ALIKE, DamageLog
from redspice.display.framebuffer import Box

FAR = 400
"""Pixels between two boxes that are never made one while there is room."""


def box(n: int) -> Box:
    return Box(FAR * n, 0, FAR * n + 1, 1)


def inside(one: Box, other: Box) -> bool:
    return (
        other.left <= one.left
        and other.top <= one.top
        and one.right <= other.right
        and one.bottom <= other.bottom
    )


boxes = st.builds(
    lambda x, y, width, height: Box(x, y, x + width, y + height),
    *(st.integers(0, 500), st.integers(0, 500), st.integers(1, 200), st.integers(1, 200)),
)


def test_nothing_is_damaged_at_first() -> None:
    log = DamageLog()
    assert (log.now(), log.since(0), log.quiet) == (0, (), True)


def test_damage_is_there_for_all_who_had_not_asked_yet() -> None:
    log = DamageLog()
    start = log.now()
    log.add(box(1))
    middle = log.now()
    log.add(box(2))
    assert list(log.since(start)) == [box(1), box(2)]
    assert list(log.since(middle)) == [box(2)]
    assert list(log.since(log.now())) == []


def test_who_asks_before_the_next_damage_gets_the_very_same_boxes() -> None:
    log = DamageLog()
    start = log.now()
    log.add(box(1))
    log.now()
    log.add(box(2))
    assert log.since(start) is log.since(start)


def test_it_is_quiet_from_a_question_to_the_next_damage() -> None:
    log = DamageLog()
    log.add(box(1))
    assert not log.quiet
    log.since(0)
    assert log.quiet
    log.add(box(1))
    assert not log.quiet


def test_a_cleared_log_has_nothing_for_anybody() -> None:
    log = DamageLog()
    log.add(box(1))
    log.now()
    log.add(box(2))
    log.clear()
    assert log.quiet
    assert list(log.since(0)) == []


@settings(deadline=None)
@given(st.lists(st.lists(boxes, max_size=4), max_size=60))
def test_nothing_is_ever_lost(frames: list[list[Box]]) -> None:
    log = DamageLog()
    added: list[tuple[int, Box]] = []
    for frame in frames:
        position = log.now()
        for one in frame:
            log.add(one)
            added.append((position, one))
    for start in range(log.now()):
        since = log.since(start)
        assert len(since) <= MAX_RECTS
        for position, one in added:
            assert position < start or any(inside(one, other) for other in since)


@settings(deadline=None)
@given(st.integers(1, 600), st.integers(1, 600))
def test_who_is_behind_gets_at_most_a_third_more(frames: int, behind: int) -> None:
    log = DamageLog()
    log_ends = [frame_end(log, n) for n in range(max(frames, behind))]
    start = log_ends[-behind] - 1
    kept = [frame for frame in log._frames if frame.end > start]
    assert sum(1 << frame.rank for frame in kept) <= behind + behind // 3 + 1


def frame_end(log: DamageLog, n: int) -> int:
    log.add(box(n % 10))
    return log.now()


def test_the_last_few_frames_are_told_apart() -> None:
    log = DamageLog()
    for n in range(1000):
        log.add(box(n))
        log.now()
    for behind in range(1, ALIKE):
        assert list(log.since(1000 - behind)) == [box(n) for n in range(1000 - behind, 1000)]


def test_a_viewer_that_never_asks_costs_hardly_anything() -> None:
    log = DamageLog()
    for n in range(10_000):
        log.add(Box(n % 97 * 20, n % 89 * 20, n % 97 * 20 + 5, n % 89 * 20 + 5))
        log.now()
    assert len(log._frames) <= ALIKE * 14
    assert all(len(frame.boxes) <= MAX_RECTS for frame in log._frames)
    assert sum(1 << frame.rank for frame in log._frames) == 10_000
