"""What a hostile body can cost: never more than a constant times its size."""

import tracemalloc
from types import ModuleType

import pytest

from codegen.packages import imported

SPEC = """
struct Block {
    uint32 n;
    uint32 *numbers[n];
    uint32 *more[n];
};

channel TestChannel {
    message {
        Block *first @nonnull;
        Block *second @nonnull;
        Block *third @nonnull;
    } aliased = 1;

    message {
        uint32 count;
        uint64 values[count] @end;
    } counted = 2;

    message {
        uint64 count;
        uint64 *values[count] @nonnull;
    } pointed = 3;
};

protocol Test {
    TestChannel main = 1;
};
"""
POINTERS_TO_NUMBERS = 6


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> ModuleType:
    return imported(SPEC, tmp_path_factory.mktemp("bounds"), "bounds_protocol")


def words(*values: int) -> bytes:
    return b"".join(value.to_bytes(4, "little") for value in values)


def test_aliased_pointers_cost_a_constant_times_the_body(package: ModuleType) -> None:
    """All pointers lead to one block, and its pointers to the whole body."""
    count = 10_000
    body = words(12, 12, 12, count, 12, 12) + words(7) * count
    aliased = package.CHANNELS["main"].server.by_name["aliased"].demarshal(body)
    blocks = (aliased.first, aliased.second, aliased.third)
    numbers = sum(len(block.numbers) + len(block.more) for block in blocks)
    assert numbers == POINTERS_TO_NUMBERS * count
    assert numbers <= POINTERS_TO_NUMBERS * len(body) // 4


@pytest.mark.parametrize(
    ("name", "body"),
    [
        ("counted", words(0xFFFFFFFF) + bytes(64)),
        ("counted", words(0x20000001) + bytes(64)),
        ("pointed", words(0xFFFFFFFF, 0xFFFFFFFF, 12) + bytes(64)),
        ("pointed", words(0, 0x20000000, 12) + bytes(64)),
    ],
)
def test_a_hostile_count_costs_nothing(package: ModuleType, name: str, body: bytes) -> None:
    message = package.CHANNELS["main"].server.by_name[name]
    tracemalloc.start()
    try:
        with pytest.raises(package.WireError):
            message.demarshal(body)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 64 * 1024
