"""A thousand hostile links a second: does anybody notice?

A third each of garbage, of link messages with nothing after them and of wrong passwords, once from
a single address and once from fifty. A viewer that is in counts its pictures, and once a second a
new one comes from an address of its own, and another one from an address of the flood.
"""

from __future__ import annotations

import asyncio
import json
import sys
from dataclasses import dataclass, field
from pathlib import Path

from soak.figures import Figure, at_least, at_most
from soak.flooder import source
from soak.server import SoakServer, soak_server
from soak.viewer import Address, LinkFailedError, Viewer, connect, open_viewer

NAME = "flood"
RATE = 1000
SECONDS = 30.0
WARM_UP = 10.0
PASSWORD = "open sesame"
HONEST = "127.0.0.2"
NEIGHBOUR = source(0)
NEWCOMER_PATIENCE = 5.0
ADDRESSES = (1, 50)


@dataclass
class Newcomers:
    """New viewers of one address."""

    links: list[float] = field(default_factory=list)
    """Seconds that it took those who got in."""
    locked_out: int = 0

    def judge(self, scenario: str, who: str) -> list[Figure]:
        tried = len(self.links) + self.locked_out
        slowest = max(self.links, default=NEWCOMER_PATIENCE)
        return [
            at_most(scenario, f"slowest newcomer {who}", slowest, "s", 1),
            at_most(scenario, f"newcomers {who} locked out, of {tried}", self.locked_out, "", 0),
        ]


@dataclass
class Noticed:
    """What honest viewers saw of a flood."""

    before: float
    """Pictures a second."""
    during: float = 0.0
    strangers: Newcomers = field(default_factory=Newcomers)
    """From an address of their own."""
    neighbours: Newcomers = field(default_factory=Newcomers)
    """From an address of the flood."""
    attempts: dict[str, int] = field(default_factory=dict)
    cpu: float = 0.0
    """Seconds of processor time that the server took."""
    waited: float = 0.0
    """Seconds for which its loop had work and no processor."""


def run(folder: Path, quick: bool) -> list[Figure]:
    figures = []
    seconds = SECONDS / 3 if quick else SECONDS
    for hosts in ADDRESSES:
        with soak_server(folder / f"flood-{hosts}.log", password=PASSWORD) as server:
            noticed = asyncio.run(watch(server, hosts, seconds))
            lines = len(server.log_lines())
        figures += judge(f"{NAME}, {hosts} address{'es' if hosts > 1 else ''}", noticed, seconds)
        figures.append(Figure(figures[-1].scenario, "lines in the log", lines / seconds, "1/s"))
    return figures


def judge(name: str, noticed: Noticed, seconds: float) -> list[Figure]:
    kept = 100 * noticed.during / noticed.before
    made = noticed.attempts["made"] / seconds
    reached = noticed.attempts["connected"] / seconds
    left = noticed.attempts["connected"] - noticed.attempts["ended"]
    attack = noticed.attempts["milliseconds of processor time"] / 1000
    return [
        Figure(name, "attempts offered", made, "1/s"),
        Figure(name, "attempts that got a connection", reached, "1/s"),
        Figure(name, "processor time of the server", 100 * noticed.cpu / seconds, "%"),
        Figure(name, "the server waits for a processor", 100 * noticed.waited / seconds, "%"),
        Figure(name, "processor time of the flood itself", 100 * attack / seconds, "%"),
        at_least(name, "pictures that a viewer keeps", kept, "%", 90),
        *noticed.strangers.judge(name, "from elsewhere"),
        *noticed.neighbours.judge(name, "from the flood's address"),
        at_most(name, "hostile links still open 15 s later", left, "", 0),
    ]


async def watch(server: SoakServer, hosts: int, seconds: float) -> Noticed:
    address = server.host, server.port
    viewer = await open_viewer(address, password=PASSWORD, source=HONEST)
    await asyncio.sleep(WARM_UP)
    noticed = Noticed(before=await rate(viewer, WARM_UP))
    command = [*address, RATE, seconds, hosts]
    flooder = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "soak.flooder", *map(str, command), stdout=asyncio.subprocess.PIPE
    )
    await asyncio.sleep(1)  # until it has begun
    cpu, waited = server.cpu, server.waited
    newcomers = asyncio.gather(
        come(address, seconds - 2, HONEST, noticed.strangers),
        come(address, seconds - 2, NEIGHBOUR, noticed.neighbours),
    )
    noticed.during = await rate(viewer, seconds - 2)
    whole = seconds / (seconds - 2)
    noticed.cpu, noticed.waited = (server.cpu - cpu) * whole, (server.waited - waited) * whole
    await newcomers
    output, _ = await flooder.communicate()
    noticed.attempts = json.loads(output)
    assert viewer.alive
    viewer.close()
    return noticed


async def rate(viewer: Viewer, seconds: float) -> float:
    """Pictures a second."""
    before = viewer.frames
    await asyncio.sleep(seconds)
    return (viewer.frames - before) / seconds


async def come(address: Address, seconds: float, origin: str, newcomers: Newcomers) -> None:
    """Once a second a new viewer, as long as a flood lasts."""
    loop = asyncio.get_running_loop()
    end = loop.time() + seconds
    while (started := loop.time()) < end:
        try:
            channel = await connect(
                address, "main", password=PASSWORD, source=origin, patience=NEWCOMER_PATIENCE
            )
        except (LinkFailedError, OSError, TimeoutError):
            newcomers.locked_out += 1
        else:
            newcomers.links.append(loop.time() - started)
            channel.close()
        await asyncio.sleep(max(0.0, started + 1 - loop.time()))
