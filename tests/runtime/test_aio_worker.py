"""A worker's thread: calls keep their order, and a channel in it only ever runs there."""

from __future__ import annotations

import asyncio
import logging
import threading
from functools import partial

import pytest

from redspice.aio import WorkerThread
from redspice.channels.port import PortChannel
from redspice.reds import RedsState
from redspice.worker_channel import WorkerChannel
from redspice_protocol.base import MsgData
from runtime.fake_core import FakeCore
from runtime.guest import Port
from runtime.peer import PASSWORD, Peer, Viewer


def data_of(peer: Peer) -> bytes:
    return b"".join(bytes(one.message.data) for one in peer.messages() if one.name == "data")


def test_calls_between_loops_keep_their_order() -> None:
    async def scenario() -> list[int]:
        got: list[int] = []
        done = asyncio.Event()
        with WorkerThread() as worker:
            for number in range(1000):
                back = partial(worker.to_server.post, partial(got.append, number))
                worker.to_worker.post(back)
            worker.to_worker.post(lambda: worker.to_server.post(done.set))
            await asyncio.wait_for(done.wait(), 10)
        return got

    assert asyncio.run(scenario()) == list(range(1000))


def test_a_call_that_fails_is_logged_and_the_next_one_comes(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def scenario() -> None:
        done = asyncio.Event()
        with WorkerThread() as worker:
            worker.to_worker.post(lambda: 1 // 0)
            worker.to_worker.post(lambda: worker.to_server.post(done.set))
            await asyncio.wait_for(done.wait(), 10)
        worker.to_worker.post(done.clear)  # dropped: the worker has ended
        assert done.is_set()

    asyncio.run(scenario())
    assert "ZeroDivisionError" in caplog.text


def test_a_worker_that_was_never_started_can_be_stopped() -> None:
    async def main() -> None:
        worker = WorkerThread()
        worker.stop()
        worker.to_worker.post(lambda: None)

    asyncio.run(main())


def test_a_worker_that_hangs_does_not_keep_the_program(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("redspice.aio.worker.STOP_TIMEOUT", 0.01)
    release = threading.Event()

    async def scenario() -> None:
        with WorkerThread("stuck") as worker:
            worker.to_worker.post(release.wait)

    asyncio.run(scenario())
    assert "stuck: still busy" in caplog.text
    release.set()
    for thread in threading.enumerate():
        if thread.name == "stuck":
            thread.join(10)
            assert not thread.is_alive()


def test_a_channel_only_ever_runs_in_its_thread(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.ERROR)
    threads: set[str] = set()

    class Watched(Port):
        def write(self, data: memoryview) -> int:
            threads.add(threading.current_thread().name)
            taken = super().write(data)
            self.say(bytes(data[:taken]))
            return taken

        def read(self, most: int) -> bytes:
            threads.add(threading.current_thread().name)
            return super().read(most)

        def state(self, connected: bool) -> None:
            threads.add(threading.current_thread().name)

    async def scenario() -> bytes:
        reds = RedsState()
        reds.init(FakeCore())
        reds.set_ticket(PASSWORD)
        echo = Watched()
        with WorkerThread("echo") as worker:
            channel = WorkerChannel(
                reds, worker, PortChannel, make=lambda reds, id: PortChannel(reds, echo, id)
            )
            reds.register_channel(channel)
            got = await asyncio.wait_for(echoed(reds), 20)
            reds.unregister_channel(channel)
        return got

    assert asyncio.run(scenario()) == b"".join(b"%d " % number for number in range(500))
    assert threads == {"echo"}
    assert not caplog.records


async def echoed(reds: RedsState) -> bytes:
    """What an echo port answers to 500 small messages."""
    peer = Viewer(reds).open("port")
    expected = 0
    for number in range(500):
        peer.send("data", MsgData(b"%d " % number))
        expected += len(b"%d " % number)
    got = b""
    while len(got) < expected:
        assert not peer.connection.closed
        await asyncio.sleep(0)
        got += data_of(peer)
    return got
