"""Viewers that are killed at random, one after another, for minutes: what stays behind?"""

from __future__ import annotations

import asyncio
import random
import time
from pathlib import Path

from soak.figures import Figure, at_most
from soak.server import SoakServer, soak_server
from soak.viewer import Address, open_viewer

NAME = "killed viewers"
SECONDS = 180.0
WARM_UP = 60.0
"""Seconds of the same before memory is measured: what the system lends it does not take back."""
AT_ONCE = 20
LONGEST = 2.0
"""Seconds that a viewer lives at most; some do not get through the link stage."""
SETTLE = 10.0
"""Seconds for the server to come to rest. Longer than the deadline of a link that was cut off."""
OTHERS = ("inputs", "cursor")
SEED = 7


def run(folder: Path, quick: bool) -> list[Figure]:
    with soak_server(folder / "killed.log") as server:
        return asyncio.run(watch(server, SECONDS / 6 if quick else SECONDS))


async def watch(server: SoakServer, seconds: float) -> list[Figure]:
    address = server.host, server.port
    await kill_viewers(address, WARM_UP)
    await asyncio.sleep(SETTLE)
    memory, descriptors = server.memory, server.descriptors
    killed = await kill_viewers(address, seconds)
    await asyncio.sleep(SETTLE)
    growth = 100 * (server.memory / memory - 1)
    return [
        Figure(NAME, f"killed in {seconds:g} s", killed, ""),
        at_most(NAME, "memory afterwards, beside that before", growth, "%", 5),
        at_most(NAME, "sockets that are left", server.descriptors - descriptors, "", 0),
    ]


async def kill_viewers(address: Address, seconds: float) -> int:
    """Several at a time open, live for a random while and vanish; returns how many."""
    chance = random.Random(SEED)
    end = time.monotonic() + seconds
    killed = 0

    async def live() -> None:
        nonlocal killed
        while time.monotonic() < end:
            opening = asyncio.create_task(open_viewer(address, OTHERS))
            dies_at = time.monotonic() + chance.uniform(0, LONGEST)
            await asyncio.wait([opening], timeout=dies_at - time.monotonic())
            await asyncio.sleep(max(0.0, dies_at - time.monotonic()))
            if opening.done():
                opening.result().kill()
            else:
                opening.cancel()
                await asyncio.wait([opening])
            killed += 1

    await asyncio.gather(*(live() for _ in range(AT_ONCE)))
    return killed
