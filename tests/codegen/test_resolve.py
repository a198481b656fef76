"""Names, numbers, inheritance, and the faults that resolving finds."""

import pytest

from codegen.specs import resolved
from redspice_codegen import model
from redspice_codegen.errors import SpecError

END = "channel C { }; protocol P { C main; };"


def test_enum_values_count_on_and_flags_count_bits() -> None:
    enum, flags = resolved("enum8 e { A, B = 4, C }; flags16 f { X, Y = 3, Z };" + END).enums
    assert [item.value for item in enum.items] == [0, 4, 5]
    assert [(item.bit, item.value) for item in flags.items] == [(0, 1), (3, 8), (4, 16)]


def test_each_direction_of_each_channel_counts_from_one() -> None:
    protocol = resolved(
        "message Empty { };"
        "channel A { Empty one; Empty five = 5; Empty six; client: Empty first; };"
        "channel B : A { Empty hundred = 100; };"
        "protocol P { A a; B b = 7; };"
    )
    (a, b) = protocol.channels
    assert [(m.name, m.number) for m in a.channel.server] == [("one", 1), ("five", 5), ("six", 6)]
    assert [m.number for m in a.channel.client] == [1]
    assert [m.name for m in b.channel.server] == ["one", "five", "six", "hundred"]
    assert [m.name for m in b.channel.own("server")] == ["hundred"]
    assert (a.number, b.number) == (1, 7)


def test_a_pointer_to_an_array_binds_the_array_first() -> None:
    protocol = resolved("struct S { uint8 n; uint16 *x[n]; };" + END)
    field = protocol.structs[0].field("x")
    assert field is not None
    assert field.type == model.PointerType(
        model.ArrayType(model.IntType(16, signed=False), model.CountSize("n"))
    )


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("struct S { uint9 x; };", "1:12: unknown type uint9"),
        ("struct S { }; struct S { };", "1:22: duplicate type S"),
        ("struct S { uint8 a; uint8 a; };", "1:27: duplicate member a"),
        ("enum8 e { A, A };", "1:14: duplicate item A"),
        ("enum8 e { A = 256 };", "1:11: 256 is not a value (0 … 255)"),
        ("flags8 f { A = 8 };", "1:12: 8 is not a bit of flags8 (0 … 7)"),
        ("struct S { uint8 a @nonsense; };", "1:21: unknown attribute nonsense"),
        ("struct S { uint8 a @zero(1); };", "1:21: @zero takes 0 arguments, not 1"),
        ("struct S { uint8 a[] @end @chunk; };", "1:28: @end and @chunk exclude each other"),
        ("struct S { uint8 a[n]; };", "1:20: unknown member n"),
        ("enum8 e { A }; struct S { e n; uint8 a[n]; };", "1:40: n is not an integer"),
        ("struct S { uint8 *a; };", "1:12: a pointer leads to a struct or an array"),
        (
            "struct S { uint8 t; switch (t) { case A: uint8 x; } u; };",
            "1:29: t is neither an enum nor flags",
        ),
        (
            "enum8 e { A }; struct S { e t; switch (t) { case !A: uint8 x; } u; };",
            "1:51: ! is for flags, not for an enum",
        ),
        (
            "enum8 e { FIRST }; struct S { e t; switch (t) { case FIRSST: uint8 x; } u; };",
            "1:54: unknown item of e FIRSST",
        ),
        ("message M { }; channel D { M a; M a; };", "1:35: duplicate message a"),
        ("message M { }; channel D { M a = 4; M b = 4; };", "1:39: message id 4 is already a's"),
        ("channel D : E { };", "1:13: unknown channel E"),
    ],
)
def test_faults_are_named_with_their_place(text: str, expected: str) -> None:
    with pytest.raises(SpecError) as caught:
        resolved(text + END)
    assert f"test.proto:{expected}" in str(caught.value)


def test_a_close_name_is_offered() -> None:
    with pytest.raises(SpecError, match="did you mean uint32"):
        resolved("struct S { uint23 x; };" + END)


def test_faults_of_several_definitions_are_all_reported() -> None:
    with pytest.raises(SpecError) as caught:
        resolved("struct A { x a; };\nstruct B { y b; };\n" + END)
    assert "test.proto:1:12: unknown type x" in str(caught.value)
    assert "test.proto:2:12: unknown type y" in str(caught.value)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("struct S { };", "the spec has no protocol"),
        ("channel C { }; protocol P { C a; }; protocol Q { C a; };", "a spec has one protocol"),
        ("channel C { }; protocol P { C a; C b; };", "C is already in the protocol as a"),
        ("channel C { }; protocol P { C a = 256; };", "channel number 256 is not in 1 … 255"),
    ],
)
def test_a_spec_has_one_sound_protocol(text: str, expected: str) -> None:
    with pytest.raises(SpecError, match=expected):
        resolved(text)
