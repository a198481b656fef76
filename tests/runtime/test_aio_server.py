"""`serve`: addresses, limits on who is let in, an orderly end."""

from __future__ import annotations

import asyncio
import socket
from pathlib import Path

import pytest

from redspice.aio import AsyncioCore, TcpAddress, protocol, refusals, serve, viewers
from redspice.aio.protocol import format_address
from redspice.aio.refusals import RefusalLog
from redspice.errors import ConfigurationError
from redspice.reds import RedsState
from runtime.scripted import ScriptedReds, connect, run, soon, turns


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
