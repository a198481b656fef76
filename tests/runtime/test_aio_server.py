"""`serve`: addresses, limits on who is let in, an orderly end."""

from __future__ import annotations

import asyncio
import re
import socket
from pathlib import Path

import pytest

from redspice.aio import AsyncioCore, Server, TcpAddress, adopt, serve
from redspice.errors import ConfigurationError
from redspice.limits import DEFAULT_LIMITS, Limits
from redspice.reds import RedsState
from runtime.scripted import Peer, ScriptedConnection, ScriptedReds, connect, run, soon, turns


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


async def finish_link(peer: Peer, connection: ScriptedConnection) -> None:
    """Have the server see that this peer has come through the link stage."""
    connection.linked = True
    peer[1].write(b"the last of the link stage")
    while not connection.received:
        await asyncio.sleep(0)


def test_connections_over_the_limit_are_refused(caplog: pytest.LogCaptureFixture) -> None:
    async def main() -> None:
        reds = ScriptedReds(Limits(max_sockets=2, max_unlinked=1))
        async with serve(reds, port=0) as running:
            peers = []
            for _ in range(2):
                peers.append(await connect(running))
                connection = await soon(reds.made.get())
                assert not connection.closed
                await finish_link(peers[-1], connection)
            peers.append(await connect(running))
            assert await soon(peers[2][0].read()) == b""
            (line,) = caplog.messages
            assert re.fullmatch(r"127\.0\.0\.1:\d+: refused, 2 are open", line)
            assert reds.made.empty()
            peers[0][1].close()
            while len(running._viewers) > 1:
                await asyncio.sleep(0)
            peers.append(await connect(running))
            assert not (await soon(reds.made.get())).closed
            for _, writer in peers:
                writer.transport.abort()

    run(main)


def test_the_oldest_socket_that_has_not_linked_makes_way(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def main() -> None:
        reds = ScriptedReds(Limits(max_unlinked=2))
        reds.linked = False
        async with serve(reds, port=0) as running:
            peers, connections = [], []
            for number in range(5):
                peers.append(await connect(running))
                connections.append(await soon(reds.made.get()))
                if number == 0:
                    await finish_link(peers[0], connections[0])
            assert await soon(connections[1].lost)
            assert await soon(connections[2].lost)
            assert await soon(peers[1][0].read()) == b""
            assert [one.closed for one in connections] == [False, True, True, False, False]
            for _, writer in peers:
                writer.transport.abort()
        # The first is logged at once, the second with the end of the server.
        first, later = caplog.messages
        assert first.endswith(": dropped for newer ones, 2 have not linked")
        assert later == "connections dropped for newer ones, 2 have not linked: 1 more"

    run(main)


async def expect_second_to_go(running: Server, reds: ScriptedReds, hosts: tuple[int, ...]) -> None:
    """Connect from hosts, 127.0.0.N, one after the other: the second has to make way."""
    address = running.addresses[0]
    assert isinstance(address, TcpAddress)
    writers, connections = [], []
    for host in hosts:
        _, writer = await asyncio.open_connection(*address, local_addr=(f"127.0.0.{host}", 0))
        writers.append(writer)
        connections.append(await soon(reds.made.get()))
    await soon(connections[1].lost)
    assert [one.closed for one in connections] == [False, True, False, False]
    for writer in writers:
        writer.transport.abort()


def test_one_host_has_a_share_of_the_sockets_that_have_not_linked(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def main() -> None:
        reds = ScriptedReds(Limits(max_unlinked_per_host=2))
        reds.linked = False
        async with serve(reds, port=0) as running:
            await expect_second_to_go(running, reds, (2, 1, 1, 1))

    run(main)
    (line,) = caplog.messages
    assert line.startswith("127.0.0.1:")
    assert line.endswith(": dropped for newer ones, 2 of one host have not linked")


def test_the_host_with_most_sockets_that_have_not_linked_makes_way() -> None:
    async def main() -> None:
        reds = ScriptedReds(Limits(max_unlinked=3))
        reds.linked = False
        async with serve(reds, port=0) as running:
            await expect_second_to_go(running, reds, (2, 1, 1, 3))

    run(main)


def test_unix_sockets_are_not_counted_as_one_host(tmp_path: Path) -> None:
    async def main() -> None:
        reds = ScriptedReds(Limits(max_unlinked_per_host=1))
        reds.linked = False
        async with serve(reds, unix=tmp_path / "s") as running:
            peers = [await connect(running) for _ in range(3)]
            connections = [await soon(reds.made.get()) for _ in peers]
            await turns()
            assert not any(connection.closed for connection in connections)
            for _, writer in peers:
                writer.transport.abort()

    run(main)


def test_idle_sockets_do_not_lock_a_viewer_out() -> None:
    async def main() -> None:
        reds = RedsState()
        async with serve(reds, port=0) as running:
            idle = [await connect(running) for _ in range(DEFAULT_LIMITS.max_unlinked * 2)]
            reader, writer = await connect(running)
            writer.write(b"HELO")
            assert (await soon(reader.read(4))) == b"REDQ"
            assert len(running._viewers) <= DEFAULT_LIMITS.max_unlinked
            for _, other in [*idle, (reader, writer)]:
                other.transport.abort()

    run(main)


# places


def test_ready_sockets_can_be_given(tmp_path: Path) -> None:
    async def main() -> None:
        tcp = socket.create_server(("127.0.0.1", 0))
        local = socket.socket(socket.AF_UNIX)
        local.bind(str(tmp_path / "s"))
        address = TcpAddress(*tcp.getsockname())
        async with serve(ScriptedReds(), sock=[tcp, local]) as running:
            assert running.addresses == (address, str(tmp_path / "s"))
        assert tcp.fileno() == local.fileno() == -1
        single = socket.create_server(("127.0.0.1", 0))
        async with serve(ScriptedReds(), sock=single) as running:
            assert running.addresses == (TcpAddress(*single.getsockname()),)

    run(main)


def test_a_server_listens_at_several_places(tmp_path: Path) -> None:
    async def main() -> None:
        reds = ScriptedReds()
        async with serve(reds, port=0, unix=tmp_path / "s") as running:
            tcp, path = running.addresses
            assert isinstance(tcp, TcpAddress)
            _, first = await asyncio.open_connection(*tcp)
            assert not (await soon(reds.made.get())).local
            _, second = await asyncio.open_unix_connection(path)
            assert (await soon(reds.made.get())).local
            first.transport.abort()
            second.transport.abort()

    run(main)


def test_all_addresses_of_a_name_have_the_same_port() -> None:
    async def main() -> None:
        async with serve(ScriptedReds(), None, 0) as running:
            assert {address.host for address in running.addresses} == {"0.0.0.0", "::"}
            assert len({address.port for address in running.addresses}) == 1

    run(main)


def test_a_place_that_is_taken_leaves_no_other_one_open(tmp_path: Path) -> None:
    async def main() -> None:
        with socket.create_server(("127.0.0.1", 0)) as taken:
            port = taken.getsockname()[1]
            given = socket.create_server(("127.0.0.1", 0))
            with pytest.raises(OSError, match="in use") as caught:
                await serve(ScriptedReds(), port=port, sock=given, unix=tmp_path / "s")
            assert caught.value.filename == f"127.0.0.1:{port}"
            assert given.fileno() == -1
            assert not (tmp_path / "s").exists()

    run(main)


# connected sockets


def test_a_connected_socket_is_served() -> None:
    async def main() -> None:
        reds = ScriptedReds()
        async with adopt(reds) as running:
            assert running.addresses == ()
            for skip_auth in (False, True):
                ours, theirs = socket.socketpair()
                running.add_client(ours, skip_auth)
                reader, writer = await asyncio.open_connection(sock=theirs)
                connection = await soon(reds.made.get())
                assert connection.skip_auth is skip_auth
                connection.send(b"hello")
                assert await soon(reader.readexactly(5)) == b"hello"
                writer.transport.abort()

    run(main)


def test_a_socket_that_is_not_connected_is_refused_and_left_alone() -> None:
    async def main() -> None:
        with (
            socket.socket() as unconnected,
            socket.socket(type=socket.SOCK_DGRAM) as datagrams,
            socket.socket() as closed,
        ):
            closed.close()
            async with adopt(ScriptedReds()) as running:
                for sock, complaint in (
                    (unconnected, "not connected"),
                    (datagrams, "not a stream socket"),
                    (closed, "not connected"),
                ):
                    with pytest.raises(ConfigurationError, match=complaint):
                        running.add_client(sock)
            assert unconnected.fileno() >= 0

    run(main)


def test_a_socket_that_comes_after_the_end_is_closed() -> None:
    async def main() -> None:
        running = adopt(ScriptedReds())
        running.close()
        await soon(running.wait_closed())
        ours, theirs = socket.socketpair()
        with theirs:
            running.add_client(ours)
            assert theirs.recv(1) == b""

    run(main)


# the core


def test_a_server_state_is_initialised_unless_it_was() -> None:
    async def main() -> None:
        fresh, ready, core = RedsState(), RedsState(), AsyncioCore()
        ready.init(core)
        async with serve(fresh, port=0), serve(ready, port=0):
            assert isinstance(fresh.core, AsyncioCore)
            assert ready.core is core

    run(main)
