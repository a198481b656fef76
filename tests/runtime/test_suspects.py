"""Whose links have failed lately, and that they come last where links wait."""

from __future__ import annotations

from dataclasses import dataclass, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from redspice.limits import Limits
from redspice.reds import RedsState
from redspice.security import ChannelSecurity
from redspice.suspects import MOST_SUSPECTS, OTHERS, RankedQueue, Suspects
from redspice_protocol.enums import LinkErr
from runtime.fake_core import FakeCore
from runtime.peer import Peer, link_message

MEMORY = 30.0


@dataclass(frozen=True)
class One:
    """Somebody who waits."""

    name: str
    network: str | None


@pytest.fixture
def suspects(core: FakeCore) -> Suspects:
    return Suspects(core.now, lambda: MEMORY)


def queue_of(suspects: Suspects, *names: str) -> RankedQueue[One]:
    """Those who wait; their network is their first letter."""
    queue: RankedQueue[One] = RankedQueue(suspects)
    for name in names:
        queue.add(One(name, name[0]))
    return queue


def served(queue: RankedQueue[One]) -> str:
    return " ".join(queue.pop().name for _ in range(len(queue)))


# who is suspect


def test_a_failure_counts_for_a_while(core: FakeCore, suspects: Suspects) -> None:
    suspects.failed("flood")
    core.advance(MEMORY / 2)
    suspects.failed("flood")
    core.advance(MEMORY - 0.1)
    assert "flood" in suspects
    assert "elsewhere" not in suspects
    core.advance(0.1)
    assert "flood" not in suspects


def test_a_link_makes_up_for_failures(suspects: Suspects) -> None:
    suspects.failed("user")
    suspects.linked("user")
    assert "user" not in suspects
    suspects.linked("nobody")


def test_those_who_are_not_told_apart_are_no_suspects(suspects: Suspects) -> None:
    suspects.failed(None)
    assert None not in suspects
    assert len(suspects) == 0
    suspects.linked(None)


def test_of_too_many_suspects_the_oldest_is_forgotten(suspects: Suspects) -> None:
    for n in range(MOST_SUSPECTS):
        suspects.failed(str(n))
    suspects.failed("0")
    suspects.failed("one more")
    assert len(suspects) == MOST_SUSPECTS
    assert ("0" in suspects, "1" in suspects, "one more" in suspects) == (True, False, True)


# turns


def test_suspects_come_last(suspects: Suspects) -> None:
    suspects.failed("s")
    queue = queue_of(suspects, "s1", "s2", "a1", "b1", "b2")
    assert len(queue) == 5
    assert served(queue) == "b1 a1 b2 s1 s2"
    with pytest.raises(StopIteration):
        queue.pop()


def test_after_a_few_others_a_suspect_has_its_turn(suspects: Suspects) -> None:
    suspects.failed("s")
    names = [f"a{n}" for n in range(2 * OTHERS)]
    queue = queue_of(suspects, "s0", "s1", "s2", "s3")
    queue.pop()
    for name in names:
        queue.add(One(name, "a"))
    turns = [queue.pop().name[0] for _ in range(2 * OTHERS + 2)]
    assert turns == [*"a" * OTHERS, "s"] * 2


def test_who_becomes_suspect_while_it_waits_comes_last(suspects: Suspects) -> None:
    queue = queue_of(suspects, "s1", "s2", "a1")
    suspects.failed("s")
    assert queue.pop().name == "a1"
    assert served(queue) == "s1 s2"


def test_who_leaves_is_not_served(suspects: Suspects) -> None:
    suspects.failed("s")
    queue = queue_of(suspects, "s1", "s2", "a1", "a2")
    for name in ("s1", "a1", "a1"):
        queue.discard(One(name, name[0]))
    assert served(queue) == "a2 s2"


@given(st.integers(0, 40), st.integers(1, 40))
def test_everybody_is_served(good: int, bad: int) -> None:
    suspects = Suspects(lambda: 0.0, lambda: MEMORY)
    suspects.failed("s")
    names = [*(f"a{n}" for n in range(good)), *(f"s{n}" for n in range(bad))]
    queue = queue_of(suspects, *names)
    assert sorted(served(queue).split()) == sorted(names)


# what a server takes for a failure


@pytest.fixture
def reds(core: FakeCore) -> RedsState:
    reds = RedsState(Limits(suspicion_timeout=5.0))
    reds.init(core)
    reds.set_ticket("secret")
    core.do_jobs()
    return reds


def peer(reds: RedsState) -> Peer:
    return Peer(reds, network="192.0.2.7")


def is_suspect(reds: RedsState) -> bool:
    return "192.0.2.7" in reds.admission.suspects


def test_garbage_is_a_failure_and_is_forgotten(core: FakeCore, reds: RedsState) -> None:
    peer(reds).connection.receive_data(b"garbage garbage")
    assert is_suspect(reds)
    core.advance(5)
    assert not is_suspect(reds)
    reds.limits = replace(reds.limits, suspicion_timeout=9.0)
    peer(reds).connection.receive_data(b"garbage garbage")
    core.advance(8)
    assert is_suspect(reds)


def test_a_wrong_password_is_a_failure_and_the_right_one_makes_up_for_it(reds: RedsState) -> None:
    assert peer(reds).link("main", password="wrong") == LinkErr.PERMISSION_DENIED
    assert is_suspect(reds)
    assert peer(reds).link("main", password="secret") == LinkErr.OK
    assert not is_suspect(reds)


def test_a_link_that_goes_no_further_is_a_failure(core: FakeCore, reds: RedsState) -> None:
    silent = peer(reds)
    silent.connection.receive_data(link_message("main"))
    assert not is_suspect(reds)
    core.advance(reds.limits.link_timeout)
    assert silent.connection.closed
    assert is_suspect(reds)


def test_to_hang_up_halfway_is_a_failure(reds: RedsState) -> None:
    early = peer(reds)
    early.connection.receive_data(link_message("main"))
    early.connection.receive_eof()
    assert is_suspect(reds)


def test_to_wait_for_a_key_until_the_deadline_is_no_failure(core: FakeCore) -> None:
    reds = RedsState()
    reds.init(core)
    reds.set_ticket("secret")
    waiting = peer(reds)
    waiting.connection.receive_data(link_message("main"))
    core.advance(reds.limits.link_timeout)  # nobody makes keys
    assert waiting.connection.closed
    assert not is_suspect(reds)


def test_to_find_no_place_is_no_failure(core: FakeCore, reds: RedsState) -> None:
    reds.allow_multiple_clients = True
    reds.limits = replace(reds.limits, max_clients=1)
    assert peer(reds).link("main", password="secret") == LinkErr.OK
    assert peer(reds).link("main", password="secret") == LinkErr.CHANNEL_NOT_AVAILABLE
    assert not is_suspect(reds)


def test_a_callback_that_fails_is_no_failure_of_the_viewer(
    core: FakeCore, reds: RedsState, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("the embedder's")

    monkeypatch.setattr(core, "channel_event", broken)
    unlucky = peer(reds)
    unlucky.connection.receive_data(link_message("main"))
    assert unlucky.connection.closed
    assert not is_suspect(reds)


def test_an_upgrade_that_is_refused_is_a_failure(reds: RedsState) -> None:
    peer(reds).connection.fail("WebSocket: upgrade refused")
    assert is_suspect(reds)


def test_who_only_looks_whether_the_port_is_open_is_no_suspect(reds: RedsState) -> None:
    peer(reds).connection.receive_eof()
    assert not is_suspect(reds)


def test_to_be_sent_to_the_other_port_is_no_failure(reds: RedsState) -> None:
    reds.set_channel_security("main", ChannelSecurity.TLS)
    plain = peer(reds)
    plain.send_bytes(link_message("main"))
    assert plain.take_reply().error == LinkErr.NEED_SECURED
    assert not is_suspect(reds)


def test_what_a_viewer_does_later_is_no_failure_of_its_link(reds: RedsState) -> None:
    viewer = peer(reds)
    assert viewer.link("main", password="secret") == LinkErr.OK
    viewer.connection.fail("something later")
    assert not is_suspect(reds)
