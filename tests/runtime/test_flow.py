"""The flow window by itself: budget, marks, round trips."""

from __future__ import annotations

import pytest

from redspice.flow import (
    INITIAL_BUDGET,
    LATE,
    MARKS,
    MAX_BUDGET,
    MIN_BUDGET,
    QUEUE,
    RATE_AGE,
    ROUND_TRIP_AGE,
    FlowWindow,
    Mark,
)
from redspice.tail_probe import LONG

START = 100.0
ROUND_TRIP = 0.08


@pytest.fixture
def flow() -> FlowWindow:
    """A window that knows its round trip."""
    flow = FlowWindow()
    flow.answered(flow.mark(START - ROUND_TRIP), START)
    return flow


def fill(flow: FlowWindow, now: float, step: int = 1000) -> list[Mark]:
    """Send until the window is closed; returns the marks on the way, the last at the end."""
    marks = []
    unmarked = 0
    while flow.may_send(now):
        flow.sent(step)
        unmarked += step
        if flow.wants_mark:
            marks.append(flow.mark(now))
            unmarked = 0
    if unmarked:
        marks.append(flow.mark(now))
    return marks


def answer(flow: FlowWindow, marks: list[Mark], start: float, rate: float) -> float:
    """Answer as a line of `rate` bytes per second does; returns when it was done."""
    first = marks[0].position
    for mark in marks:
        now = start + (mark.position - first) / rate
        flow.answered(mark, now)
    return now


def test_before_anything_is_known_the_first_budget_may_go() -> None:
    flow = FlowWindow()
    assert flow.wants_probe(START)
    flow.mark(START)
    assert not flow.wants_probe(START)
    fill(flow, START)
    assert flow.in_flight == -(-INITIAL_BUDGET // 1000) * 1000


def test_an_empty_line_takes_a_message_of_any_size(flow: FlowWindow) -> None:
    assert flow.may_send(START)
    flow.sent(100 * INITIAL_BUDGET)
    assert not flow.may_send(START)
    assert flow.in_flight == 100 * INITIAL_BUDGET


def test_a_closed_window_always_has_a_mark_on_its_way_or_wants_one(flow: FlowWindow) -> None:
    now = START
    for _ in range(50):
        marks = fill(flow, now)
        while marks:
            now += 0.01
            flow.answered(marks.pop(0), now)
            assert flow.may_send(now) or marks or flow.wants_mark
            if flow.wants_mark:
                marks.append(flow.mark(now))


def test_what_is_answered_makes_room(flow: FlowWindow) -> None:
    marks = fill(flow, START)
    flow.answered(marks[0], START + ROUND_TRIP)
    assert flow.may_send(START + ROUND_TRIP)
    assert flow.in_flight < INITIAL_BUDGET


def test_an_answer_counts_for_all_marks_before_it_and_once(flow: FlowWindow) -> None:
    marks = fill(flow, START)
    flow.answered(marks[-1], START + ROUND_TRIP)
    assert flow.in_flight == 0
    flow.sent(1000)
    for mark in marks:
        flow.answered(mark, START + ROUND_TRIP)
    assert flow.in_flight == 1000


def test_the_budget_follows_the_rate_of_the_line(flow: FlowWindow) -> None:
    rate = 1_250_000.0
    now = START
    for _ in range(20):
        marks = fill(flow, now)
        now = answer(flow, marks, now + ROUND_TRIP, rate)
    assert flow.rate == pytest.approx(rate, rel=0.05)
    assert flow.budget == pytest.approx(rate * (ROUND_TRIP + QUEUE), rel=0.05)
    assert flow.message_bytes == flow.budget // 4


def test_the_best_rate_counts_for_a_while(flow: FlowWindow) -> None:
    now = START
    for _ in range(20):
        now = answer(flow, fill(flow, now), now + ROUND_TRIP, 1e6)
    budget, fast_until = flow.budget, now
    while now < fast_until + 0.8 * RATE_AGE:
        # A packet was lost: what follows waits for it.
        now = answer(flow, fill(flow, now), now + 3 * ROUND_TRIP, 1e6)
        assert flow.budget >= 0.95 * budget
        assert flow.rate == pytest.approx(1e6, rel=0.05)
    while now < fast_until + 2 * RATE_AGE:
        now = answer(flow, fill(flow, now), now + ROUND_TRIP, 1e5)
    assert flow.rate == pytest.approx(1e5, rel=0.05)
    assert flow.budget == max(MIN_BUDGET, round(flow.rate * (ROUND_TRIP + QUEUE)))


def test_a_better_rate_counts_at_once(flow: FlowWindow) -> None:
    now = START
    for _ in range(10):
        now = answer(flow, fill(flow, now), now + ROUND_TRIP, 1e5)
    before = flow.rate
    assert before is not None
    answer(flow, fill(flow, now), now + ROUND_TRIP, 2e5)
    assert flow.rate is not None
    assert flow.rate > before


def test_a_budget_is_at_most_doubled_by_a_round_trip(flow: FlowWindow) -> None:
    marks = fill(flow, START)
    answer(flow, marks, START + ROUND_TRIP, 1e12)
    assert INITIAL_BUDGET < flow.budget <= 2 * INITIAL_BUDGET + 2000


def test_a_budget_has_bounds(flow: FlowWindow) -> None:
    now = START
    for _ in range(20):
        now = answer(flow, fill(flow, now, 8000), now + ROUND_TRIP, 1e12)
    assert flow.budget == MAX_BUDGET
    for rate in (1e7, 1e6, 1e5):
        now = answer(flow, fill(flow, now), now + ROUND_TRIP, rate)
    assert flow.budget == MIN_BUDGET


def test_a_viewer_that_is_sent_little_keeps_its_budget(flow: FlowWindow) -> None:
    now = START
    for _ in range(100):
        flow.sent(1000)
        mark = flow.mark(now)
        now += 1
        flow.answered(mark, now)
    assert (flow.budget, flow.rate) == (INITIAL_BUDGET, None)


def test_the_shortest_round_trip_is_kept(flow: FlowWindow) -> None:
    assert flow.round_trip == pytest.approx(ROUND_TRIP)
    for took, kept in ((0.2, ROUND_TRIP), (0.05, 0.05), (0.06, 0.05)):
        flow.sent(10_000)
        flow.answered(flow.mark(START), START + took)
        assert flow.round_trip == pytest.approx(kept)


def test_an_old_round_trip_is_measured_anew_on_the_empty_line(flow: FlowWindow) -> None:
    later = START + ROUND_TRIP_AGE + 1
    assert not flow.wants_probe(START + 1)
    assert flow.wants_probe(later)
    probe = flow.mark(later)
    marks = fill(flow, later)
    assert marks, "what is to be sent does not wait for the answer"
    flow.answered(probe, later + 0.3)
    assert flow.round_trip == pytest.approx(0.3)


def test_a_busy_line_runs_empty_to_be_measured(flow: FlowWindow) -> None:
    later = START + ROUND_TRIP_AGE + 1
    flow.sent(10_000)
    mark = flow.mark(later)
    assert not flow.may_send(later)
    assert not flow.wants_probe(later)
    flow.answered(mark, later + 0.3)
    assert flow.wants_probe(later + 0.3)


def test_what_confirms_the_round_trip_keeps_it_young(flow: FlowWindow) -> None:
    now = START
    for _ in range(10):
        flow.sent(5000)
        mark = flow.mark(now)
        flow.answered(mark, now + 1.1 * ROUND_TRIP)
        now += ROUND_TRIP_AGE / 2
        assert not flow.wants_probe(now)
    assert flow.round_trip == pytest.approx(ROUND_TRIP)


def test_a_mark_follows_each_part_of_the_budget(flow: FlowWindow) -> None:
    flow.budget = 80 * MARKS
    assert flow.mark_bytes == 80
    flow.budget = 1
    assert flow.mark_bytes == 1


def test_an_answer_is_late_after_one_and_a_half_round_trips(flow: FlowWindow) -> None:
    assert flow.overdue is None, "none is to come"
    flow.sent(1000)
    mark = flow.mark(START)
    assert flow.overdue == pytest.approx(LATE * ROUND_TRIP)
    flow.answered(mark, START + 1)
    assert flow.overdue is None


def test_on_a_short_line_no_answer_is_late() -> None:
    flow = FlowWindow()
    mark = flow.mark(START)
    assert flow.overdue is None, "nothing is known of the line"
    flow.answered(mark, START + LONG - 0.001)
    flow.sent(1000)
    flow.mark(START + 1)
    assert flow.overdue is None


def test_who_is_reminded_sets_one_more_mark_whose_answer_counts_for_all(flow: FlowWindow) -> None:
    flow.sent(1000)
    late = flow.mark(START)
    assert not flow.wants_mark
    flow.remind()
    assert flow.wants_mark
    again = flow.mark(START + 0.2)
    assert not flow.wants_mark
    flow.answered(again, START + 0.3)
    flow.answered(late, START + 0.3)
    assert flow.in_flight == 0


def test_without_a_mark_on_its_way_there_is_nothing_to_be_reminded_of(flow: FlowWindow) -> None:
    flow.remind()
    assert not flow.wants_mark


def test_what_is_urgent_may_exceed_the_budget_by_half_on_a_long_line(flow: FlowWindow) -> None:
    marks = fill(flow, START)
    assert not flow.may_send(START)
    assert flow.may_exceed
    shut_at = flow.in_flight
    while flow.may_exceed:
        flow.sent(100)
    assert flow.in_flight - shut_at == pytest.approx(0.75 * flow.budget, abs=1100)
    last = flow.mark(START)
    flow.answered(marks[1], START + 1)
    assert not flow.may_exceed, "the window has to open before more of it"
    flow.answered(last, START + 1)
    assert flow.may_send(START + 1)
    fill(flow, START + 1)
    assert flow.may_exceed


def test_what_is_urgent_leaves_the_line_to_become_empty_once(flow: FlowWindow) -> None:
    """The round trip has to be measured anew, however much is urgent."""
    later = START + ROUND_TRIP_AGE + 1
    marks = fill(flow, START)
    while flow.may_exceed:
        assert not flow.may_send(later)
        flow.sent(1000)
    flow.answered(marks[-1], later)
    assert 0 < flow.in_flight < flow.budget
    assert not flow.may_send(later)
    assert not flow.may_exceed
    flow.answered(flow.mark(later), later + 1)
    assert flow.wants_probe(later + 1)


def test_a_repeated_mark_says_nothing_of_the_rate(flow: FlowWindow) -> None:
    answer(flow, fill(flow, START), START + ROUND_TRIP, 1e6)
    budget, rate = flow.budget, flow.rate
    later = START + 2 * RATE_AGE
    flow.sent(budget)
    late = flow.mark(later)
    flow.remind()
    again = flow.mark(later + 0.2)
    flow.answered(late, later + 0.3)
    flow.answered(again, later + 0.4)
    assert (flow.budget, flow.rate) == (budget, rate)


def test_what_exceeds_the_budget_does_not_let_it_grow_faster(flow: FlowWindow) -> None:
    first = fill(flow, START)[0]
    flow.answered(first, START + ROUND_TRIP)  # the rate counts from here
    fill(flow, START + ROUND_TRIP)
    budget = flow.budget
    while flow.may_exceed:
        flow.sent(1000)
    mark = flow.mark(START + ROUND_TRIP)
    assert mark.flight > 1.5 * budget
    flow.answered(mark, START + ROUND_TRIP + 0.001)
    assert flow.budget == 2 * budget
