"""Complete link stages per second on one core, and a burst of viewers that know the password."""

from __future__ import annotations

import asyncio
import socket
import struct
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from redspice.caps import CommonCap
from runtime.peer import link_message
from soak.figures import Figure, at_least, at_most
from soak.server import soak_server
from soak.viewer import KEY, LINK_HEADER_SIZE, PATIENCE, WORD, Address, connect, make_ticket

NAME = "handshakes"
LINKS = 4000
AT_ONCE = 16
BURST = 100
PASSWORD = "open sesame"
CORE = "0"
RESET = struct.pack("ii", 1, 0)
"""Hang up with a reset: so many closed sockets would else use up the ports of the machine."""


def run(folder: Path, quick: bool) -> list[Figure]:
    links = LINKS // 4 if quick else LINKS
    bare_rate, bare_cost = measure_links(folder / "links.log", links, "")
    rate, cost = measure_links(folder / "links-password.log", links, PASSWORD)
    with soak_server(folder / "burst.log", password=PASSWORD) as server:
        burst = asyncio.run(make_burst((server.host, server.port)))
    return [
        at_least(NAME, "complete links on one core, no password", bare_rate, "1/s", 400),
        Figure(NAME, "the same, processor time of the server for each", bare_cost * 1e3, "ms"),
        at_least(NAME, "complete links on one core, with password", rate, "1/s", 400),
        Figure(NAME, "with password, processor time of the server for each", cost * 1e3, "ms"),
        at_most(NAME, f"{BURST} viewers at once, with password, after the start", burst, "s", 2),
    ]


def measure_links(log: Path, links: int, password: str) -> tuple[float, float]:
    """Links a second, and the server's processor seconds for each; no password lets all in."""
    with soak_server(log, password=password or None, prefix=("taskset", "-c", CORE)) as server:
        cpu = server.cpu
        seconds = make_links((server.host, server.port), links, password)
        return links / seconds, (server.cpu - cpu) / links


def make_links(address: Address, count: int, password: str) -> float:
    """Link and hang up, `AT_ONCE` at a time; returns how long it took."""
    started = time.monotonic()
    with ThreadPoolExecutor(AT_ONCE) as threads:
        for _ in threads.map(lambda _: link_once(address, password), range(count)):
            pass
    return time.monotonic() - started


def link_once(address: Address, password: str) -> None:
    """One link stage of a viewer that costs as little as possible: what is measured is the server.

    Without a password the ticket is the same as long as the server's key is.
    """
    with socket.create_connection(address, PATIENCE) as sock:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
        sock.sendall(link_message("main"))
        header = receive(sock, LINK_HEADER_SIZE)
        reply = receive(sock, WORD.unpack_from(header, 12)[0])
        sock.sendall(WORD.pack(CommonCap.AUTH_SPICE) + make_ticket(reply[KEY], password))
        assert not any(receive(sock, WORD.size))


def receive(sock: socket.socket, size: int) -> bytes:
    """Exactly so many bytes."""
    data = sock.recv(size, socket.MSG_WAITALL)
    assert len(data) == size
    return data


async def make_burst(address: Address) -> float:
    """Link `BURST` main channels at the same moment; returns how long the last one took."""
    started = time.monotonic()
    links = [connect(address, "main", password=PASSWORD) for _ in range(BURST)]
    channels = await asyncio.gather(*links)
    took = time.monotonic() - started
    for channel in channels:
        channel.close()
    return took
