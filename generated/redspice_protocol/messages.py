"""The tables of messages: how each is called, what carries it, how it goes to bytes and back."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cached_property
from importlib import import_module
from typing import Any

from .shape import misfit
from .wire import UNFIT, Buffer


class MessageType:
    """A message of a channel; `path` is what errors call it: `display.draw_copy`.

    `size` is the number of bytes of every body, None where it varies.

    A body is bytes, a bytearray, or a memoryview of single bytes. `demarshal(body)` gives an object
    of `type` whose payloads are slices of the body; it raises WireError. `marshal(object)` gives
    the body, `marshal_parts(object)` the same as a list of buffers with payloads uncopied; both
    raise WireError before a byte is produced.
    """

    __slots__ = ("demarshal", "id", "marshal", "marshal_parts", "name", "path", "size", "type")

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
    ) -> None:
        self.id = id
        self.name = name
        self.type = type
        self.demarshal = demarshal
        self.marshal = marshal
        self.marshal_parts = marshal_parts
        self.path = path
        self.size = size

    def __repr__(self) -> str:
        return f"MessageType({self.id}, {self.path!r})"


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
    marshal: Callable[[Any], bytes],
    path: str,
    size: int,
) -> MessageType:
    """A message of `size` bytes, packed in one go."""

    def marshal_parts(value: Any) -> list[Buffer]:
        return [marshal(value)]

    return MessageType(id, name, type, demarshal, marshal, marshal_parts, path, size)


def varying(
    id: int,
    name: str,
    type: type[Any],
    demarshal: Callable[[Buffer], Any],
    write: Callable[[Any], list[Buffer]],
    path: str,
) -> MessageType:
    """A message of varying size: `write` gives its parts, or fails where a value does not fit."""

    def marshal_parts(value: Any) -> list[Buffer]:
        try:
            return write(value)
        except UNFIT:
            raise misfit(path, value, type) from None

    def marshal(value: Any) -> bytes:
        try:
            return b"".join(write(value))
        except UNFIT:
            raise misfit(path, value, type) from None

    return MessageType(id, name, type, demarshal, marshal, marshal_parts, path, None)
