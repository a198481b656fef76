"""Letting viewers go: who is asked, who answers what, and when the embedder hears of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from redspice.caps import MainCap
from redspice.errors import ConfigurationError
from redspice.interfaces import MigrationInterface
from redspice.migration.source import ANSWERS, MOVES, Command, Phase, Way
from redspice.reds import RedsState
from redspice_protocol import CHANNELS
from runtime.fake_core import FakeCore
from runtime.peer import Peer, Viewer

RECORDED = Path(__file__).parents[1] / "vectors" / "migration"
HOST, PORT = "127.0.0.1", 5993
NONE = 0xFFFF
"""The reference server's no port."""
SEMI = (MainCap.SEMI_SEAMLESS_MIGRATE,)
SEAMLESS = tuple(MainCap)


class Embedder(MigrationInterface):
    """Writes down what it is told."""

    def __init__(self) -> None:
        self.told: list[str] = []

    def connect_complete(self) -> None:
        self.told.append("connect")

    def end_complete(self) -> None:
        self.told.append("end")


@pytest.fixture
def embedder(reds: RedsState) -> Embedder:
    embedder = Embedder()
    reds.add_interface(embedder)
    return embedder


@pytest.fixture
def server(reds: RedsState, core: FakeCore, embedder: Embedder) -> RedsState:
    """A server that lets several viewers in, and tells an embedder."""
    reds.allow_multiple_clients = True
    return reds


def told(core: FakeCore, embedder: Embedder) -> list[str]:
    """What the embedder has heard up to now."""
    core.advance(0)
    return embedder.told


def viewer(reds: RedsState, caps: tuple[MainCap, ...] = SEMI) -> Peer:
    return Viewer(reds, channel_caps=caps).main


def hang_up(peer: Peer) -> None:
    peer.connection.receive_eof()


# what goes over the wire


@pytest.mark.parametrize(
    ("name", "caps", "seamless"),
    [("migrate_begin", SEMI, False), ("migrate_begin_seamless", SEAMLESS, True)],
)
def test_viewers_are_told_what_the_reference_server_told_them(
    server: RedsState, name: str, caps: tuple[MainCap, ...], seamless: bool
) -> None:
    server.seamless_migration = seamless
    main = viewer(server, caps)
    server.migrate_connect(HOST, PORT, NONE)
    body = (RECORDED / f"{name.removeprefix('migrate_')}.bin").read_bytes()
    main.read()
    assert main.inbox == main.frame(CHANNELS["main"].server.by_name[name].id, body)


def test_a_switch_is_what_the_reference_server_sent(server: RedsState) -> None:
    main = viewer(server)
    server.migrate_info(HOST, PORT, NONE)
    server.migrate_switch()
    main.read()
    body = (RECORDED / "switch_host.bin").read_bytes()
    assert main.inbox == main.frame(111, body)


def test_a_destination_may_have_tls_and_a_subject(server: RedsState) -> None:
    main = viewer(server)
    server.migrate_connect("höst", secure_port=5, cert_subject="CN=other")
    ((name, message, _),) = main.messages()
    info = message.dst_info
    assert name == "migrate_begin"
    assert (info.port, info.sport) == (0, 5)
    assert bytes(info.host_data) == "höst".encode() + b"\0"
    assert bytes(info.cert_subject_data) == b"CN=other\0"


# who is asked


def test_viewers_are_asked_for_what_they_can(server: RedsState) -> None:
    server.seamless_migration = True
    able, old = viewer(server, SEAMLESS), viewer(server, (MainCap.NAME_AND_UUID,))
    server.migrate_connect(HOST, PORT)
    assert able.names() == ["migrate_begin"], "seamless is for a viewer that is alone"
    assert old.names() == []


@pytest.mark.parametrize("missing", [MainCap.SEAMLESS_MIGRATE, MainCap.AGENT_CONNECTED_TOKENS])
def test_seamless_needs_what_the_viewer_can(server: RedsState, missing: MainCap) -> None:
    server.seamless_migration = True
    main = viewer(server, tuple(cap for cap in MainCap if cap != missing))
    server.migrate_connect(HOST, PORT)
    assert main.names() == ["migrate_begin"]


def test_seamless_is_off_unless_turned_on(server: RedsState) -> None:
    main = viewer(server, SEAMLESS)
    assert not server.seamless_migration
    server.migrate_connect(HOST, PORT)
    assert main.names() == ["migrate_begin"]


def test_a_viewer_that_has_not_come_itself_is_not_asked(
    server: RedsState, core: FakeCore, embedder: Embedder
) -> None:
    coming = Peer(server)
    assert coming.link("main", connection_id=7, channel_caps=SEAMLESS) == 0
    server.migrate_connect(HOST, PORT)
    assert told(core, embedder) == ["connect"]
    server.migrate_end(True)
    assert coming.connection.closed, "nobody waits for who cannot know"
    assert coming.names() == []
    assert told(core, embedder) == ["connect", "end"]


# connecting


@pytest.mark.parametrize("answer", ["migrate_connected", "migrate_connect_error"])
def test_it_is_complete_when_all_have_answered(
    server: RedsState, core: FakeCore, embedder: Embedder, answer: str
) -> None:
    first, second = viewer(server), viewer(server)
    server.migrate_connect(HOST, PORT)
    first.send(answer)
    assert told(core, embedder) == []
    second.send("migrate_connected")
    assert told(core, embedder) == ["connect"]
    assert server.migration.connected == 1 + (answer == "migrate_connected")
    core.advance(60)
    assert told(core, embedder) == ["connect"]


def test_without_viewers_it_is_complete_at_once_but_not_inside_the_call(
    server: RedsState, core: FakeCore, embedder: Embedder
) -> None:
    server.migrate_connect(HOST, PORT)
    assert embedder.told == []
    assert told(core, embedder) == ["connect"]
    server.migrate_start()
    server.migrate_end(True)
    assert embedder.told == ["connect"]
    assert told(core, embedder) == ["connect", "end"]


def test_a_viewer_that_leaves_is_not_waited_for(
    server: RedsState, core: FakeCore, embedder: Embedder
) -> None:
    main = viewer(server)
    server.migrate_connect(HOST, PORT)
    hang_up(main)
    assert told(core, embedder) == ["connect"]


def test_a_viewer_that_does_not_answer_is_called_off(
    server: RedsState, core: FakeCore, embedder: Embedder
) -> None:
    slow, quick = viewer(server), viewer(server)
    server.migrate_connect(HOST, PORT)
    quick.send("migrate_connected")
    core.advance(9.9)
    assert told(core, embedder) == []
    core.advance(0.1)
    assert told(core, embedder) == ["connect"]
    assert slow.names() == ["migrate_begin", "migrate_cancel"]
    slow.send("migrate_connected")
    assert server.migration.connected == 1, "too late"
    server.migrate_end(True)
    assert slow.names() == ["migrate_switch_host"]
    assert quick.names() == ["migrate_begin", "migrate_end"]


def test_the_time_to_connect_is_that_of_the_limits(
    server: RedsState, core: FakeCore, embedder: Embedder
) -> None:
    viewer(server)
    server.limits = replace(server.limits, migration_connect_timeout=2.0)
    server.migrate_connect(HOST, PORT)
    core.advance(1.9)
    assert told(core, embedder) == []
    core.advance(0.1)
    assert told(core, embedder) == ["connect"]


def test_a_second_connect_calls_off_the_first(
    server: RedsState, core: FakeCore, embedder: Embedder
) -> None:
    main = viewer(server)
    server.migrate_connect(HOST, PORT)
    server.migrate_connect(HOST, PORT + 1)
    assert told(core, embedder) == ["connect"], "the first is over"
    assert main.names() == ["migrate_begin", "migrate_cancel", "migrate_begin"]
    main.send("migrate_connected")
    assert told(core, embedder) == ["connect", "connect"]


def test_a_viewer_that_failed_has_nothing_to_call_off(server: RedsState) -> None:
    main = viewer(server)
    server.migrate_connect(HOST, PORT)
    main.send("migrate_connect_error")
    server.migrate_connect(HOST, PORT + 1)
    assert main.names() == ["migrate_begin", "migrate_begin"]


def test_a_viewer_whose_pipe_is_full_does_not_hold_up_the_others(
    server: RedsState, core: FakeCore, embedder: Embedder
) -> None:
    stuck, good = viewer(server), viewer(server)
    while not server.clients[0].main.pipe.full:  # type: ignore[union-attr]
        server.clients[0].main.notify("x")  # type: ignore[union-attr]
    server.migrate_connect(HOST, PORT)
    assert stuck.connection.closed
    good.send("migrate_connected")
    assert told(core, embedder) == ["connect"]


def test_an_embedder_that_is_not_interested_is_told_nothing(
    reds: RedsState, core: FakeCore
) -> None:
    reds.migrate_connect(HOST, PORT)
    reds.migrate_end(True)
    core.advance(0)
    assert reds.migration.phase is Phase.IDLE


# answers


def test_answers_of_viewers_that_were_not_asked_mean_nothing(server: RedsState) -> None:
    main = viewer(server)
    for name in ("migrate_connected", "migrate_connected_seamless", "migrate_connect_error"):
        main.send(name)
    assert not main.connection.closed


def test_who_was_asked_for_less_cannot_be_seamless(server: RedsState) -> None:
    main = viewer(server, SEAMLESS)
    server.migrate_connect(HOST, PORT)
    main.send("migrate_connected_seamless")
    assert main.connection.closed


def test_every_question_may_fail() -> None:
    assert {Way.FAILED} <= {*ANSWERS[Way.ASKED].values()}
    assert {Way.FAILED, Way.CONNECTED} <= {*ANSWERS[Way.ASKED_SEAMLESS].values()}


# the end


def test_viewers_leave_and_then_it_is_the_end(
    server: RedsState, core: FakeCore, embedder: Embedder
) -> None:
    semi, old = viewer(server), viewer(server, ())
    server.migrate_connect(HOST, PORT)
    semi.send("migrate_connected")
    server.migrate_end(True)
    assert semi.names()[-1] == "migrate_end"
    assert old.names() == ["migrate_switch_host"]
    hang_up(semi)
    assert told(core, embedder) == ["connect"]
    hang_up(old)
    assert told(core, embedder) == ["connect", "end"]


def test_who_does_not_leave_is_disconnected(
    server: RedsState, core: FakeCore, embedder: Embedder, caplog: pytest.LogCaptureFixture
) -> None:
    main = viewer(server, ())
    server.migrate_connect(HOST, PORT)
    server.migrate_end(True)
    main.messages()
    core.advance(9.9)
    assert not main.connection.closed
    caplog.set_level("INFO")
    core.advance(0.1)
    assert main.connection.closed
    assert main.names() == [], "nothing is said to who should have gone"
    assert told(core, embedder) == ["connect", "end"]
    assert "the viewer has not left in 10 s" in caplog.text


def test_the_time_to_leave_is_that_of_the_limits(
    server: RedsState, core: FakeCore, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    main = viewer(server)
    server.migrate_connect(HOST, PORT)
    server.limits = replace(server.limits, migration_leave_timeout=2.0)
    server.migrate_end(True)
    core.advance(1.9)
    assert not main.connection.closed
    core.advance(0.1)
    assert main.connection.closed
    assert "the viewer has not left in 2 s" in caplog.text


def test_an_end_while_viewers_still_connect_is_also_the_end_of_connecting(
    server: RedsState, core: FakeCore, embedder: Embedder
) -> None:
    main = viewer(server)
    server.migrate_connect(HOST, PORT)
    server.migrate_end(True)
    assert told(core, embedder) == ["connect"]
    assert main.names() == ["migrate_begin", "migrate_cancel", "migrate_switch_host"]
    hang_up(main)
    assert told(core, embedder) == ["connect", "end"]


def test_who_could_not_connect_may_try_from_scratch(server: RedsState) -> None:
    main = viewer(server)
    server.migrate_connect(HOST, PORT)
    main.send("migrate_connect_error")
    server.migrate_end(True)
    assert main.names() == ["migrate_begin", "migrate_switch_host"]


@pytest.mark.parametrize("answers", [True, False])
def test_a_guest_that_stays_keeps_its_viewers(
    server: RedsState, core: FakeCore, embedder: Embedder, answers: bool
) -> None:
    main = viewer(server)
    server.migrate_connect(HOST, PORT)
    if answers:
        main.send("migrate_connected")
    server.migrate_end(False)
    assert told(core, embedder) == ["connect", "end"]
    assert main.names() == ["migrate_begin", "migrate_cancel"]
    core.advance(60)
    assert not main.connection.closed
    server.migrate_connect(HOST, PORT)
    assert main.names() == ["migrate_begin"], "and it may move again"


def test_switching_takes_all_viewers(server: RedsState, core: FakeCore, embedder: Embedder) -> None:
    connected, old = viewer(server), viewer(server, ())
    server.migrate_connect(HOST, PORT)
    connected.send("migrate_connected")
    server.migrate_switch()
    assert connected.names()[1:] == ["migrate_cancel", "migrate_switch_host"]
    assert old.names() == ["migrate_switch_host"]


def test_the_server_may_end_in_the_middle(
    server: RedsState, core: FakeCore, embedder: Embedder
) -> None:
    viewer(server)
    server.migrate_connect(HOST, PORT)
    server.shutdown()
    assert told(core, embedder) == ["connect"]
    assert server.migration.connected == 0


# what makes no sense

CALLS: dict[Command, Callable[[RedsState], None]] = {
    Command.INFO: lambda reds: reds.migrate_info(HOST, PORT),
    Command.CONNECT: lambda reds: reds.migrate_connect(HOST, PORT),
    Command.START: lambda reds: reds.migrate_start(),
    Command.FINISH: lambda reds: reds.migrate_end(True),
    Command.CALL_OFF: lambda reds: reds.migrate_end(False),
    Command.SWITCH: lambda reds: reds.migrate_switch(),
}
SETUPS: dict[Phase, tuple[Command, ...]] = {
    Phase.IDLE: (),
    Phase.CONNECTING: (Command.CONNECT,),
    Phase.READY: (Command.INFO,),
    Phase.LEAVING: (Command.INFO, Command.SWITCH),
}


@pytest.mark.parametrize("command", CALLS)
@pytest.mark.parametrize("phase", SETUPS)
def test_commands_follow_the_table(server: RedsState, phase: Phase, command: Command) -> None:
    main = viewer(server)
    for each in SETUPS[phase]:
        CALLS[each](server)
    assert server.migration.phase is phase
    main.messages()
    after = MOVES[phase].get(command)
    if after is None:
        with pytest.raises(
            ConfigurationError, match=f"while the migration is {phase.name.lower()}"
        ):
            CALLS[command](server)
        assert main.names() == []
    else:
        CALLS[command](server)
    assert server.migration.phase is (after or phase)


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        ((HOST,), "needs a port"),
        (("", 1), "a host of 0 bytes"),
        (("h" * 256, 1), "a host of 256 bytes"),
        (("two\0words", 1), "the host contains a NUL"),
        ((HOST, 0), r"port 0 is not in 1\.\.65535"),
        ((HOST, 65536), "port 65536"),
        ((HOST, 1, 70000), "secure port 70000"),
        ((HOST, 1.5), "whole numbers are needed"),
        ((HOST, 1, None, ""), "a subject of 0 bytes"),
        ((HOST, 1, None, "s" * 1025), "a subject of 1025 bytes"),
    ],
)
def test_an_impossible_destination_changes_nothing(
    server: RedsState, arguments: tuple[str], reason: str
) -> None:
    main = viewer(server)
    for call in (server.migrate_connect, server.migrate_info):
        with pytest.raises(ConfigurationError, match=reason):
            call(*arguments)
    assert server.migration.phase is Phase.IDLE
    assert main.names() == []
