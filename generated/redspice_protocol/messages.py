"""The tables of messages: how each is called, what carries it, how it goes to bytes and back."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cached_property
from importlib import import_module
from struct import Struct
from typing import Any

from .shape import refusal
from .wire import UNFIT, Buffer, check_flat

#: The number of the message u16, the size of its body u32.
MINI_HEADER = Struct("<HI")
MINI_HEADER_SIZE = MINI_HEADER.size


class MessageType:
    """A message of a channel; `path` is what errors call it: `display.draw_copy`.

    `size` is the number of bytes of every body, None where it varies.

    A body is bytes, a bytearray, or a memoryview of single bytes. `demarshal(body)` gives an object
    of `type` whose payloads are slices of the body; it raises WireError. `marshal(object)` gives
    the body, `marshal_parts(object)` the same as a list of buffers with payloads uncopied, and
    `frame(object)` the body behind its mini header; all of them raise WireError before a byte is
    produced.
    """

    __slots__ = (
        "demarshal",
        "frame",
        "id",
        "marshal",
        "marshal_parts",
        "name",
        "path",
        "size",
        "type",
    )

    def __init__(
        self,
        id: int,
        name: str,
        type: type[Any],
        demarshal: Callable[[Buffer], Any],
        marshal: Callable[[Any], bytes],
        marshal_parts: Callable[[Any], list[Buffer]],
        path: str,
        size: int | None,
        frame: Callable[[Any], bytes] | None = None,
    ) -> None:
        self.id = id
        self.name = name
        self.type = type
        self.demarshal = demarshal
        self.marshal = marshal
        self.frame = frame or self._frame
        self.marshal_parts = marshal_parts
        self.path = path
        self.size = size

    def __repr__(self) -> str:
        return f"MessageType({self.id}, {self.path!r})"

    def _frame(self, value: Any) -> bytes:
        body = self.marshal(value)
        return MINI_HEADER.pack(self.id, len(body)) + body


class Messages:
    """The messages of one direction of a channel."""

    def __init__(self, *messages: MessageType) -> None:
        self.by_id = {message.id: message for message in messages}
        self.by_name = {message.name: message for message in messages}

    def __iter__(self) -> Iterator[MessageType]:
        return iter(self.by_id.values())

    def __len__(self) -> int:
        return len(self.by_id)


class ChannelType:
    """A channel of the protocol; `server` are the messages that the server sends.

    The modules of a channel are imported when its messages are first asked for.
    """

    def __init__(self, name: str, id: int, *modules: str) -> None:
        self.name = name
        self.id = id
        self._modules = modules

    def __repr__(self) -> str:
        return f"ChannelType({self.name!r}, {self.id})"

    @cached_property
    def server(self) -> Messages:
        return self._messages("SERVER")

    @cached_property
    def client(self) -> Messages:
        return self._messages("CLIENT")

    def _messages(self, table: str) -> Messages:
        modules = [import_module(f".{name}", __package__) for name in self._modules]
        return Messages(*(message for module in modules for message in getattr(module, table)))


def fixed(
    id: int,
    name: str,
    type: type[Any],
    demarshal: Callable[[Buffer], Any],
    write: Callable[[int, Any], bytes],
    path: str,
    size: int,
) -> MessageType:
    """A message of `size` bytes: `write` packs it with its header in one go."""

    def frame(value: Any) -> bytes:
        try:
            return write(id, value)
        except UNFIT as error:
            raise refusal(error, path, value, type) from None

    def marshal(value: Any) -> bytes:
        return frame(value)[MINI_HEADER_SIZE:]

    def marshal_parts(value: Any) -> list[Buffer]:
        return [marshal(value)]

    return MessageType(id, name, type, demarshal, marshal, marshal_parts, path, size, frame)


def varying(
    id: int,
    name: str,
    type: type[Any],
    demarshal: Callable[[Buffer], Any],
    write: Callable[[list[Buffer], int, Any], int],
    path: str,
) -> MessageType:
    """A message of varying size: `write` adds its parts to a list, whose first place is for the one
    with the header, and returns the size of the body if all payloads are of single bytes."""

    def frame(value: Any) -> bytes:
        parts: list[Buffer] = [b""]
        try:
            size = write(parts, id, value)
            whole = b"".join(parts)
            if len(whole) != MINI_HEADER_SIZE + size:
                raise TypeError  # a payload that is not of single bytes
            return whole
        except UNFIT as error:
            raise refusal(error, path, value, type) from None

    def marshal(value: Any) -> bytes:
        return b"".join(marshal_parts(value))

    def marshal_parts(value: Any) -> list[Buffer]:
        parts: list[Buffer] = [b""]
        try:
            write(parts, id, value)
            for part in parts:
                check_flat(part)
        except UNFIT as error:
            raise refusal(error, path, value, type) from None
        parts[0] = parts[0][MINI_HEADER_SIZE:]
        return parts

    return MessageType(id, name, type, demarshal, marshal, marshal_parts, path, None, frame)
