"""A spec with every attribute that the C implementation's own has reads, and gives our model.

Its text is written from the table of that implementation's model; what only steers C is in it.
"""

import json
import lzma
from collections.abc import Iterator
from typing import Any

from codegen.specs import ROOT, resolved, spice
from redspice_codegen import model


def table() -> dict[str, Any]:
    path = ROOT / "tests" / "vectors" / "protocol_table.json.xz"
    loaded: dict[str, Any] = json.loads(lzma.decompress(path.read_bytes()))
    return loaded


def attributes(given: dict[str, list[Any]]) -> str:
    return "".join(
        f" @{name}" + (f"({', '.join(map(str, arguments))})" if arguments else "")
        for name, arguments in given.items()
    )


def type_name(type_: dict[str, Any]) -> str:
    if type_["kind"] == "int":
        return f"{'' if type_['signed'] else 'u'}int{type_['bits']}"
    return str(type_.get("name", "unix_fd"))


def size(given: dict[str, Any]) -> str:
    match given:
        case {"remaining": True}:
            return "[]"
        case {"member": member}:
            return f"[{member}]"
        case {"image_size": [bits, width, rows]}:
            return f"[image_size({bits}, {width}, {rows})]"
        case _:
            return f"[0x{given['const']:x}]"


def member(given: dict[str, Any]) -> str:
    if "switch" in given:
        cases = "".join(f"{labels(case)} {member(case['member'])}" for case in given["cases"])
        tail = f"{given['switch']}{attributes(given['attributes'])}"
        return f"switch ({given['on']}) {{ {cases} }} {tail};\n"
    type_, star, array = given["type"], "", ""
    if type_["kind"] == "pointer":
        type_, star = type_["target"], "*"
    if type_["kind"] == "array":
        array, type_ = size(type_["size"]), type_["element"]
    return f"{type_name(type_)} {star}{given['name']}{array}{attributes(given['attributes'])};\n"


def labels(case: dict[str, Any]) -> str:
    return " ".join(
        "default:" if label == "default" else f"case {'!' * label['not']}{label['name']}:"
        for label in case["values"]
    )


def body(members: list[dict[str, Any]]) -> str:
    return "{\n" + "".join(member(each) for each in members) + "}"


def spec() -> Iterator[str]:
    """The whole text. @nonnull of a struct is a mark that the C generator leaves on it itself."""
    found = table()
    yield "typedef fixed28_4 int32 @ctype(SPICE_FIXED28_4);\ntypedef stream_id_t uint32;\n"
    for kind, key in (("enum", "enums"), ("flags", "flags")):
        for each in found[key]:
            items = ", ".join(
                f"{i['name']} = {i.get('bit', i['value'])}{' @deprecated' * ('deprecated' in i)}"
                for i in each["items"]
            )
            tail = attributes(each["attributes"])
            yield f"{kind}{each['bits']} {each['name']} {{ {items}, }}{tail};\n"
    for each in found["structs"]:
        marks = {k: v for k, v in each["attributes"].items() if k != "nonnull"}
        yield f"struct {each['name']} {body(each['members'])}{attributes(marks)};\n"
    yield from channels(found["channels"])


def channels(found: list[dict[str, Any]]) -> Iterator[str]:
    types: dict[str, list[dict[str, Any]]] = {"BaseChannel": [], "SpicevmcChannel": []}
    for channel in found:
        types.setdefault(channel["type_name"], [])
        for message in channel["messages"]:
            owner = message["inherited_from"] or channel["type_name"]
            known = types.setdefault(owner, [])
            key = (message["direction"], message["id"])
            if key not in [(m["direction"], m["id"]) for m in known]:
                known.append(message)
    parents = {c["type_name"]: c["base"] for c in found} | {"SpicevmcChannel": "BaseChannel"}
    marks = {channel["type_name"]: channel["attributes"] for channel in found}
    for name, messages in types.items():
        parent = f" : {parents[name]}" if parents.get(name) else ""
        sides = "".join(f"{m['direction']}: {message_text(m)}" for m in messages)
        yield f"channel {name}{parent} {{\n{sides}}}{attributes(marks.get(name, {}))};\n"
    entries = "".join(f"{c['type_name']} {c['name']} = {c['id']};\n" for c in found)
    yield f"protocol Spice {{\n{entries}}};\n"


def message_text(message: dict[str, Any]) -> str:
    text = f"message {body(message['members'])}{attributes(message['attributes'])}"
    return f"{text} {message['name']} = {message['id']};\n"


def test_a_spec_with_all_attributes_of_c_gives_the_same_model() -> None:
    theirs, ours = resolved("".join(spec())), spice()
    assert not any(entry.name == "smartcard" for entry in theirs.channels)  # @ifdef, not defined
    for entry in theirs.channels:
        (mine,) = [c for c in ours.channels if c.name == entry.name]
        if entry.name != "tunnel":
            for side in ("server", "client"):
                assert numbers(entry.channel, side) == numbers(mine.channel, side)
    kept = {struct.name: len(struct.members) for struct in theirs.structs}
    assert kept.items() <= {struct.name: len(struct.members) for struct in ours.structs}.items()


def numbers(channel: model.Channel, side: str) -> list[tuple[str, int, int]]:
    messages = channel.server if side == "server" else channel.client
    return [(m.name, m.number, len(m.body.members)) for m in messages]
