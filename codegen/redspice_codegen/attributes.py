"""The table of `@attributes`: how many arguments each takes and what it means.

Most steer the C generator only and leave no trace in ours; they parse so that any spec of this
language can be read. `wire` marks those that change the bytes or the checks.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class AttributeRule:
    """`arguments`: the fewest and the most that it takes."""

    arguments: tuple[int, int]
    meaning: str
    wire: bool = False


RULES: Mapping[str, AttributeRule] = {
    "anon": AttributeRule((0, 0), "the switch has no name of its own: its arms stand beside it"),
    "as_ptr": AttributeRule((0, 1), "C keeps a pointer into the message and a length"),
    "chunk": AttributeRule((0, 0), "C keeps the bytes as a list of chunks"),
    "ctype": AttributeRule((1, 1), "name of the C type"),
    "declare": AttributeRule((0, 0), "C declares the struct in a public header"),
    "deprecated": AttributeRule((0, 0), "the item still has its value, but nobody sends it"),
    "end": AttributeRule((0, 0), "the array is the tail of the C struct"),
    "ifdef": AttributeRule((1, 1), "it is there only where the name is defined, with -D"),
    "marshall": AttributeRule((0, 0), "the target is laid out before the next pointer's", True),
    "nocopy": AttributeRule((0, 0), "C refers to the received bytes"),
    "nomarshal": AttributeRule((0, 0), "C leaves it to the caller to append the bytes"),
    "nonnull": AttributeRule((0, 0), "the pointer must not be 0", True),
    "outvar": AttributeRule((1, 1), "prefix of C variables that hold the target"),
    "prefix": AttributeRule((1, 1), "prefix of the C constants"),
    "ptr_array": AttributeRule((0, 0), "C keeps an array of pointers to the elements"),
    "to_ptr": AttributeRule((0, 0), "C keeps a pointer; the bytes stand inline"),
    "unique_flag": AttributeRule((0, 0), "just one of the flags is set"),
    "usual": AttributeRule((0, 0), "the pointer is seldom 0: Python packs its target along"),
    "virtual": AttributeRule((1, 1), "no bytes: C sets its field to this value", True),
    "zero": AttributeRule((0, 0), "bytes that are written as 0 and ignored when read", True),
    "zero_terminated": AttributeRule((0, 0), "C appends a NUL in memory"),
}

#: A member has one of these at most: they say where C keeps it.
OUTPUT = frozenset({"end", "to_ptr", "as_ptr", "ptr_array", "zero", "chunk"})
