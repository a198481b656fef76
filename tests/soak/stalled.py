"""A viewer that stops reading: what it costs the server, and what it costs the others."""

from __future__ import annotations

import asyncio
from pathlib import Path

from redspice.limits import DEFAULT_LIMITS
from soak.figures import Figure, at_least, at_most
from soak.server import SoakServer, soak_server
from soak.viewer import Viewer, open_viewer

NAME = "stalled viewer"
OTHERS = 5
SECONDS = 20.0
PATIENCE = DEFAULT_LIMITS.ack_timeout + 15.0
"""Seconds until the server must have hung up."""
COMPRESSION = ("--compression", "off")
"""As much as possible is to be sent."""


def run(folder: Path, quick: bool) -> list[Figure]:
    with soak_server(folder / "stalled.log", *COMPRESSION, size="1280x1024") as server:
        return asyncio.run(watch(server, SECONDS / 2 if quick else SECONDS))


async def watch(server: SoakServer, seconds: float) -> list[Figure]:
    address = server.host, server.port
    others = [await open_viewer(address) for _ in range(OTHERS)]
    stalled = await open_viewer(address)
    await asyncio.sleep(5)
    before = await rates(others, seconds)
    memory = server.memory
    for channel in stalled.everything:
        channel.stop_reading()
    during = await rates(others, seconds)
    cost = server.memory - memory
    kept = min(now / then for now, then in zip(during, before, strict=True))
    async with asyncio.timeout(PATIENCE):
        await ended(server)
    gone = sum(not viewer.alive for viewer in others)
    return [
        at_least(NAME, "pictures that the worst of the others keeps", 100 * kept, "%", 98),
        at_most(NAME, "memory that it costs", max(cost, 0) / 1e6, "MB", 8),
        at_most(NAME, "viewers that were cut off besides it", gone, "", 0),
    ]


async def rates(viewers: list[Viewer], seconds: float) -> list[float]:
    """Pictures a second, of each."""
    before = [viewer.frames for viewer in viewers]
    await asyncio.sleep(seconds)
    return [(viewer.frames - then) / seconds for viewer, then in zip(viewers, before, strict=True)]


async def ended(server: SoakServer) -> None:
    """Wait for the server to say that it gave the stalled viewer up."""
    while not any("nothing " in line for line in server.log_lines()):
        await asyncio.sleep(0.5)
