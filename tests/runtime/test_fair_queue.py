"""Turns of those who wait: new networks soon, nobody never."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from redspice.fair_queue import FairQueue


def test_an_empty_queue_has_nobody() -> None:
    queue: FairQueue[str] = FairQueue()
    assert len(queue) == 0
    with pytest.raises(StopIteration):
        queue.pop()


def test_a_network_is_served_in_the_order_in_which_it_came() -> None:
    queue: FairQueue[int] = FairQueue()
    for n in range(5):
        queue.add(None, n)
    assert len(queue) == 5
    assert [queue.pop() for _ in range(5)] == [0, 1, 2, 3, 4]
    assert len(queue) == 0


def test_every_other_turn_is_the_newest_networks_and_the_others_go_round() -> None:
    queue: FairQueue[str] = FairQueue()
    for name in ("a1", "a2", "b1", "b2", "c1", "c2", "d1", "d2"):
        queue.add(name[0], name)
    # In turn the newest of those without a turn, and the one that has waited longest.
    assert [queue.pop() for _ in range(8)] == ["d1", "a1", "c1", "b1", "d2", "a2", "c2", "b2"]


def test_who_leaves_is_not_served() -> None:
    queue: FairQueue[str] = FairQueue()
    queue.add("a", "a1")
    queue.add("a", "a2")
    queue.add("b", "b1")
    queue.discard("a", "a1")
    queue.discard("b", "b1")
    queue.discard("b", "b1")
    queue.discard("c", "c1")
    queue.discard("a", "b1")
    assert len(queue) == 1
    assert queue.pop() == "a2"
    queue.discard("a", "a2")
    assert len(queue) == 0


def test_a_network_is_taken_out_as_a_whole_without_a_turn() -> None:
    queue: FairQueue[str] = FairQueue()
    for name in ("a1", "b1", "a2", "c1"):
        queue.add(name[0], name)
    assert queue.next_network == "c"
    assert queue.withdraw("a") == ["a1", "a2"]
    assert queue.withdraw("nobody") == []
    assert len(queue) == 2
    assert queue.next_network == "c"
    assert [queue.pop(), queue.pop()] == ["c1", "b1"]


def test_a_network_that_has_left_is_new_when_it_comes_again() -> None:
    queue: FairQueue[str] = FairQueue()
    queue.add("gone", "gone")
    queue.discard("gone", "gone")
    for name in ("a", "b"):
        queue.add(name, name)
    queue.add("gone", "back")
    assert queue.pop() == "back"


@given(st.integers(0, 300), st.booleans())
def test_a_new_network_is_served_within_two_turns(crowd: int, odd: bool) -> None:
    queue: FairQueue[int] = FairQueue()
    for n in range(crowd + 1):
        queue.add("flood", n)
    if odd:
        queue.pop()
    queue.add("new", -1)
    assert -1 in (queue.pop(), queue.pop() if queue else None)


@given(st.integers(1, 80), st.booleans())
def test_nobody_waits_for_ever_though_a_new_network_comes_with_each_turn(
    networks: int, odd: bool
) -> None:
    queue: FairQueue[int] = FairQueue()
    for network in range(networks + odd):
        queue.add(str(network), network)
    if odd:
        queue.pop()
    waiting = set(range(networks))
    for turn in range(2 * networks):
        waiting.discard(queue.pop())
        queue.add(f"new {turn}", -1)
    assert not waiting
