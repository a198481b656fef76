"""The construct backend: the protocol declared in the construct library, for parsing only.

A second opinion on the Python backend: the two share the model and nothing below it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from redspice_codegen import model, naming
from redspice_codegen.backends import construct_members as members
from redspice_codegen.backends.wrap import wrap
from redspice_codegen.render import Renderer

#: Texts that every output has, the same for every spec.
SUPPORT = ("body", "trace")


@dataclass(frozen=True, slots=True)
class _Enum:
    name: str
    integer: str
    flags: bool
    items: tuple[tuple[str, int], ...]
    comment: str


@dataclass(frozen=True, slots=True)
class _Struct:
    name: str
    members: tuple[str, ...]
    comment: str


@dataclass(frozen=True, slots=True)
class _Message:
    """`body` names a body that has a name of its own; else the members are its own."""

    number: int
    name: str
    body: str
    members: tuple[str, ...]
    comment: str


@dataclass(frozen=True, slots=True)
class _Channel:
    """`modules` have the messages of the channel and what it inherits, the root first."""

    name: str
    number: int
    modules: tuple[str, ...]


def files(protocol: model.Protocol, source: str) -> dict[str, str]:
    """The texts of the package by file name."""
    render = Renderer("construct", source=source)
    texts = {f"{name}.py": render(f"{name}.py.j2") for name in SUPPORT}
    texts["enums.py"] = _module(render, "enums", enums=[_enum(each) for each in protocol.enums])
    texts["structs.py"] = _module(render, "structs", structs=_structs(protocol.structs, True))
    texts["messages.py"] = _module(render, "structs", structs=_structs(protocol.messages, False))
    for channel in protocol.channel_types:
        tables = {side: [*_messages(channel, side)] for side in ("server", "client")}
        name = naming.channel_module(channel, protocol)
        texts[f"{name}.py"] = _module(render, "channel", channel=channel, tables=tables)
    channels = [*_channels(protocol)]
    modules = {module for channel in channels for module in channel.modules}
    imports = "\n".join(members.import_lines(".", modules))
    texts["channels.py"] = wrap(render("channels.py.j2", channels=channels, imports=imports))
    texts["__init__.py"] = render("__init__.py.j2", name=protocol.name)
    return texts


def _module(render: Renderer, template: str, **content: object) -> str:
    """A module under the imports that its text asks for."""
    body = render(f"{template}.py.j2", imports="", **content)
    imports = members.imports(body)
    return wrap(render(f"{template}.py.j2", imports=imports, **content).rstrip() + "\n")


def _enum(enum: model.EnumType) -> _Enum:
    items = tuple((item.name, item.value) for item in enum.items)
    integer = members.integer(model.IntType(enum.bits, signed=False))
    return _Enum(members.own_name(enum.name), integer, enum.flags, items, enum.comment)


def _structs(structs: tuple[model.Struct, ...], inside: bool) -> list[_Struct]:
    return [
        _Struct(members.own_name(each.name), members.members(each, inside=inside), each.comment)
        for each in structs
    ]


def _messages(channel: model.Channel, side: str) -> Iterator[_Message]:
    for message in channel.own(side):
        body = f"messages.{members.own_name(message.body.name)}" if message.reusable else ""
        inline = () if message.reusable else members.members(message.body)
        yield _Message(message.number, message.name, body, inline, message.comment)


def _channels(protocol: model.Protocol) -> Iterator[_Channel]:
    for entry in protocol.channels:
        modules: list[str] = []
        channel: model.Channel | None = entry.channel
        while channel is not None:
            modules.insert(0, naming.channel_module(channel, protocol))
            channel = channel.parent
        yield _Channel(entry.name, entry.number, tuple(modules))
