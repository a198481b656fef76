"""Channels in a worker: bytes pass both ways at the pace of the slower end, and each half runs only
in its own loop."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

import pytest

from redspice import worker_channel
from redspice.channels.inputs import InputsChannel
from redspice.channels.port import PortChannel
from redspice.errors import AlreadyRegisteredError
from redspice.interfaces import PortEvent
from redspice.limits import Limits
from redspice.reds import RedsState
from redspice.worker_channel import WorkerChannel
from redspice_protocol.base import MsgcDisconnecting, MsgData
from runtime.fake_core import FakeCore
from runtime.guest import Port
from runtime.peer import COMMON_CAPS, Peer, Viewer


class Turned:
    """A dispatcher whose loop is turned by hand."""

    def __init__(self) -> None:
        self.calls: deque[Callable[[], object]] = deque()

    def post(self, call: Callable[[], object]) -> None:
        self.calls.append(call)

    def turn(self) -> None:
        while self.calls:
            self.calls.popleft()()


class TurnedWorker:
    """Another loop, which is turned by hand."""

    def __init__(self) -> None:
        self.to_worker = Turned()
        self.to_server = Turned()
        self.core = FakeCore()

    def turn(self) -> None:
        """Let both loops do all that there is to do."""
        while self.to_worker.calls or self.to_server.calls or self._due():
            self.to_worker.turn()
            self.core.advance(0)
            self.to_server.turn()

    def _due(self) -> bool:
        return any(t.due is not None and t.due <= self.core.now() for t in self.core.timers)


@pytest.fixture
def worker() -> TurnedWorker:
    return TurnedWorker()


@pytest.fixture
def port() -> Port:
    return Port(says=b"welcome")


@pytest.fixture
def channel(reds: RedsState, worker: TurnedWorker, port: Port) -> WorkerChannel:
    def make(reds: RedsState, id: int) -> PortChannel:
        return PortChannel(reds, port, id)

    channel = WorkerChannel(reds, worker, PortChannel, 0, make)
    reds.register_channel(channel)
    return channel


def opened(reds: RedsState, worker: TurnedWorker) -> Peer:
    peer = Viewer(reds).open("port")
    worker.turn()
    assert [one.name for one in peer.messages()] == ["init"]
    worker.turn()
    return peer


def data_of(peer: Peer) -> bytes:
    return b"".join(bytes(one.message.data) for one in peer.messages() if one.name == "data")


# The halves of a channel.


def test_the_halves_are_the_same_channel(reds: RedsState, channel: WorkerChannel) -> None:
    assert (channel.name, channel.allows_multiple) == ("port:0", False)
    assert channel.local_caps == PortChannel.local_caps
    assert channel.max_message_size == PortChannel.max_message_size
    with pytest.raises(AlreadyRegisteredError):
        reds.register_channel(channel)
    reds.add_interface(Port())
    assert reds.channels.find(PortChannel.messages.id, 1) is not None


def test_nothing_happens_before_the_worker_has_its_turn(
    reds: RedsState, worker: TurnedWorker, channel: WorkerChannel, port: Port
) -> None:
    peer = Viewer(reds).open("port")
    assert (peer.messages(), port.told) == ([], [])
    worker.turn()
    assert port.told == [("state", True)]
    assert [one.name for one in peer.messages()] == ["init", "data"]


def test_bytes_pass_both_ways_in_order(
    reds: RedsState, worker: TurnedWorker, channel: WorkerChannel, port: Port
) -> None:
    peer = Viewer(reds).open("port")
    for number in range(100):
        peer.send("data", MsgData(b"%02d " % number))
    worker.turn()
    assert port.heard == b"".join(b"%02d " % number for number in range(100))
    assert data_of(peer) == b"welcome"
    worker.turn()
    port.say(b"one")
    worker.turn()
    assert data_of(peer) == b"one"
    (client,) = channel.clients
    assert client.out_messages == channel.out_messages == 3


def test_the_worker_makes_output_as_the_socket_takes_it(
    reds: RedsState, worker: TurnedWorker, channel: WorkerChannel, port: Port
) -> None:
    port.says += bytes(10 << 20)
    peer = Viewer(reds).open("port")
    worker.turn()
    left = len(port.says)
    worker.turn()
    assert len(port.says) == left
    assert left > 7 << 20
    total = 0
    while more := len(data_of(peer)):
        total += more
        worker.turn()
    assert total == len(b"welcome") + (10 << 20)


def test_a_viewer_is_not_read_while_the_worker_is_busy(
    reds: RedsState, worker: TurnedWorker, channel: WorkerChannel, port: Port
) -> None:
    peer = opened_with_data(reds, worker)
    while peer.connection.wants_data:
        assert not peer.connection.closed
        peer.send("data", MsgData(bytes(16384)))
    assert port.heard == b""
    (client,) = channel.clients
    assert client.in_bytes < worker_channel.MOST_UNREAD + 2 * 16390
    worker.turn()
    assert peer.connection.wants_data
    assert len(port.heard) % 16384 == 0


def test_a_slow_device_in_a_worker_makes_its_viewer_wait(
    reds: RedsState, worker: TurnedWorker, channel: WorkerChannel, port: Port
) -> None:
    port.room = 0
    peer = opened_with_data(reds, worker)
    sent = 0
    while peer.connection.wants_data:
        assert not peer.connection.closed
        peer.send("data", MsgData(bytes(16384)))
        worker.turn()
        sent += 16384
    port.make_room(1 << 30)
    worker.turn()
    assert peer.connection.wants_data
    assert len(port.heard) == sent


def opened_with_data(reds: RedsState, worker: TurnedWorker) -> Peer:
    peer = Viewer(reds).open("port")
    worker.turn()
    peer.messages()
    worker.turn()
    return peer


@pytest.mark.parametrize("end", ["viewer", "server", "worker"])
def test_whoever_ends_a_channel_both_halves_end(
    reds: RedsState, worker: TurnedWorker, channel: WorkerChannel, port: Port, end: str
) -> None:
    viewer = Viewer(reds)
    peer = viewer.open("port")
    worker.turn()
    if end == "viewer":
        peer.connection.receive_eof()
    elif end == "server":
        reds.unregister_channel(channel)
    else:
        channel.dispatch(lambda port: [each.connection.end("enough") for each in port.clients])
    worker.turn()
    assert peer.connection.closed
    assert port.told == [("state", True), ("state", False), ("event", PortEvent.CLOSED)]
    assert channel.clients_num == 0
    assert not viewer.main.connection.closed
    assert worker.core.armed == 0


def test_a_viewer_may_leave_before_the_worker_knew_of_it(
    reds: RedsState, worker: TurnedWorker, channel: WorkerChannel, port: Port
) -> None:
    peer = Viewer(reds).open("port")
    peer.connection.receive_eof()
    worker.turn()
    assert port.told[-1] == ("event", PortEvent.CLOSED)
    opened_with_data(reds, worker)
    assert port.told[-1] == ("state", True)


@pytest.mark.parametrize(
    ("type", "reason"), [(999, "unknown message type 999"), (201, "port.event")]
)
def test_errors_of_a_viewer_end_its_channel_in_both_halves(
    reds: RedsState,
    worker: TurnedWorker,
    channel: WorkerChannel,
    port: Port,
    caplog: pytest.LogCaptureFixture,
    type: int,
    reason: str,
) -> None:
    viewer = Viewer(reds)
    peer = viewer.open("port")
    peer.send_bytes(peer.frame(type, b""))
    peer.send("data", MsgData(b"not looked at"))
    worker.turn()
    assert peer.connection.closed
    assert not viewer.main.connection.closed
    assert reason in caplog.text
    assert port.heard == b""


def test_errors_of_the_embedder_end_the_channel_with_a_traceback(
    reds: RedsState, worker: TurnedWorker, caplog: pytest.LogCaptureFixture
) -> None:
    class Broken(Port):
        def write(self, data: memoryview) -> int:
            raise OSError("the guest's end is gone")

        def state(self, connected: bool) -> None:
            if not connected:
                raise OSError("and stays away")

    broken = Broken()
    reds.register_channel(
        WorkerChannel(
            reds, worker, PortChannel, make=lambda reds, id: PortChannel(reds, broken, id)
        )
    )
    peer = Viewer(reds).open("port")
    worker.turn()
    peer.send("data", MsgData(b"x"))
    worker.turn()
    assert peer.connection.closed
    assert "the guest's end is gone" in caplog.text
    assert "and stays away" in caplog.text


def test_a_channel_that_cannot_be_made_refuses_its_viewers(
    reds: RedsState, worker: TurnedWorker, caplog: pytest.LogCaptureFixture
) -> None:
    def make(reds: RedsState, id: int) -> PortChannel:
        raise OSError("no such device")

    channel = WorkerChannel(reds, worker, PortChannel, make=make)
    reds.channels.insert(channel.link)
    peer = Viewer(reds).open("port")
    worker.turn()
    assert peer.connection.closed
    assert "no such device" in caplog.text


def test_what_the_real_channel_refuses_is_refused(
    reds: RedsState, worker: TurnedWorker, channel: WorkerChannel, port: Port
) -> None:
    first = opened_with_data(reds, worker)
    channel.allows_multiple = True  # type: ignore[misc]
    reds.allow_multiple_clients = True
    second = Viewer(reds).open("port")
    worker.turn()
    assert second.connection.closed
    assert not first.connection.closed
    assert port.told == [("state", True)]


def test_a_channel_in_a_worker_asks_the_server_by_a_call(
    reds: RedsState, worker: TurnedWorker, channel: WorkerChannel
) -> None:
    asked: list[RedsState] = []
    channel.dispatch(lambda port: port.reds.dispatch(asked.append))
    worker.to_worker.turn()
    assert asked == []
    worker.to_server.turn()
    assert asked == [reds]


def test_a_worker_knows_whether_the_guest_runs(
    reds: RedsState, worker: TurnedWorker, channel: WorkerChannel
) -> None:
    seen: list[bool] = []
    for change in (reds.vm_stop, reds.vm_start):
        change()
        channel.dispatch(lambda port: seen.append(port.reds.vm_running))
    worker.turn()
    assert seen == [False, True]


def test_a_channel_that_takes_no_more_than_reds_and_id_needs_no_maker(
    reds: RedsState, worker: TurnedWorker
) -> None:
    reds.unregister_channel(reds.inputs)
    reds.register_channel(WorkerChannel(reds, worker, InputsChannel))
    names: list[str] = []
    [found] = [each for each in reds.channels if isinstance(each, WorkerChannel)]
    found.dispatch(lambda inputs: names.append(type(inputs).__name__))
    worker.turn()
    assert names == ["InputsChannel"]


def test_new_limits_count_for_a_worker_too(reds: RedsState, channel: WorkerChannel) -> None:
    reds.limits = Limits(max_waiting_messages=100)
    assert channel.far().reds.limits is reds.limits


def test_a_worker_knows_of_a_guest_that_was_stopped_before_its_channel_was_registered(
    reds: RedsState, worker: TurnedWorker, port: Port
) -> None:
    channel = WorkerChannel(
        reds, worker, PortChannel, 0, lambda reds, id: PortChannel(reds, port, id)
    )
    reds.vm_stop()
    reds.register_channel(channel)
    worker.turn()
    assert not channel.far().reds.vm_running


# Viewers on their way between servers.


@pytest.mark.parametrize("caps", [COMMON_CAPS, COMMON_CAPS[:2]], ids=["mini", "full"])
def test_a_viewer_that_leaves_hears_nothing_more_of_the_worker(
    reds: RedsState,
    worker: TurnedWorker,
    channel: WorkerChannel,
    port: Port,
    caps: tuple[int, ...],
) -> None:
    peer = Viewer(reds).open("port", common_caps=caps)
    worker.turn()
    before = peer.messages()
    worker.turn()
    (client,) = channel.clients
    client.leave()
    port.say(b"too late")
    worker.turn()
    (last,) = peer.messages()
    assert (last.name, last.message.flags) == ("migrate", 0)
    assert last.serial == (before[-1].serial + 1 if len(caps) == 2 else 0)


def test_a_viewer_that_comes_is_held_and_loses_nothing(
    reds: RedsState, worker: TurnedWorker, channel: WorkerChannel, port: Port
) -> None:
    main = Peer(reds, local=True)
    assert main.link("main", connection_id=77) == 0
    peer = Peer(reds, local=True)
    assert peer.link("port", connection_id=77) == 0
    worker.turn()
    assert (port.told, peer.messages()) == ([], [])
    early, cut = peer.frame(101, b"early, "), peer.frame(101, b"cut")
    peer.send_bytes(early + cut[:4])
    main.send("migrate_end")
    worker.turn()
    assert port.heard == b"early, "
    assert [one.name for one in peer.messages()] == ["init", "data"]
    peer.send_bytes(cut[4:])
    worker.turn()
    assert port.heard == b"early, cut"


def test_a_viewer_that_is_held_may_say_goodbye(
    reds: RedsState, worker: TurnedWorker, channel: WorkerChannel, port: Port
) -> None:
    main, peer = Peer(reds, local=True), Peer(reds, local=True)
    assert main.link("main", connection_id=77) == 0
    assert peer.link("port", connection_id=77) == 0
    peer.send("disconnecting", MsgcDisconnecting(time_stamp=0, reason=0))
    worker.turn()
    assert peer.connection.closed
    assert port.told == []
