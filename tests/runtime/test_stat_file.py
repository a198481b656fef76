"""The statistics file: its bytes, its tree, and a reader that does not believe it."""

from __future__ import annotations

import struct
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from redspice.errors import ConfigurationError
from redspice.stats import StatFile, StatNode, parse
from redspice.stats.layout import FILE_BYTES, INVALID, NodeFlags

LITTLE = pytest.mark.skipif(sys.byteorder != "little", reason="the table is of such a machine")
NONE = 0xFFFFFFFF


@pytest.fixture
def memory() -> bytearray:
    return bytearray(b"\xa5" * FILE_BYTES)


@pytest.fixture
def file(memory: bytearray) -> StatFile:
    return StatFile(memory)


def node_bytes(memory: bytearray, index: int) -> tuple[int, int, int, int, bytes]:
    """Value, flags, next sibling, first child and name, as a C compiler lays them out."""
    value, flags, following, child, name = struct.unpack_from("@QIII20s", memory, 24 + 40 * index)
    return value, flags, following, child, name.rstrip(b"\0")


def words(memory: bytearray) -> tuple[int, ...]:
    """Version, generation, number of nodes and root."""
    return struct.unpack_from("@4I", memory, 4)


def names(nodes: tuple[StatNode, ...]) -> list[str]:
    return [node.name for node in nodes]


def added(file: StatFile, name: str, parent: int | None = None, *, value: bool = False) -> int:
    node = file.add(name, parent, value=value)
    assert node is not None
    return node


def test_the_file_has_the_size_of_a_header_and_a_hundred_nodes(memory: bytearray) -> None:
    assert FILE_BYTES == 4024 == struct.calcsize("@6I") + 100 * struct.calcsize("@QIII20s")
    StatFile(memory)
    assert len(memory) == 4024


def test_a_new_file_is_empty(memory: bytearray, file: StatFile) -> None:
    assert memory[:4] == (b"STAT" if sys.byteorder == "little" else b"TATS")
    assert words(memory) == (1, 0, 0, NONE)
    assert not any(memory[20:])
    assert parse(memory) == ()


@LITTLE
def test_every_byte_is_where_a_c_program_looks_for_it(memory: bytearray, file: StatFile) -> None:
    channel = added(file, "display:0")
    file.set(added(file, "out_bytes", channel, value=True), 0x1122334455667788)
    added(file, "clients", value=True)
    node = bytes.fromhex
    table = {
        0: b"STAT",
        4: node("01000000"),  # version
        8: node("03000000"),  # generation: three nodes were added
        12: node("03000000"),  # number of nodes
        16: node("02000000"),  # first root: clients
        20: node("00000000"),  # padding
        24: node("0000000000000000"),  # node 0, display:0: no value
        32: node("03000000"),  # enabled, visible
        36: node("ffffffff"),  # no next sibling
        40: node("01000000"),  # first child
        44: b"display:0".ljust(20, b"\0"),
        64: node("8877665544332211"),  # node 1, out_bytes
        72: node("07000000"),  # enabled, visible, value
        76: node("ffffffff"),
        80: node("ffffffff"),
        84: b"out_bytes".ljust(20, b"\0"),
        104: node("0000000000000000"),  # node 2, clients
        112: node("07000000"),
        116: node("00000000"),  # next sibling: display:0
        120: node("ffffffff"),
        124: b"clients".ljust(20, b"\0"),
        144: bytes(4024 - 144),
    }
    assert bytes(memory) == b"".join(table.values())
    assert list(table) == [sum(map(len, list(table.values())[:i])) for i in range(len(table))]


def test_flags_say_what_is_shown_and_what_has_a_value(memory: bytearray, file: StatFile) -> None:
    folder, secret = file.add("a"), file.add("b", visible=False)
    value, hidden = file.add("c", value=True), file.add("d", value=True, visible=False)
    flags = [node_bytes(memory, index or 0)[1] for index in (folder, secret, value, hidden)]
    assert flags == [3, 1, 7, 5]
    assert NodeFlags.ENABLED | NodeFlags.VISIBLE | NodeFlags.VALUE == 7
    nodes = parse(memory)
    assert [node.visible for node in nodes] == [True, False, True, False]
    assert [node.value for node in nodes] == [None, None, 0, 0]


def test_ten_nodes_are_siblings_sorted_by_name(memory: bytearray, file: StatFile) -> None:
    order = [5, 2, 9, 0, 7, 1, 8, 3, 6, 4]
    indices = [file.add(f"node{number}") for number in order]
    assert indices == list(range(10))
    assert names(parse(memory)) == [f"node{number}" for number in range(10)]
    assert words(memory) == (1, 10, 10, order.index(0))
    assert file.count == file.generation == 10


def test_names_sort_by_their_bytes(memory: bytearray, file: StatFile) -> None:
    for name in ("ä", "b", "B", "aa", "a"):
        file.add(name)
    assert names(parse(memory)) == ["B", "a", "aa", "b", "ä"]


def test_a_name_that_is_there_is_the_same_node(memory: bytearray, file: StatFile) -> None:
    first = file.add("first")
    parent = added(file, "parent")
    child = file.add("child", parent, value=True)
    before = bytes(memory)
    assert file.add("first") == first
    assert file.add("child", parent, value=True) == child
    assert bytes(memory) == before
    assert file.add("first", parent) not in (first, child)


def test_a_folder_may_get_a_value(memory: bytearray, file: StatFile) -> None:
    folder = file.add("folder")
    assert file.add("folder", value=True) == folder
    assert parse(memory) == (StatNode("folder", 0, True, ()),)


def test_values_are_modulo_64_bits(memory: bytearray, file: StatFile) -> None:
    node = added(file, "n", value=True)
    file.set(node, (1 << 64) + 5)
    assert parse(memory)[0].value == 5


def test_a_value_changes_nothing_else(memory: bytearray, file: StatFile) -> None:
    node = added(file, "n", value=True)
    before = bytes(memory)
    file.set(node, 1)
    assert bytes(memory[:24]) == before[:24]
    assert bytes(memory[32:]) == before[32:]


def test_removing_takes_everything_below_along(memory: bytearray, file: StatFile) -> None:
    added(file, "a")
    middle = added(file, "b")
    below = added(file, "below", middle)
    file.add("deep", below, value=True)
    file.add("other", middle)
    added(file, "c")
    file.remove(middle)
    assert names(parse(memory)) == ["a", "c"]
    assert words(memory)[1:3] == (7, 2)
    assert [node_bytes(memory, index)[1] for index in range(6)] == [3, 0, 0, 0, 0, 3]


def test_the_first_the_last_and_the_only_child_can_be_removed(
    memory: bytearray, file: StatFile
) -> None:
    indices = {name: added(file, name) for name in "abc"}
    only = added(file, "only", indices["b"])
    for name, left in (("a", ["b", "c"]), ("c", ["b"])):
        file.remove(indices[name])
        assert names(parse(memory)) == left
    file.remove(only)
    assert parse(memory) == (StatNode("b", None, True, ()),)
    file.remove(indices["b"])
    assert words(memory)[2:] == (0, NONE)


def test_a_free_place_is_used_again_and_cleared(memory: bytearray, file: StatFile) -> None:
    long = added(file, "a long, long name", value=True)
    file.set(long, 99)
    added(file, "b")
    file.remove(long)
    assert file.add("x", value=True) == long
    assert node_bytes(memory, long) == (0, 7, NONE, NONE, b"x")


def test_a_full_file_takes_no_more_until_something_is_removed(
    memory: bytearray, file: StatFile
) -> None:
    for number in range(100):
        assert file.add(f"n{number:02}") == number
    assert file.full
    before = bytes(memory)
    assert file.add("one more") is None
    assert bytes(memory) == before
    assert file.add("n99") == 99
    file.remove(50)
    assert file.add("one more") == 50


@pytest.mark.parametrize("name", ["", "a\0b", "x" * 20, "ä" * 10, "\udc80"])
def test_a_name_that_does_not_fit_is_refused(memory: bytearray, file: StatFile, name: str) -> None:
    before = bytes(memory)
    with pytest.raises(ConfigurationError, match=r"1\.\.19 bytes"):
        file.add(name)
    assert bytes(memory) == before


def test_the_longest_name_keeps_its_nul(memory: bytearray, file: StatFile) -> None:
    file.add("x" * 19)
    assert memory[24 + 20 : 24 + 40] == b"x" * 19 + b"\0"
    assert names(parse(memory)) == ["x" * 19]


@pytest.mark.parametrize("index", [-1, 5, 100, INVALID])
def test_what_is_no_node_is_refused(file: StatFile, index: int) -> None:
    file.add("a")
    with pytest.raises(ValueError, match="is no node"):
        file.add("child", index)
    with pytest.raises(ValueError, match="is no node"):
        file.remove(index)


@pytest.mark.parametrize("memory", [bytearray(4023), bytes(4024), bytearray()])
def test_memory_that_does_not_do_is_refused(memory: bytearray | bytes) -> None:
    with pytest.raises(ConfigurationError, match="no room for a statistics file"):
        StatFile(memory)


def test_a_closed_file_lets_go_of_its_memory(memory: bytearray, file: StatFile) -> None:
    with pytest.raises(BufferError):
        memory.clear()
    file.close()
    memory.clear()


Model = dict[str, "Model"]
STEPS = st.lists(
    st.tuples(st.sampled_from(["add", "remove"]), st.lists(st.sampled_from("abc"), max_size=3)),
    max_size=80,
)


@settings(deadline=None)
@given(STEPS)
def test_the_file_is_the_tree_that_was_made(steps: list[tuple[str, list[str]]]) -> None:
    memory = bytearray(FILE_BYTES)
    file = StatFile(memory)
    model: Model = {}
    indices: dict[tuple[str, ...], int] = {}
    for what, path in steps:
        place, at = model, None
        if what == "add":
            for depth, name in enumerate(path):
                at = indices[(*path[: depth + 1],)] = added(file, name, at)
                place = place.setdefault(name, {})
        elif path and tuple(path) in indices:
            for name in path[:-1]:
                place = place[name]
            del place[path[-1]]
            file.remove(indices[tuple(path)])
            indices = {k: v for k, v in indices.items() if k[: len(path)] != tuple(path)}
    assert as_model(parse(memory)) == sorted_items(model)
    assert file.count == len(indices) == len(set(indices.values()))


def as_model(nodes: tuple[StatNode, ...]) -> list[object]:
    return [(node.name, as_model(node.children)) for node in nodes]


def sorted_items(model: Model) -> list[object]:
    return [(name, sorted_items(below)) for name, below in sorted(model.items())]


# What others write.


def test_a_file_by_another_program_is_read() -> None:
    header = struct.pack("@6I", 0x54415453, 1, 9, 3, 2, 0)
    nodes = [
        struct.pack("@QIII20s", 1 << 63, 7, NONE, NONE, b"out_bytes"),
        struct.pack("@QIII20s", 0, 0, 0, 0, b"free"),
        struct.pack("@QIII20s", 0, 3, NONE, 0, b"main_channel"),
    ]
    (node,) = parse(header + b"".join(nodes))
    assert node == StatNode("main_channel", None, True, (StatNode("out_bytes", 1 << 63, True, ()),))


def changed(offset: int, value: int) -> bytes:
    """A good file of two roots and a child, with one word that is wrong."""
    memory = bytearray(FILE_BYTES)
    file = StatFile(memory)
    file.add("child", file.add("a"))
    file.add("b")
    struct.pack_into("@I", memory, offset, value)
    return bytes(memory)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "0 bytes, a header has 24"),
        (changed(0, 0)[:23], "23 bytes, a header has 24"),
        (changed(0, 0), r"it begins with b'\\x00\\x00\\x00\\x00', not 'STAT'"),
        (changed(4, 2), "version 2, not 1"),
        (changed(16, 100), r"node 100 is not in 0\.\.99"),
        (changed(16, 3), "node 3 is not in use"),
        (changed(24 + 12, 0), "node 0 is in two places"),
        (changed(24 + 16, 0), "node 0 is in two places"),
        (changed(64 + 16, 2), "node 2 is in two places"),
        (changed(0, 0x54415453)[: 24 + 40], r"node 1 is not in 0\.\.0"),
    ],
)
def test_a_file_that_cannot_be_says_why(data: bytes, reason: str) -> None:
    with pytest.raises(ConfigurationError, match=f"^no statistics file: {reason}"):
        parse(data)


@settings(deadline=None)
@given(st.binary(min_size=20, max_size=400), st.integers(0, 10))
def test_whatever_is_in_a_file_it_is_read_or_refused(rest: bytes, root: int) -> None:
    data = struct.pack("@5I", 0x54415453, 1, 0, 0, root) + rest
    try:
        nodes = parse(data)
    except ConfigurationError:
        return
    assert len(nodes) <= 10
