"""The asyncio shell on real sockets, around connections that do what a test tells them."""

from __future__ import annotations

import asyncio
import errno
import logging
import socket
import struct
import threading
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TypeVar

import pytest

from redspice.aio import AsyncioCore, Server, TcpAddress, protocol, refusals, serve, viewers
from redspice.aio.protocol import format_address, peer_name, tune
from redspice.aio.refusals import RefusalLog
from redspice.aio.unix import UnixListener
from redspice.connection import Connection
from redspice.errors import ConfigurationError
from redspice.reds import RedsState
from redspice_protocol import Buffer

Result = TypeVar("Result")
Peer = tuple[asyncio.StreamReader, asyncio.StreamWriter]

PATIENCE = 10.0
"""Seconds after which a test that waits has failed."""

RESET_ON_CLOSE = struct.pack("ii", 1, 0)
"""The value of SO_LINGER that makes a close a reset."""


class ScriptedConnection(Connection):
    """A connection without a protocol: keeps what comes, sends what it is told."""

    linked = True

    def __init__(self, peer: str, local: bool) -> None:
        self.peer = peer
        self.local = local
        self.closed = False
        self.on_output = lambda: None
        self.received = bytearray()
        self.output: deque[list[Buffer]] = deque()
        self.endless: bytes | None = None
        self.asked = 0
        self.eof = False
        self.lost: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self.answer: Callable[[bytes], None] = lambda data: None

    def send(self, *buffers: Buffer) -> None:
        self.output.append(list(buffers))
        self.on_output()

    def receive_data(self, data: Buffer) -> None:
        if not self.closed:
            self.received += data
            self.answer(bytes(data))

    def receive_eof(self) -> None:
        self.eof = True
        self.close()

    def connection_lost(self, reason: str) -> None:
        self.closed = True
        self.lost.set_result(reason)

    def data_to_send(self) -> list[Buffer]:
        self.asked += 1
        if self.endless is not None and not self.closed:
            return [self.endless]
        return self.output.popleft() if self.output else []

    def fail(self, reason: str) -> None:
        logging.getLogger("redspice").warning("%s: %s", self.peer, reason)
        self.close()

    def close(self) -> None:
        if not self.closed:
            self.closed = True
            self.on_output()


class ScriptedReds(RedsState):
    """Hands out scripted connections."""

    def __init__(self) -> None:
        super().__init__()
        self.made: asyncio.Queue[ScriptedConnection] = asyncio.Queue()
        self.shut_down = 0
        self.linked = True

    def new_connection(self, peer: str, local: bool = False) -> Connection:
        connection = ScriptedConnection(peer, local)
        connection.linked = self.linked
        self.made.put_nowait(connection)
        return connection

    def shutdown(self) -> None:
        self.shut_down += 1


def run(main: Callable[[], Coroutine[object, object, None]]) -> None:
    """Run a test; afterwards let sockets that were aborted go."""

    async def bounded() -> None:
        await asyncio.wait_for(main(), PATIENCE)
        await turns()

    asyncio.run(bounded())


async def soon(awaitable: Awaitable[Result]) -> Result:
    return await asyncio.wait_for(awaitable, PATIENCE)


async def turns(count: int = 20) -> None:
    """Let the loop run a few times."""
    for _ in range(count):
        await asyncio.sleep(0)


async def connect(running: Server) -> Peer:
    address = running.addresses[0]
    if isinstance(address, str):
        return await asyncio.open_unix_connection(address)
    return await asyncio.open_connection(*address)


def reading(writer: asyncio.StreamWriter) -> asyncio.ReadTransport:
    """The half of a stream's transport that reads."""
    transport = writer.transport
    assert isinstance(transport, asyncio.ReadTransport)
    return transport


@asynccontextmanager
async def viewer(
    **listen: object,
) -> AsyncIterator[tuple[ScriptedConnection, asyncio.StreamReader, asyncio.StreamWriter]]:
    """A server with one socket connected: its connection and the other end."""
    reds = ScriptedReds()
    async with serve(reds, port=0, **listen) as running:  # type: ignore[arg-type]
        reader, writer = await connect(running)
        try:
            yield await soon(reds.made.get()), reader, writer
        finally:
            writer.transport.abort()


# bytes


@pytest.mark.parametrize("unix", [False, True])
def test_bytes_pass_both_ways_in_order(tmp_path: Path, unix: bool) -> None:
    async def main() -> None:
        async with viewer(unix=tmp_path / "s" if unix else None) as (connection, reader, writer):
            connection.answer = lambda data: connection.send(data.upper(), memoryview(b"!"))
            writer.write(b"hello")
            assert await soon(reader.readexactly(6)) == b"HELLO!"
            assert connection.received == b"hello"
            assert connection.local is unix
            assert connection.peer.startswith("unix" if unix else "127.0.0.1:")

    run(main)


def test_more_bytes_than_the_receive_buffer_arrive_complete() -> None:
    async def main() -> None:
        data = bytes(range(256)) * 4096
        async with viewer() as (connection, _, writer):
            writer.write(data)
            writer.write_eof()
            await soon(connection.lost)
            assert connection.received == data
            assert connection.eof

    run(main)


def test_output_is_asked_for_once_per_turn_however_often_it_is_announced() -> None:
    async def main() -> None:
        async with viewer() as (connection, reader, _):
            await turns()
            connection.asked = 0
            for i in range(10):
                connection.send(b"%d" % i)
            assert connection.asked == 0
            await asyncio.sleep(0)
            assert connection.asked == 1
            assert await soon(reader.readexactly(10)) == b"0123456789"
            await turns()
            assert connection.asked == 11
            await turns()
            assert connection.asked == 11

    run(main)


def test_a_peer_that_does_not_read_stops_the_output_and_no_other_viewer() -> None:
    async def main() -> None:
        reds, chunk = ScriptedReds(), bytes(32 * 1024)
        async with serve(reds, port=0) as running:
            slow_reader, slow_writer = await connect(running)
            slow = await soon(reds.made.get())
            quick_reader, quick_writer = await connect(running)
            quick = await soon(reds.made.get())
            reading(slow_writer).pause_reading()
            slow.endless = chunk
            slow.on_output()
            stalled_at = -1
            while stalled_at != slow.asked:
                stalled_at = slow.asked
                quick.send(b"ping")
                assert await soon(quick_reader.readexactly(4)) == b"ping"
                await turns()
            # What left is in the system's buffers; what waits here is bounded.
            waiting = max(
                viewer._transport.get_write_buffer_size() for viewer in running._viewers._inside
            )
            assert 0 < waiting <= protocol.SEND_HIGH_WATER + len(chunk)
            slow.on_output()
            await turns()
            assert slow.asked == stalled_at
            reading(slow_writer).resume_reading()
            await soon(slow_reader.readexactly((stalled_at + 4) * len(chunk)))
            assert slow.asked > stalled_at
            slow_writer.transport.abort()
            quick_writer.transport.abort()

    run(main)


# the end of a connection


def test_a_closed_connection_sends_what_is_left_then_hangs_up() -> None:
    async def main() -> None:
        async with viewer() as (connection, reader, writer):
            writer.write(b"never read by the connection" * 1000)
            connection.send(bytes(200_000))
            connection.send(b"the reason")
            connection.close()
            data = await soon(reader.read())
            assert data == bytes(200_000) + b"the reason"
            writer.close()
            await soon(connection.lost)

    run(main)


@pytest.mark.parametrize("reads", [True, False])
def test_a_peer_that_does_not_leave_is_cut_off(
    monkeypatch: pytest.MonkeyPatch, reads: bool
) -> None:
    monkeypatch.setattr(protocol, "CLOSE_DEADLINE", 0.05)

    async def main() -> None:
        async with viewer() as (connection, reader, writer):
            if not reads:
                reading(writer).pause_reading()
                connection.endless = bytes(1 << 20)
                connection.on_output()
                await turns()
            connection.close()
            if reads:
                assert await soon(reader.read()) == b""
            await soon(connection.lost)

    run(main)


def test_a_peer_that_reads_nothing_is_disconnected(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(protocol, "WRITE_TIMEOUT", 0.05)
    monkeypatch.setattr(protocol, "CLOSE_DEADLINE", 0.05)

    async def main() -> None:
        async with viewer() as (connection, _, writer):
            reading(writer).pause_reading()
            connection.endless = bytes(1 << 20)
            connection.on_output()
            await soon(connection.lost)
            assert "nothing read in 0.05 s" in caplog.text

    run(main)


def test_a_peer_that_reads_slowly_is_kept() -> None:
    async def main() -> None:
        size = 32 << 20
        reds = ScriptedReds()
        async with serve(reds, port=0) as running:
            reader, writer = await connect(running)
            connection = await soon(reds.made.get())
            (shell,) = running._viewers._inside
            reading(writer).pause_reading()
            connection.send(bytes(size))
            await turns()
            waiting = shell._transport.get_write_buffer_size()
            assert 0 < waiting < size
            reading(writer).resume_reading()
            while shell._transport.get_write_buffer_size() == waiting:
                await reader.read(1 << 16)
            first = shell._write_deadline
            shell._check_writing()  # as at the deadline
            assert not connection.closed
            assert shell._write_deadline is not first
            while shell._paused:
                await reader.read(1 << 20)
            assert shell._write_deadline is None
            writer.transport.abort()

    run(main)


def test_the_end_of_the_peers_stream_ends_the_connection() -> None:
    async def main() -> None:
        async with viewer() as (connection, reader, writer):
            writer.write_eof()
            assert await soon(connection.lost) == "closed"
            assert connection.eof
            assert await soon(reader.read()) == b""

    run(main)


def test_an_answer_to_the_last_bytes_is_sent_before_the_end() -> None:
    async def main() -> None:
        async with viewer() as (connection, reader, writer):
            connection.answer = lambda data: connection.send(b"no, because")
            writer.write(b"hello")
            writer.write_eof()
            assert await soon(reader.read()) == b"no, because"

    run(main)


def test_a_reset_is_reported_with_its_reason() -> None:
    async def main() -> None:
        async with viewer() as (connection, _, writer):
            sock = writer.get_extra_info("socket")
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_ON_CLOSE)
            writer.transport.abort()
            assert "reset" in (await soon(connection.lost)).lower()
            connection.on_output()

    run(main)


def test_closing_on_a_peer_that_has_just_reset_is_quiet() -> None:
    async def main() -> None:
        complaints: list[object] = []
        asyncio.get_running_loop().set_exception_handler(lambda _, info: complaints.append(info))
        reds = ScriptedReds()
        async with serve(reds, port=0) as running:
            address = running.addresses[0]
            assert isinstance(address, TcpAddress)
            peer = socket.create_connection(address)
            connection = await soon(reds.made.get())
            await turns()
            peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_ON_CLOSE)
            peer.close()
            connection.close()
            await soon(connection.lost)
        assert complaints == []

    run(main)


@pytest.mark.parametrize(
    ("name", "local", "shown"),
    [
        (("1.2.3.4", 5), False, "1.2.3.4:5"),
        (("::1", 5, 0, 0), False, "[::1]:5"),
        (None, False, "unknown"),
        ("", True, "unix"),
    ],
)
def test_a_peer_has_a_name_in_logs(name: tuple[str, int], local: bool, shown: str) -> None:
    assert peer_name(name, local) == shown


def test_tcp_sockets_do_not_delay_and_stay_alive() -> None:
    with socket.socket() as sock:
        tune(sock)
        assert sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
        assert sock.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
        assert sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE) == 600


# the server


def test_a_server_knows_its_addresses(tmp_path: Path) -> None:
    async def main() -> None:
        async with serve(ScriptedReds(), port=0) as running:
            (address,) = running.addresses
            assert isinstance(address, TcpAddress)
            assert address.host == "127.0.0.1"
            assert str(address) == f"127.0.0.1:{address.port}"
            assert address.port > 0
        async with serve(ScriptedReds(), unix=tmp_path / "s") as running:
            assert running.addresses == (str(tmp_path / "s"),)

    run(main)


def test_addresses_of_ipv6_have_brackets() -> None:
    assert format_address("::1", 5900) == "[::1]:5900"
    assert str(TcpAddress("::1", 1)) == "[::1]:1"


def test_a_server_can_be_awaited_and_closed_twice() -> None:
    async def main() -> None:
        reds = ScriptedReds()
        running = await serve(reds, port=0)
        running.close()
        running.close()
        await soon(running.wait_closed())
        assert reds.shut_down == 1
        with pytest.raises(ConnectionRefusedError):
            await connect(running)

    run(main)


def test_serving_forever_ends_when_the_server_is_closed() -> None:
    async def main() -> None:
        async with serve(ScriptedReds(), port=0) as running:
            forever = asyncio.create_task(running.serve_forever())
            await turns()
            assert not forever.done()
            running.close()
            await soon(forever)

    run(main)


def test_cancelling_serve_forever_closes_the_server() -> None:
    async def main() -> None:
        reds = ScriptedReds()
        running = await serve(reds, port=0)
        forever = asyncio.create_task(running.serve_forever())
        await turns()
        forever.cancel()
        with pytest.raises(asyncio.CancelledError):
            await soon(forever)
        assert reds.shut_down == 1

    run(main)


def test_closing_disconnects_every_socket(tmp_path: Path) -> None:
    async def main() -> None:
        reds = ScriptedReds()
        running = await serve(reds, unix=tmp_path / "s")
        peers = [await connect(running) for _ in range(3)]
        connections = [await soon(reds.made.get()) for _ in peers]
        running.close()
        for reader, writer in peers:
            assert await soon(reader.read()) == b""
            writer.close()
        await soon(running.wait_closed())
        assert all(connection.lost.done() for connection in connections)
        assert reds.shut_down == 1

    run(main)


def test_connections_over_the_limit_are_refused(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(viewers, "MAX_CONNECTIONS", 2)

    async def main() -> None:
        reds = ScriptedReds()
        async with serve(reds, port=0) as running:
            peers = [await connect(running) for _ in range(3)]
            last = [await soon(reds.made.get()) for _ in peers][-1]
            await soon(last.lost)
            assert "connections refused, 2 are open: 1" in caplog.messages
            assert await soon(peers[2][0].read()) == b""
            peers[0][1].close()
            while len(running._viewers) > 1:
                await asyncio.sleep(0)
            peers.append(await connect(running))
            assert not (await soon(reds.made.get())).closed
            for _, writer in peers:
                writer.transport.abort()

    run(main)


def test_the_oldest_socket_that_has_not_linked_makes_way(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(viewers, "MAX_UNLINKED", 2)

    async def main() -> None:
        reds = ScriptedReds()
        reds.linked = False
        async with serve(reds, port=0) as running:
            peers, connections = [], []
            for number in range(5):
                peers.append(await connect(running))
                connections.append(await soon(reds.made.get()))
                connections[0].linked = number > 0
            assert await soon(connections[1].lost)
            assert await soon(connections[2].lost)
            assert await soon(peers[1][0].read()) == b""
            assert [one.closed for one in connections] == [False, True, True, False, False]
            for _, writer in peers:
                writer.transport.abort()
        # The first is logged at once, the second with the end of the server.
        line = "connections dropped for newer ones, 2 have not linked: 1"
        assert caplog.messages == [line, line]

    run(main)


def test_many_sockets_in_one_turn_each_replace_another(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(viewers, "MAX_UNLINKED", 2)

    class Shell(protocol.ViewerProtocol):
        aborted = 0

        def abort(self) -> None:
            self.aborted += 1

    async def main() -> None:
        reds = ScriptedReds()
        reds.linked = False
        inside = viewers.Viewers(reds)
        shells = [Shell(inside) for _ in range(5)]
        for shell in shells:
            inside.enter(shell, "peer", local=False)
        assert [shell.aborted for shell in shells] == [1, 1, 1, 0, 0]
        assert len(inside) == 2
        for shell in shells:
            inside.leave(shell)
        inside.close()
        await soon(inside.wait_gone())

    run(main)


def test_idle_sockets_do_not_lock_a_viewer_out() -> None:
    async def main() -> None:
        reds = RedsState()
        async with serve(reds, port=0) as running:
            idle = [await connect(running) for _ in range(viewers.MAX_UNLINKED * 2)]
            reader, writer = await connect(running)
            writer.write(b"GET ")
            assert (await soon(reader.read(4))) == b"REDQ"
            assert len(running._viewers) <= viewers.MAX_UNLINKED
            for _, other in [*idle, (reader, writer)]:
                other.transport.abort()

    run(main)


def test_many_refusals_are_a_line_a_second(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(refusals, "REPORT_INTERVAL", 0.01)

    async def main() -> None:
        log = RefusalLog()
        for _ in range(100):
            log.add("refused")
        log.add("dropped")
        assert caplog.messages == ["connections refused: 1"]
        while len(caplog.messages) < 3:
            await asyncio.sleep(0)
        assert caplog.messages[1:] == ["connections refused: 99", "connections dropped: 1"]
        log.add("refused")
        log.close()
        log.close()
        assert caplog.messages[3:] == ["connections refused: 1"]

    run(main)


def test_a_ready_socket_can_be_given(tmp_path: Path) -> None:
    async def main() -> None:
        tcp = socket.create_server(("127.0.0.1", 0))
        async with serve(ScriptedReds(), sock=tcp) as running:
            assert running.addresses == (TcpAddress(*tcp.getsockname()),)
        local = socket.socket(socket.AF_UNIX)
        local.bind(str(tmp_path / "s"))
        async with serve(ScriptedReds(), sock=local) as running:
            assert running.addresses == (str(tmp_path / "s"),)
        with pytest.raises(ConfigurationError, match="not on both"):
            await serve(ScriptedReds(), unix=tmp_path / "t", sock=tcp)

    run(main)


def test_a_server_state_is_initialised_unless_it_was() -> None:
    async def main() -> None:
        fresh, ready, core = RedsState(), RedsState(), AsyncioCore()
        ready.init(core)
        async with serve(fresh, port=0), serve(ready, port=0):
            assert isinstance(fresh.core, AsyncioCore)
            assert ready.core is core

    run(main)


# unix sockets


def test_the_socket_file_is_removed_at_the_end(tmp_path: Path) -> None:
    async def main() -> None:
        async with serve(ScriptedReds(), unix=tmp_path / "s"):
            assert (tmp_path / "s").is_socket()
        assert not (tmp_path / "s").exists()

    run(main)


def test_a_stale_socket_file_is_replaced(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(tmp_path / "s"))

    async def main() -> None:
        reds = ScriptedReds()
        async with serve(reds, unix=tmp_path / "s") as running:
            _, writer = await connect(running)
            assert await soon(reds.made.get())
            writer.transport.abort()

    run(main)


def test_the_socket_of_a_living_server_is_refused_and_kept(tmp_path: Path) -> None:
    async def main() -> None:
        reds = ScriptedReds()
        async with serve(reds, unix=tmp_path / "s") as running:
            with pytest.raises(OSError, match="another server listens there") as caught:
                await serve(ScriptedReds(), unix=tmp_path / "s")
            assert caught.value.errno == errno.EADDRINUSE
            _, writer = await connect(running)
            for _ in ("the question whether it lives", "the viewer"):
                await soon(reds.made.get())
            writer.transport.abort()

    run(main)


def test_a_file_that_is_no_socket_is_refused_and_kept(tmp_path: Path) -> None:
    (tmp_path / "s").write_text("precious")

    async def main() -> None:
        with pytest.raises(FileExistsError, match="exists and is not a socket"):
            await serve(ScriptedReds(), unix=tmp_path / "s")

    run(main)
    assert (tmp_path / "s").read_text() == "precious"


def test_a_file_of_somebody_else_is_not_removed(tmp_path: Path) -> None:
    listener = UnixListener(tmp_path / "s")
    (tmp_path / "s").rename(tmp_path / "moved")
    (tmp_path / "s").write_text("precious")
    listener.unlink()
    listener.sock.close()
    assert (tmp_path / "s").read_text() == "precious"


def test_a_path_in_no_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        UnixListener(tmp_path / "none" / "s")
    with pytest.raises(OSError, match="too long"):
        UnixListener(tmp_path / ("s" * 200))


# the core


def test_timers_fire_once_and_can_be_moved_and_cancelled() -> None:
    async def main() -> None:
        core, fired = AsyncioCore(), []
        done = asyncio.Event()
        core.timer(lambda: fired.append("kept")).start(0)
        cancelled = core.timer(lambda: fired.append("cancelled"))
        cancelled.start(0)
        cancelled.cancel()
        cancelled.cancel()
        moved = core.timer(lambda: fired.append("moved"))
        moved.start(3600)
        moved.start(0)
        last = core.timer(done.set)
        last.start(0.01)
        await soon(done.wait())
        assert fired == ["kept", "moved"]
        done.clear()
        last.start(0)
        await soon(done.wait())

    run(main)


def test_the_clock_is_the_loops() -> None:
    async def main() -> None:
        core = AsyncioCore()
        assert core.now() <= asyncio.get_running_loop().time() <= core.now()

    run(main)


def test_jobs_run_in_another_thread_and_end_in_the_loop() -> None:
    async def main() -> None:
        threads: asyncio.Future[tuple[int, int]] = asyncio.get_running_loop().create_future()
        AsyncioCore().run_job(
            threading.get_ident, lambda there: threads.set_result((there, threading.get_ident()))
        )
        there, here = await soon(threads)
        assert there != here == threading.get_ident()

    run(main)


def test_a_job_that_comes_too_late_is_dropped() -> None:
    async def main() -> None:
        core = AsyncioCore()
        await asyncio.get_running_loop().shutdown_default_executor()
        core.run_job(list, lambda result: pytest.fail("done after the end"))
        await turns()

    run(main)


def test_a_job_that_fails_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    def fail() -> None:
        raise RuntimeError("out of luck")

    async def main() -> None:
        results: list[None] = []
        AsyncioCore().run_job(fail, results.append)
        while "out of luck" not in caplog.text:
            await asyncio.sleep(0)
        assert results == []

    run(main)
