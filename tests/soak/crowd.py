"""Two hundred viewers at once, and what the last one still sees."""

from __future__ import annotations

import asyncio
import statistics
import time
from dataclasses import dataclass
from pathlib import Path

from soak.figures import Figure, at_least, at_most
from soak.server import SoakServer, soak_server
from soak.viewer import Viewer, open_viewer

NAME = "crowd"
VIEWERS = 200
SECONDS = 30.0
SETTLE = 5.0
AT_ONCE = 20
"""Viewers that are on their way in at the same moment."""


@dataclass
class Seen:
    """What the crowd saw in `SECONDS`."""

    opened_in: float
    alive: int
    rates: list[float]
    """Pictures a second, of each viewer."""
    cpu: float
    memory: float


def run(folder: Path, quick: bool) -> list[Figure]:
    seconds = SECONDS / 3 if quick else SECONDS
    with soak_server(folder / "crowd.log") as server:
        memory = server.memory
        seen = asyncio.run(watch(server, seconds))
    with soak_server(folder / "alone.log") as server:
        alone = asyncio.run(watch(server, seconds, 1)).rates[0]
    return [
        at_least(NAME, f"viewers that stay, of {VIEWERS}", seen.alive, "", VIEWERS),
        at_most(NAME, "until all had their first picture", seen.opened_in, "s", 10),
        Figure(NAME, "pictures a second of a viewer that is alone", alone, "1/s"),
        Figure(NAME, "the same in the crowd, median", statistics.median(seen.rates), "1/s"),
        at_least(NAME, "the same in the crowd, worst", min(seen.rates), "1/s", 2),
        Figure(NAME, "processor time of the server", 100 * seen.cpu / seconds, "%"),
        at_most(NAME, "memory for each viewer", (seen.memory - memory) / VIEWERS / 1e6, "MB", 1),
    ]


async def watch(server: SoakServer, seconds: float, count: int = VIEWERS) -> Seen:
    address = server.host, server.port
    started = time.monotonic()
    gate = asyncio.Semaphore(AT_ONCE)

    async def enter() -> Viewer:
        async with gate:
            viewer = await open_viewer(address, patience=30)
        while not viewer.display.counts["mark"]:
            await asyncio.sleep(0.05)
        return viewer

    viewers = await asyncio.gather(*(enter() for _ in range(count)))
    opened_in = time.monotonic() - started
    await asyncio.sleep(SETTLE)
    before, cpu = [viewer.frames for viewer in viewers], server.cpu
    started = time.monotonic()
    await asyncio.sleep(seconds)
    took = time.monotonic() - started
    rates = [(viewer.frames - then) / took for viewer, then in zip(viewers, before, strict=True)]
    alive = sum(viewer.alive for viewer in viewers)
    seen = Seen(opened_in, alive, rates, server.cpu - cpu, server.memory)
    for viewer in viewers:
        viewer.close()
    return seen
