"""The resolved model of spice.proto against the table of the C implementation's own model.

Attributes that only steer C (names, headers, copies) are not in our spec; those that change bytes
or checks are compared.
"""

import json
import lzma
from typing import Any

import pytest

from codegen.specs import ROOT, spice
from redspice_codegen import layout, model
from redspice_codegen.attributes import RULES

#: How C keeps a member in memory, without a trace on the wire. `nonnull` of a struct is a mark that
#: the C generator leaves on it; it belongs to the pointers.
WIRE_ATTRIBUTES = {name for name, rule in RULES.items() if rule.wire}


@pytest.fixture(scope="module")
def table() -> dict[str, Any]:
    path = ROOT / "tests" / "vectors" / "protocol_table.json.xz"
    loaded: dict[str, Any] = json.loads(lzma.decompress(path.read_bytes()))
    return loaded


@pytest.fixture(scope="module")
def protocol() -> model.Protocol:
    return spice()


def describe_type(type_: model.Type) -> dict[str, Any]:
    """A type in the words of the table."""
    match type_:
        case model.IntType(bits=bits, signed=signed):
            return {"kind": "int", "bits": bits, "signed": signed}
        case model.AliasType(name=name, of=of):
            return {"kind": "alias", "name": name, "of": describe_type(of)}
        case model.EnumType(name=name, bits=bits, flags=flags):
            return {"kind": "flags" if flags else "enum", "name": name, "bits": bits}
        case model.UnixFdType():
            return {"kind": "unix_fd", "bits": 0}
        case model.Struct(name=name):
            return {"kind": "struct", "name": name}
        case model.ArrayType(element=element, size=size):
            sized = describe_size(size)
            return {"kind": "array", "element": describe_type(element), "size": sized}
        case model.PointerType(target=target):
            return {"kind": "pointer", "target": describe_type(target)}


def describe_size(size: model.ArraySize) -> dict[str, Any]:
    match size:
        case model.RestSize():
            return {"remaining": True}
        case model.ConstantSize(count=count):
            return {"const": count}
        case model.CountSize(member=member):
            return {"member": member}
        case model.ImageSize(bits_per_pixel=bits, width=width, rows=rows):
            return {"image_size": [bits, width, rows]}
        case model.CStringSize():
            return {"cstring": []}


def describe_member(member: model.Member) -> dict[str, Any]:
    if isinstance(member, model.Field):
        return {
            "name": member.name,
            "type": describe_type(member.type),
            "attributes": wire_attributes(member.attributes),
        }
    return {
        "switch": member.name,
        "on": ".".join(member.on),
        "anonymous": member.anonymous,
        "cases": [
            {
                "values": [{"not": test.negated, "name": test.item} for test in case.tests]
                or ["default"],
                "member": describe_member(case.member),
            }
            for case in member.cases
        ],
    }


def wire_attributes(attributes: model.Attributes) -> dict[str, list[str | int]]:
    return {name: list(a) for name, a in attributes.items() if name in WIRE_ATTRIBUTES}


def reduce_member(member: dict[str, Any]) -> dict[str, Any]:
    """A member of the table without what only C needs."""
    if "switch" in member:
        return {
            "switch": member["switch"],
            "on": member["on"],
            "anonymous": "anon" in member["attributes"],
            "cases": [
                {"values": case["values"], "member": reduce_member(case["member"])}
                for case in member["cases"]
            ],
        }
    return {
        "name": member["name"],
        "type": member["type"],
        "attributes": wire_attributes(member["attributes"]),
    }


@pytest.mark.parametrize("kind", ["enums", "flags"])
def test_enums_and_flags(table: dict[str, Any], protocol: model.Protocol, kind: str) -> None:
    ours = {e.name: e for e in protocol.enums if e.flags == (kind == "flags")}
    theirs = {entry["name"]: entry for entry in table[kind]}
    tunnel = {name for name in ours if name.startswith("tunnel_")}
    assert ours.keys() - tunnel == theirs.keys()
    for name, entry in theirs.items():
        assert ours[name].bits == entry["bits"]
        items = [(i["name"], i["value"], i.get("bit"), "deprecated" in i) for i in entry["items"]]
        assert [(i.name, i.value, i.bit, i.deprecated) for i in ours[name].items] == items
        prefix = entry["attributes"].get("prefix")
        assert ours[name].attributes.get("prefix") == (tuple(prefix) if prefix else None)


def test_structs(table: dict[str, Any], protocol: model.Protocol) -> None:
    ours = {struct.name: struct for struct in protocol.structs}
    theirs = {entry["name"]: entry for entry in table["structs"]}
    assert {n for n in ours if not n.startswith("Tunnel")} == theirs.keys()
    for name, entry in theirs.items():
        members = [describe_member(member) for member in ours[name].members]
        assert members == [reduce_member(member) for member in entry["members"]], name


def test_channels(table: dict[str, Any], protocol: model.Protocol) -> None:
    ours = [(c.name, c.number, c.channel.type_name) for c in protocol.channels]
    assert ours == [(c["name"], c["id"], c["type_name"]) for c in table["channels"]]
    for entry, channel in zip(table["channels"], protocol.channels, strict=True):
        parent = channel.channel.parent
        assert (parent.type_name if parent else None) == entry["base"]


def test_messages(table: dict[str, Any], protocol: model.Protocol) -> None:
    checked = 0
    for entry, channel in zip(table["channels"], protocol.channels, strict=True):
        if channel.name == "tunnel":
            continue  # C reserves the number alone; its messages are in our spec
        ours = [*channel.channel.server, *channel.channel.client]
        key = ("direction", "id", "name")
        theirs = [tuple(message[k] for k in key) for message in entry["messages"]]
        assert [(m.direction, m.number, m.name) for m in ours] == theirs
        for message, expected in zip(ours, entry["messages"], strict=True):
            check_message(message, expected, channel.channel)
            checked += 1
    assert checked == 272


def check_message(message: model.Message, expected: dict[str, Any], channel: model.Channel) -> None:
    members = [describe_member(member) for member in message.body.members]
    assert members == [reduce_member(member) for member in expected["members"]], message.name
    assert (message.body.name if message.reusable else None) == expected["message_type"]
    inherited = None if message.owner == channel.type_name else message.owner
    assert inherited == expected["inherited_from"]
    if expected["fixed_size"] is not None and not layout_varies(message.body):
        assert layout.smallest_size(message.body) == expected["fixed_size"]


def layout_varies(body: model.Struct) -> bool:
    return layout.fixed_size(body) is None


def test_tunnel_has_the_messages_of_spice_0_10(protocol: model.Protocol) -> None:
    tunnel = next(c.channel for c in protocol.channels if c.name == "tunnel")
    names = "init service_ip_map socket_open socket_fin socket_close socket_data"
    server = [*names.split(), "socket_closed_ack", "socket_token"]
    assert [(m.name, m.number) for m in tunnel.server] == list(
        zip(server, range(101, 109), strict=True)
    )
    names = "service_add service_remove socket_open_ack socket_open_nack socket_fin socket_closed"
    client = [*names.split(), "socket_closed_ack", "socket_data", "socket_token"]
    assert [(m.name, m.number) for m in tunnel.client] == list(
        zip(client, range(101, 110), strict=True)
    )


def test_every_definition_has_a_comment(protocol: model.Protocol) -> None:
    definitions = [
        *protocol.enums,
        *protocol.structs,
        *protocol.messages,
        *protocol.channel_types,
        *(m for c in protocol.channel_types for m in (*c.own("server"), *c.own("client"))),
    ]
    bare = [getattr(d, "name", "") for d in definitions if not d.comment]
    assert not bare
