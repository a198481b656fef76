"""What `make bench` measures side by side makes the same of the same bytes."""

from __future__ import annotations

import pytest

from benchmarks.messages import MESSAGES, WAYS, measure, ways, wire


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("name", MESSAGES)
def test_a_way_gives_the_bytes_that_it_was_given(name: str, way: str) -> None:
    view = memoryview(wire(name))
    chosen = ways(name)[way]
    assert chosen.build(chosen.parse(view)) == bytes(view)


def test_each_way_is_measured() -> None:
    parse, build = measure("mouse_position", turns=1)
    assert parse.keys() == build.keys() == set(WAYS)
    assert all(seconds > 0 for seconds in (*parse.values(), *build.values()))
