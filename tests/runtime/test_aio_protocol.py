"""One socket on asyncio: bytes, back-pressure, endings."""

from __future__ import annotations

import asyncio
import socket
from pathlib import Path

import pytest

from redspice.aio import TcpAddress, protocol, serve
from redspice.aio.arrival import MAX_UNSENT, tune
from redspice.limits import Limits
from runtime.scripted import (
    RESET_ON_CLOSE,
    ScriptedReds,
    connect,
    reading,
    run,
    shells,
    soon,
    turns,
    viewer,
)

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
            waiting = max(shell._transport.get_write_buffer_size() for shell in shells(running))
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
def test_a_peer_that_does_not_leave_is_cut_off(reads: bool) -> None:
    async def main() -> None:
        async with viewer(limits=Limits(close_timeout=0.05)) as (connection, reader, writer):
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


def test_a_peer_that_reads_nothing_is_disconnected(caplog: pytest.LogCaptureFixture) -> None:
    async def main() -> None:
        limits = Limits(write_timeout=0.05, close_timeout=0.05)
        async with viewer(limits=limits) as (connection, _, writer):
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
            (shell,) = shells(running)
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


def test_tcp_sockets_do_not_delay_and_stay_alive() -> None:
    with socket.socket() as sock:
        tune(sock, 600)
        assert sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
        assert sock.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
        assert sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE) == 600
        assert sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NOTSENT_LOWAT) == MAX_UNSENT


def test_the_system_is_told_when_to_ask_who_is_there() -> None:
    with socket.socket() as sock:
        tune(sock, 77)
        assert sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE) == 77
