"""Reading a statistics file (see `layout`), which another process, perhaps in C, is writing.

What it says is not believed: an index may be out of range and a chain may be a ring.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from redspice.errors import ConfigurationError
from redspice.stats.layout import (
    CHILD_WORD,
    FLAGS_WORD,
    HEADER_BYTES,
    INVALID,
    MAGIC,
    MAGIC_WORD,
    MAX_NODES,
    NAME_BYTES,
    NAME_OFFSET,
    NEXT_WORD,
    NODE_BYTES,
    ROOT_WORD,
    VALUE_BYTES,
    VERSION,
    VERSION_WORD,
    WORD_BYTES,
    NodeFlags,
    node_offset,
    node_word,
)

if TYPE_CHECKING:
    from redspice_protocol import Buffer


@dataclass(frozen=True, slots=True)
class StatNode:
    """One name of the tree."""

    name: str
    value: int | None
    """None for one that only has children."""
    visible: bool
    children: tuple[StatNode, ...]


def parse(data: Buffer) -> tuple[StatNode, ...]:
    """The nodes at the root. Raises `ConfigurationError` for what is no statistics file, or one in
    the middle of a change."""
    return _Parser(bytes(data)).nodes()


class _Parser:
    """One copy of a file."""

    def __init__(self, data: bytes) -> None:
        if len(data) < HEADER_BYTES:
            raise _bad(f"{len(data)} bytes, a header has {HEADER_BYTES}")
        self._room = min(MAX_NODES, (len(data) - HEADER_BYTES) // NODE_BYTES)
        whole = memoryview(data)[: node_offset(self._room)]
        self._bytes = whole
        self._words = whole.cast("I")
        self._values = whole.cast("Q")
        self._seen: set[int] = set()
        if self._words[MAGIC_WORD] != MAGIC:
            raise _bad(f"it begins with {data[:WORD_BYTES]!r}, not 'STAT'")
        if self._words[VERSION_WORD] != VERSION:
            raise _bad(f"version {self._words[VERSION_WORD]}, not {VERSION}")

    def nodes(self) -> tuple[StatNode, ...]:
        return self._chain(self._words[ROOT_WORD])

    def _chain(self, index: int) -> tuple[StatNode, ...]:
        """A node and its next siblings."""
        nodes = []
        while index != INVALID:
            nodes.append(self._node(index))
            index = self._words[node_word(index, NEXT_WORD)]
        return tuple(nodes)

    def _node(self, index: int) -> StatNode:
        if index >= self._room:
            raise _bad(f"node {index} is not in 0..{self._room - 1}")
        if index in self._seen:
            raise _bad(f"node {index} is in two places")
        self._seen.add(index)
        flags = self._words[node_word(index, FLAGS_WORD)]
        if not flags & NodeFlags.ENABLED:
            raise _bad(f"node {index} is not in use")
        start = node_offset(index) + NAME_OFFSET
        name = bytes(self._bytes[start : start + NAME_BYTES]).partition(b"\0")[0]
        value = self._values[node_offset(index) // VALUE_BYTES]
        return StatNode(
            name=name.decode(errors="replace"),
            value=value if flags & NodeFlags.VALUE else None,
            visible=bool(flags & NodeFlags.VISIBLE),
            children=self._chain(self._words[node_word(index, CHILD_WORD)]),
        )


def _bad(reason: str) -> ConfigurationError:
    return ConfigurationError(f"no statistics file: {reason}")
