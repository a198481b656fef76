"""Generated code beside hand-written and construct code: a whole message with its mini header.

`make bench` prints a table for each message and direction, in one run. No time is asserted here:
what is checked is that all of them make the same of the same bytes.
"""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from benchmarks.yardsticks import declared, handwritten
from redspice.framing import MINI_HEADER
from redspice_protocol import CHANNELS

MESSAGES = {
    "mouse_position": CHANNELS["inputs"].client.by_name["mouse_position"],
    "channels_list": CHANNELS["main"].server.by_name["channels_list"],
    "draw_copy": CHANNELS["display"].server.by_name["draw_copy"],
}
DEMARSHAL = {message.id: message.demarshal for message in MESSAGES.values()}
read_header = MINI_HEADER.unpack_from
FILES = {"mouse_position": "mouse_position", "channels_list": "channels_list"}
FILES["draw_copy"] = "draw_copy_quic"


@dataclass
class Way:
    """One way to parse and build a message."""

    parse: Callable[[memoryview], Any]
    build: Callable[[Any], bytes]


def wire(name: str) -> bytes:
    path = Path(__file__).parent / "yardsticks" / f"{FILES[name]}.bin"
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


WAYS = ("handwritten", "generated", "construct-compiled", "construct")

# Calls in one reading of the clock, which takes as long as the shortest of them; and readings.
CALLS, READINGS = 200, 300


def measured(benchmark: BenchmarkFixture, function: Callable[[Any], Any], argument: Any) -> Any:
    return benchmark.pedantic(
        function, (argument,), iterations=CALLS, rounds=READINGS, warmup_rounds=1
    )


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("name", MESSAGES)
def test_parse(benchmark: BenchmarkFixture, name: str, way: str) -> None:
    benchmark.group = f"parse {name}"
    chosen, view = ways(name)[way], memoryview(wire(name))
    parsed = measured(benchmark, chosen.parse, view)
    assert chosen.build(parsed) == bytes(view)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("name", MESSAGES)
def test_build(benchmark: BenchmarkFixture, name: str, way: str) -> None:
    benchmark.group = f"build {name}"
    chosen, view = ways(name)[way], memoryview(wire(name))
    parsed = chosen.parse(view)
    assert measured(benchmark, chosen.build, parsed) == bytes(view)
