"""`python -m soak.flooder HOST PORT RATE SECONDS HOSTS`: hostile links, RATE a second.

In turn garbage, a link message with nothing after it, and a wrong password, from as many addresses
as HOSTS says. Nothing waits for the server: an attempt that gets no answer stays open until the
server ends it. Prints how many attempts were made, how they ended, and what processor time they
took on this side, as JSON.
"""

from __future__ import annotations

import asyncio
import json
import os
import struct
import sys
import time
from collections import Counter
from collections.abc import Callable, Generator
from itertools import cycle
from typing import cast

from runtime.peer import Peer, link_message
from soak.viewer import KEY, LINK_HEADER_SIZE, WORD

STEP = 0.01
"""Seconds between two rounds of attempts."""
LINGER = 15.0
"""Seconds after the last attempt until the count."""

Talk = Generator[int, bytes, None]
"""What an attempt says: yields how many bytes it waits for."""


def source(number: int) -> str:
    """The address of a host of the flood."""
    return f"127.0.1.{number + 1}"


class Attempt(asyncio.Protocol):
    """One hostile link."""

    def __init__(self, talk: Callable[[asyncio.Transport], Talk], outcome: Counter[str]) -> None:
        self._talk = talk
        self._outcome = outcome
        self._inbox = bytearray()
        self._wanted: int | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._outcome["connected"] += 1
        self._stage = self._talk(cast("asyncio.Transport", transport))
        self._wanted = next(self._stage, None)

    def data_received(self, data: bytes) -> None:
        self._inbox += data
        while self._wanted is not None and len(self._inbox) >= self._wanted:
            piece = bytes(self._inbox[: self._wanted])
            del self._inbox[: self._wanted]
            try:
                self._wanted = self._stage.send(piece)
            except StopIteration:
                self._wanted = None

    def connection_lost(self, error: Exception | None) -> None:
        self._outcome["ended"] += 1


def garbage(transport: asyncio.Transport) -> Talk:
    transport.write(os.urandom(64))
    return
    yield


def silence(transport: asyncio.Transport) -> Talk:
    transport.write(link_message("main"))
    return
    yield


def wrong_password(transport: asyncio.Transport) -> Talk:
    transport.write(link_message("main"))
    header = yield LINK_HEADER_SIZE
    reply = yield WORD.unpack_from(header, 12)[0]
    ticket = Peer.encrypt(reply[KEY], "wrong")
    transport.write(struct.pack("<I", 1) + ticket)


async def flood(host: str, port: int, rate: float, seconds: float, hosts: int) -> Counter[str]:
    """Attempt after attempt, on time whatever the server does."""
    loop = asyncio.get_running_loop()
    outcome: Counter[str] = Counter()
    talks = cycle((garbage, silence, wrong_password))
    sources = cycle(map(source, range(hosts)))
    running: set[asyncio.Task[None]] = set()

    async def attempt() -> None:
        talk, source = next(talks), next(sources)
        try:
            await loop.create_connection(
                lambda: Attempt(talk, outcome), host, port, local_addr=(source, 0)
            )
        except OSError:
            outcome["not connected"] += 1

    started = loop.time()
    made = 0
    while (now := loop.time() - started) < seconds:
        for _ in range(int(now * rate) - made):
            made += 1
            task = loop.create_task(attempt())
            running.add(task)
            task.add_done_callback(running.discard)
        await asyncio.sleep(STEP)
    outcome["made"] = made
    outcome["milliseconds of processor time"] = round(1000 * time.process_time())
    await asyncio.sleep(LINGER)
    return outcome


if __name__ == "__main__":
    host, port, rate, seconds, hosts = sys.argv[1:]
    print(json.dumps(asyncio.run(flood(host, int(port), float(rate), float(seconds), int(hosts)))))
