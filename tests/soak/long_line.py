"""A line of 80 ms round trip and 10 Mbit/s, with loss, with a cut: is a key soon on the screen?

With the compression that a user gets the line has room. Uncompressed the motion of a large demo
alone is more than the line carries; that is measured first, without the line. What the line carries
is beside what one plain TCP connection gets through it. Needs root, for network namespaces.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from soak.figures import Figure, at_least, at_most
from soak.server import SoakServer, soak_server
from soak.shaper import SERVER
from soak.viewer import Address, open_viewer

NAME = "long line"
SPACE = "soak"
SERVER_SIDE, VIEWER_SIDE = (("ip", "netns", "exec", f"{SPACE}-{side}") for side in "ab")
DELAY_MS, RATE_MBIT = 40, 10
LARGE = "2560x1440"
DEMAND_SECONDS = 5.0
SECONDS = 30.0
CUT_AFTER, CUT = 30.0, 20.0
"""Seconds; before the cut the first picture alone takes half of them."""
BULK_SECONDS = 15.0
UNCOMPRESSED = ("--compression", "off")
GIVEN_UP = re.compile(r"nothing (read|answered|acknowledged) in")


class Variant(NamedTuple):
    name: str
    size: str = LARGE
    compressed: bool = False
    loss: float = 0.0
    cut: bool = False


VARIANTS = (
    *(Variant(f"80 ms, 10 Mbit/s, {size}", size, True) for size in ("1280x1024", "1920x1080")),
    Variant("80 ms, 10 Mbit/s, 2560x1440", compressed=True),
    Variant("the same, uncompressed"),
    Variant("80 ms, 10 Mbit/s, 5 % loss, 2560x1440", compressed=True, loss=0.05),
    Variant("the same with loss, uncompressed", loss=0.05),
    Variant("80 ms, 10 Mbit/s, cut for 20 s", cut=True),
)


def run(folder: Path, quick: bool) -> list[Figure]:
    if os.geteuid() != 0:
        print("long_line: not root, left out")
        return []
    figures = [measure_demand(folder), *(measure_bulk(loss) for loss in (0.0, 0.05))]
    for variant in VARIANTS:
        figures += measure(folder, variant, SECONDS / 2 if quick else SECONDS)
    return figures


def measure_demand(folder: Path) -> Figure:
    """What the demo draws by itself where nothing slows it down."""
    with soak_server(folder / "demand.log", *UNCOMPRESSED, size=LARGE) as server:
        rate = asyncio.run(watch_demand((server.host, server.port)))
    return at_least(NAME, "what the demo draws without a line", rate, "Mbit/s", RATE_MBIT)


async def watch_demand(address: Address) -> float:
    """Megabits a second, once the first picture is there."""
    viewer = await open_viewer(address)
    while not viewer.display.counts["mark"]:
        await asyncio.sleep(0.05)
    await asyncio.sleep(1)
    before, started = viewer.display.bytes, time.monotonic()
    await asyncio.sleep(DEMAND_SECONDS)
    rate = (viewer.display.bytes - before) * 8 / (time.monotonic() - started) / 1e6
    viewer.close()
    return rate


def measure(folder: Path, variant: Variant, seconds: float) -> list[Figure]:
    with (
        line(variant.loss) as shaper,
        soak_server(
            folder / f"line-{VARIANTS.index(variant)}.log",
            *(() if variant.compressed else UNCOMPRESSED),
            host=SERVER,
            size=variant.size,
            prefix=SERVER_SIDE,
        ) as server,
    ):
        length = seconds + CUT_AFTER + CUT if variant.cut else seconds
        if variant.loss:
            length *= 2  # else the slowest of 60 keys would decide
        viewer = start_viewer(server, variant.size, length)
        if variant.cut:
            time.sleep(CUT_AFTER)
            toggle(shaper)
            time.sleep(CUT)
            toggle(shaper)
        output, _ = viewer.communicate()
        return judge(variant, json.loads(output), server.log_lines())


def judge(variant: Variant, report: dict[str, object], log: list[str]) -> list[Figure]:
    name, ended = variant.name, report["ended"] is not None
    delays, carried, gap = (report[key] for key in ("delays", "bytes_per_second", "longest_gap"))
    assert isinstance(delays, list)
    assert isinstance(carried, float)
    assert isinstance(gap, float)
    unexplained = ended and not any(GIVEN_UP.search(line) for line in log)
    delays.sort()
    figures = [
        Figure(name, "sessions that ended", ended, ""),
        at_most(name, "sessions that ended without the reason in the log", unexplained, "", 0),
        Figure(name, "longest time without a picture", gap, "s"),
        at_least(name, "keys that were seen", len(delays), "", 1),
    ]
    if delays:
        middle = statistics.median(delays)
        figures.append(at_most(name, "until a key is on the screen, median", middle, "s", 0.5))
    if variant.cut or not delays:
        return figures
    use = 100 * carried * 8 / (RATE_MBIT * 1e6)
    most = delays[int(0.95 * len(delays))]
    return [
        *figures,
        at_most(name, "the same, 95 of 100 keys", most, "s", 0.5),
        Figure(name, "the same, slowest", delays[-1], "s"),
        Figure(name, "the line is used", use, "%"),
    ]


def start_viewer(server: SoakServer, size: str, seconds: float) -> subprocess.Popen[str]:
    where = [server.host, str(server.port), size, str(seconds)]
    command = [*VIEWER_SIDE, sys.executable, "-m", "soak.line_viewer", *where]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def measure_bulk(loss: float) -> Figure:
    """What one TCP connection gets through the line that sends all the time: the yardstick."""
    bulk = (sys.executable, "-m", "soak.bulk")
    with (
        line(loss),
        subprocess.Popen(
            [*SERVER_SIDE, *bulk, "send", SERVER, str(BULK_SECONDS)],
            stdout=subprocess.PIPE,
            text=True,
        ) as sender,
    ):
        assert sender.stdout is not None
        port, control = sender.stdout.readline().split()
        command = [*VIEWER_SIDE, *bulk, "receive", SERVER, port]
        rate = float(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    use = 100 * rate * 8 / (RATE_MBIT * 1e6)
    return Figure(f"plain TCP ({control}), {100 * loss:g} % loss", "the line is used", use, "%")


@contextmanager
def line(loss: float) -> Iterator[subprocess.Popen[str]]:
    """A line between the two namespaces."""
    command = [sys.executable, "-m", "soak.shaper", SPACE, str(DELAY_MS), str(RATE_MBIT), str(loss)]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "READY\n"
        yield process


def toggle(shaper: subprocess.Popen[str]) -> None:
    """Cut the line, or join it again."""
    assert shaper.stdin is not None
    shaper.stdin.write("x")
    shaper.stdin.flush()
