"""Where everything is in a statistics file: the shared memory by which SPICE servers are watched.

    offset  header              offset  node
    0       magic, "STAT"       0       value, 64 bits
    4       version, 1          8       flags
    8       generation          12      next sibling
    12      number of nodes     16      first child
    16      first root          20      name, 20 bytes with at least one NUL at the end
    20      (padding)
    24      100 nodes, 40 bytes each

All but the value are words of 32 bits, in the byte order of the machine. Nodes refer to each other
by their index, `INVALID` is none. A free node has no flags. Siblings are sorted by name, and a
change to the tree counts the generation up.
"""

from __future__ import annotations

from enum import IntFlag

MAGIC = int.from_bytes(b"STAT", "little")
VERSION = 1
MAX_NODES = 100
INVALID = 0xFFFFFFFF
WORD_MASK = 0xFFFFFFFF
VALUE_MASK = 0xFFFFFFFFFFFFFFFF

WORD_BYTES = 4
VALUE_BYTES = 8
HEADER_BYTES = 24
NODE_BYTES = 40
FILE_BYTES = HEADER_BYTES + MAX_NODES * NODE_BYTES
NAME_OFFSET = 20
NAME_BYTES = 20

# Words of the header.
MAGIC_WORD, VERSION_WORD, GENERATION_WORD, COUNT_WORD, ROOT_WORD = range(5)
# Words of a node, from its first one on; its value are the first two.
FLAGS_WORD, NEXT_WORD, CHILD_WORD = 2, 3, 4


class NodeFlags(IntFlag):
    """What a node is."""

    ENABLED = 1
    """It is in use."""
    VISIBLE = 2
    """It is for people to see."""
    VALUE = 4
    """It has a value, and not only children."""


def node_offset(index: int) -> int:
    """Bytes before a node; divided by the size of its parts it counts those."""
    return HEADER_BYTES + index * NODE_BYTES


def node_word(index: int, word: int) -> int:
    """The position of a node's word among all words."""
    return node_offset(index) // WORD_BYTES + word
