"""A socket that listens: hands every connection on, a few in each turn of the loop.

Not `asyncio.Server`: that starts a TLS handshake before anybody could say no to the connection.
"""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import Callable

from redspice.aio.addresses import SocketName
from redspice.limits import DEFAULT_LIMITS

logger = logging.getLogger("redspice")

AT_ONCE = 32
"""Connections taken in one turn of the loop, some 2 ms of work. With fewer a flood fills what the
system keeps for us, and then it drops newcomers, who try again a second or three later."""

RETRY = 1.0
"""Seconds until the next try when the process has no file descriptor for a connection."""

GONE = (BlockingIOError, InterruptedError, ConnectionAbortedError)
"""What `accept` raises when there is no connection after all."""


class Listener:
    """Listens on a bound socket, which it owns; `taken` gets the connected ones and their peers'
    names, which the system forgets when a peer resets the connection."""

    def __init__(
        self,
        sock: socket.socket,
        taken: Callable[[socket.socket, SocketName], None],
        backlog: int = DEFAULT_LIMITS.listen_backlog,
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self._sock = sock
        self._taken = taken
        self._retry: asyncio.TimerHandle | None = None
        sock.setblocking(False)
        sock.listen(backlog)

    def start(self) -> None:
        """Accept from now on."""
        self._retry = None
        self._loop.add_reader(self._sock, self._accept)

    def close(self) -> None:
        """Listen no longer; harmless when done before."""
        if self._retry is not None:
            self._retry.cancel()
        if self._sock.fileno() >= 0:
            self._loop.remove_reader(self._sock)
            self._sock.close()

    def _accept(self) -> None:
        for _ in range(AT_ONCE):
            if not self._accept_one():
                return

    def _accept_one(self) -> bool:
        """Take one connection; whether there may be another one to take."""
        try:
            sock, name = self._sock.accept()
        except GONE:
            return False
        except OSError as error:
            logger.error("cannot accept connections: %s", error.strerror)
            self._loop.remove_reader(self._sock)
            self._retry = self._loop.call_later(RETRY, self.start)
            return False
        self._taken(sock, name)
        return self._sock.fileno() >= 0  # else whoever took it has closed the listener
