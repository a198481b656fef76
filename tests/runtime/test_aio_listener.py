"""Accepting: what `accept` may raise, and no descriptors left."""

from __future__ import annotations

import asyncio
import errno
import os
import socket
import struct

import pytest

from redspice.aio import listener
from redspice.aio.listener import Listener
from runtime.scripted import run, soon


class Failing(socket.socket):
    """A listening socket whose next `accept` fails."""

    error: OSError | None = None

    def accept(self) -> tuple[socket.socket, object]:
        if self.error is not None:
            error, self.error = self.error, None
            raise error
        return super().accept()


def failing(number: int) -> Failing:
    sock = Failing(socket.AF_INET, socket.SOCK_STREAM)
    sock.bind(("127.0.0.1", 0))
    sock.error = OSError(number, os.strerror(number))
    return sock


@pytest.mark.parametrize("number", [errno.EMFILE, errno.ECONNABORTED, errno.EAGAIN])
def test_a_failed_accept_is_tried_again(
    number: int, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(listener, "RETRY", 0.01)

    async def main() -> None:
        taken: asyncio.Future[socket.socket] = asyncio.get_running_loop().create_future()
        sock = failing(number)
        listening = Listener(sock, lambda taken_sock, name: taken.set_result(taken_sock))
        listening.start()
        with socket.create_connection(sock.getsockname()):
            (await soon(taken)).close()
        listening.close()
        listening.close()

    run(main)
    complaint = ["cannot accept connections: Too many open files"]
    assert caplog.messages == (complaint if number == errno.EMFILE else [])


def test_a_listener_that_waits_for_a_descriptor_can_be_closed() -> None:
    async def main() -> None:
        sock = failing(errno.EMFILE)
        listening = Listener(sock, lambda *taken: pytest.fail("taken after the end"))
        listening.start()
        with socket.create_connection(sock.getsockname()):
            while sock.error is not None:
                await asyncio.sleep(0)
            assert listening._retry is not None
            assert not listening._retry.cancelled()
            listening.close()
            assert listening._retry.cancelled()

    run(main)


def test_waiting_connections_are_taken_a_few_in_each_turn() -> None:
    async def main() -> None:
        taken: list[socket.socket] = []
        sock = socket.create_server(("127.0.0.1", 0))
        listening = Listener(sock, lambda one, name: taken.append(one))
        waiting = [
            socket.create_connection(sock.getsockname()) for _ in range(listener.AT_ONCE + 1)
        ]
        listening._accept()
        assert len(taken) == listener.AT_ONCE
        listening._accept()
        assert len(taken) == len(waiting)
        listening.close()
        for one in (*taken, *waiting):
            one.close()

    run(main)


def test_whoever_is_handed_a_connection_may_close_the_listener() -> None:
    async def main() -> None:
        taken: list[socket.socket] = []

        def take(one: socket.socket, name: object) -> None:
            taken.append(one)
            listening.close()

        sock = socket.create_server(("127.0.0.1", 0))
        listening = Listener(sock, take)
        waiting = [socket.create_connection(sock.getsockname()) for _ in range(2)]
        listening._accept()
        assert len(taken) == 1
        for one in (*taken, *waiting):
            one.close()

    run(main)


def test_the_system_is_told_how_long_its_queue_is() -> None:
    async def main() -> None:
        sock = socket.create_server(("127.0.0.1", 0))
        listener = Listener(sock, lambda *taken: None, backlog=7)
        # For a socket that listens Linux keeps the length of the queue in place of `tcpi_sacked`.
        info = sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 32)
        assert struct.unpack_from("=I", info, 28) == (7,)
        listener.close()

    run(main)
