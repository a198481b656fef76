"""A viewer moves in the middle of its talk with the agent, and neither of them notices."""

from __future__ import annotations

import struct
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from redspice.agent.bodies import ClientDisconnected, Clipboard, ClipboardType, Selection
from redspice.agent.device import CLIENT_TOKENS, MAX_QUEUED
from redspice.agent.messages import build_message
from redspice.caps import MainCap
from redspice.migration.data import UNLIMITED, CharDeviceData, FromAgent, MainData, ToAgent
from redspice.reds import RedsState
from redspice_protocol.base import MsgData
from redspice_protocol.main import MsgcMainMigrateDstDoSeamless
from runtime.fake_agent import MAX_CHUNK, SERVER, AgentUser, FakeAgent, chunk
from runtime.fake_core import FakeCore
from runtime.peer import PASSWORD, Peer

LONG = build_message(Clipboard(ClipboardType.UTF8_TEXT, b"x" * 3000, Selection.CLIPBOARD))
GONE = build_message(ClientDisconnected())
PIECES = LONG[:MAX_CHUNK], LONG[MAX_CHUNK:]


class Pair:
    """Two servers of one guest, and a viewer that talks to its agent."""

    def __init__(self, core: FakeCore, room: int = 1 << 30) -> None:
        self.here, self.there = FakeAgent(room), FakeAgent()
        self.source, self.target = RedsState(), RedsState()
        for reds in (self.source, self.target):
            reds.init(core)
            reds.set_ticket(PASSWORD)
            reds.seamless_migration = True
        self.source.add_interface(self.here)
        self.target.add_interface(self.there)
        self.user = AgentUser(self.source, channel_caps=tuple(MainCap))

    def leave(self) -> None:
        self.user.told()
        self.source.migrate_connect("elsewhere", 1)
        self.user.main.send("migrate_connected_seamless")
        self.source.migrate_end(True)

    def flush(self) -> bytes:
        assert self.user.main.names()[-1] == "migrate"
        self.user.main.send("migrate_flush_mark")
        (received,) = self.user.main.messages()
        return bytes(received.message.data)

    def arrive(self, data: bytes) -> None:
        """From now on the user is that of the target."""
        self.link()
        self.user.main.send("migrate_data", MsgData(data))

    def link(self, *, seamless: bool = True) -> None:
        session = self.user.viewer.session_id
        self.user.main = Peer(self.target)
        assert self.user.main.link("main", connection_id=session, channel_caps=tuple(MainCap)) == 0
        if seamless:
            self.user.main.send("migrate_dst_do_seamless", MsgcMainMigrateDstDoSeamless(1))
            self.user.main.messages()

    def leave_and_flush(self) -> bytes:
        self.leave()
        return self.flush()

    def move(self) -> MainData:
        data = self.leave_and_flush()
        self.arrive(data)
        return MainData.parse(data)


@pytest.fixture
def pair(core: FakeCore) -> Pair:
    return Pair(core)


def test_the_talk_goes_on(pair: Pair) -> None:
    pair.user.start()
    state = pair.move()
    assert state.started
    assert state.agent.connected
    assert pair.user.told() == []
    pair.there.say_bytes(b"".join(map(chunk, PIECES)))
    assert pair.user.pieces() == [*PIECES]
    for piece in PIECES:
        pair.user.send(piece)
    assert [piece for _, piece in pair.there.chunks()] == [*PIECES]


def test_the_agent_does_not_hear_that_the_viewer_has_gone(pair: Pair) -> None:
    pair.user.start()
    pair.user.send(PIECES[0])
    pair.here.chunks()
    old = pair.user.main
    pair.move()
    old.connection.receive_eof()
    assert pair.here.chunks() == []


def test_a_message_of_the_viewer_goes_on(pair: Pair) -> None:
    pair.user.start()
    pair.user.send(PIECES[0])
    state = pair.move()
    assert state.to_agent.remaining == len(PIECES[1])
    pair.user.send(PIECES[1])
    assert [piece for _, piece in pair.there.chunks()] == [PIECES[1]]
    assert not pair.user.closed()


def test_a_message_of_the_agent_goes_on(pair: Pair) -> None:
    pair.user.start()
    pair.here.say_bytes(chunk(PIECES[0]))
    assert pair.user.pieces() == [PIECES[0]]
    state = pair.move()
    assert state.from_agent.remaining == len(PIECES[1])
    pair.there.say_bytes(chunk(PIECES[1]))
    assert pair.user.pieces() == [PIECES[1]]


@pytest.mark.parametrize("cut", [1, 7, 8, 9, 27, 28, 29, 2000])
def test_a_piece_that_is_half_read_goes_on(pair: Pair, cut: int) -> None:
    pair.user.start()
    stream = b"".join(map(chunk, PIECES))
    pair.here.say_bytes(stream[:cut])
    pair.leave()
    said = pair.user.pieces()
    pair.user.main.send("migrate_flush_mark")
    (received,) = pair.user.main.messages()
    pair.arrive(bytes(received.message.data))
    pair.there.say_bytes(stream[cut:])
    assert b"".join([*said, *pair.user.pieces()]) == LONG


def test_a_half_read_piece_for_the_server_is_nothing(pair: Pair) -> None:
    pair.user.start()
    pair.here.say_bytes(chunk(bytes(100), port=2)[:50])
    state = pair.move()
    assert state.from_agent.header == b""
    pair.there.say_bytes(bytes(58) + chunk(PIECES[0]))
    assert pair.user.pieces() == [PIECES[0]]


def test_a_piece_that_is_wrong_ends_the_agent_there_and_then(pair: Pair) -> None:
    pair.user.start()
    pair.here.say_bytes(chunk(bytes(100))[:50])
    state = pair.move()
    assert not state.agent.connected
    assert pair.here.states == [True, False]
    assert [name for name, _ in pair.user.told()] == ["agent_connected_tokens"]


def test_what_the_agent_has_not_read_is_written_by_the_other_server(core: FakeCore) -> None:
    pair = Pair(core, room=10)
    pair.user.start()
    for piece in PIECES:
        pair.user.send(piece)
    state = pair.move()
    assert state.agent.write_tokens == 2
    assert state.agent.client_tokens == 8
    assert pair.here.heard + pair.there.heard == b"".join(map(chunk, PIECES))
    for _ in range(3):
        for piece in PIECES:
            pair.user.send(piece)
    assert pair.user.told() == [("agent_token", 5)], "as many as it has spent, in fives"


def test_tokens_that_come_free_after_migrate_are_told_by_the_other_server(core: FakeCore) -> None:
    pair = Pair(core, room=0)
    pair.user.start()
    for _ in range(3):
        for piece in PIECES:
            pair.user.send(piece)
    pair.leave()
    pair.user.told()
    pair.here.room = 1 << 30
    pair.here.wakeup()
    pair.user.main.send("migrate_flush_mark")
    (received,) = pair.user.main.messages()
    data = bytes(received.message.data)
    assert MainData.parse(data).agent.client_tokens == 4
    pair.arrive(data)
    assert pair.user.told() == [("agent_token", 5)]


def test_a_viewer_with_tokens_of_its_own_keeps_them(pair: Pair) -> None:
    pair.user.start(tokens=3)
    state = pair.move()
    assert state.agent.send_tokens == 3
    pair.there.say_bytes(b"".join(map(chunk, PIECES * 2)))
    assert len(pair.user.pieces()) == 3
    pair.user.grant(1)
    assert len(pair.user.pieces()) == 1


def test_an_agent_that_reads_nothing_after_migrate_is_not_read(pair: Pair) -> None:
    pair.user.start()
    pair.leave()
    pair.here.say_bytes(chunk(PIECES[0]))
    assert len(pair.here.out) == 8 + MAX_CHUNK
    pair.flush()


def test_the_server_still_talks_to_the_agent_afterwards(core: FakeCore) -> None:
    pair = Pair(core, room=0)
    pair.here.room = 0
    pair.user.start()
    pair.source.agent.device_info_changed()
    pair.user.send(LONG[:MAX_CHUNK])
    data = MainData.parse(pair.leave_and_flush())
    data.agent.write_tokens = 0
    pair.arrive(data.build())
    assert pair.there.heard == data.agent.write_data
    pair.user.main.connection.receive_eof()
    assert pair.there.chunks()[-1][0] == 2, "that the viewer has gone"


def test_a_viewer_that_has_not_started_is_not_started(pair: Pair) -> None:
    state = pair.move()
    assert state.agent.connected
    assert not state.started
    assert pair.user.told() == []
    pair.user.send(PIECES[0])
    assert pair.there.heard == b""


@pytest.mark.parametrize(("first", "told"), [(True, "agent_disconnected"), (False, None)])
def test_an_agent_on_one_server_alone(pair: Pair, first: bool, told: str | None) -> None:
    pair.user.start()
    if first:
        pair.target.remove_interface(pair.there)
    else:
        pair.source.remove_interface(pair.here)
        told = "agent_connected_tokens"
    pair.move()
    assert [name for name, _ in pair.user.told()] == [told]


def test_a_message_that_is_left_out_is_left_out_to_its_end(pair: Pair) -> None:
    pair.source.agent_copypaste = pair.target.agent_copypaste = False
    pair.user.start()
    pair.user.send(PIECES[0])
    pair.here.say_bytes(chunk(PIECES[0]))
    pair.move()
    pair.user.send(PIECES[1])
    pair.there.say_bytes(chunk(PIECES[1]))
    assert pair.there.heard == b""
    assert pair.user.pieces() == []


def claiming(state: FromAgent) -> bytes:
    """The data of a viewer for which an agent's message is half read."""
    device = CharDeviceData(connected=True, client_tokens=10, send_tokens=UNLIMITED)
    return MainData(agent=device, started=True, from_agent=state).build()


def test_a_chunk_that_cannot_be_is_the_viewers_error(pair: Pair) -> None:
    pair.leave_and_flush()
    pair.arrive(claiming(FromAgent(chunk_header=b"\7\0\0\0\1\0\0\0")))
    assert pair.user.closed()
    another = AgentUser(pair.target).start()
    another.told()
    pair.there.say_bytes(chunk(PIECES[0]))
    assert another.pieces() == [PIECES[0]], "the agent is as it was"


def test_what_a_viewer_claims_does_not_matter_to_others(pair: Pair) -> None:
    pair.target.allow_multiple_clients = True
    other = AgentUser(pair.target).start()
    other.told()
    pair.user.start()
    pair.leave_and_flush()
    pair.arrive(claiming(FromAgent(chunk_header=b"\1\0\0", header_done=True, remaining=77)))
    pair.there.say_bytes(chunk(PIECES[0]))
    assert other.pieces() == pair.user.pieces() == [PIECES[0]]


def test_nobody_gets_more_tokens_than_there_are(pair: Pair) -> None:
    device = CharDeviceData(connected=True, client_tokens=99, write_tokens=99, send_tokens=1)
    data = MainData(agent=device, started=True, to_agent=ToAgent(remaining=1 << 31))
    pair.leave()
    pair.flush()
    pair.there.room = 0
    pair.arrive(data.build())
    for _ in range(10):
        pair.user.send(b"piece")
    assert not pair.user.closed()
    pair.user.send(b"piece")
    assert pair.user.closed()


def talking(**state: Any) -> bytes:
    """The data of a viewer that is in the middle of something."""
    device = CharDeviceData(
        connected=True,
        client_tokens=CLIENT_TOKENS,
        send_tokens=UNLIMITED,
        write_data=state.pop("write_data", b""),
    )
    return MainData(agent=device, started=True, **state).build()


def test_a_message_does_not_go_on_among_those_of_others(pair: Pair) -> None:
    pair.target.allow_multiple_clients = True
    other = AgentUser(pair.target).start()
    other.send(PIECES[0])
    pair.leave_and_flush()
    pair.arrive(talking(to_agent=ToAgent(remaining=100), write_data=b"not even a chunk"))
    pair.user.send(bytes(100))
    other.send(PIECES[1])
    assert [piece for _, piece in pair.there.chunks()] == [*PIECES]
    assert not pair.user.closed()


def test_the_agent_is_not_read_before_the_data_are_there(pair: Pair) -> None:
    pair.user.start()
    stream = b"".join(map(chunk, PIECES))
    pair.here.say_bytes(stream[:50])
    pair.leave()
    said = pair.user.pieces()
    pair.user.main.send("migrate_flush_mark")
    (received,) = pair.user.main.messages()
    pair.link()
    pair.there.say_bytes(stream[50:])
    pair.user.main.send("migrate_data", MsgData(bytes(received.message.data)))
    assert b"".join([*said, *pair.user.pieces()]) == LONG


@pytest.mark.parametrize("how", ["started", "stayed", "not started", "no agent"])
def test_the_agent_is_read_again_once_nobody_is_on_the_way(pair: Pair, how: str) -> None:
    pair.leave_and_flush()
    pair.link(seamless=how in ("not started", "no agent"))
    pair.there.say_bytes(chunk(PIECES[0]))
    assert pair.there.out
    main = pair.user.main
    if how == "started":
        main.send("migrate_end")
    elif how == "stayed":
        main.connection.receive_eof()
    else:
        state = MainData(agent=CharDeviceData(connected=how != "no agent"))
        main.send("migrate_data", MsgData(state.build()))
    assert not pair.there.out


def test_a_viewer_on_its_way_does_not_keep_the_agent_from_others(pair: Pair) -> None:
    pair.target.allow_multiple_clients = True
    pair.leave_and_flush()
    pair.link()
    other = AgentUser(pair.target).start()
    other.told()
    pair.there.say_bytes(chunk(PIECES[0]))
    assert other.pieces() == [PIECES[0]]


def test_wrong_data_of_a_viewer_leave_the_line_to_others(pair: Pair) -> None:
    pair.target.allow_multiple_clients = True
    pair.leave_and_flush()
    state = FromAgent(chunk_header=b"\7\0\0\0\1\0\0\0")
    pair.arrive(talking(from_agent=state, to_agent=ToAgent(remaining=9)))
    assert pair.user.closed()
    other = AgentUser(pair.target).start()
    other.send(PIECES[0])
    assert [piece for _, piece in pair.there.chunks()] == [PIECES[0]]


def test_an_agent_may_end_while_a_viewer_comes(
    pair: Pair, caplog: pytest.LogCaptureFixture
) -> None:
    pair.leave_and_flush()
    pair.link()
    pair.there.say_bytes(bytes(200))
    pair.user.main.send("migrate_data", MsgData(talking()))
    assert pair.there.states == [True, False]
    assert [name for name, _ in pair.user.told()] == ["agent_disconnected"]
    assert not pair.user.closed()
    assert "unexpected error" not in caplog.text


def test_what_is_forbidden_does_not_pass_as_the_rest_of_something(pair: Pair) -> None:
    pair.target.agent_copypaste = False
    pair.leave_and_flush()
    pair.arrive(
        talking(
            write_data=chunk(PIECES[0]),
            to_agent=ToAgent(remaining=1 << 31),
            from_agent=FromAgent(header_done=True, remaining=1 << 31),
        )
    )
    pair.user.send(PIECES[0])
    pair.there.say_bytes(chunk(PIECES[0]))
    assert pair.there.chunks() == [(SERVER, GONE)], "it shall not wait for the rest"
    assert pair.user.pieces() == []


def test_an_agent_that_has_talked_here_goes_on_as_it_was(pair: Pair) -> None:
    AgentUser(pair.target).start()
    pair.there.say_bytes(b"".join(map(chunk, PIECES)))
    pair.leave_and_flush()
    endless = (SERVER).to_bytes(4, "little") + b"\xff" * 4
    pair.arrive(talking(from_agent=FromAgent(chunk_header=endless)))
    pair.there.say_bytes(chunk(PIECES[0]))
    assert pair.user.pieces() == [PIECES[0]]


def test_more_for_the_agent_than_can_wait_is_the_viewers_error(pair: Pair) -> None:
    pair.leave_and_flush()
    pair.there.room = 0
    pair.arrive(talking(write_data=bytes(MAX_QUEUED + 1)))
    assert pair.user.closed()
    assert pair.target.agent.connected
    assert pair.target.agent._device is not None
    assert pair.target.agent._device.queued == 0


def test_who_spends_tokens_that_it_was_not_told_of_has_none(core: FakeCore) -> None:
    pair = Pair(core, room=0)
    pair.user.start()
    for piece in PIECES * 5:
        pair.user.send(piece)
    pair.leave()
    pair.here.room = len(LONG) * 5 + 80
    pair.here.wakeup()
    for piece in PIECES * 2:
        pair.user.send(piece)
    assert MainData.parse(pair.flush()).agent.client_tokens == 0


def test_the_server_talks_to_an_agent_whose_viewer_has_moved(core: FakeCore) -> None:
    pair = Pair(core, room=0)
    pair.user.start()
    device = pair.source.agent._device
    assert device is not None
    device.say(lambda: GONE)
    pair.leave_and_flush()
    pair.here.room = 1 << 30
    device.say(lambda: GONE)
    assert pair.here.chunks() == [(SERVER, GONE)]


RESULTS = st.sampled_from([0, 1, 2, 3, 255])
SIZES = st.sampled_from([0, 1, 5, 1 << 31, 0xFFFFFFFF])
CHUNK_HEADERS = st.one_of(
    st.binary(max_size=8),
    st.builds(lambda port, size: struct.pack("<II", port, size), st.integers(0, 3), SIZES),
)
CLAIMS = st.builds(
    MainData,
    agent=st.builds(
        CharDeviceData,
        connected=st.booleans(),
        client_tokens=SIZES,
        send_tokens=SIZES,
        write_tokens=SIZES,
        write_data=st.binary(max_size=40),
    ),
    started=st.booleans(),
    from_agent=st.builds(
        FromAgent,
        chunk_header=CHUNK_HEADERS,
        header_done=st.booleans(),
        header=st.binary(max_size=19),
        remaining=SIZES,
        filter_result=RESULTS,
    ),
    to_agent=st.builds(ToAgent, remaining=SIZES, filter_result=RESULTS),
)


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    claim=CLAIMS,
    said=st.binary(max_size=60),
    pieces=st.lists(st.binary(max_size=30), max_size=12),
    copypaste=st.booleans(),
)
def test_whatever_a_viewer_claims_nothing_breaks(
    caplog: pytest.LogCaptureFixture,
    claim: MainData,
    said: bytes,
    pieces: list[bytes],
    copypaste: bool,
) -> None:
    pair = Pair(FakeCore())
    pair.target.agent_copypaste = copypaste
    pair.leave_and_flush()
    pair.link()
    pair.there.say_bytes(said)
    pair.user.main.send("migrate_data", MsgData(claim.build()))
    for piece in pieces:
        if not pair.user.closed():
            pair.user.send(piece)
    pair.there.say_bytes(said)
    another = AgentUser(pair.target).start()
    another.send(PIECES[0])
    assert not another.closed()
    assert "unexpected error" not in caplog.text
    assert "while disconnecting" not in caplog.text
