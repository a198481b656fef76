"""The model as JSON: the documented example, and what its numbers and references promise."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from codegen.specs import ROOT, resolved, spice
from redspice_codegen.backends.json import SCHEMA
from redspice_codegen.cli import main
from redspice_codegen.emit import emit

DOCUMENT = ROOT / "docs" / "model-json.md"
EXAMPLE = re.compile(r"```proto\n(.*?)```\n\n```json\n(.*?)```\n", re.DOTALL)


def described(spec: str) -> dict[str, Any]:
    (text,) = emit(resolved(spec), "test.proto", "json").values()
    loaded: dict[str, Any] = json.loads(text)
    return loaded


def body(members: str) -> dict[str, Any]:
    """The only message of a spec whose body has these members, before `channel` definitions."""
    before, _, inside = members.rpartition("|")
    model = described(f"{before} channel C {{ message {{ {inside} }} m; }}; protocol P {{ C c; }};")
    message: dict[str, Any] = model["channel_types"][0]["messages"][0]
    return message


def documented() -> tuple[str, re.Match[str]]:
    """The text of the document, and the spec and the JSON of its example."""
    document = DOCUMENT.read_text(encoding="utf-8")
    example = EXAMPLE.search(document)
    assert example is not None
    return document, example


def test_the_documented_example_is_what_the_backend_prints(request: pytest.FixtureRequest) -> None:
    document, example = documented()
    ((name, text),) = emit(resolved(example[1]), "demo.proto", "json").items()
    if request.config.getoption("--update-golden", default=False):
        start, end = example.span(2)
        DOCUMENT.write_text(document[:start] + text + document[end:], encoding="utf-8")
        _, example = documented()
    assert name == "demo.json"
    assert example[2] == text


def test_every_key_of_the_example_is_documented() -> None:
    document, example = documented()
    prose = document[: example.start()]
    keys = set(_keys(json.loads(example[2]))) - {"anon", "nonnull"}
    assert {key for key in keys if f"`{key}`" not in prose} == set()


def _keys(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        yield from value
    for each in value.values() if isinstance(value, dict) else value:
        if isinstance(each, dict | list):
            yield from _keys(each)


def test_the_command_prints_the_file_of_the_backend(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    spec = ROOT / "spice.proto"
    assert main(["model", str(spec)]) == 0
    printed = capsys.readouterr().out
    assert main(["generate", str(spec), "-o", str(tmp_path), "--backend", "json"]) == 0
    assert (tmp_path / "spice.json").read_text(encoding="utf-8") == printed
    assert json.loads(printed)["schema"] == SCHEMA
    assert main(["generate", str(spec), "-o", str(tmp_path), "--backend", "json", "--check"]) == 0


def test_the_command_prints_utf8_whatever_the_locale(tmp_path: Path) -> None:
    spec = tmp_path / "a.proto"
    spec.write_text("// Größe …\nchannel C { }; protocol P { C c; };", encoding="utf-8")
    command = [sys.executable, "-m", "redspice_codegen.cli", "model", str(spec)]
    environment = {**os.environ, "PYTHONIOENCODING": "ascii"}
    printed = subprocess.run(command, env=environment, capture_output=True, check=True).stdout
    assert json.loads(printed.decode("utf-8"))["channel_types"][0]["comment"] == "Größe …"


def test_a_file_of_another_protocol_is_stale(tmp_path: Path) -> None:
    for name in ("One", "Two"):
        spec = tmp_path / "a.proto"
        spec.write_text(f"channel C {{ }}; protocol {name} {{ C c; }};", encoding="utf-8")
        assert main(["generate", str(spec), "-o", str(tmp_path / "o"), "--backend", "json"]) == 0
    assert [path.name for path in (tmp_path / "o").iterdir()] == ["two.json"]


def test_every_reference_leads_to_a_definition() -> None:
    (text,) = emit(spice(), "spice.proto", "json").values()
    model = json.loads(text)
    known = {
        "struct": {struct["name"] for struct in model["structs"]},
        "alias": {alias["name"] for alias in model["typedefs"]},
        "enum": {enum["name"] for enum in model["enums"]},
        "flags": {enum["name"] for enum in model["enums"]},
    }
    references = list(_references(model["structs"])) + list(_references(model["channel_types"]))
    assert len(references) > 200
    assert [(kind, name) for kind, name in references if name not in known[kind]] == []
    types = {channel["name"] for channel in model["channel_types"]}
    assert {channel["type"] for channel in model["channels"]} <= types
    messages = [m for channel in model["channel_types"] for m in channel["messages"]]
    assert {m["inherited_from"] for m in messages} - {None} <= types
    assert {m["body"] for m in messages} - {None} == {m["name"] for m in model["messages"]}


def _references(value: Any) -> Iterator[tuple[str, str]]:
    if isinstance(value, dict):
        if "kind" in value and "name" in value:
            yield value["kind"], value["name"]
        value = list(value.values())
    for each in value:
        if isinstance(each, dict | list):
            yield from _references(each)


@pytest.mark.parametrize(
    ("members", "offsets", "size", "smallest"),
    [
        ("", [], 0, 0),
        ("uint8 a; uint32 b;", [0, 1], 5, 5),
        ("uint8 a[3]; uint16 b;", [0, 3], 5, 5),
        ("struct S { int16 x; }; | S a[3]; uint8 b;", [0, 6], 7, 7),
        ("uint8 n; uint16 a[n]; uint32 b;", [0, 1, None], None, 5),
        ("uint8 *a[4]; uint8 b;", [0, 4], 5, 5),
        ("unix_fd f; uint8 a;", [0, 0], 1, 1),
        ("uint8 a; uint32 b @virtual(1); uint8 c;", [0, 1, 1], 2, 2),
        (
            "enum8 e { A }; | e t; switch (t) { case A: uint16 x; } u; uint8 z;",
            [0, 1, None],
            None,
            2,
        ),
        (
            "enum8 e { A }; | e t; switch (t) { case A: uint16 x; default: int16 y; } u; uint8 z;",
            [0, 1, 3],
            4,
            4,
        ),
        (
            "enum8 e { A }; | e t; switch (t) { case A: uint16 x; default: int8 y; } u; uint8 z;",
            [0, 1, None],
            None,
            3,
        ),
    ],
)
def test_offsets_and_sizes_are_given_where_nothing_varies(
    members: str, offsets: list[int | None], size: int | None, smallest: int
) -> None:
    message = body(members)
    assert [member["offset"] for member in message["members"]] == offsets
    assert (message["size"], message["smallest"]) == (size, smallest)


@pytest.mark.parametrize(
    ("size", "expected"),
    [
        ("[3]", {"kind": "constant", "count": 3}),
        ("[n]", {"kind": "count", "member": "n"}),
        (
            "[image_size(4, n, m)]",
            {"kind": "image", "bits_per_pixel": 4, "width": "n", "rows": "m"},
        ),
        ("[]", {"kind": "rest"}),
    ],
)
def test_array_sizes(size: str, expected: dict[str, Any]) -> None:
    member = body(f"uint8 n; uint8 m; uint8 data{size};")["members"][2]
    element = {"kind": "int", "bits": 8, "signed": False}
    assert member["type"] == {"kind": "array", "element": element, "size": expected}


def test_a_pointer_to_text_up_to_its_nul() -> None:
    (member,) = body("uint8 *s[cstring()] @nonnull;")["members"]
    assert member["type"]["kind"] == "pointer"
    assert member["type"]["target"]["size"] == {"kind": "cstring"}
    assert member["attributes"] == {"nonnull": []}


def test_cases_have_their_tests_and_the_default_none() -> None:
    message = body(
        "flags16 f { A, B }; | f t;"
        " switch (t) { case !A: case B: uint8 x; default: struct { int8 z; } y; } u;"
    )
    switch = message["members"][1]
    assert (switch["switch"], switch["on"], switch["tag"]) == ("u", ["t"], "f")
    assert switch["anonymous"] is False
    first, default = switch["cases"]
    assert first["tests"] == [
        {"item": "A", "value": 1, "negated": True},
        {"item": "B", "value": 2, "negated": False},
    ]
    assert default["tests"] == []
    assert default["member"]["type"] == {"kind": "struct", "name": "m_y"}


def test_inherited_messages_come_first_and_say_from_where() -> None:
    model = described(
        "message Shared { }; channel A { Shared one; client: Shared two; };"
        "channel B : A { Shared three = 9; }; channel C : B { }; protocol P { B b = 4; C c; };"
    )
    messages = model["channel_types"][2]["messages"]
    assert [(m["direction"], m["name"], m["id"], m["inherited_from"]) for m in messages] == [
        ("server", "one", 1, "A"),
        ("server", "three", 9, "B"),
        ("client", "two", 1, "A"),
    ]
    assert [m["body"] for m in messages] == ["Shared"] * 3
    assert model["channels"][1] == {"name": "c", "number": 5, "type": "C"}
