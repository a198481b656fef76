"""Turns of those who wait: new networks soon, nobody never."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from redspice.turns import Turns


def test_an_empty_queue_has_nobody() -> None:
    turns: Turns[str] = Turns()
    assert len(turns) == 0
    with pytest.raises(StopIteration):
        turns.pop()


def test_a_network_is_served_in_the_order_in_which_it_came() -> None:
    turns: Turns[int] = Turns()
    for n in range(5):
        turns.add(None, n)
    assert len(turns) == 5
    assert [turns.pop() for _ in range(5)] == [0, 1, 2, 3, 4]
    assert len(turns) == 0


def test_every_other_turn_is_the_newest_networks_and_the_others_go_round() -> None:
    turns: Turns[str] = Turns()
    for name in ("a1", "a2", "b1", "b2", "c1", "c2", "d1", "d2"):
        turns.add(name[0], name)
    # In turn the newest of those without a turn, and the one that has waited longest.
    assert [turns.pop() for _ in range(8)] == ["d1", "a1", "c1", "b1", "d2", "a2", "c2", "b2"]


def test_who_leaves_is_not_served() -> None:
    turns: Turns[str] = Turns()
    turns.add("a", "a1")
    turns.add("a", "a2")
    turns.add("b", "b1")
    turns.discard("a", "a1")
    turns.discard("b", "b1")
    turns.discard("b", "b1")
    turns.discard("c", "c1")
    turns.discard("a", "b1")
    assert len(turns) == 1
    assert turns.pop() == "a2"
    turns.discard("a", "a2")
    assert len(turns) == 0


def test_a_network_that_has_left_is_new_when_it_comes_again() -> None:
    turns: Turns[str] = Turns()
    turns.add("gone", "gone")
    turns.discard("gone", "gone")
    for name in ("a", "b"):
        turns.add(name, name)
    turns.add("gone", "back")
    assert turns.pop() == "back"


@given(st.integers(0, 300), st.booleans())
def test_a_new_network_is_served_within_two_turns(crowd: int, odd: bool) -> None:
    turns: Turns[int] = Turns()
    for n in range(crowd + 1):
        turns.add("flood", n)
    if odd:
        turns.pop()
    turns.add("new", -1)
    assert -1 in (turns.pop(), turns.pop() if turns else None)


@given(st.integers(1, 80), st.booleans())
def test_nobody_waits_for_ever_though_a_new_network_comes_with_each_turn(
    networks: int, odd: bool
) -> None:
    turns: Turns[int] = Turns()
    for network in range(networks + odd):
        turns.add(str(network), network)
    if odd:
        turns.pop()
    waiting = set(range(networks))
    for turn in range(2 * networks):
        waiting.discard(turns.pop())
        turns.add(f"new {turn}", -1)
    assert not waiting
