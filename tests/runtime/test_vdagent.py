"""An agent connects, once, and talks to the server; a second one and a second farewell change
nothing."""

from __future__ import annotations

import pytest

from redspice.agent.capabilities import AgentCap
from redspice.errors import AlreadyRegisteredError, NotRegisteredError
from redspice.reds import RedsState
from runtime.fake_agent import FakeAgent


def test_an_agent_may_connect_again_and_again(reds: RedsState) -> None:
    agent = FakeAgent()
    for _ in range(3):
        reds.add_interface(agent)
        reds.remove_interface(agent)
    assert agent.states == [True, False] * 3
    assert not reds.agent.connected


def test_an_agent_that_is_removed_again_takes_no_other_along(reds: RedsState) -> None:
    first, second = FakeAgent(), FakeAgent()
    reds.add_interface(first)
    reds.remove_interface(first)
    reds.add_interface(second)
    with pytest.raises(NotRegisteredError):
        reds.remove_interface(first)
    assert second.states == [True]


def test_a_second_agent_disturbs_the_first_in_nothing(reds: RedsState) -> None:
    first, second = FakeAgent(), FakeAgent()
    reds.add_interface(first)
    with pytest.raises(AlreadyRegisteredError):
        reds.add_interface(second)
    with pytest.raises(NotRegisteredError):
        reds.remove_interface(second)
    assert (first.states, second.states) == ([True], [])


@pytest.mark.parametrize("caps", [(), (AgentCap.MOUSE_STATE,)])
def test_the_server_hears_what_its_agent_can(reds: RedsState, caps: tuple[AgentCap, ...]) -> None:
    agent = FakeAgent()
    reds.add_interface(agent)
    assert reds.agent.tablet is not None, "until it has said what it can"
    agent.announce(*caps)
    assert (reds.agent.tablet is not None) is bool(caps)
