"""The grammar: every construct gives its piece of the syntax tree; what it refuses, it shows."""

import pytest

from redspice_codegen import syntax
from redspice_codegen.errors import Source, SpecError
from redspice_codegen.parse import parse


def definitions(text: str) -> tuple[syntax.Definition, ...]:
    return parse(Source("test.proto", text)).definitions


def only(text: str) -> syntax.Definition:
    (definition,) = definitions(text)
    return definition


def struct(members: str) -> tuple[syntax.Member, ...]:
    definition = only(f"struct S {{ {members} }};")
    assert isinstance(definition, syntax.Struct)
    return definition.members


def test_typedef_has_the_new_name_first() -> None:
    typedef = only("typedef fixed28_4 int32;")
    assert isinstance(typedef, syntax.Typedef)
    assert (typedef.name.text, typedef.base.text) == ("fixed28_4", "int32")


def test_enum_items_may_start_with_a_digit_or_be_keywords() -> None:
    enum = only("enum8 e { 1BIT_LE, 32_xRGB = 7, message, case = 0x10, };")
    assert isinstance(enum, syntax.Enum)
    items = [(item.name.text, item.number and item.number.value) for item in enum.items]
    assert items == [("1BIT_LE", None), ("32_xRGB", 7), ("message", None), ("case", 16)]
    assert (enum.kind, enum.bits) == ("enum", 8)


def test_keywords_are_names_where_a_name_stands() -> None:
    members = struct("uint8 message; uint8 server; channel_type case; uint32_thing switch;")
    names = [m.name.text for m in members if isinstance(m, syntax.Field)]
    assert names == ["message", "server", "case", "switch"]


@pytest.mark.parametrize(
    ("size", "expected"),
    [
        ("[]", syntax.RestSize),
        ("[12]", syntax.ConstantSize),
        ("[0xff]", syntax.ConstantSize),
        ("[count]", syntax.MemberSize),
        ("[image_size(8, stride, y)]", syntax.ImageSize),
        ("[cstring()]", syntax.CStringSize),
    ],
)
def test_array_sizes(size: str, expected: type) -> None:
    (field,) = struct(f"uint8 *data{size} @chunk;")
    assert isinstance(field, syntax.Field)
    assert field.pointer
    assert isinstance(field.size, expected)


def test_switch_groups_the_labels_of_a_case() -> None:
    (switch,) = struct(
        "switch (d.type) { case A: case !B: uint8 x; default: struct { uint8 z; } y; } u @anon;"
    )
    assert isinstance(switch, syntax.Switch)
    assert [name.text for name in switch.on] == ["d", "type"]
    first, second = switch.cases
    labels = [(label.item and label.item.text, label.negated) for label in first.labels]
    assert labels == [("A", False), ("B", True)]
    assert second.labels[0].item is None
    assert isinstance(second.member, syntax.InlineStruct)


def test_attributes_take_names_and_numbers() -> None:
    (field,) = struct("uint8 x @virtual(-3) @ctype(Some) @nonnull @as_ptr();")
    given = [(a.name, a.arguments) for a in field.attributes]
    assert given == [("virtual", (-3,)), ("ctype", ("Some",)), ("nonnull", ()), ("as_ptr", ())]


def test_channel_sections_repeat_and_server_is_the_default() -> None:
    channel = only(
        "channel C : P { message { uint8 a; } @declare one = 3 @ctype(X); Empty two;"
        " client: Empty three; server: Empty four; };"
    )
    assert isinstance(channel, syntax.Channel)
    assert channel.parent is not None
    assert [m.name.text for m in channel.server] == ["one", "two", "four"]
    assert [m.name.text for m in channel.client] == ["three"]
    assert [a.name for a in channel.server[0].attributes] == ["declare", "ctype"]


def test_comments_go_with_what_they_stand_at() -> None:
    enum = only("// first\n// second\nenum8 e {\n  A, // behind A\n  /* above B */\n  B,\n  C\n};")
    assert isinstance(enum, syntax.Enum)
    assert enum.comment == "first\nsecond"
    assert [item.comment for item in enum.items] == ["behind A", "above B", ""]


def test_a_comment_above_a_line_goes_with_the_first_definition_in_it() -> None:
    first, second = definitions("// said\nstruct S { uint8 x; uint8 y; }; struct T { uint8 z; };")
    assert isinstance(first, syntax.Struct)
    assert isinstance(second, syntax.Struct)
    assert (first.comment, second.comment) == ("said", "")
    assert [member.comment for member in (*first.members, *second.members)] == ["", "", ""]


def test_a_comment_above_a_struct_in_one_line_is_of_the_member_that_it_is() -> None:
    (member,) = struct("\n// said\nstruct { uint8 x; } inner;")
    assert isinstance(member, syntax.InlineStruct)
    assert (member.comment, member.members[0].comment) == ("said", "")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "struct S {\n    uint8 ;\n};",
            "test.proto:2:11: unexpected ';'\n"
            "        uint8 ;\n"
            "              ^\n"
            "    expected *, a name",
        ),
        (
            "enum8 e { A",
            "test.proto:1:12: unexpected end of file\n"
            "    enum8 e { A\n"
            "               ^\n"
            "    expected ,, =, @, }",
        ),
        ("struct S { ? };", "test.proto:1:12: unexpected character '?'"),
    ],
)
def test_errors_show_the_place(text: str, expected: str) -> None:
    with pytest.raises(SpecError) as caught:
        definitions(text)
    assert str(caught.value).startswith(expected)
