"""Names, numbers, inheritance, and the faults that resolving finds."""

import pytest

from codegen.specs import resolved
from redspice_codegen import model
from redspice_codegen.errors import Source, SpecError
from redspice_codegen.parse import parse
from redspice_codegen.resolve import resolve

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


def test_faults_of_several_definitions_are_all_reported() -> None:
    with pytest.raises(SpecError) as caught:
        resolved("struct A { x a; };\nstruct B { y b; };\n" + END)
    assert "test.proto:1:12: unknown type x" in str(caught.value)
    assert "test.proto:2:12: unknown type y" in str(caught.value)


def test_a_use_of_what_is_faulty_is_no_fault_of_its_own() -> None:
    with pytest.raises(SpecError) as caught:
        resolved("struct A { x a; };\nstruct B { A a; };\nstruct C { B b; };" + END)
    assert str(caught.value).count("test.proto:") == 1


def test_unnamed_structs_of_messages_with_one_name_are_told_apart() -> None:
    inline = "message { struct { uint8 a; } x; } init;"
    protocol = resolved(f"channel C {{ {inline} client: {inline} }}; protocol P {{ C main; }};")
    assert [struct.name for struct in protocol.structs] == ["init_x", "init_x_2"]


IFDEF = """
message Empty { };
channel C { Empty one; Empty two @ifdef(TWO); Empty three; };
channel D { } @ifdef(EXTRA);
protocol P { C main; D extra; };
"""


@pytest.mark.parametrize(
    ("defines", "channels", "messages"),
    [
        ((), ["main"], ["one", "three"]),
        (("TWO",), ["main"], ["one", "two", "three"]),
        (("EXTRA",), ["main", "extra"], ["one", "three"]),
    ],
)
def test_ifdef_keeps_what_is_defined(
    defines: tuple[str, ...], channels: list[str], messages: list[str]
) -> None:
    source = Source("test.proto", IFDEF)
    protocol = resolve(parse(source), source, defines)
    assert [channel.name for channel in protocol.channels] == channels
    server = protocol.channels[0].channel.server
    assert [message.name for message in server] == messages
    assert [m.number for m in server] == [1 + ["one", "two", "three"].index(m) for m in messages]
