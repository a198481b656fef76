from __future__ import annotations

import pytest

from redspice.tail_probe import TailProbe
from runtime.fake_core import FakeCore


@pytest.fixture
def sent() -> list[float]:
    """When something was sent."""
    return []


@pytest.fixture
def probe(core: FakeCore, sent: list[float]) -> TailProbe:
    return TailProbe(core, lambda: sent.append(core.now()))


def test_a_few_are_sent_one_after_another(
    core: FakeCore, probe: TailProbe, sent: list[float]
) -> None:
    start = core.now()
    probe.watch(0.5, 3)
    assert probe.watching
    core.advance(10)
    assert sent == [start + 0.5, start + 1.0, start + 1.5]
    assert not probe.watching
    assert core.armed == 0


def test_said_again_it_begins_anew(core: FakeCore, probe: TailProbe, sent: list[float]) -> None:
    probe.watch(0.5, 3)
    core.advance(0.9)
    start = core.now()
    probe.watch(1.0, 2)
    core.advance(10)
    assert sent[1:] == [start + 1.0, start + 2.0]


def test_what_has_come_is_expected_no_more(
    core: FakeCore, probe: TailProbe, sent: list[float]
) -> None:
    probe.watch(0.5, 3)
    core.advance(0.5)
    probe.stop()
    probe.stop()
    core.advance(10)
    assert len(sent) == 1
    assert (probe.watching, core.armed) == (False, 0)


def test_the_last_one_may_ask_for_more(core: FakeCore, sent: list[float]) -> None:
    def send() -> None:
        sent.append(core.now())
        if len(sent) == 1:
            probe.watch(0.5, 1)

    probe = TailProbe(core, send)
    probe.watch(0.5, 1)
    core.advance(10)
    assert len(sent) == 2
