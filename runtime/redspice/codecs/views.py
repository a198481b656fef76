"""Names, for type checkers, of the typed views that the `.pxd` files give to compiled functions."""

from __future__ import annotations

from collections.abc import MutableSequence
from typing import TypeAlias

#: Bytes.
Octets: TypeAlias = memoryview
#: 32 bit words in the machine's order.
Words: TypeAlias = memoryview
#: 64 bit words: ids, and positions that may be negative.
Wide: TypeAlias = memoryview
Positions: TypeAlias = memoryview
#: 32 bit words of several owners. Compiled functions take them by address.
Source: TypeAlias = memoryview
Sources: TypeAlias = MutableSequence[Source]
