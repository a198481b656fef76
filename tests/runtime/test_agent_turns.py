"""Turns of several viewers at the line to the agent."""

from __future__ import annotations

from itertools import pairwise
from random import Random

from hypothesis import given
from hypothesis import strategies as st

from redspice.agent.turns import Turns
from redspice.limits import DEFAULT_LIMITS, Limits
from runtime.fake_core import FakeCore

TURN_TIMEOUT = DEFAULT_LIMITS.agent_turn_timeout


class Line:
    """Remembers what was written and who held up the others."""

    def __init__(self) -> None:
        self.core = FakeCore()
        self.written: list[tuple[str, bytes]] = []
        self.overdue: list[str] = []
        self.limits = DEFAULT_LIMITS
        self.turns: Turns[str] = Turns(
            self.core, self._write, self.overdue.append, lambda: self.limits
        )

    def _write(self, sender: str, piece: bytes) -> None:
        self.written.append((sender, piece))

    def text(self) -> str:
        return " ".join(f"{sender}{piece.decode()}" for sender, piece in self.written)


def test_one_sender_never_waits() -> None:
    line = Line()
    line.turns.submit("a", b"1", last=False)
    line.turns.submit("a", b"2", last=True)
    line.turns.submit("a", b"3", last=True)
    assert line.text() == "a1 a2 a3"
    assert line.core.armed == 0


def test_a_message_waits_for_the_end_of_another() -> None:
    line = Line()
    line.turns.submit("a", b"1", last=False)
    line.turns.submit("b", b"1", last=False)
    line.turns.submit("b", b"2", last=True)
    assert line.text() == "a1"
    line.turns.submit("a", b"2", last=True)
    assert line.text() == "a1 a2 b1 b2"
    assert line.core.armed == 0


def test_those_that_wait_have_a_message_each_in_turn() -> None:
    line = Line()
    line.turns.submit("a", b"1", last=False)
    for piece in (b"1", b"2"):
        line.turns.submit("b", piece, last=True)
        line.turns.submit("c", piece, last=True)
    line.turns.submit("a", b"2", last=True)
    assert line.text() == "a1 a2 b1 c1 b2 c2"


def test_a_sender_whose_pieces_ran_out_keeps_the_line() -> None:
    line = Line()
    line.turns.submit("a", b"1", last=False)
    line.turns.submit("b", b"1", last=False)
    line.turns.submit("c", b"1", last=True)
    line.turns.submit("a", b"2", last=True)
    assert line.text() == "a1 a2 b1"
    line.turns.submit("b", b"2", last=True)
    assert line.text() == "a1 a2 b1 b2 c1"


def test_who_leaves_in_the_middle_has_cut_a_message() -> None:
    line = Line()
    line.turns.submit("a", b"1", last=False)
    line.turns.submit("b", b"1", last=True)
    assert line.turns.leave("a")
    assert line.text() == "a1"
    line.turns.advance()
    assert line.text() == "a1 b1"


def test_who_leaves_while_it_waits_has_cut_nothing() -> None:
    line = Line()
    line.turns.submit("a", b"1", last=False)
    line.turns.submit("b", b"1", last=True)
    assert not line.turns.leave("b")
    line.turns.advance()
    line.turns.submit("a", b"2", last=True)
    assert line.text() == "a1 a2"
    assert line.core.armed == 0


def test_who_stops_halfway_while_others_wait_is_overdue() -> None:
    line = Line()
    line.turns.submit("a", b"1", last=False)
    line.core.advance(2 * TURN_TIMEOUT)
    line.turns.submit("b", b"1", last=True)
    line.core.advance(TURN_TIMEOUT - 1)
    line.turns.submit("a", b"2", last=False)
    line.core.advance(TURN_TIMEOUT - 1)
    assert line.overdue == []
    line.core.advance(1)
    assert line.overdue == ["a"]


def test_the_time_for_a_turn_is_that_of_the_limits_when_others_begin_to_wait() -> None:
    line = Line()
    line.turns.submit("a", b"1", last=False)
    line.limits = Limits(agent_turn_timeout=2.0)
    line.turns.submit("b", b"1", last=True)
    line.limits = Limits(agent_turn_timeout=50.0)
    line.core.advance(1.9)
    assert line.overdue == []
    line.core.advance(0.1)
    assert line.overdue == ["a"]


def test_nobody_is_overdue_while_nobody_holds_the_line() -> None:
    line = Line()
    line.turns.submit("a", b"1", last=False)
    line.turns.submit("b", b"1", last=True)
    line.turns.leave("a")
    line.core.advance(TURN_TIMEOUT)
    assert line.overdue == []
    line.turns.advance()
    assert line.text() == "a1 b1"


def test_a_sender_goes_on_with_a_message_that_it_began_elsewhere() -> None:
    line = Line()
    line.turns.resume("a")
    line.turns.submit("b", b"1", last=True)
    line.turns.submit("a", b"2", last=True)
    assert line.text() == "a2 b1"


def test_a_message_that_was_begun_elsewhere_waits_for_the_end_of_another() -> None:
    line = Line()
    line.turns.submit("a", b"1", last=False)
    line.turns.resume("b")
    line.turns.submit("b", b"2", last=True)
    assert line.text() == "a1"
    line.turns.submit("a", b"2", last=True)
    assert line.text() == "a1 a2 b2"


def test_a_closed_line_takes_nothing() -> None:
    line = Line()
    line.turns.submit("a", b"1", last=False)
    line.turns.submit("b", b"1", last=True)
    line.turns.close()
    line.turns.submit("c", b"1", last=True)
    line.turns.advance()
    assert line.text() == "a1"
    assert line.core.armed == 0


def test_a_line_may_be_closed_by_what_is_written() -> None:
    line = Line()
    line.turns.submit("a", b"1", last=False)
    for piece in (b"1", b"2"):
        line.turns.submit("b", piece, last=True)
    closing: Turns[str] = line.turns
    line.turns._write = lambda sender, piece: closing.close()
    line.turns.submit("a", b"2", last=True)
    line.turns.advance()
    assert line.core.armed == 0
    assert line.text() == "a1"


@given(
    st.lists(st.lists(st.integers(1, 4), max_size=4), min_size=2, max_size=4),
    st.randoms(use_true_random=False),
)
def test_messages_are_never_mixed_and_none_is_lost(
    messages: list[list[int]], random: Random
) -> None:
    line = Line()
    pieces = {
        str(sender): [
            (f"{number}.{at}".encode(), at == size - 1)
            for number, size in enumerate(sizes)
            for at in range(size)
        ]
        for sender, sizes in enumerate(messages)
    }
    while any(pieces.values()):
        sender = random.choice([each for each, left in pieces.items() if left])
        piece, last = pieces[sender].pop(0)
        line.turns.submit(sender, piece, last)
    expected = {
        (str(sender), f"{number}.{at}".encode())
        for sender, sizes in enumerate(messages)
        for number, size in enumerate(sizes)
        for at in range(size)
    }
    assert len(line.written) == len(expected)
    assert set(line.written) == expected
    runs = [(sender, piece.split(b".")[0]) for sender, piece in line.written]
    changes = sum(left != right for left, right in pairwise(runs))
    assert changes + bool(runs) == sum(map(len, messages))
