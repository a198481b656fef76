"""The resolved model of spice.proto against the table of the C implementation's own model.

Attributes that only steer C (names, headers, copies) are not in our spec; those that change bytes
or checks are compared.
"""

import json
import lzma
from typing import Any

import pytest

from codegen.specs import ROOT, spice
from redspice_codegen.attributes import RULES
from redspice_codegen.emit import emit

#: `nonnull` of a struct is a mark that the C generator leaves on it; it belongs to the pointers.
WIRE_ATTRIBUTES = {name for name, rule in RULES.items() if rule.wire}

Object = dict[str, Any]


@pytest.fixture(scope="module")
def table() -> Object:
    path = ROOT / "tests" / "vectors" / "protocol_table.json.xz"
    loaded: Object = json.loads(lzma.decompress(path.read_bytes()))
    return loaded


@pytest.fixture(scope="module")
def ours() -> Object:
    """The model as the JSON backend prints it."""
    (text,) = emit(spice(), "spice.proto", "json").values()
    loaded: Object = json.loads(text)
    return loaded


def wire_attributes(attributes: Object) -> Object:
    return {name: a for name, a in attributes.items() if name in WIRE_ATTRIBUTES}


def reduced(member: Object) -> Object:
    """A member of ours without what the table does not have."""
    if "switch" in member:
        return {
            "switch": member["switch"],
            "on": member["on"],
            "anonymous": member["anonymous"],
            "cases": [
                ([(t["negated"], t["item"]) for t in case["tests"]], reduced(case["member"]))
                for case in member["cases"]
            ],
        }
    return {
        "name": member["name"],
        "type": member["type"],
        "size": member["size"],
        "attributes": wire_attributes(member["attributes"]),
    }


def expected(member: Object) -> Object:
    """A member of the table in the words of ours, without what only C needs."""
    if "switch" in member:
        return {
            "switch": member["switch"],
            "on": member["on"].split("."),
            "anonymous": "anon" in member["attributes"],
            "cases": [
                (
                    [(v["not"], v["name"]) for v in case["values"] if v != "default"],
                    expected(case["member"]),
                )
                for case in member["cases"]
            ],
        }
    return {
        "name": member["name"],
        "type": expected_type(member["type"]),
        "size": member.get("fixed_size"),
        "attributes": wire_attributes(member["attributes"]),
    }


def expected_type(type_: Object) -> Object:
    match type_:
        case {"kind": "unix_fd"}:
            return {"kind": "unix_fd"}
        case {"kind": "array", "element": element, "size": size}:
            kind = expected_size(size)
            return {"kind": "array", "element": expected_type(element), "size": kind}
        case {"kind": "pointer", "target": target}:
            return {"kind": "pointer", "target": expected_type(target)}
        case _:
            return type_


def expected_size(size: Object) -> Object:
    match size:
        case {"remaining": True}:
            return {"kind": "rest"}
        case {"const": count}:
            return {"kind": "constant", "count": count}
        case {"member": member}:
            return {"kind": "count", "member": member}
        case {"image_size": [bits, width, rows]}:
            return {"kind": "image", "bits_per_pixel": bits, "width": width, "rows": rows}
        case _:
            raise ValueError(f"a size that spice.proto does not use: {size}")


def channel_types(ours: Object) -> list[Object]:
    """The types of the protocol's channels, in its order."""
    by_name = {channel["name"]: channel for channel in ours["channel_types"]}
    return [by_name[entry["type"]] for entry in ours["channels"]]


@pytest.mark.parametrize("kind", ["enum", "flags"])
def test_enums_and_flags(table: Object, ours: Object, kind: str) -> None:
    found = {enum["name"]: enum for enum in ours["enums"] if enum["kind"] == kind}
    theirs = {entry["name"]: entry for entry in table["enums" if kind == "enum" else kind]}
    tunnel = {name for name in found if name.startswith("tunnel_")}
    assert found.keys() - tunnel == theirs.keys()
    keys = ("name", "value", "bit", "deprecated")
    for name, entry in theirs.items():
        assert found[name]["bits"] == entry["bits"]
        items = [(i["name"], i["value"], i.get("bit"), "deprecated" in i) for i in entry["items"]]
        assert [tuple(i[key] for key in keys) for i in found[name]["items"]] == items


def test_typedefs_are_those_of_the_table(table: Object, ours: Object) -> None:
    """The table has no list of them, but each use spells out name and type."""
    used = set()
    walk = [table]
    while walk:
        node: Any = walk.pop()
        if isinstance(node, dict) and node.get("kind") == "alias":
            used.add((node["name"], json.dumps(node["of"], sort_keys=True)))
        walk += node.values() if isinstance(node, dict) else node if isinstance(node, list) else ()
    found = {(a["name"], json.dumps(a["of"], sort_keys=True)) for a in ours["typedefs"]}
    assert found == used


def test_structs(table: Object, ours: Object) -> None:
    found = {struct["name"]: struct for struct in ours["structs"]}
    theirs = {entry["name"]: entry for entry in table["structs"]}
    assert {name for name in found if not name.startswith("Tunnel")} == theirs.keys()
    for name, entry in theirs.items():
        members = [reduced(member) for member in found[name]["members"]]
        assert members == [expected(member) for member in entry["members"]], name


def test_channels(table: Object, ours: Object) -> None:
    found = [(c["name"], c["number"], c["type"]) for c in ours["channels"]]
    assert found == [(c["name"], c["id"], c["type_name"]) for c in table["channels"]]
    assert [c["parent"] for c in channel_types(ours)] == [c["base"] for c in table["channels"]]


def test_messages(table: Object, ours: Object) -> None:
    checked = 0
    for entry, channel in zip(table["channels"], channel_types(ours), strict=True):
        if entry["name"] == "tunnel":
            continue  # C reserves the number alone; its messages are in our spec
        keys = ("direction", "id", "name", "inherited_from")
        found = [tuple(message[key] for key in keys) for message in channel["messages"]]
        assert found == [tuple(message[key] for key in keys) for message in entry["messages"]]
        for message, theirs in zip(channel["messages"], entry["messages"], strict=True):
            members = [reduced(member) for member in message["members"]]
            assert members == [expected(member) for member in theirs["members"]], message["name"]
            assert message["body"] == theirs["message_type"]
            assert message["size"] == theirs["fixed_size"]
            checked += 1
    assert checked == 272


def test_tunnel_has_the_messages_of_spice_0_10(ours: Object) -> None:
    (tunnel,) = (c for c in channel_types(ours) if c["name"] == "TunnelChannel")
    names = "init service_ip_map socket_open socket_fin socket_close socket_data"
    server = [*names.split(), "socket_closed_ack", "socket_token"]
    names = "service_add service_remove socket_open_ack socket_open_nack socket_fin socket_closed"
    client = [*names.split(), "socket_closed_ack", "socket_data", "socket_token"]
    found = [(m["direction"], m["id"], m["name"]) for m in tunnel["messages"]]
    assert found == [
        *(("server", 101 + i, name) for i, name in enumerate(server)),
        *(("client", 101 + i, name) for i, name in enumerate(client)),
    ]


def test_every_definition_has_a_comment(ours: Object) -> None:
    definitions = [
        *(d for kind in ("typedefs", "enums", "structs", "messages") for d in ours[kind]),
        *ours["channel_types"],
        *(m for channel in ours["channel_types"] for m in channel["messages"]),
    ]
    assert [d["name"] for d in definitions if not d["comment"]] == []
