"""Viewers that share the agent, and what it hears when one of them goes."""

from __future__ import annotations

from dataclasses import replace

from redspice.agent.bodies import ClientDisconnected, MessageType
from redspice.agent.device import CLIENT_TOKENS, MAX_QUEUED
from redspice.agent.messages import parse_message
from redspice.limits import DEFAULT_LIMITS
from redspice.reds import RedsState
from runtime.fake_agent import (
    CLIENT,
    LARGE,
    MAX_CHUNK,
    PIECE,
    SAID,
    SERVER,
    AgentUser,
    header,
    several,
    with_agent,
)
from runtime.fake_core import FakeCore

TURN_TIMEOUT = DEFAULT_LIMITS.agent_turn_timeout
TOKEN_TIMEOUT = DEFAULT_LIMITS.device_token_timeout
GONE = ClientDisconnected()


def test_the_agent_is_told_when_its_viewer_goes(reds: RedsState) -> None:
    agent = with_agent(reds)
    user = AgentUser(reds).start()
    user.say(SAID)
    user.main.connection.close()
    assert agent.messages(SERVER) == [GONE]


def test_the_agent_is_not_told_of_a_viewer_that_said_nothing(reds: RedsState) -> None:
    agent = with_agent(reds)
    AgentUser(reds).main.connection.close()
    AgentUser(reds).start().main.connection.close()
    assert agent.chunks() == []


def test_a_viewer_may_start_the_agent_again(reds: RedsState) -> None:
    agent = with_agent(reds)
    user = AgentUser(reds).start()
    for _ in range(100):
        user.send(header(MessageType.CLIPBOARD, 9) + b"half")
        user.start()
    assert not user.closed()
    assert [port for port, _ in agent.chunks()] == [CLIENT, SERVER] * 100


def test_starting_the_agent_again_is_no_way_to_more_tokens(reds: RedsState) -> None:
    agent = with_agent(reds, room=0)
    user = AgentUser(reds).start()
    starts = 0
    while not user.closed():
        for _ in range(CLIENT_TOKENS):
            user.say(SAID)
        user.start()
        starts += 1
        assert starts < 5
    assert starts == 2
    assert agent.states == [True]


def test_starting_a_slow_agent_without_end_costs_nothing(reds: RedsState) -> None:
    agent = with_agent(reds, room=0)
    user = AgentUser(reds).start()
    for _ in range(5000):
        user.start()
    assert not user.closed()
    assert reds.agent._device is not None
    assert reds.agent._device.queued == 0
    assert agent.states == [True]


def test_a_viewer_that_takes_over_finds_an_agent_that_forgot_the_other(reds: RedsState) -> None:
    agent = with_agent(reds)
    AgentUser(reds).start().send(header(MessageType.CLIPBOARD, 9) + b"half")
    AgentUser(reds).start().say(SAID)
    ports = [port for port, _ in agent.chunks()]
    assert ports == [CLIENT, SERVER, CLIENT]


def test_every_viewer_gets_what_the_agent_says(reds: RedsState) -> None:
    agent = with_agent(reds)
    one, other = several(reds)
    agent.say(LARGE)
    for user in (one, other):
        assert parse_message(b"".join(user.pieces())) == LARGE


def test_messages_of_two_viewers_are_not_mixed(reds: RedsState) -> None:
    agent = with_agent(reds)
    one, other = several(reds)
    one.send(header(MessageType.CLIPBOARD, 8) + b"1234")
    other.say(SAID)
    one.send(b"5678")
    assert [piece[-4:] for _, piece in agent.chunks()] == [b"1234", b"5678", PIECE[-4:]]


def test_a_viewer_that_goes_in_the_middle_of_a_message_makes_the_agent_forget_it(
    reds: RedsState,
) -> None:
    agent = with_agent(reds)
    one, other = several(reds)
    one.send(header(MessageType.CLIPBOARD, 8) + b"1234")
    other.say(SAID)
    one.main.connection.close()
    assert [port for port, _ in agent.chunks()] == [CLIENT, SERVER, CLIENT]


def test_the_agent_does_not_forget_a_viewer_because_another_goes(reds: RedsState) -> None:
    agent = with_agent(reds)
    one, other = several(reds)
    one.say(SAID)
    other.say(SAID)
    one.main.connection.close()
    assert agent.messages(SERVER) == []
    other.main.connection.close()
    assert agent.messages(SERVER) == [GONE]


def test_a_viewer_without_tokens_does_not_keep_the_agent_from_another(
    reds: RedsState, core: FakeCore
) -> None:
    agent = with_agent(reds)
    reds.allow_multiple_clients = True
    slow, quick = AgentUser(reds).start(tokens=0), AgentUser(reds).start()
    agent.say(SAID)
    assert (slow.pieces(), quick.pieces()) == ([], [PIECE])
    slow.grant(1)
    assert slow.pieces() == [PIECE]
    agent.say(SAID)
    core.advance(TOKEN_TIMEOUT)
    assert (slow.closed(), quick.closed()) == (True, False)


def test_a_message_without_end_does_not_keep_the_agent_from_another(
    reds: RedsState, core: FakeCore
) -> None:
    agent = with_agent(reds)
    one, other = several(reds)
    one.send(header(MessageType.CLIPBOARD, 8) + b"1234")
    other.say(SAID)
    core.advance(TURN_TIMEOUT)
    assert (one.closed(), other.closed()) == (True, False)
    assert [piece for _, piece in agent.chunks()][-1] == PIECE


def test_the_limits_of_an_agent_may_change_while_it_is_there(
    reds: RedsState, core: FakeCore
) -> None:
    agent = with_agent(reds)
    one, other = several(reds)
    slow = AgentUser(reds).start(tokens=0)
    reds.limits = replace(reds.limits, agent_turn_timeout=2.0, device_token_timeout=3.0)
    agent.say(SAID)
    one.send(header(MessageType.CLIPBOARD, 8) + b"1234")
    other.say(SAID)
    core.advance(1.9)
    assert (one.closed(), slow.closed()) == (False, False)
    core.advance(0.1)
    assert (one.closed(), slow.closed()) == (True, False)
    core.advance(1)
    assert (other.closed(), slow.closed()) == (False, True)


def test_an_agent_that_never_reads_is_given_up(reds: RedsState) -> None:
    agent = with_agent(reds, room=0)
    for _ in range(100):
        user = AgentUser(reds).start()
        for _ in range(CLIENT_TOKENS):
            user.send(header(MessageType.CLIPBOARD, 2028) + bytes(2028))
        if agent.states != [True]:
            break
        assert reds.agent._device is not None
        assert reds.agent._device.queued < MAX_QUEUED + 30_000
    assert agent.states == [True, False]
    assert not user.closed()


def test_an_agent_that_never_reads_is_given_up_also_when_a_viewer_starts_it_again(
    reds: RedsState, one_modulus: None
) -> None:
    reds.allow_multiple_clients = True
    agent = with_agent(reds, room=0)
    user, *others = [AgentUser(reds).start() for _ in range(MAX_QUEUED // (10 * MAX_CHUNK) + 1)]
    for each in (user, *others):
        for _ in range(CLIENT_TOKENS):
            each.send(header(MessageType.CLIPBOARD, 2028) + bytes(2028))
    assert agent.states == [True]
    user.start()
    assert agent.states == [True, False]
    assert user.told() == [("agent_disconnected", None)]
    later = with_agent(reds)
    user.say(SAID)
    assert later.messages(CLIENT) == [], "its start was for the agent that was given up"
    user.start().say(SAID)
    assert later.messages(CLIENT) == [SAID]
