"""Names of the spec → names in Python. Every rule of case, prefix and reserved word is here."""

from __future__ import annotations

import keyword
import re
from pathlib import PurePosixPath

from redspice_codegen import model
from redspice_codegen.layout import Path

#: Names that generated functions use for themselves.
_TAKEN = frozenset(
    [
        "_",
        "array_length",
        "at",
        "bad_pointer",
        "body",
        "buffer",
        "bytearray",
        "bytes",
        "count",
        "each",
        "end",
        "error",
        "fixed",
        "head",
        "int",
        "isinstance",
        "later",
        "len",
        "list",
        "memoryview",
        "message",
        "new",
        "null_pointer",
        "number",
        "own",
        "parts",
        "range",
        "size",
        "settle",
        "starmap",
        "stop",
        "target",
        "truncated",
        "type",
        "value",
        "varying",
        "view",
        "wrong_size",
    ]
)

#: How functions begin that generated functions call. Classes and constants begin with a capital.
_FUNCTIONS = ("pack_", "read_", "unpack_", "write_")


def camel(name: str) -> str:
    """`draw_copy` → `DrawCopy`; capitals stay: `WebDAV` → `WebDAV`."""
    return "".join(word[:1].upper() + word[1:] for word in name.split("_"))


def attribute(name: str) -> str:
    return f"{name}_" if keyword.iskeyword(name) else name


class Locals:
    """The local variables of one function: a name of its own for each path.

    A value is called by its path, joined; where that is taken or reserved, `_` is added, and where
    it could be a function or a class, `its_` is put in front. Variables beside a value (the offset
    of a pointer) have the value's path and a word more.
    """

    def __init__(self) -> None:
        self._names: dict[Path, str] = {}
        self._taken = set(_TAKEN)

    def __call__(self, path: Path, word: str = "") -> str:
        path = (*path, word) if word else path
        if path not in self._names:
            name = "_".join(path)
            if name.startswith(_FUNCTIONS) or name[:1].isupper():
                name = f"its_{name}"
            while name in self._taken or keyword.iskeyword(name):
                name += "_"
            self._taken.add(name)
            self._names[path] = name
        return self._names[path]


def struct_class(struct: model.Struct) -> str:
    return camel(struct.name)


def enum_class(enum: model.EnumType) -> str:
    return camel(enum.name)


def enum_member(enum: model.EnumType, item: model.EnumItem) -> str:
    """An item as an attribute: `1BIT_LE` of bitmap_fmt → `FMT_1BIT_LE`."""
    if item.name[0].isdigit():
        return f"{enum.name.rsplit('_', 1)[-1].upper()}_{item.name}"
    return f"{item.name}_" if keyword.iskeyword(item.name) or item.name == "mro" else item.name


def channel_word(channel: model.Channel) -> str:
    """`MainChannel` → `Main`."""
    return camel(channel.type_name.removesuffix("Channel"))


def message_class(message: model.Message) -> str:
    """`MsgDisplayDrawCopy`; a reusable body goes by its own name: `MsgData`.

    The messages of the root of all channels have no channel in their names: `MsgPing`.
    """
    if message.reusable:
        return f"Msg{camel(message.body.name)}"
    word = camel(message.owner.removesuffix("Channel"))
    side = "Msg" if message.direction == "server" else "Msgc"
    return f"{side}{'' if word == 'Base' else word}{camel(message.name)}"


def channel_module(channel: model.Channel, protocol: model.Protocol) -> str:
    """The module of a channel's own messages: as the protocol calls it, else from its type name."""
    for entry in protocol.channels:
        if entry.channel is channel:
            return entry.name.lower()
    return channel_word(channel).lower()


def constant(name: str) -> str:
    """`RasterGlyphA1` → `RASTER_GLYPH_A1`."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).upper()


def snake(name: str) -> str:
    return constant(name).lower()


def source_name(path: str) -> str:
    """How generated files call the spec: its file name, never where it lies."""
    return PurePosixPath(path.replace("\\", "/")).name
