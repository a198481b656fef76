"""The construct mirror: a second opinion on the generated Python code.

It shares nothing with that code but the model, gives the fields of every C vector, and refuses what
C refuses. There is no class of bodies where it is laxer or stricter, so no table of exceptions.
"""

from __future__ import annotations

import ast
import random
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from construct import FixedSized, Int8ul, Int32ul
from construct import Struct as ConstructStruct

import redspice_protocol
from codegen import mirror
from codegen.specs import ROOT, resolved
from generated.test_tunnel import CASES
from generated.vectors import DIRECTORY, Vector, files, read
from redspice_codegen.cli import main
from redspice_codegen.emit import emit
from redspice_codegen.live import import_texts

VECTORS = DIRECTORY.parent

#: Specs and the folders of their vectors.
SPECS = {
    "messages": ROOT / "spice.proto",
    "extra": VECTORS / "specs" / "extra.proto",
    "marshallers": VECTORS / "specs" / "marshallers.proto",
}
POSITIVE = [path for folder in SPECS for path in files(VECTORS / folder)]
NEGATIVE = [path for folder in SPECS for path in files(VECTORS / folder, negative=True)]

#: Mutated bodies for each positive vector, beside C's own.
MUTATIONS = 1


@pytest.fixture(scope="session")
def mirrors(tmp_path_factory: pytest.TempPathFactory) -> dict[str, ModuleType]:
    """The mirror of each spec, by the folder of its vectors."""
    folder = tmp_path_factory.mktemp("mirrors")
    return {name: mirror.generate(spec, folder) for name, spec in SPECS.items()}


@pytest.fixture(scope="session")
def spice(mirrors: dict[str, ModuleType]) -> ModuleType:
    return mirrors["messages"]


def message(package: ModuleType, vector: Vector) -> Any:
    """The construct of a vector's message; None for an id that the channel does not have."""
    channel = package.CHANNELS.get(vector.channel) or next(iter(package.CHANNELS.values()))
    return getattr(channel, vector.direction).get(vector.id)


def label(path: Path) -> str:
    return f"{path.parent.name}/{path.name.removesuffix('.jsonl.xz')}"


@pytest.mark.parametrize("path", POSITIVE, ids=label)
def test_every_vector_gives_its_fields(path: Path, mirrors: dict[str, ModuleType]) -> None:
    package = mirrors[path.parent.name]
    checked = 0
    for vector in read(path):
        construct = message(package, vector)
        assert construct.name == vector.name
        assert mirror.fields(package, construct, vector.body) == vector.fields, str(vector)
        checked += 1
    assert checked


@pytest.mark.parametrize("path", NEGATIVE, ids=label)
def test_malformed_bodies_get_the_verdict_of_c(path: Path, mirrors: dict[str, ModuleType]) -> None:
    package = mirrors[path.parent.name]
    for vector in read(path):
        construct = message(package, vector)
        if construct is None:
            assert vector.fields is None, f"{vector}: C knows this message"
        else:
            assert mirror.fields(package, construct, vector.body) == vector.fields, str(vector)


@pytest.mark.parametrize("path", files(), ids=label)
def test_mutated_bodies_are_the_same_to_the_generated_code(path: Path, spice: ModuleType) -> None:
    chance = random.Random(path.name)
    for vector in read(path):
        for _ in range(MUTATIONS):
            body = mutated(vector.body, chance)
            found = mirror.fields(spice, message(spice, vector), body)
            assert found == python_fields(vector, body), f"{vector}: {body.hex()}"


def python_fields(vector: Vector, body: bytes) -> Any:
    try:
        decoded = vector.type(redspice_protocol).demarshal(body)
    except redspice_protocol.WireError:
        return None
    return redspice_protocol.to_builtins(decoded)


def mutated(body: bytes, chance: random.Random) -> bytes:
    """A body with one to three faults: a bit, a number that may be an offset, a cut, a tail."""
    changed = bytearray(body)
    for _ in range(chance.randint(1, 3)):
        at = chance.randrange(len(changed) + 1)
        match chance.randrange(4):
            case 0 if at < len(changed):
                changed[at] ^= 1 << chance.randrange(8)
            case 1 if at + 4 <= len(changed):
                changed[at : at + 4] = chance.randrange(len(changed) + 3).to_bytes(4, "little")
            case 2:
                del changed[at:]
            case _:
                changed += chance.randbytes(at % 16)
    return bytes(changed)


@pytest.mark.parametrize(("side", "name", "expected", "body"), CASES)
def test_the_tunnel_has_its_layouts(
    side: str, name: str, expected: dict[str, Any], body: str, spice: ModuleType
) -> None:
    messages = getattr(spice.CHANNELS["tunnel"], side).values()
    construct = next(each for each in messages if each.name == name)
    assert mirror.fields(spice, construct, bytes.fromhex(body)) == expected


def test_the_table_has_every_message(spice: ModuleType) -> None:
    ours = {
        (channel.name, channel.number, side, number, each.name)
        for channel in spice.CHANNELS.values()
        for side in ("server", "client")
        for number, each in getattr(channel, side).items()
    }
    theirs = {
        (channel.name, channel.id, side, each.id, each.name)
        for channel in redspice_protocol.CHANNELS.values()
        for side in ("server", "client")
        for each in getattr(channel, side)
    }
    assert ours == theirs


def test_it_stands_on_construct_alone() -> None:
    """Nothing of the generated Python code, or of this project, is imported."""
    texts = emit(resolved(SPECS["messages"].read_text(encoding="utf-8")), "s.proto", "construct")
    outside = set()
    for text in texts.values():
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.Import):
                outside |= {alias.name for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and not node.level:
                outside.add(str(node.module))
    standard = {"__future__", "collections.abc", "dataclasses", "io", "typing"}
    assert outside - standard == {"construct"}


# what no vector has


def small(members: str, types: str = "") -> tuple[ModuleType, Any]:
    """The mirror of a spec with one message, and that message."""
    spec = f"{types} channel C {{ message {{ {members} }} one; }}; protocol P {{ C main; }};"
    package = import_texts("small_mirror", emit(resolved(spec), "test.proto", "construct"))
    return package, package.CHANNELS["main"].server[1]


def test_reserved_names_are_no_trouble() -> None:
    types = """
        enum8 Switch { 1BIT, None };
        struct Struct { Switch from; };
        struct import { Struct Array; };
    """
    members = """
        import this;
        switch (this.Array.from) { case 1BIT: uint8 Bytes; case None: Struct lambda; } u;
    """
    package, one = small(members, types)
    tagged = {"this": {"Array": {"from": 0}}}
    assert mirror.fields(package, one, b"\0\7") == tagged | {"Bytes": 7}
    assert mirror.fields(package, one, b"\1\7") == {
        "this": {"Array": {"from": 1}},
        "lambda": {"from": 7},
    }


def test_of_all_that_is_left_whole_elements_count() -> None:
    package, one = small("uint8 a; uint16 rest[];")
    assert mirror.fields(package, one, bytes(1)) == {"a": 0, "rest": []}
    assert mirror.fields(package, one, b"\0\1\0\2\0\3") == {"a": 0, "rest": [1, 2]}


def test_a_list_may_end_at_its_nul() -> None:
    package, one = small("kind *kinds[cstring()] @nonnull; uint8 a;", "enum8 kind { NONE, A };")
    body = bytes.fromhex("05000000 07 01 02 00 03")
    assert mirror.fields(package, one, body) == {"kinds": [1, 2], "a": 7}
    assert mirror.fields(package, one, body[:7]) is None


def test_a_count_that_no_arm_gave_is_refused() -> None:
    members = """
        options flags;
        switch (flags) { case A: uint8 n; } a @anon;
        switch (flags) { case B: uint8 data[n] @end; } b @anon;
    """
    package, one = small(members, "flags8 options { A, B };")
    assert mirror.fields(package, one, b"\3\1\7") == {"flags": 3, "n": 1, "data": b"\7"}
    assert mirror.fields(package, one, b"\2\1\7") is None


def test_a_body_may_stand_in_a_larger_construct() -> None:
    """Offsets count from the first byte of the body wherever it stands."""
    _, one = small("uint8 n; uint8 *data[n] @nonnull; uint8 c;")
    framed = FixedSized(8, one)
    body = bytes.fromhex("02 06000000 09 6162")
    whole = ConstructStruct("size" / Int32ul, "body" / framed, "next" / Int8ul)
    parsed = whole.parse(bytes(4) + body + b"\5")
    assert (parsed.body.data, parsed.body.c, parsed.next) == (b"ab", 9, 5)


def test_a_refusal_names_the_field_and_the_offset() -> None:
    package, one = small("uint8 n; uint8 *data[n] @nonnull;")
    with pytest.raises(package.OffsetError, match="one -> data\npoints to offset 5 of a body of 5"):
        one.parse(bytes.fromhex("00 05000000"))
    with pytest.raises(package.OffsetError, match="must not be null"):
        one.parse(bytes(5))


def test_output_is_deterministic_and_passes_the_check(tmp_path: Path) -> None:
    command = ["generate", str(SPECS["extra"]), "-o", str(tmp_path), "--backend", "construct"]
    assert main(command) == 0
    assert main([*command, "--check"]) == 0
