"""Writing a statistics file (see `layout`), into memory that somebody else shares.

Who watches it reads while it is written, in another process and without a lock. So numbers are
written whole, a node is complete before anything refers to it, and the generation tells that the
tree has changed. The tree is nowhere but in the memory itself; it has 100 nodes at most.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain
from typing import TYPE_CHECKING

from redspice.errors import ConfigurationError
from redspice.stats.layout import (
    CHILD_WORD,
    COUNT_WORD,
    FILE_BYTES,
    FLAGS_WORD,
    GENERATION_WORD,
    INVALID,
    MAGIC,
    MAGIC_WORD,
    MAX_NODES,
    NAME_BYTES,
    NAME_OFFSET,
    NEXT_WORD,
    ROOT_WORD,
    VALUE_BYTES,
    VALUE_MASK,
    VERSION,
    VERSION_WORD,
    WORD_MASK,
    NodeFlags,
    node_offset,
    node_word,
)

if TYPE_CHECKING:
    from redspice_protocol import Buffer


class StatFile:
    """A tree of named values in `buffer`, which is cleared and has to be 4024 bytes that can be
    written. Raises `ConfigurationError` if it is not."""

    def __init__(self, buffer: Buffer) -> None:
        memory = memoryview(buffer).cast("B")
        if memory.readonly or len(memory) < FILE_BYTES:
            state = "read-only" if memory.readonly else "writable"
            reason = f"{len(memory)} {state} bytes, not {FILE_BYTES} writable ones"
            raise ConfigurationError(f"no room for a statistics file: {reason}")
        self._bytes = memory[:FILE_BYTES]
        self._bytes[:] = bytes(FILE_BYTES)
        # A number written through one of these is written at once.
        self._words = self._bytes.cast("I")
        self._values = self._bytes.cast("Q")
        self._words[VERSION_WORD] = VERSION
        self._words[ROOT_WORD] = INVALID
        self._words[MAGIC_WORD] = MAGIC

    @property
    def full(self) -> bool:
        """Whether all nodes are in use."""
        return self._words[COUNT_WORD] == MAX_NODES

    @property
    def count(self) -> int:
        """How many nodes are in use."""
        return self._words[COUNT_WORD]

    @property
    def generation(self) -> int:
        """How often the tree has changed, modulo 2 ** 32."""
        return self._words[GENERATION_WORD]

    def add(
        self, name: str, parent: int | None = None, *, value: bool = False, visible: bool = True
    ) -> int | None:
        """The node of this name below `parent`, or at the root: the one that is there, or else a
        new one. None if all nodes are in use.

        With `value` it has one, 0 at first. Raises `ConfigurationError` for a name that has a
        NUL, or not 1..19 bytes of UTF-8; `ValueError` for a parent that is no node.
        """
        text = _name_bytes(name)
        link = ROOT_WORD if parent is None else self._node(parent, CHILD_WORD)
        flags = NodeFlags.ENABLED | NodeFlags.VISIBLE * visible | NodeFlags.VALUE * value
        while (index := self._words[link]) != INVALID and self._name(index) <= text:
            if self._name(index) == text:
                self._words[node_word(index, FLAGS_WORD)] |= flags
                return index
            link = node_word(index, NEXT_WORD)
        return None if self.full else self._insert(link, text, flags)

    def set(self, index: int, value: int) -> None:
        """The value of a node from now on, modulo 2 ** 64."""
        self._values[node_offset(index) // VALUE_BYTES] = value & VALUE_MASK

    def remove(self, index: int) -> None:
        """Take a node out with everything below it. Raises `ValueError` if it is no node."""
        following = self._words[self._node(index, NEXT_WORD)]
        self._words[self._link_to(index)] = following
        for each in tuple(self._below(index)):
            self._words[node_word(each, FLAGS_WORD)] = 0
            self._words[COUNT_WORD] -= 1
        self._changed()

    def close(self) -> None:
        """Let go of the memory; nothing else may be called any more."""
        for view in (self._values, self._words, self._bytes):
            view.release()

    def _insert(self, link: int, text: bytes, flags: int) -> int:
        """A new node, which `link` refers to from now on."""
        index = next(i for i in range(MAX_NODES) if not self._words[node_word(i, FLAGS_WORD)])
        start = node_offset(index) + NAME_OFFSET
        self._bytes[start : start + NAME_BYTES] = text.ljust(NAME_BYTES, b"\0")
        self.set(index, 0)
        self._words[node_word(index, NEXT_WORD)] = self._words[link]
        self._words[node_word(index, CHILD_WORD)] = INVALID
        self._words[node_word(index, FLAGS_WORD)] = flags
        self._words[link] = index
        self._words[COUNT_WORD] += 1
        self._changed()
        return index

    def _changed(self) -> None:
        self._words[GENERATION_WORD] = self._words[GENERATION_WORD] + 1 & WORD_MASK

    def _node(self, index: int, word: int) -> int:
        """The position of this word of a node that is in use."""
        if not 0 <= index < MAX_NODES or not self._words[node_word(index, FLAGS_WORD)]:
            raise ValueError(f"{index} is no node")
        return node_word(index, word)

    def _name(self, index: int) -> bytes:
        start = node_offset(index) + NAME_OFFSET
        return bytes(self._bytes[start : start + NAME_BYTES]).rstrip(b"\0")

    def _link_to(self, index: int) -> int:
        """The position of the only word that refers to a node, which is in use."""
        nodes = (i for i in range(MAX_NODES) if self._words[node_word(i, FLAGS_WORD)])
        links = (node_word(i, word) for i in nodes for word in (NEXT_WORD, CHILD_WORD))
        return next(link for link in chain([ROOT_WORD], links) if self._words[link] == index)

    def _below(self, index: int) -> Iterator[int]:
        """A node and all that is below it."""
        yield index
        child = self._words[node_word(index, CHILD_WORD)]
        while child != INVALID:
            yield from self._below(child)
            child = self._words[node_word(child, NEXT_WORD)]


def _name_bytes(name: str) -> bytes:
    try:
        text = name.encode()
    except UnicodeEncodeError:
        text = b""
    if not text or len(text) >= NAME_BYTES or b"\0" in text:
        raise ConfigurationError(
            f"{name!r} names no statistics node: 1..{NAME_BYTES - 1} bytes of UTF-8 without NUL do"
        )
    return text
