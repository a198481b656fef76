"""Text of a spec → syntax tree.

The grammar is `proto.lark`; `_ToSyntax` has one method per rule. Comments are ignored by the
grammar and collected on the side: `Comments` gives each definition the one above or behind it.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import TypeVar

from lark import Lark, Token, Transformer
from lark.exceptions import UnexpectedCharacters, UnexpectedToken, VisitError
from lark.visitors import v_args

from redspice_codegen import syntax
from redspice_codegen.errors import Position, Source, SpecError

_T = TypeVar("_T")

#: What an error says was expected, where the grammar's own word for it would puzzle.
_EXPECTED = {
    "NAME": "a name",
    "ITEM": "an item name",
    "INTEGER": "a number",
    "ENUM_KIND": "enum8 … flags32",
    "POINTER": "*",
    "NEGATED": "!",
    "$END": "end of file",
}


def parse(source: Source) -> syntax.Spec:
    """Parse a whole spec. Raises SpecError where it does not follow the grammar."""
    comments: list[Token] = []

    def collect(token: Token) -> Token:
        comments.append(token)
        return token

    grammar = Path(__file__).with_name("proto.lark").read_text(encoding="utf-8")
    lark = Lark(
        grammar,
        parser="lalr",
        maybe_placeholders=True,
        propagate_positions=True,
        lexer_callbacks={"COMMENT": collect},
    )
    try:
        tree = lark.parse(source.text)
    except UnexpectedToken as error:
        raise _unexpected(source, error, lark) from None
    except UnexpectedCharacters as error:
        position = Position(error.line, error.column)
        raise SpecError(source, position, f"unexpected character {error.char!r}") from None
    try:
        spec: syntax.Spec = _ToSyntax(Comments(source, comments)).transform(tree)
    except VisitError as error:
        raise error.orig_exc from None
    return spec


def _unexpected(source: Source, error: UnexpectedToken, lark: Lark) -> SpecError:
    token = error.token
    expected = sorted(_terminal(name, lark) for name in error.accepts or error.expected)
    hint = f"expected {', '.join(expected)}"
    if token.type == "$END":
        lines = source.text.rstrip("\n").split("\n")
        end = Position(len(lines), len(lines[-1]) + 1)
        return SpecError(source, end, "unexpected end of file", hint)
    return SpecError(source, _position(token), f"unexpected {str(token)!r}", hint)


def _terminal(name: str, lark: Lark) -> str:
    if name in _EXPECTED:
        return _EXPECTED[name]
    pattern = lark.get_terminal(name).pattern
    return str(pattern.value)


def _position(token: Token) -> Position:
    return Position(token.line or 1, token.column or 1)


class Comments:
    """The comments of a spec by line: whole-line ones (above something) and trailing ones."""

    def __init__(self, source: Source, tokens: list[Token]) -> None:
        self._source = source
        self._above: dict[int, tuple[int, str]] = {}
        self._behind: dict[int, str] = {}
        for token in tokens:
            line, end_line = token.line or 1, token.end_line or 1
            before = source.line(line)[: (token.column or 1) - 1]
            if before.strip():
                self._behind[line] = _comment_text(token)
            else:
                self._above[end_line] = (line, _comment_text(token))

    def of(self, position: Position) -> str:
        """The comment directly above the line, else the one behind it, else nothing.

        What stands above a line is said of the first definition in it.
        """
        blocks: list[str] = []
        line = position.line - 1
        while line in self._above and self._begins_line(position):
            first, text = self._above[line]
            blocks.insert(0, text)
            line = first - 1
        return "\n".join(blocks).strip() or self._behind.get(position.line, "")

    def _begins_line(self, position: Position) -> bool:
        before = self._source.line(position.line)[: position.column - 1]
        return not re.search("[;,{]", re.sub(r"\{[^{}]*\}", "", before))


def _comment_text(token: Token) -> str:
    if token.startswith("//"):
        return token[2:].strip()
    lines = [line.strip().removeprefix("*").strip() for line in token[2:-2].strip().splitlines()]
    return "\n".join(lines)


def _all(children: list[object], kind: type[_T]) -> tuple[_T, ...]:
    return tuple(child for child in children if isinstance(child, kind))


_MEMBER = (syntax.Field, syntax.InlineStruct, syntax.Switch)
_Attributes = tuple[syntax.Attribute, ...]
_Members = tuple[syntax.Member, ...]


@v_args(inline=True)
class _ToSyntax(Transformer[Token, syntax.Spec]):
    """One method per rule of the grammar; the arguments are the rule's parts in order."""

    def __init__(self, comments: Comments) -> None:
        super().__init__(visit_tokens=True)
        self._comments = comments

    # terminals

    def NAME(self, token: Token) -> syntax.Name:  # noqa: N802 - lark calls it by the terminal
        return syntax.Name(str(token), _position(token))

    ITEM = NAME

    def INTEGER(self, token: Token) -> syntax.Number:  # noqa: N802
        return syntax.Number(_integer(token), _position(token))

    # definitions

    def start(self, *definitions: syntax.Definition) -> syntax.Spec:
        return syntax.Spec(definitions)

    def typedef(self, name: syntax.Name, base: syntax.Name, attrs: _Attributes) -> syntax.Typedef:
        return syntax.Typedef(name, base, attrs, self._comments.of(name.position))

    def enum(self, kind: Token, name: syntax.Name, *rest: object) -> syntax.Enum:
        word = str(kind).rstrip("0123456789")
        items = _all(list(rest), syntax.EnumItem)
        comment = self._comments.of(_position(kind))
        return syntax.Enum(
            word, int(kind[len(word) :]), name, items, _attributes(rest[-1]), comment
        )

    def enum_item(
        self, name: syntax.Name, number: syntax.Number | None, attrs: _Attributes
    ) -> syntax.EnumItem:
        return syntax.EnumItem(name, number, attrs, self._comments.of(name.position))

    def struct(self, name: syntax.Name, members: _Members, attrs: _Attributes) -> syntax.Struct:
        return syntax.Struct(name, members, attrs, self._comments.of(name.position))

    def message(self, name: syntax.Name, members: _Members, attrs: _Attributes) -> syntax.Message:
        comment = self._comments.of(name.position)
        return syntax.Message(name, name, members, None, attrs, comment)

    # channels

    def server_side(self) -> str:
        return "server"

    def client_side(self) -> str:
        return "client"

    @v_args(inline=False, meta=True)
    def inline_message(self, meta: object, parts: list[object]) -> syntax.Message:
        members, before, name, number, after = parts
        assert isinstance(name, syntax.Name)
        assert number is None or isinstance(number, syntax.Number)
        first_line = Position(getattr(meta, "line", 1), 1)
        comment = self._comments.of(first_line) or self._comments.of(name.position)
        attributes = _attributes(before) + _attributes(after)
        return syntax.Message(name, None, _members(members), number, attributes, comment)

    def named_message(
        self,
        type_name: syntax.Name,
        name: syntax.Name,
        number: syntax.Number | None,
        attrs: _Attributes,
    ) -> syntax.Message:
        comment = self._comments.of(type_name.position)
        return syntax.Message(name, type_name, None, number, attrs, comment)

    def channel(
        self, name: syntax.Name, parent: syntax.Name | None, *rest: object
    ) -> syntax.Channel:
        sides: dict[str, list[syntax.Message]] = {"server": [], "client": []}
        side = "server"
        for entry in rest[:-1]:
            if isinstance(entry, str):
                side = entry
            elif isinstance(entry, syntax.Message):
                sides[side].append(entry)
        comment = self._comments.of(name.position)
        server, client = tuple(sides["server"]), tuple(sides["client"])
        return syntax.Channel(name, parent, server, client, _attributes(rest[-1]), comment)

    def protocol(self, name: syntax.Name, *rest: object) -> syntax.Protocol:
        channels = _all(list(rest), syntax.ProtocolChannel)
        comment = self._comments.of(name.position)
        return syntax.Protocol(name, channels, _attributes(rest[-1]), comment)

    def protocol_channel(
        self,
        channel: syntax.Name,
        name: syntax.Name,
        number: syntax.Number | None,
        attrs: _Attributes,
    ) -> syntax.ProtocolChannel:
        comment = self._comments.of(channel.position)
        return syntax.ProtocolChannel(channel, name, number, attrs, comment)

    # members

    def members(self, *members: syntax.Member) -> _Members:
        return members

    def field(
        self,
        type_name: syntax.Name,
        pointer: Token | None,
        name: syntax.Name,
        size: syntax.ArraySize | None,
        attrs: _Attributes,
    ) -> syntax.Field:
        comment = self._comments.of(name.position)
        return syntax.Field(type_name, pointer is not None, name, size, attrs, comment)

    def inline_struct(
        self,
        type_name: syntax.Name | None,
        members: _Members,
        attrs: _Attributes,
        name: syntax.Name,
        after: _Attributes,
    ) -> syntax.InlineStruct:
        comment = self._comments.of(name.position)
        return syntax.InlineStruct(type_name, members, name, attrs + after, comment)

    def size_rest(self) -> syntax.RestSize:
        return syntax.RestSize()

    def size_constant(self, count: syntax.Number) -> syntax.ConstantSize:
        return syntax.ConstantSize(count)

    def size_member(self, member: syntax.Name) -> syntax.MemberSize:
        return syntax.MemberSize(member)

    def size_image(
        self, bits: syntax.Number, width: syntax.Name, rows: syntax.Name
    ) -> syntax.ImageSize:
        return syntax.ImageSize(bits, width, rows)

    def size_cstring(self) -> syntax.CStringSize:
        return syntax.CStringSize()

    @v_args(inline=False, meta=True)
    def switch(self, meta: object, parts: list[object]) -> syntax.Switch:
        on, *cases, name, attributes = parts
        assert isinstance(on, tuple)
        assert name is None or isinstance(name, syntax.Name)
        position = Position(getattr(meta, "line", 1), getattr(meta, "column", 1))
        comment = self._comments.of(position)
        groups = _all(cases, syntax.Case)
        return syntax.Switch(on, groups, name, _attributes(attributes), position, comment)

    def dotted_name(self, *names: syntax.Name) -> tuple[syntax.Name, ...]:
        return names

    def case_group(self, *parts: object) -> syntax.Case:
        member = parts[-1]
        assert isinstance(member, _MEMBER)
        return syntax.Case(_all(list(parts), syntax.CaseLabel), member)

    def case(self, negated: Token | None, item: syntax.Name) -> syntax.CaseLabel:
        return syntax.CaseLabel(item, negated is not None, item.position)

    @v_args(inline=False, meta=True)
    def default(self, meta: object, parts: list[object]) -> syntax.CaseLabel:
        position = Position(getattr(meta, "line", 1), getattr(meta, "column", 1))
        return syntax.CaseLabel(None, False, position)

    # attributes

    def attributes(self, *attributes: syntax.Attribute) -> _Attributes:
        return attributes

    def attribute(self, name: syntax.Name, *arguments: str | int | None) -> syntax.Attribute:
        given = tuple(a for a in arguments if a is not None)
        return syntax.Attribute(name.text, given, name.position)

    def argument(self, value: syntax.Name | syntax.Number) -> str | int:
        return value.text if isinstance(value, syntax.Name) else value.value


def _integer(token: Token) -> int:
    digits = token.lstrip("+-")
    value = int(digits, 16 if digits[:2].lower() == "0x" else 10)
    return -value if token.startswith("-") else value


def _attributes(part: object) -> _Attributes:
    assert isinstance(part, tuple)
    return part


def _members(part: object) -> _Members:
    assert isinstance(part, tuple)
    return part
