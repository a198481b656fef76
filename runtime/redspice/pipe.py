"""The pipe: messages that wait to be sent to one viewer.

First in, first out; urgent messages go before the others, in their own order. One `PipeItem` may
wait in the pipes of many viewers; it is marshalled once, when its size or its bytes are first
asked for.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

from redspice.framing import message_list
from redspice.limits import DEFAULT_LIMITS
from redspice_protocol import CHANNELS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from redspice_protocol import Buffer, MessageType

LIST = CHANNELS["main"].server.by_name["list"]


class PipeItem:
    """A message to send: its type and, until it is marshalled, its contents.

    The viewer processes the messages of `before` first; they have none of their own. `trailing` are
    bytes that follow what the message's fields describe.
    """

    __slots__ = ("_message", "_parts", "_preceding", "_trailing", "before", "message_type")

    def __init__(
        self,
        message_type: MessageType,
        message: object,
        *,
        before: Sequence[PipeItem] = (),
        trailing: bytes = b"",
    ) -> None:
        self.message_type = message_type
        self.before = before
        self._message: object | None = message
        self._trailing = trailing
        self._parts: Sequence[Buffer] | None = None
        self._preceding: PipeItem | None = None

    def __repr__(self) -> str:
        return f"PipeItem({self.message_type.name})"

    @property
    def size(self) -> int:
        """Bytes of the body."""
        return sum(map(len, self.parts()))

    def parts(self) -> Sequence[Buffer]:
        """The body, as buffers to send one after the other."""
        if self._parts is None:
            self._parts = self.message_type.marshal_parts(self._message)
            if self._trailing:
                self._parts.append(self._trailing)
            self._message = None
        return self._parts

    def preceding(self) -> PipeItem | None:
        """The message that carries `before` to a viewer with mini headers, which have no room for
        sub-messages: the only one of them itself, or a LIST of them."""
        if len(self.before) == 1:
            return self.before[0]
        if self.before and self._preceding is None:
            self._preceding = ListItem(self.before)
        return self._preceding


class ListItem(PipeItem):
    """A LIST: several messages in one."""

    __slots__ = ()

    def __init__(self, items: Sequence[PipeItem]) -> None:
        super().__init__(LIST, None)
        self._parts = message_list((item.message_type.id, item.parts()) for item in items)


class Pipe:
    """What waits. `full` when so much does that the viewer cannot be reading."""

    def __init__(
        self,
        limit: int = DEFAULT_LIMITS.max_waiting_messages,
        limit_bytes: int = DEFAULT_LIMITS.max_waiting_bytes,
    ) -> None:
        # Each with the bytes that it counts for.
        self._urgent: deque[tuple[PipeItem, int]] = deque()
        self._items: deque[tuple[PipeItem, int]] = deque()
        self._limit = limit
        self._limit_bytes = limit_bytes
        self.bytes = 0
        """Bytes that count for the limit."""

    @property
    def full(self) -> bool:
        return len(self) >= self._limit or self.bytes >= self._limit_bytes

    def push(self, item: PipeItem) -> None:
        """Add an item behind the others."""
        self._items.append((item, item.size))
        self.bytes += item.size

    def push_urgent(self, item: PipeItem) -> None:
        """Add an item before all that are not urgent."""
        self._urgent.append((item, item.size))
        self.bytes += item.size

    def refill(self, item: PipeItem) -> None:
        """Add an item that was made because the pipe was empty. It does not count for the limit of
        bytes, as no more is made until it is gone."""
        self._items.append((item, 0))

    def pop(self) -> PipeItem:
        """Take the next item. Raises `IndexError` when there is none."""
        item, size = (self._urgent or self._items).popleft()
        self.bytes -= size
        return item

    def clear(self) -> None:
        """Drop everything."""
        self._urgent.clear()
        self._items.clear()
        self.bytes = 0

    def __len__(self) -> int:
        return len(self._urgent) + len(self._items)
