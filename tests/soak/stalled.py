"""A viewer that stops reading: what it costs the server, and what it costs the others.

The frames of this demo have numbers, so it is known which frames the server has drawn and which of
them each viewer got. A rate would say less: it also falls when the machine is busy.
"""

from __future__ import annotations

import asyncio
import sys
from dataclasses import dataclass
from pathlib import Path

from redspice.limits import DEFAULT_LIMITS
from soak.figures import Figure, at_most
from soak.numbered import SIZE, Frames
from soak.server import SoakServer, soak_server
from soak.viewer import Viewer, open_viewer

NAME = "stalled viewer"
OTHERS = 5
SECONDS = 20.0
SETTLE = 5.0
PATIENCE = 2 * DEFAULT_LIMITS.silence_timeout + 15.0
"""Seconds until the server must have hung up: it asks a viewer that is silent, and waits again."""
ENDS = ("nothing ", "no answer ")
"""What the log says of a viewer that was given up, whichever of its deadlines comes first."""
COMPRESSION = ("--compression", "off")
"""As much as possible is to be sent."""
NUMBERED = (sys.executable, "-m", "soak.numbered")


@dataclass
class Window:
    """What some viewers saw meanwhile."""

    drawn: int
    """Frames that the server drew."""
    missed: int
    """Those that the worst of the viewers did not get."""


def run(folder: Path, quick: bool) -> list[Figure]:
    log = folder / "stalled.log"
    with soak_server(log, *COMPRESSION, size=SIZE, prefix=NUMBERED) as server:
        return asyncio.run(watch(server, SECONDS / 2 if quick else SECONDS))


async def watch(server: SoakServer, seconds: float) -> list[Figure]:
    address = server.host, server.port
    others = [await open_viewer(address) for _ in range(OTHERS)]
    stalled = await open_viewer(address)
    frames = [follow(viewer) for viewer in others]
    await asyncio.sleep(SETTLE)
    before = await window(frames, seconds)
    memory = server.memory
    for channel in stalled.everything:
        channel.stop_reading()
    during = await window(frames, seconds)
    cost = server.memory - memory
    async with asyncio.timeout(PATIENCE):
        await ended(server)
    gone = sum(not viewer.alive for viewer in others)
    return [
        Figure(NAME, "frames drawn, all viewers reading", before.drawn / seconds, "1/s"),
        Figure(NAME, "the same, one stalled", during.drawn / seconds, "1/s"),
        Figure(NAME, "frames missed by the worst viewer, all reading", before.missed, ""),
        at_most(NAME, "the same of the others, one stalled", during.missed, "", before.missed),
        at_most(NAME, "memory that it costs", max(cost, 0) / 1e6, "MB", 8),
        at_most(NAME, "viewers that were cut off besides it", gone, "", 0),
    ]


def follow(viewer: Viewer) -> Frames:
    """The frames that a viewer gets from now on."""
    frames = Frames()
    viewer.display.on_message = frames.look
    return frames


async def window(viewers: list[Frames], seconds: float) -> Window:
    """What viewers see in the next seconds."""
    after = max(frames.latest for frames in viewers)
    await asyncio.sleep(seconds)
    until = min(frames.latest for frames in viewers)
    return Window(until - after, max(frames.missed(after, until) for frames in viewers))


async def ended(server: SoakServer) -> None:
    """Wait for the server to say that it gave the stalled viewer up."""
    while not any(end in line for line in server.log_lines() for end in ENDS):
        await asyncio.sleep(0.5)
