"""The agent between its device and the viewers' main channels."""

from __future__ import annotations

import pytest

from redspice.agent.bodies import AnnounceCapabilities, Clipboard, FileXferStart, MessageType
from redspice.agent.capabilities import AgentCap
from redspice.agent.device import CLIENT_TOKENS
from redspice.agent.messages import build_message, parse_message
from redspice.caps import MainCap
from redspice.channels.main import AGENT_MESSAGES
from redspice.display.framebuffer import Framebuffer
from redspice.errors import AlreadyRegisteredError, ConfigurationError
from redspice.interfaces import ChannelEvent, ChannelEventInfo, QxlInterface, TabletInterface
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
    FakeAgent,
    chunk,
    header,
    several,
    with_agent,
)
from runtime.fake_core import FakeCore
from runtime.peer import Viewer

TOKEN_TIMEOUT = DEFAULT_LIMITS.device_token_timeout


# Whether there is an agent.


def test_viewers_learn_from_init_whether_there_is_an_agent(reds: RedsState) -> None:
    assert AgentUser(reds).viewer.greeting[0].message.agent_connected == 0
    with_agent(reds)
    init = AgentUser(reds).viewer.greeting[0].message
    assert (init.agent_connected, init.agent_tokens) == (1, CLIENT_TOKENS)


def test_viewers_are_told_when_an_agent_comes_and_goes(reds: RedsState) -> None:
    user = AgentUser(reds)
    agent = with_agent(reds)
    assert user.told() == [("agent_connected_tokens", CLIENT_TOKENS)]
    assert agent.states == [True]
    reds.remove_interface(agent)
    assert user.told() == [("agent_disconnected", None)]
    assert agent.states == [True, False]


def test_viewers_that_know_no_tokens_there_are_told_without(reds: RedsState) -> None:
    user = AgentUser(reds, channel_caps=())
    with_agent(reds)
    assert user.told() == [("agent_connected", None)]


def test_the_server_announces_that_it_tells_tokens(reds: RedsState) -> None:
    assert MainCap.AGENT_CONNECTED_TOKENS in reds.main.local_caps


def test_a_second_agent_is_refused(reds: RedsState) -> None:
    user = AgentUser(reds)
    first = with_agent(reds)
    second = FakeAgent()
    with pytest.raises(AlreadyRegisteredError, match="there is an agent already"):
        reds.add_interface(second)
    assert second.states == []
    reds.remove_interface(first)
    reds.add_interface(second)
    assert [name for name, _ in user.told()] == [
        "agent_connected_tokens",
        "agent_disconnected",
        "agent_connected_tokens",
    ]


def test_an_agent_is_removed_once(reds: RedsState) -> None:
    agent = with_agent(reds)
    reds.remove_interface(agent)
    with pytest.raises(ConfigurationError, match="not registered"):
        reds.remove_interface(agent)


def test_an_agent_may_be_removed_while_it_is_added(reds: RedsState) -> None:
    agent = FakeAgent()

    class Tablet(TabletInterface):
        def set_logical_size(self, width: int, height: int) -> None:
            if reds.agent.connected:
                reds.remove_interface(agent)

    reds.add_interface(QxlInterface(Framebuffer(8, 8)))
    reds.add_interface(Tablet())
    reds.add_interface(agent)
    assert not reds.agent.connected
    assert agent.states == []
    assert agent.wakeup_listener is None


def test_an_agent_that_is_removed_while_it_is_read_may_say_anything(
    reds: RedsState, caplog: pytest.LogCaptureFixture
) -> None:
    class Leaving(FakeAgent):
        def read(self, most: int) -> bytes:
            reds.remove_interface(self)
            return bytes(most)

    user = AgentUser(reds)
    agent = Leaving()
    reds.add_interface(agent)
    assert agent.states == [True, False]
    assert [name for name, _ in user.told()] == ["agent_connected_tokens", "agent_disconnected"]
    assert caplog.messages == []


def test_an_agent_does_not_answer_for_what_was_read_of_the_one_before_it(reds: RedsState) -> None:
    second = FakeAgent()

    class Replaced(FakeAgent):
        def read(self, most: int) -> bytes:
            reds.remove_interface(self)
            reds.add_interface(second)
            return bytes(most)

    first = Replaced()
    reds.add_interface(first)
    assert (first.states, second.states) == ([True, False], [True])
    AgentUser(reds).start().say(SAID)
    assert second.messages(CLIENT) == [SAID]


def test_an_agent_that_is_plugged_in_again_while_it_is_read_is_heard_from_its_start(
    reds: RedsState,
) -> None:
    class Restarting(FakeAgent):
        def read(self, most: int) -> bytes:
            if not self.out.startswith(b"rest"):
                return super().read(most)
            rest = bytes(self.out[:4])
            self.out.clear()
            reds.remove_interface(self)
            reds.add_interface(self)
            user.start()
            self.out += chunk(PIECE)
            return rest

    user = AgentUser(reds)
    agent = Restarting()
    agent.out += b"rest"
    reds.add_interface(agent)
    agent.wakeup()
    assert user.pieces() == [PIECE]


def test_a_message_that_cannot_be_made_does_not_keep_others_back(reds: RedsState) -> None:
    agent = with_agent(reds)
    device = reds.agent._device
    assert device is not None

    def fail() -> bytes:
        raise ConfigurationError("impossible")

    with pytest.raises(ConfigurationError, match="impossible"):
        device.say(fail)
    device.say(lambda: PIECE)
    assert agent.messages(SERVER) == [SAID]


def test_an_agent_that_comes_with_its_viewer_is_told_by_init(
    reds: RedsState, core: FakeCore
) -> None:
    def channel_event(event: ChannelEvent, info: ChannelEventInfo) -> None:
        if event is ChannelEvent.INITIALIZED:
            reds.add_interface(FakeAgent())

    core.channel_event = channel_event  # type: ignore[method-assign]
    greeting = Viewer(reds).greeting
    assert [one.name for one in greeting] == ["init", "mouse_mode"]
    assert greeting[0].message.agent_connected == 1


# From viewers to the agent.


def test_a_message_goes_to_the_agent_in_chunks_of_the_viewers_port(reds: RedsState) -> None:
    agent = with_agent(reds)
    AgentUser(reds).start().say(LARGE)
    chunks = agent.chunks()
    assert {port for port, _ in chunks} == {CLIENT}
    assert [len(piece) for _, piece in chunks] == [2048, 2048, 2048, 24]
    assert parse_message(b"".join(piece for _, piece in chunks)) == LARGE


def test_what_a_viewer_says_without_an_agent_is_dropped(reds: RedsState) -> None:
    user = AgentUser(reds).start()
    for _ in range(2 * CLIENT_TOKENS):
        user.send(b"anything")
    user.grant(3)
    assert not user.closed()
    assert user.told() == []


def test_what_a_viewer_says_before_it_starts_the_agent_is_dropped(reds: RedsState) -> None:
    agent = with_agent(reds)
    user = AgentUser(reds)
    for _ in range(2 * CLIENT_TOKENS):
        user.send(b"anything")
    user.grant(3)
    assert agent.chunks() == []
    user.start().say(SAID)
    assert agent.messages(CLIENT) == [SAID]


def test_viewers_start_a_new_agent_anew(reds: RedsState) -> None:
    user = AgentUser(reds)
    reds.remove_interface(with_agent(reds))
    user.start()
    agent = with_agent(reds)
    user.say(SAID)
    assert agent.messages(CLIENT) == []
    user.start().say(SAID)
    assert agent.messages(CLIENT) == [SAID]


def test_tokens_come_back_five_at_a_time(reds: RedsState) -> None:
    with_agent(reds)
    user = AgentUser(reds).start()
    for count in range(1, 11):
        user.say(SAID)
        assert user.told() == ([("agent_token", 5)] if count % 5 == 0 else [])


def test_an_agent_that_does_not_read_keeps_the_tokens(reds: RedsState) -> None:
    agent = with_agent(reds, room=0)
    user = AgentUser(reds).start()
    for _ in range(CLIENT_TOKENS):
        user.say(SAID)
    assert user.told() == []
    agent.room = 1 << 20
    agent.wakeup()
    assert user.told() == [("agent_token", 5), ("agent_token", 5)]
    assert agent.messages(CLIENT) == [SAID] * CLIENT_TOKENS


def test_a_viewer_that_sends_more_than_its_tokens_is_disconnected(reds: RedsState) -> None:
    agent = with_agent(reds, room=0)
    user = AgentUser(reds).start()
    for _ in range(CLIENT_TOKENS):
        user.say(SAID)
    assert not user.closed()
    user.say(SAID)
    assert user.closed()
    assert agent.states == [True]


@pytest.mark.parametrize("started", [False, True])
def test_a_piece_that_is_too_long_ends_the_viewer(reds: RedsState, started: bool) -> None:
    agent = with_agent(reds)
    user = AgentUser(reds)
    if started:
        user.start()
    user.send(header(MessageType.CLIPBOARD, 5000) + bytes(2029))
    assert user.closed()
    assert all(port == SERVER for port, _ in agent.chunks())


@pytest.mark.parametrize(
    "piece",
    [
        b"",
        b"x" * 19,
        header(MessageType.REPLY, 0, protocol=2),
        header(MessageType.REPLY, 0) + b"x",
        header(MessageType.REPLY, 8) + bytes(9),
    ],
)
def test_bad_input_of_a_viewer_ends_only_that_viewer(reds: RedsState, piece: bytes) -> None:
    agent = with_agent(reds)
    bad, good = several(reds)
    bad.send(piece)
    assert bad.closed()
    good.say(SAID)
    assert agent.messages(CLIENT) == [SAID]
    assert (good.closed(), agent.states) == (False, [True])


# From the agent to viewers.


def test_a_message_goes_to_the_viewer_in_pieces(reds: RedsState) -> None:
    agent = with_agent(reds)
    user = AgentUser(reds).start()
    agent.say(LARGE)
    pieces = user.pieces()
    assert max(map(len, pieces)) == MAX_CHUNK
    assert parse_message(b"".join(pieces)) == LARGE


def test_a_chunk_may_hold_a_message_of_any_size(reds: RedsState, core: FakeCore) -> None:
    agent = with_agent(reds)
    user = AgentUser(reds).start()
    large = Clipboard(1, bytes(range(256)) * 1000)
    agent.say_bytes(chunk(build_message(large)) + chunk(b"") + chunk(PIECE))
    pieces: list[bytes] = []
    while batch := user.pieces():
        pieces += batch
        core.advance(0)
    assert pieces.pop() == PIECE
    assert parse_message(b"".join(pieces)) == large
    assert max(map(len, pieces)) == MAX_CHUNK


def test_what_the_agent_says_to_nobody_is_lost(reds: RedsState) -> None:
    agent = with_agent(reds)
    user = AgentUser(reds)
    agent.say(SAID)
    assert agent.out == b""
    user.start()
    assert user.told() == []


def test_a_viewer_gets_messages_that_began_after_its_start(reds: RedsState) -> None:
    agent = with_agent(reds)
    agent.say_bytes(chunk(header(MessageType.CLIPBOARD, 8) + b"1234"))
    user = AgentUser(reds).start()
    agent.say_bytes(chunk(b"5678"))
    agent.say(SAID)
    assert user.pieces() == [PIECE]


def test_a_viewer_that_starts_again_gets_no_rest_of_a_message(reds: RedsState) -> None:
    agent = with_agent(reds)
    user = AgentUser(reds).start()
    agent.say_bytes(chunk(header(MessageType.CLIPBOARD, 8) + b"1234"))
    assert len(user.pieces()) == 1
    user.start()
    agent.say_bytes(chunk(b"5678"))
    agent.say(SAID)
    assert user.pieces() == [PIECE]


def test_the_agent_is_read_while_the_viewer_has_granted_tokens(reds: RedsState) -> None:
    agent = with_agent(reds)
    user = AgentUser(reds).start(tokens=2)
    agent.say(LARGE)
    assert len(user.pieces()) == 2
    assert len(agent.out) > 0
    user.grant(1)
    assert len(user.pieces()) == 1
    user.grant(1)
    assert len(user.pieces()) == 1
    assert agent.out == b""


def test_the_agent_waits_for_a_viewer_that_does_not_read(reds: RedsState, core: FakeCore) -> None:
    agent = with_agent(reds)
    user = AgentUser(reds).start()
    large = Clipboard(1, bytes(range(256)) * 4000)
    agent.say(large)
    assert len(agent.out) > 900_000
    core.advance(2 * TOKEN_TIMEOUT)
    assert not user.closed()
    pieces: list[bytes] = []
    while batch := user.pieces():
        pieces += batch
        assert len(batch) <= AGENT_MESSAGES
        core.advance(0)
    assert parse_message(b"".join(pieces)) == large


def test_many_small_messages_are_not_a_viewer_that_does_not_read(
    reds: RedsState, core: FakeCore
) -> None:
    agent = with_agent(reds)
    user = AgentUser(reds).start()
    for _ in range(5000):
        agent.say(SAID)
    assert not user.closed()
    count = 0
    while batch := user.pieces():
        count += len(batch)
        core.advance(0)
    assert count == 5000


def test_what_answers_the_server_goes_to_nobody(reds: RedsState) -> None:
    agent = with_agent(reds)
    user = AgentUser(reds).start()
    agent.say_bytes(chunk(PIECE, port=SERVER) + chunk(b"noise", port=SERVER))
    agent.say(SAID)
    assert user.pieces() == [PIECE]


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (chunk(PIECE, port=0), "chunk for port 0"),
        (chunk(PIECE, port=3), "chunk for port 3"),
        (chunk(PIECE[:19]), "19 bytes of a message header"),
        (chunk(header(MessageType.REPLY, 8, protocol=5)), "agent protocol 5"),
        (chunk(PIECE + b"x"), "9 bytes of a message of which 8 are missing"),
        (chunk(header(MessageType.ANNOUNCE_CAPABILITIES, 3) + b"123"), "ANNOUNCE_CAPABILITIES"),
        (chunk(header(MessageType.ANNOUNCE_CAPABILITIES, 8)), "capabilities in a message of 8"),
    ],
)
def test_bad_input_of_the_agent_ends_only_the_agent(
    reds: RedsState, data: bytes, reason: str, caplog: pytest.LogCaptureFixture
) -> None:
    agent = with_agent(reds)
    user = AgentUser(reds).start()
    agent.say_bytes(data)
    assert user.told() == [("agent_disconnected", None)]
    assert not user.closed()
    assert agent.states == [True, False]
    assert f"agent: {reason}" in caplog.text
    agent.say_bytes(chunk(PIECE))
    assert user.told() == []
    reds.remove_interface(agent)
    assert agent.states == [True, False]
    with_agent(reds)
    assert user.told() == [("agent_connected_tokens", CLIENT_TOKENS)]


# What is forbidden.


@pytest.mark.parametrize("early", [True, False])
@pytest.mark.parametrize("name", ["agent_mouse", "agent_copypaste", "agent_file_xfer"])
def test_features_are_on_and_may_be_turned_off_before_and_after_init(
    name: str, early: bool, core: FakeCore
) -> None:
    reds = RedsState()
    assert getattr(reds, name) is True
    if not early:
        reds.init(core)
    setattr(reds, name, False)
    if early:
        reds.init(core)
    assert getattr(reds, name) is False
    setattr(reds, name, True)
    assert getattr(reds, name) is True


def test_without_copy_and_paste_clipboards_stay_where_they_are(reds: RedsState) -> None:
    reds.agent_copypaste = False
    agent = with_agent(reds)
    user = AgentUser(reds).start()
    user.say(LARGE)
    user.say(SAID)
    agent.say(LARGE)
    agent.say(SAID)
    assert agent.messages(CLIENT) == [SAID]
    assert user.told() == [("agent_token", 5), ("agent_data", PIECE)]


def test_without_file_transfers_viewers_are_told_so(reds: RedsState) -> None:
    reds.agent_file_xfer = False
    agent = with_agent(reds)
    user = AgentUser(reds).start()
    agent.say(AnnounceCapabilities(1, [1 << AgentCap.REPLY, 7]))
    (piece,) = user.pieces()
    disabled = 1 << AgentCap.REPLY | 1 << AgentCap.FILE_XFER_DISABLED
    assert parse_message(piece) == AnnounceCapabilities(1, [disabled, 7])
    user.say(FileXferStart(1, b"x"))
    assert agent.chunks() == []


def test_an_agent_without_capabilities_gets_the_word_for_it(reds: RedsState) -> None:
    reds.agent_file_xfer = False
    agent = with_agent(reds)
    user = AgentUser(reds).start()
    agent.announce()
    (piece,) = user.pieces()
    assert parse_message(piece) == AnnounceCapabilities(0, [1 << AgentCap.FILE_XFER_DISABLED])


def test_capabilities_pass_unchanged_where_files_may_be_sent(reds: RedsState) -> None:
    reds.agent_copypaste = False
    agent = with_agent(reds)
    user = AgentUser(reds).start()
    agent.say(AnnounceCapabilities(0, [5, 0, 0]))
    assert user.pieces() == [build_message(AnnounceCapabilities(0, [5, 0, 0]))]
