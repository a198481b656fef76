"""The Wireshark backend: one Lua file that decodes the protocol.

The spec becomes Lua tables, written here; hand-written Lua, copied behind them, turns the tables
into fields and walks bodies along them, and knows the link stage and the headers.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from redspice_codegen import layout, model, naming
from redspice_codegen.render import Renderer

#: The hand-written parts in the order of the file: each uses what stands before it.
PARTS = ("fields", "body", "message", "link", "conversation")

Value = str | int | bool | Sequence["Value"] | Mapping[str, "Value"]
Table = dict[str, Value]

_TEMPLATES = Path(__file__).parent.parent / "templates" / "wireshark"


def files(protocol: model.Protocol, source: str) -> dict[str, str]:
    render = Renderer("wireshark", source=source)
    word = protocol.name.lower()
    text = render(
        "dissector.lua.j2",
        word=lua(f"red{word}"),
        title=lua(f"Redspice: {protocol.name}"),
        enums=[_enum(enum) for enum in protocol.enums],
        structs={
            struct.name: _members(struct) for struct in (*protocol.structs, *protocol.messages)
        },
        types=[_channel_type(channel, protocol) for channel in protocol.channel_types],
        channels=[lua(_channel(entry)) for entry in protocol.channels],
        parts=[(_TEMPLATES / f"{part}.lua").read_text("utf-8").rstrip() for part in PARTS],
    )
    return {f"{word}.lua": text}


def lua(value: Value) -> str:
    """A value as a Lua expression on one line."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, str):
        return '"' + "".join(_ESCAPES.get(char, char) for char in value) + '"'
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{key} = {lua(each)}" for key, each in value.items()) + "}"
    return "{" + ", ".join(lua(each) for each in value) + "}"


_ESCAPES = {'"': '\\"', "\\": "\\\\", "\n": " ", "\r": " "}


def _enum(enum: model.EnumType) -> Mapping[str, object]:
    items = [lua(_item(item)) for item in enum.items]
    return {"name": enum.name, "flags": lua(enum.flags), "lines": items}


def _item(item: model.EnumItem) -> Table:
    return {"value": item.value, "name": item.name, **_about(item.comment)}


def _channel(entry: model.ProtocolChannel) -> Table:
    lineage: list[str] = []
    channel: model.Channel | None = entry.channel
    while channel is not None:
        lineage.insert(0, channel.type_name)
        channel = channel.parent
    return {"number": entry.number, "name": entry.name, "lineage": lineage}


def _channel_type(channel: model.Channel, protocol: model.Protocol) -> Mapping[str, object]:
    return {
        "name": channel.type_name,
        "word": lua(naming.channel_module(channel, protocol)),
        "sides": {side: [_message(m) for m in channel.own(side)] for side in ("server", "client")},
    }


def _message(message: model.Message) -> Mapping[str, object]:
    return {
        "number": message.number,
        "name": lua(message.name),
        "body": lua(message.body.name) if message.reusable else "",
        "members": _members(message.body),
    }


def _members(struct: model.Struct) -> list[str]:
    return [
        lua(_switch(member) if isinstance(member, model.Switch) else _field(member))
        for member in struct.members
        if isinstance(member, model.Switch) or not member.virtual
    ]


def _field(field: model.Field) -> Table:
    named: Table = {"name": field.name, **_type(field.type)}
    if isinstance(field.type, model.PointerType):
        named |= {"nonnull": field.nonnull, "nullable": field.nullable}
    if "zero_terminated" in field.attributes:
        named["text"] = True
    return named | _about(field.comment)


def _switch(switch: model.Switch) -> Table:
    cases: list[Table] = [
        {
            "tests": [{"value": test.value, "negated": test.negated} for test in case.tests],
            "member": _field(case.member),
        }
        for case in switch.cases
    ]
    return {"kind": "switch", "on": switch.on, "flags": switch.tag.flags, "cases": cases}


def _type(type_: model.Type) -> Table:
    match type_:
        case model.UnixFdType():
            return {"kind": "descriptor"}
        case model.Struct():
            return {"kind": "struct", "of": type_.name}
        case model.ArrayType():
            return _array(type_)
        case model.PointerType():
            return {"kind": "pointer", "target": _type(type_.target)}
        case _:
            integer = layout.base_integer(type_)
            assert integer is not None
            table: Table = {"kind": "integer", "bits": integer.bits, "signed": integer.signed}
            return table | ({"enum": type_.name} if isinstance(type_, model.EnumType) else {})


def _array(array: model.ArrayType) -> Table:
    """`width` is the size of an element in bytes: the fewest, if not `fixed`."""
    element = array.element
    fixed = not isinstance(element, model.Struct) or layout.fixed_size(element) is not None
    octets = (
        isinstance(element, model.IntType | model.AliasType) and layout.element_size(array) == 1
    )
    kind = "octets" if octets else "array"
    return {
        "kind": "string" if isinstance(array.size, model.CStringSize) else kind,
        "element": _type(element),
        "width": layout.element_size(array),
        "fixed": fixed,
        "count": _count(array.size),
    }


def _count(size: model.ArraySize) -> Table:
    match size:
        case model.RestSize():
            return {"by": "rest"}
        case model.ConstantSize(count=count):
            return {"by": "constant", "count": count}
        case model.CountSize(member=member):
            return {"by": "member", "member": member}
        case model.ImageSize(bits_per_pixel=bits, width=width, rows=rows):
            return {"by": "image", "bits": bits, "width": width, "rows": rows}
        case model.CStringSize():
            return {"by": "nul"}


def _about(comment: str) -> Table:
    return {"about": " ".join(comment.split())} if comment else {}
