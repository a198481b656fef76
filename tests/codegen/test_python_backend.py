"""Specs that are awkward in Python: each makes a package that works, or is refused."""

import re
import subprocess
import sys
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from codegen.packages import imported
from codegen.specs import ROOT, generated, resolved
from generated.round_trip import check_comes_back, message_type, messages
from redspice_codegen.errors import BackendError

KINDS = "enum8 k { A, B, C };"


def spec(members: str, definitions: str = "") -> str:
    """One message with these members."""
    return (
        f"{KINDS} {definitions}"
        f"channel TestChannel {{ message {{ {members} }} one; }};"
        "protocol P { TestChannel main; };"
    )


LONG = "a_name_that_makes_every_line_in_which_it_stands_too_long"

WORKING = {
    "paths that join to one name": spec("S a; uint8 a_c;", "struct S { uint8 c; uint8 d; };"),
    "a field called as a pointer's offset": spec("uint8 *b[3]; uint32 b_at;"),
    "a field called as a local variable": spec("uint8 at_; uint8 at; uint8 view; uint8 end;"),
    "an underscore beside zeroes": spec("uint8 _; uint8 none @zero; uint16 parts;"),
    "fields called as functions": spec(
        "uint8 n; F pack_f[n]; uint8 m; R read_r_at[m]; T *write_t;",
        "struct F { uint8 x; uint16 y; }; struct R { uint8 size; uint8 data[size]; };"
        "struct T { uint16 z; };",
    ),
    "usual, with an array of structs that vary": spec(
        "U *a @usual;",
        "struct R { uint8 size; uint8 data[size]; }; struct P { uint8 n; R d[n]; };"
        "struct U { k t; switch (t) { case A: P p; } u; };",
    ),
    "usual, with an array of flat structs in front": spec(
        "U *a @usual; U *b;",
        "struct F { uint8 x; uint16 y; }; struct P { uint8 n; F d[n]; };"
        "struct U { P p; k t; switch (t) { case A: P q; default: uint8 z; } u; };",
    ),
    "usual, beside a pointer that must not be null": spec(
        "U *a @usual; T *b @nonnull;",
        "struct T { uint16 z; }; struct U { k t; switch (t) { case A: uint8 x; } u; };",
    ),
    "usual, with nothing behind": spec("E *e @usual; uint8 z;", "struct E { };"),
    "members called as classes": spec(
        "S S; S MsgTestOne; T *Target; k WireError; switch (WireError) { case A: uint8 Buffer[2]; }"
        " u @anon;",
        "struct S { uint8 y; }; struct T { uint8 z; };",
    ),
    "members called as helpers": spec(
        "k array_length; switch (array_length) { case A: uint8 x; } u @anon; S *bad_pointer;"
        "S *null_pointer; uint8 wrong_size; uint16 *isinstance[wrong_size]; S *new;",
        "struct S { uint8 y; };",
    ),
    "targets and arrays in arms": spec(
        "uint8 c; k t; switch (t) { case A: T *x; case B: uint8 y[c]; case C: uint16 z[c]; }"
        "u @anon;",
        "struct T { uint16 z; };",
    ),
    "switches in arms that share a name": spec(
        "k t; switch (t) { case A: S x; case B: S x; } u @anon; P *p;",
        "struct S { k t; switch (t) { case A: uint8 a; case B: uint16 b; } u; };"
        "struct P { k t; switch (t) { case A: S x; case B: S x; } u @anon; };",
    ),
    "arms that share a name": spec(
        "uint8 c; k t; switch (t) { case A: R x[c]; case B: R x[c]; } u @anon;"
        "switch (t) { case A: T *y @marshall; case B: T *y @marshall; } v @anon;",
        "struct R { uint8 size; uint8 data[size]; }; struct S { uint8 a; };"
        "struct T { uint16 z; S *more; };",
    ),
    "long conditions": spec(
        f"T *{LONG} @usual; T *{LONG}_too; k t; uint8 {LONG}_n;"
        f"switch (t) {{ case A: uint16 *{LONG}_a[{LONG}_n]; case B: uint32 y; }} u @anon;",
        "struct P { uint8 n; uint8 data[n]; };"
        "struct T { k t; switch (t) { case A: case B: P p; case C: uint8 c; } u; };",
    ),
    "keywords": spec("k class; switch (class) { case A: uint8 from; } u @anon; uint8 import;"),
    "long names": spec(
        f"uint8 {LONG}_n; uint32 *{LONG}[{LONG}_n]; F *{LONG}_f[{LONG}_n]; uint8 *{LONG}_b[2];",
        "struct F { uint8 x; uint16 y; };",
    ),
    "long names of arrays": spec(
        f"uint8 n; R {LONG}[n];", "struct R { uint8 size; uint8 data[size]; };"
    ),
    "an optional array in an arm": spec(
        "k t; switch (t) { case A: uint8 n; } u @anon; switch (t) { case A: uint8 *a[n]; } v @anon;"
    ),
    "an optional array in a struct in an arm": spec(
        "k t; switch (t) { case A: S s; } u;", "struct S { uint8 n; uint8 *a[n]; };"
    ),
    "a constant array in an arm": spec("k t; switch (t) { case A: uint8 x[4]; } u @anon;"),
    "a count with optional arrays": spec("uint8 n; uint8 *a[n]; uint16 *b[n];"),
    "a count with an array in an arm": spec(
        "k t; uint8 n; uint8 a[n]; switch (t) { case A: uint16 d[n]; } u @anon;"
    ),
    "a struct without members": spec("E e; uint8 z;", "struct E { };"),
    "a pointer to nothing": spec("uint8 a; E *e; uint8 z;", "struct E { };"),
    "a target that may be empty": spec("V *v; uint8 z;", "struct V { k t; };"),
    "a descriptor behind a pointer": spec("U *u; uint8 z;", "struct U { unix_fd fd; };"),
    "a descriptor in an arm": spec("k t; switch (t) { case A: unix_fd fd; } u; uint8 z;"),
    "an array of structs with zeroes": spec(
        "uint8 n; Z z[n]; Z *more[n];", "struct Z { uint8 a; uint8 none @zero; };"
    ),
    "an array of nested structs": spec(
        "uint8 n; N *more[n];", "struct Q { uint8 a; }; struct N { Q q; uint16 b; };"
    ),
    "an arm with a default": spec("k t; switch (t) { case A: uint8 x; default: uint16 y; } u;"),
    "flags whose arms share a struct": spec(
        "f t; switch (t) { case X: S s; case Y: uint8 n; case Z: S other; } u;",
        "flags8 f { X, Y, Z }; struct S { uint16 a; };",
    ),
    "an inline struct": spec("k t; struct Point { int8 x; int8 y; } at; struct { uint8 z; } b;"),
    "messages shared without a base channel": (
        "message Shared { uint8 z; };"
        "channel C { Shared one; }; channel D { Shared two; client: Shared three; };"
        "protocol P { C main; D other; };"
    ),
    "comments that look like code": spec(
        'uint8 a; // """ \\ \'\n', '/*\n * "quoted" and \\\n */ struct S { uint8 x; };'
    ),
    "empty comments": "//\n//\n" + spec("uint8 a;"),
}

REFUSED = {
    "two attributes of one name": (spec("uint8 class; uint8 class_;"), "attributes called class_"),
    "two classes of one name": (
        spec("uint8 a;", "struct my_s { uint8 x; }; struct MyS { uint8 y; };"),
        "two definitions would be called MyS",
    ),
    "a class called as one that is used": (
        spec("Records r;", "struct Records { uint8 x; };"),
        "Records would hide what generated code uses",
    ),
    "a member called SHAPE": (spec("uint8 SHAPE;"), "two attributes called SHAPE"),
    "two modules of one name": (
        "channel BChannel { message { uint8 x; } one; };"
        "channel CChannel : BChannel { message { uint8 y; } two = 2; };"
        "protocol P { CChannel b; };",
        "two modules would be called b",
    ),
    "a channel called as a support module": (
        "channel C { message { uint8 x; } one; }; protocol P { C wire; };",
        "two modules would be called wire",
    ),
    "functions of both directions": (
        "channel C { message { uint8 x; } client_x; client: message { uint8 y; } x; };"
        "protocol P { C main; };",
        "two definitions would be called _CLIENT_X_1",
    ),
    "two items of one name": (
        "enum8 e { 1A, E_1A };" + spec("uint8 a;"),
        "E would have two attributes called E_1A",
    ),
}


@pytest.mark.parametrize("text", WORKING.values(), ids=WORKING)
def test_awkward_specs_work(text: str, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    name = "awkward_" + "".join(c if c.isalnum() else "_" for c in request.node.callspec.id)
    package = imported(text, tmp_path, name)
    for channel, _, message in messages(resolved(text)):
        check_comes_back(package, message_type(package, channel, message), message.body)


#: Where a class has an attribute called as another class, its annotations cannot be read.
UNTYPED = frozenset({"members called as classes"})


def test_awkward_specs_pass_the_type_checker(tmp_path: Path) -> None:
    for number, (name, text) in enumerate(WORKING.items()):
        if name not in UNTYPED:
            package = tmp_path / f"awkward_{number}"
            package.mkdir()
            for file, content in generated(text).items():
                (package / file).write_text(content, encoding="utf-8")
    command = [sys.executable, "-m", "mypy", "--strict", "--no-incremental", "."]
    checked = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert checked.returncode == 0, checked.stdout


@pytest.mark.parametrize(("text", "reason"), REFUSED.values(), ids=REFUSED)
def test_names_that_become_one_are_refused(text: str, reason: str) -> None:
    with pytest.raises(BackendError, match=reason):
        generated(text)


def test_lengths_that_differ_are_refused_when_marshalling(tmp_path: Path) -> None:
    text = WORKING["a count with optional arrays"]
    package = imported(text, tmp_path, "awkward_lengths")
    one = package.CHANNELS["main"].server.by_name["one"]
    with pytest.raises(package.WireError, match=r"main\.one\.b: has 3 elements, 2 wanted"):
        one.marshal(one.type(a=b"12", b=[1, 2, 3]))


def test_a_constant_array_in_an_arm_is_measured(tmp_path: Path) -> None:
    package = imported(WORKING["a constant array in an arm"], tmp_path, "awkward_constant")
    one = package.CHANNELS["main"].server.by_name["one"]
    with pytest.raises(package.WireError, match="has 3 elements, 4 wanted"):
        one.marshal(one.type(t=0, x=b"123"))


def test_a_count_without_its_array_must_fit_the_body(tmp_path: Path) -> None:
    """A reader multiplies the count even where the pointer is 0, and refuses what cannot fit."""
    package = imported(WORKING["a count with optional arrays"], tmp_path, "awkward_absent")
    one = package.CHANNELS["main"].server.by_name["one"]
    absent = one.type(a=None, b=None, n=4)
    assert one.demarshal(one.marshal(absent)) == absent
    with pytest.raises(package.WireError, match=r"main\.one\.a: has 200 elements, 9 wanted"):
        one.marshal(one.type(a=None, b=None, n=200))


def test_a_shared_count_is_that_of_the_array_that_is_there(tmp_path: Path) -> None:
    package = imported(WORKING["a count with optional arrays"], tmp_path, "awkward_shared")
    one = package.CHANNELS["main"].server.by_name["one"]
    second = one.demarshal(one.marshal(one.type(a=None, b=[1, 2])))
    assert (second.a, second.b) == (None, [1, 2])


def test_targets_of_targets_follow_each_other_target_by_target(tmp_path: Path) -> None:
    """Even when they have targets in their turn: all below the first one, then the second one."""
    text = spec(
        "B *one; B *two;",
        "struct D { uint8 v; }; struct C { uint8 v; D *d; }; struct B { uint8 v; C *c; C *e; };",
    )
    package = imported(text, tmp_path, "awkward_deep")
    structs = import_module(f"{package.__name__}.structs")
    one = package.CHANNELS["main"].server.by_name["one"]

    def tree(v: int) -> Any:
        c, e = structs.C(v + 1, structs.D(v + 3)), structs.C(v + 2, structs.D(v + 4))
        return structs.B(v, c, e)

    body = one.marshal(one.type(one=tree(0xA0), two=tree(0xB0)))
    values = [byte for byte in body if byte >= 0xA0]  # offsets are smaller
    assert values == [0xA0, 0xB0, 0xA1, 0xA2, 0xA3, 0xA4, 0xB1, 0xB2, 0xB3, 0xB4]


def test_a_count_in_an_arm_that_is_not_chosen_does_not_matter(tmp_path: Path) -> None:
    package = imported(WORKING["an optional array in an arm"], tmp_path, "awkward_unchosen")
    one = package.CHANNELS["main"].server.by_name["one"]
    assert one.marshal(one.type(t=1, n=200, a=None)) == b"\x01"
    with pytest.raises(package.WireError, match=r"main\.one\.a: has 200 elements, 6 wanted"):
        one.marshal(one.type(t=0, n=200, a=None))


def test_a_count_must_be_that_of_every_array(tmp_path: Path) -> None:
    package = imported(WORKING["a count with optional arrays"], tmp_path, "awkward_every")
    one = package.CHANNELS["main"].server.by_name["one"]
    with pytest.raises(package.WireError, match=r"main\.one\.n: says 2"):
        package.from_builtins(one, {"n": 2, "a": b"12", "b": [1, 2, 3]})


#: Words of the language, which stay; so do comments and attributes.
WORDS = (
    r"//[^\n]*|/\*.*?\*/|@\w+(?:\(.*?\))?|\b(?:struct|message|channel|protocol|switch|case|default"
    r"|typedef|server|client|u?int\d+|enum\d+|flags\d+|unix_fd|image_size|cstring)\b"
)


def test_names_longer_than_any_of_spice_need_no_formatter(tmp_path: Path) -> None:
    """What `ruff format` would leave, with eleven characters more in each name of a member."""
    text = (ROOT / "spice.proto").read_text(encoding="utf-8")
    longer = re.sub(
        rf"{WORDS}|\b([a-z]\w*)\b",
        lambda word: f"{word[1]}_and_so_on" if word[1] else word[0],
        text,
        flags=re.DOTALL,
    )
    for name, content in generated(longer).items():
        (tmp_path / name).write_text(content, encoding="utf-8")
    command = [sys.executable, "-m", "ruff", "format", "--check", "--config", "pyproject.toml"]
    checked = subprocess.run([*command, tmp_path], cwd=ROOT, capture_output=True, text=True)
    assert "_and_so_on = " in (tmp_path / "structs.py").read_text(encoding="utf-8")
    assert checked.returncode == 0, checked.stdout
