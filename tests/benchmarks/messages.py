"""`python -m benchmarks.messages`: generated code beside hand-written and construct code.

A whole message with its mini header. The ways take turns, each for a fraction of a millisecond, and
the best turn of each counts: so what else the machine does hits all of them alike. Prints times
relative to hand-written code.
"""

from __future__ import annotations

import io
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import repeat
from math import inf
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from benchmarks.yardsticks import declared, handwritten
from redspice.framing import MINI_HEADER
from redspice_protocol import CHANNELS

MESSAGES = {
    "mouse_position": CHANNELS["inputs"].client.by_name["mouse_position"],
    "channels_list": CHANNELS["main"].server.by_name["channels_list"],
    "draw_copy": CHANNELS["display"].server.by_name["draw_copy"],
}
DEMARSHAL = {message.id: message.demarshal for message in MESSAGES.values()}
FILES = {"draw_copy": "draw_copy_quic"}
WAYS = ("handwritten", "generated", "construct-compiled", "construct")

# Calls in one turn, and turns of each way.
CALLS, TURNS = 50, 400

read_header = MINI_HEADER.unpack_from


@dataclass
class Way:
    """One way to parse and build a message."""

    parse: Callable[[memoryview], Any]
    build: Callable[[Any], bytes]


def wire(name: str) -> bytes:
    """A message as the C marshaller wrote it, with its mini header."""
    path = Path(__file__).parent / "yardsticks" / f"{FILES.get(name, name)}.bin"
    return path.read_bytes()


def parse_generated(view: memoryview) -> Any:
    type_, size = read_header(view)
    return DEMARSHAL[type_](view[6 : 6 + size])


def ways(name: str) -> dict[str, Way]:
    construct = declared.MESSAGES[name]
    compiled = construct.compile()
    return {
        "generated": Way(parse_generated, MESSAGES[name].frame),
        "handwritten": Way(handwritten.parse, handwritten.BUILDERS[name]),
        "construct": Way(construct.parse, construct.build),
        "construct-compiled": Way(
            lambda view: compiled.parse_stream(io.BytesIO(view)), compiled.build
        ),
    }


def side_by_side(
    calls: Mapping[str, tuple[Callable[[Any], Any], Any]], turns: int = TURNS
) -> dict[str, float]:
    """Seconds of one call of each function with its argument."""
    best = dict.fromkeys(calls, inf)
    for _ in range(turns):
        for way, (function, argument) in calls.items():
            started = time.perf_counter()
            for _ in repeat(None, CALLS):
                function(argument)
            best[way] = min(best[way], time.perf_counter() - started)
    return {way: seconds / CALLS for way, seconds in best.items()}


def measure(name: str, turns: int = TURNS) -> tuple[dict[str, float], dict[str, float]]:
    """Seconds to parse and to build a message, each way."""
    made, view = ways(name), memoryview(wire(name))
    parse = {way: (made[way].parse, view) for way in WAYS}
    build = {way: (made[way].build, made[way].parse(view)) for way in WAYS}
    return side_by_side(parse, turns), side_by_side(build, turns)


def main() -> None:
    times = {name: measure(name) for name in MESSAGES}
    table = Table("parse / build", *MESSAGES, title="messages, times relative to hand-written code")
    for way in WAYS:
        cells = (
            " / ".join(f"{each[way] / each[WAYS[0]]:.2f}" for each in pair)
            for pair in times.values()
        )
        table.add_row(way, *cells)
    in_ns = (
        " / ".join(f"{each[WAYS[0]] * 1e9:.0f} ns" for each in pair) for pair in times.values()
    )
    table.add_row("1 is", *in_ns)
    Console().print(table)


if __name__ == "__main__":
    main()
