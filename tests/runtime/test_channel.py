"""A channel whose other end stalls: nothing turns in circles meanwhile, and it goes on later."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from redspice.ack import DEFAULT_WINDOW
from redspice.aio import serve
from redspice.channel import RedChannel
from redspice.channel_client import RedChannelClient
from redspice.pipe import PipeItem
from redspice.reds import RedsState
from redspice_protocol import CHANNELS
from redspice_protocol.base import MsgcAckSync, MsgData
from runtime.certificates import server_files
from runtime.peer import Peer, Viewer
from runtime.scripted import ScriptedReds, connect, run, shells, soon, turns

PORT = CHANNELS["port"]
DATA = PORT.server.by_name["data"]


class NumbersClient(RedChannelClient):
    """Sends a number whenever it may."""

    sent = 0

    def next_items(self) -> list[PipeItem]:
        self.sent += 1
        return [PipeItem(DATA, MsgData(b"%d" % self.sent))]


class NumbersChannel(RedChannel[NumbersClient]):
    messages = PORT
    handle_acks = True
    max_message_size = 100
    client_class = NumbersClient


@pytest.fixture
def peer(reds: RedsState) -> Peer:
    reds.register_channel(NumbersChannel(reds))
    return Viewer(reds).open("port", acking=False)


def numbers(peer: Peer) -> list[int]:
    return [int(bytes(one.message.data)) for one in peer.messages() if one.name == "data"]


def test_without_acks_the_sender_stops_and_is_quiet(peer: Peer) -> None:
    allowed = 2 * DEFAULT_WINDOW + 1
    assert numbers(peer) == list(range(1, allowed + 1))
    wakes = peer.wakes
    for _ in range(1000):
        assert peer.connection.data_to_send() == []
    assert peer.wakes == wakes


def test_an_ack_lets_it_go_on_where_it_stopped(peer: Peer) -> None:
    before = numbers(peer)
    peer.send("ack_sync", MsgcAckSync(generation=1))
    peer.send("ack")
    after = numbers(peer)
    assert after == list(range(before[-1] + 1, before[-1] + DEFAULT_WINDOW + 1))
    assert numbers(peer) == []


@pytest.mark.parametrize("secured", [False, True])
def test_a_socket_is_left_unread_while_its_connection_wants_nothing(
    tmp_path: Path, secured: bool
) -> None:
    files = server_files(tmp_path)

    async def main() -> None:
        reds = ScriptedReds()
        place = {"tls": files.context(), "tls_port": 0} if secured else {"port": 0}
        async with serve(reds, **place) as running:  # type: ignore[arg-type]
            tls = {"ssl": files.viewer(), "server_hostname": "localhost"} if secured else {}
            _, writer = await asyncio.open_connection(*running.addresses[0], **tls)  # type: ignore[arg-type]
            connection = await soon(reds.made.get())

            def stop(data: bytes) -> None:
                connection.wants_data = False
                connection.on_output()

            connection.answer = stop
            writer.write(b"first")
            while not connection.received:
                await turns()
            (shell,) = shells(running)
            assert not shell._transport.is_reading()
            writer.write(b"second")
            await turns(50)
            assert connection.received == b"first"
            connection.wants_data = True
            connection.on_output()
            while connection.received != b"firstsecond":
                await turns()
            connection.close()
            writer.transport.abort()

    run(main)


def test_the_end_of_a_peer_is_seen_once_its_connection_is_closed() -> None:
    async def main() -> None:
        reds = ScriptedReds()
        async with serve(reds, port=0) as running:
            _, writer = await connect(running)
            connection = await soon(reds.made.get())
            connection.wants_data = False
            connection.on_output()
            writer.close()
            await turns(50)
            assert not connection.eof
            connection.wants_data = True
            connection.close()
            assert await soon(connection.lost)

    run(main)
