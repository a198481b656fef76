"""Pings: stamped when sent, answered once, in the units of their channel."""

from __future__ import annotations

import pytest

from redspice.pings import MICROSECONDS, NANOSECONDS, PING, PING_BYTES, Pings
from redspice.pipe import PipeItem
from redspice_protocol.base import MsgcPong, MsgPing
from runtime.fake_core import FakeCore


def sent(item: PipeItem) -> MsgPing:
    ping = PING.demarshal(b"".join(item.parts()))
    assert isinstance(ping, MsgPing)
    return ping


@pytest.mark.parametrize("ticks", [MICROSECONDS, NANOSECONDS])
def test_a_ping_is_stamped_when_it_is_sent(core: FakeCore, ticks: int) -> None:
    item = Pings(core.now, ticks).item(lambda seconds: None)
    core.advance(5)
    assert sent(item).timestamp == 1005 * ticks


def test_an_answer_tells_the_round_trip_once(core: FakeCore) -> None:
    took: list[float] = []
    pings = Pings(core.now, NANOSECONDS)
    ping = sent(pings.item(took.append))
    core.advance(0.25)
    for _ in range(3):
        pings.answered(MsgcPong(ping.id, ping.timestamp))
    assert took == [0.25]


@pytest.mark.parametrize(("id", "late"), [(1, 0), (0, 1), (0xFFFFFFFF, 0)])
def test_an_answer_to_nothing_is_ignored(core: FakeCore, id: int, late: int) -> None:
    took: list[float] = []
    pings = Pings(core.now, NANOSECONDS)
    ping = sent(pings.item(took.append))
    pings.answered(MsgcPong(id, ping.timestamp + late))
    assert took == []
    pings.answered(MsgcPong(ping.id, ping.timestamp))
    assert took == [0]


def test_pings_that_a_viewer_leaves_unanswered_do_not_pile_up(core: FakeCore) -> None:
    took: list[float] = []
    pings = Pings(core.now, NANOSECONDS)
    for _ in range(100):
        ignored, answered = sent(pings.item(took.append)), sent(pings.item(took.append))
        pings.answered(MsgcPong(answered.id, answered.timestamp))
        pings.answered(MsgcPong(ignored.id, ignored.timestamp))
        assert not pings._out
    assert len(took) == 100


def test_every_ping_has_its_own_id_and_size(core: FakeCore) -> None:
    pings = Pings(core.now, MICROSECONDS)
    items = [pings.item(lambda seconds: None, size) for size in (0, 7, 1000)]
    assert [item.size for item in items] == [PING_BYTES, PING_BYTES + 7, PING_BYTES + 1000]
    messages = [sent(item) for item in items]
    assert [bytes(message.data) for message in messages] == [b"", bytes(7), bytes(1000)]
    assert len({message.id for message in messages}) == 3
