"""The pipe: messages that wait to be sent to one viewer.

One `PipeItem` may wait in the pipes of many viewers; it is marshalled once, when the first of them
is ready for it.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from redspice_protocol import Buffer, MessageType

# A viewer that reads has a handful of items waiting. This many mean that it sends requests and does
# not read the answers.
MAX_ITEMS = 1024


class PipeItem:
    """A message to send: its type and, until it is marshalled, its contents."""

    __slots__ = ("_message", "_parts", "message_type")

    def __init__(self, message_type: MessageType, message: object) -> None:
        self.message_type = message_type
        self._message: object | None = message
        self._parts: Sequence[Buffer] | None = None

    def __repr__(self) -> str:
        return f"PipeItem({self.message_type.name})"

    def parts(self) -> Sequence[Buffer]:
        """The body, as buffers to send one after the other."""
        if self._parts is None:
            self._parts = self.message_type.marshal_parts(self._message)
            self._message = None
        return self._parts


class Pipe:
    """First in, first out. `full` when there is no room for one more."""

    def __init__(self, limit: int = MAX_ITEMS) -> None:
        self._items: deque[PipeItem] = deque()
        self._limit = limit

    @property
    def full(self) -> bool:
        return len(self._items) >= self._limit

    def push(self, item: PipeItem) -> None:
        """Add an item behind the others."""
        self._items.append(item)

    def pop(self) -> PipeItem:
        """Take the item that waits longest. Raises `IndexError` when there is none."""
        return self._items.popleft()

    def clear(self) -> None:
        """Drop everything."""
        self._items.clear()

    def __len__(self) -> int:
        return len(self._items)
