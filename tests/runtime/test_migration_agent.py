"""A viewer moves in the middle of its talk with the agent, and neither of them notices."""

from __future__ import annotations

import pytest

from redspice.agent.bodies import Clipboard, ClipboardType, Selection
from redspice.agent.messages import build_message
from redspice.caps import MainCap
from redspice.migration.data import UNLIMITED, CharDeviceData, FromAgent, MainData, ToAgent
from redspice.reds import RedsState
from redspice_protocol.base import MsgData
from redspice_protocol.main import MsgcMainMigrateDstDoSeamless
from runtime.fake_agent import MAX_CHUNK, AgentUser, FakeAgent, chunk
from runtime.fake_core import FakeCore
from runtime.peer import PASSWORD, Peer

LONG = build_message(Clipboard(ClipboardType.UTF8_TEXT, b"x" * 3000, Selection.CLIPBOARD))
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
        session = self.user.viewer.session_id
        self.user.main = Peer(self.target)
        assert self.user.main.link("main", connection_id=session, channel_caps=tuple(MainCap)) == 0
        self.user.main.send("migrate_dst_do_seamless", MsgcMainMigrateDstDoSeamless(1))
        self.user.main.messages()
        self.user.main.send("migrate_data", MsgData(data))

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


def test_a_message_that_goes_on_waits_for_one_that_is_on_its_way(pair: Pair) -> None:
    pair.target.allow_multiple_clients = True
    other = AgentUser(pair.target).start()
    other.send(PIECES[0])
    pair.user.start()
    pair.user.send(PIECES[0])
    pair.move()
    pair.user.send(PIECES[1])
    assert len(pair.there.chunks()) == 1
    other.send(PIECES[1])
    assert [piece for _, piece in pair.there.chunks()] == [PIECES[1], PIECES[1]]
