"""The agent between its device and the viewers' main channels."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from redspice.agent.bodies import (
    AnnounceCapabilities,
    ClientDisconnected,
    Clipboard,
    DeviceDisplay,
    FileXferStart,
    GraphicsDeviceInfo,
    MessageType,
    MonitorConfig,
    MonitorsConfig,
    MouseState,
    Reply,
)
from redspice.agent.capabilities import AgentCap
from redspice.agent.device import CLIENT_TOKENS, MAX_QUEUED
from redspice.agent.messages import build_message, parse_message
from redspice.caps import MainCap
from redspice.channels.main import AGENT_MESSAGES
from redspice.display.framebuffer import Framebuffer
from redspice.errors import AlreadyRegisteredError, ConfigurationError
from redspice.interfaces import ChannelEvent, ChannelEventInfo, QxlInterface, TabletInterface
from redspice.limits import DEFAULT_LIMITS
from redspice.reds import RedsState
from redspice_protocol.inputs import MsgcInputsMousePosition, MsgcInputsMousePress
from runtime.fake_agent import CLIENT, MAX_CHUNK, SERVER, AgentUser, FakeAgent, chunk, header
from runtime.fake_core import FakeCore
from runtime.peer import Viewer

TURN_TIMEOUT = DEFAULT_LIMITS.agent_turn_timeout
TOKEN_TIMEOUT = DEFAULT_LIMITS.device_token_timeout
GONE = ClientDisconnected()
SAID = Reply(2, 1)
PIECE = build_message(SAID)
LARGE = Clipboard(1, bytes(3 * MAX_CHUNK))
MONITORS = MonitorsConfig(0, [MonitorConfig(600, 800, 32), MonitorConfig(768, 1024, 32)])


def with_agent(reds: RedsState, **options: Any) -> FakeAgent:
    agent = FakeAgent(**options)
    reds.add_interface(agent)
    return agent


def several(reds: RedsState) -> tuple[AgentUser, AgentUser]:
    reds.allow_multiple_clients = True
    return AgentUser(reds).start(), AgentUser(reds).start()


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


# Viewers that go, and several viewers.


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


# Monitors.


class Screen(QxlInterface):
    """A screen that follows viewers' wishes."""

    def __init__(self, id: int = 0) -> None:
        super().__init__(Framebuffer(8, 8), id)
        self.wishes: list[MonitorsConfig] = []

    def client_monitors_config(self, config: MonitorsConfig) -> None:
        self.wishes.append(config)


def test_screens_that_follow_viewers_are_told_instead_of_the_agent(reds: RedsState) -> None:
    screens = [Screen(0), Screen(1)]
    for screen in screens:
        reds.add_interface(screen)
    agent = with_agent(reds)
    user = AgentUser(reds).start()
    user.say(MONITORS)
    user.say(SAID)
    assert [screen.wishes for screen in screens] == [[MONITORS], [MONITORS]]
    assert agent.messages(CLIENT) == [SAID]


def test_wishes_come_in_pieces(reds: RedsState) -> None:
    screen = Screen()
    reds.add_interface(screen)
    with_agent(reds)
    user = AgentUser(reds).start()
    data = build_message(MONITORS)
    for piece in (data[:21], data[21:40], data[40:]):
        assert screen.wishes == []
        user.send(piece)
    user.say(MONITORS)
    assert screen.wishes == [MONITORS, MONITORS]


def test_the_agent_is_told_if_a_screen_does_not_follow(reds: RedsState) -> None:
    screen = Screen()
    reds.add_interface(screen)
    reds.add_interface(QxlInterface(Framebuffer(8, 8), 1))
    agent = with_agent(reds)
    AgentUser(reds).start().say(MONITORS)
    assert (screen.wishes, agent.messages(CLIENT)) == ([], [MONITORS])


def test_the_agent_is_told_if_there_is_no_screen(reds: RedsState) -> None:
    agent = with_agent(reds)
    AgentUser(reds).start().say(MONITORS)
    assert agent.messages(CLIENT) == [MONITORS]


@pytest.mark.parametrize(
    "message",
    [
        build_message(MonitorsConfig(0, [MonitorConfig(1, 1, 1)] * 256))[:-1],
        header(MessageType.MONITORS_CONFIG, 8 + 257 * 24),
        header(MessageType.MONITORS_CONFIG, 0xFFFFFFFF),
        header(MessageType.MONITORS_CONFIG, 8) + b"\xff" * 8,
        header(MessageType.MONITORS_CONFIG, 8 + 20) + b"\2" + bytes(27),
        build_message(MonitorsConfig(0, [MonitorConfig(1, 1, 1)] * 257)),
    ],
)
def test_impossible_monitors_end_the_viewer(reds: RedsState, message: bytes) -> None:
    screen = Screen()
    reds.add_interface(screen)
    agent = with_agent(reds)
    user = AgentUser(reds).start()
    for at in range(0, len(message), MAX_CHUNK):
        user.send(message[at : at + MAX_CHUNK])
    if not user.closed():  # it waits for the rest
        user.send(bytes(MAX_CHUNK))
        user.send(bytes(MAX_CHUNK))
    assert user.closed()
    assert (screen.wishes, agent.states) == ([], [True])


def test_as_many_monitors_as_may_be_are_passed_on(reds: RedsState) -> None:
    screen = Screen()
    reds.add_interface(screen)
    with_agent(reds)
    many = MonitorsConfig(0, [MonitorConfig(n, n, 32) for n in range(256)])
    AgentUser(reds).start().say(many)
    assert screen.wishes == [many]


# The pointer.


def modes(reds: RedsState) -> tuple[int, int]:
    """Supported and current: 1 is the server's, 2 the viewer's."""
    return int(reds.mouse_modes.supported), int(reds.mouse_modes.current)


def test_an_agent_makes_the_viewer_move_the_pointer(reds: RedsState) -> None:
    user = AgentUser(reds)
    assert modes(reds) == (1, 1)
    agent = with_agent(reds)
    assert modes(reds) == (3, 2)
    assert "mouse_mode" in user.main.names()
    reds.remove_interface(agent)
    assert modes(reds) == (1, 1)


def test_an_agent_that_cannot_move_the_pointer_does_not(reds: RedsState) -> None:
    agent = with_agent(reds)
    agent.announce(AgentCap.REPLY)
    assert modes(reds) == (1, 1)
    agent.announce(AgentCap.MOUSE_STATE)
    assert modes(reds) == (3, 2)


def test_an_agent_that_may_not_move_the_pointer_does_not(reds: RedsState) -> None:
    with_agent(reds)
    reds.agent_mouse = False
    assert modes(reds) == (1, 1)
    reds.agent_mouse = True
    assert modes(reds) == (3, 2)


class Tablet(TabletInterface):
    def __init__(self) -> None:
        self.positions: list[tuple[int, int]] = []

    def position(self, x: int, y: int, buttons: int) -> None:
        self.positions.append((x, y))


def test_the_pointer_goes_to_the_agent_rather_than_to_a_tablet(reds: RedsState) -> None:
    tablet = Tablet()
    reds.add_interface(tablet)
    reds.add_interface(QxlInterface(Framebuffer(8, 8)))
    agent = with_agent(reds)
    inputs = AgentUser(reds).viewer.open("inputs")
    inputs.send("mouse_position", MsgcInputsMousePosition(3, 4, 1, 2))
    assert agent.messages(SERVER) == [MouseState(3, 4, 2, 2)]
    inputs.send("mouse_press", MsgcInputsMousePress(4, 1))
    states = agent.messages(SERVER)
    assert states == [MouseState(3, 4, 2 | 1 << 4, 2), MouseState(3, 4, 2, 2)]
    assert tablet.positions == []
    reds.agent_mouse = False
    inputs.send("mouse_position", MsgcInputsMousePosition(5, 6, 0, 0))
    assert (agent.chunks(), tablet.positions) == ([], [(5, 6)])


def test_positions_do_not_pile_up_before_an_agent_that_does_not_read(reds: RedsState) -> None:
    agent = with_agent(reds, room=0)
    inputs = AgentUser(reds).viewer.open("inputs")
    for x in range(1000):
        inputs.send("mouse_position", MsgcInputsMousePosition(x, 0, 0, 0))
    agent.room = 1 << 20
    agent.wakeup()
    assert agent.messages(SERVER) == [MouseState(0, 0, 0), MouseState(999, 0, 0)]


def test_clicks_come_in_their_order_to_an_agent_that_reads_late(reds: RedsState) -> None:
    agent = with_agent(reds, room=0)
    inputs = AgentUser(reds).viewer.open("inputs")
    for x in range(1, 6):
        inputs.send("mouse_position", MsgcInputsMousePosition(x, 0, x % 2, 0))
    agent.room = 1 << 20
    agent.wakeup()
    assert agent.messages(SERVER) == [MouseState(x, 0, x % 2 * 2) for x in range(1, 6)]


# Graphics devices.


def test_the_agent_is_told_which_graphics_devices_the_screens_are(reds: RedsState) -> None:
    screen = QxlInterface(Framebuffer(8, 8), 3)
    screen.set_device_info("pci/0000/02.0", [0, 1])
    reds.add_interface(screen)
    agent = with_agent(reds)
    assert agent.chunks() == []
    agent.announce(AgentCap.GRAPHICS_DEVICE_INFO)
    address = b"pci/0000/02.0\0"
    displays = [DeviceDisplay(3, 0, 0, address), DeviceDisplay(3, 1, 1, address)]
    assert agent.messages(SERVER) == [GraphicsDeviceInfo(displays)]
    screen.set_device_info("pci/0000/02.0", [7])
    assert agent.messages(SERVER) == [GraphicsDeviceInfo([DeviceDisplay(3, 0, 7, address)])]


def test_an_agent_that_does_not_ask_for_graphics_devices_is_not_told(reds: RedsState) -> None:
    screen = QxlInterface(Framebuffer(8, 8))
    screen.set_device_info("pci/0000/02.0", [0])
    reds.add_interface(screen)
    agent = with_agent(reds)
    agent.announce(AgentCap.REPLY)
    assert agent.chunks() == []


@pytest.mark.parametrize(
    ("address", "ids"),
    [("x" * 256, [0]), ("a\0b", [0]), ("pci", [-1]), ("pci", [1 << 32]), ("pci", range(17))],
)
def test_impossible_graphics_devices_are_refused(address: str, ids: list[int]) -> None:
    with pytest.raises(ConfigurationError):
        QxlInterface(Framebuffer(8, 8)).set_device_info(address, ids)


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
