"""Links that never get anywhere: 500 that say nothing and 500 that say a byte a second.

They come from many addresses, as what one address may have is bounded anyway.
"""

from __future__ import annotations

import asyncio
import time
from itertools import count
from pathlib import Path

from redspice.limits import DEFAULT_LIMITS
from runtime.peer import link_message
from soak.figures import Figure, at_most
from soak.server import SoakServer, soak_server
from soak.viewer import open_viewer

NAME = "half-open"
LINKS = 500
HOSTS = 10
DEADLINE = DEFAULT_LIMITS.link_timeout
GRACE = 2.0
"""Seconds after the deadline until none may be left."""
HONEST = "127.0.0.2"
BURST = 100
"""Connections made at once; as many as the system keeps for the server."""


def run(folder: Path, quick: bool) -> list[Figure]:
    figures = []
    for name, drip in (("silent", False), ("a byte a second", True)):
        with soak_server(folder / f"half-open-{name[0]}.log") as server:
            figures += asyncio.run(watch(f"{NAME}, {name}", server, drip))
    return figures


class HalfOpen(asyncio.Protocol):
    """A link that says its message byte by byte, or nothing at all."""

    def __init__(self, drip: bool) -> None:
        self.gone_at: float | None = None
        self._drip = drip
        self._message = iter(link_message("main"))

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.made_at = time.monotonic()
        self.transport = transport
        if self._drip:
            self._say_more()

    def _say_more(self) -> None:
        assert isinstance(self.transport, asyncio.Transport)
        if not self.transport.is_closing():
            self.transport.write(bytes([next(self._message)]))
            asyncio.get_running_loop().call_later(1, self._say_more)

    def connection_lost(self, error: Exception | None) -> None:
        self.gone_at = time.monotonic()


async def watch(name: str, server: SoakServer, drip: bool) -> list[Figure]:
    loop = asyncio.get_running_loop()
    viewer = await open_viewer((server.host, server.port), source=HONEST)
    descriptors = server.descriptors
    links: list[HalfOpen] = []
    numbers = count()
    while len(links) < LINKS:
        made = [
            loop.create_connection(
                lambda: HalfOpen(drip),
                server.host,
                server.port,
                local_addr=(f"127.0.1.{next(numbers) % HOSTS + 1}", 0),
            )
            for _ in range(BURST)
        ]
        links += [protocol for _, protocol in await asyncio.gather(*made)]
    held = server.descriptors - descriptors
    started = time.monotonic()
    await open_viewer((server.host, server.port), source=HONEST)
    newcomer = time.monotonic() - started
    await asyncio.sleep(DEADLINE + GRACE)
    ages = [link.gone_at - link.made_at for link in links if link.gone_at is not None]
    assert viewer.alive
    return [
        Figure(name, f"sockets that the server kept, of {LINKS}", held, ""),
        at_most(name, "a new viewer meanwhile", newcomer, "s", 1),
        at_most(name, "links that are left", LINKS - len(ages), "", 0),
        at_most(name, "the longest that one was open", max(ages), "s", DEADLINE + GRACE),
    ]
