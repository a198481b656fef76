"""Members of structs and messages: types, array sizes, switches."""

from __future__ import annotations

from itertools import chain, count

from redspice_codegen import model, syntax
from redspice_codegen.checks import (
    check_field,
    check_measure,
    check_order,
    check_switch,
)
from redspice_codegen.scope import Scope


class MemberResolver:
    """Builds structs; `structs` lists all that have a name, in the order of the text."""

    def __init__(self, scope: Scope) -> None:
        self._scope = scope
        self.structs: list[model.Struct] = []

    def struct(self, name: syntax.Name, definition: syntax.Struct) -> model.Struct:
        struct = self._build(
            name.text, definition.members, definition.attributes, definition.comment
        )
        self._scope.add(name, struct)
        self.structs.append(struct)
        return struct

    def message(self, definition: syntax.Message) -> model.Struct:
        body = self.body(definition)
        self._scope.add_message(definition.name, body)
        return body

    def body(self, definition: syntax.Message) -> model.Struct:
        """The body of a message that lists its members."""
        members = definition.members or ()
        name = definition.name.text
        return self._build(name, members, definition.attributes, definition.comment)

    def _build(
        self,
        name: str,
        members: tuple[syntax.Member, ...],
        attributes: tuple[syntax.Attribute, ...],
        comment: str,
    ) -> model.Struct:
        known: list[model.Member] = []
        for member in members:
            check_order(self._scope, member, known)
            known.append(self._member(member, known, name))
            self._check_unique(member, known)
        return model.Struct(name, tuple(known), self._scope.attributes(attributes), comment)

    def _check_unique(self, member: syntax.Member, known: list[model.Member]) -> None:
        *before, last = known
        taken = {name for m in before for name in _member_names(m)}
        position = member.position if isinstance(member, syntax.Switch) else member.name.position
        for name in _member_names(last) & taken:
            raise self._scope.error(syntax.Name(name, position), f"duplicate member {name}")

    def _member(self, member: syntax.Member, known: list[model.Member], owner: str) -> model.Member:
        match member:
            case syntax.Field():
                return self._field(member, known)
            case syntax.InlineStruct():
                return self._inline_struct(member, owner)
            case syntax.Switch():
                return self._switch(member, known, owner)

    def _inline_struct(self, member: syntax.InlineStruct, owner: str) -> model.Field:
        if member.type_name is not None:
            definition = syntax.Struct(member.type_name, member.members, (), member.comment)
            struct = self.struct(member.type_name, definition)
        else:
            name = self._free_name(f"{owner}_{member.name.text}")
            struct = self._build(name, member.members, (), member.comment)
            self.structs.append(struct)
        attributes = self._scope.attributes(member.attributes)
        return model.Field(member.name.text, struct, attributes, member.comment)

    def _free_name(self, name: str) -> str:
        """A name for a struct that has none: numbered where messages of one name hold such."""
        taken = {struct.name for struct in self.structs}
        numbered = (f"{name}_{number}" for number in count(2))
        return next(each for each in chain((name,), numbered) if each not in taken)

    def _field(self, member: syntax.Field, known: list[model.Member]) -> model.Field:
        attributes = dict(self._scope.attributes(member.attributes))
        base = self._scope.type(member.type)
        resolved: model.Type = base
        if member.size is not None:
            if not isinstance(
                base, model.IntType | model.AliasType | model.EnumType | model.Struct
            ):
                raise self._scope.error(member.type, f"no arrays of {member.type.text}")
            resolved = model.ArrayType(base, self._size(member.size, known))
        if member.pointer:
            if not isinstance(resolved, model.Struct | model.ArrayType):
                raise self._scope.error(member.type, "a pointer leads to a struct or an array")
            resolved = model.PointerType(resolved)
        field = model.Field(member.name.text, resolved, attributes, member.comment)
        check_field(self._scope, member, field)
        return field

    def _size(self, size: syntax.ArraySize, known: list[model.Member]) -> model.ArraySize:
        match size:
            case syntax.RestSize():
                return model.RestSize()
            case syntax.ConstantSize():
                return model.ConstantSize(size.count.value)
            case syntax.MemberSize():
                self._integer_member(size.member, known)
                return model.CountSize(size.member.text)
            case syntax.ImageSize():
                self._integer_member(size.width, known)
                self._integer_member(size.rows, known)
                bits = size.bits_per_pixel.value
                return model.ImageSize(bits, size.width.text, size.rows.text)
            case syntax.CStringSize():
                return model.CStringSize()

    def _integer_member(self, name: syntax.Name, known: list[model.Member]) -> None:
        """The count of an array: an integer defined before, beside it or in an anonymous arm."""
        plain = (m for m in known if isinstance(m, model.Field) or m.anonymous)
        fields = {field.name: field for member in plain for field in _fields(member)}
        if name.text not in fields:
            hint = "a size is a number or a member that stands before the array"
            raise self._scope.unknown(name, "member", fields, hint)
        check_measure(self._scope, name, fields[name.text])
        type_ = fields[name.text].type
        if not isinstance(type_, model.IntType | model.AliasType):
            raise self._scope.error(name, f"{name.text} is not an integer")
        integer = type_.of if isinstance(type_, model.AliasType) else type_
        if integer.signed:
            raise self._scope.error(name, f"{name.text} is signed: a size cannot be negative")

    # switches

    def _switch(self, member: syntax.Switch, known: list[model.Member], owner: str) -> model.Switch:
        tag = self._tag(member.on, known)
        self._check_labels(member)
        cases = tuple(self._case(case, tag, known, owner) for case in member.cases)
        attributes = self._scope.attributes(member.attributes)
        switch = model.Switch(
            name=member.name.text if member.name else "",
            on=tuple(name.text for name in member.on),
            tag=tag,
            cases=cases,
            anonymous="anon" in attributes or member.name is None,
            attributes=attributes,
            comment=member.comment,
        )
        check_switch(self._scope, member, switch)
        return switch

    def _check_labels(self, switch: syntax.Switch) -> None:
        """Each label once, `default` last."""
        seen: set[tuple[str, bool]] = set()
        for case in switch.cases:
            for label in case.labels:
                if label.item is None and case is not switch.cases[-1]:
                    raise self._scope.error(syntax.Name("", label.position), "default is not last")
                key = ("default" if label.item is None else label.item.text, label.negated)
                if key in seen:
                    place = syntax.Name("", label.position)
                    raise self._scope.error(place, f"duplicate case {key[0]}")
                seen.add(key)

    def _tag(self, on: tuple[syntax.Name, ...], known: list[model.Member]) -> model.EnumType:
        members: tuple[model.Member, ...] = tuple(known)
        found: model.Type | None = None
        for name in on:
            fields = {m.name: m for m in members if isinstance(m, model.Field)}
            if name.text not in fields:
                raise self._scope.unknown(name, "member", fields)
            check_measure(self._scope, name, fields[name.text])
            found = fields[name.text].type
            members = found.members if isinstance(found, model.Struct) else ()
        if not isinstance(found, model.EnumType):
            raise self._scope.error(on[-1], f"{on[-1].text} is neither an enum nor flags")
        return found

    def _case(
        self, case: syntax.Case, tag: model.EnumType, known: list[model.Member], owner: str
    ) -> model.Case:
        tests: list[model.CaseTest] = []
        for label in case.labels:
            if label.item is None:
                tests.clear()
                break
            item = tag.item(label.item.text)
            if item is None:
                items = [known_item.name for known_item in tag.items]
                raise self._scope.unknown(label.item, f"item of {tag.name}", items)
            if label.negated and not tag.flags:
                raise self._scope.error(label.item, "! is for flags, not for an enum")
            tests.append(model.CaseTest(item.name, item.value, label.negated))
        member = self._member(case.member, known, owner)
        if not isinstance(member, model.Field):
            position = case.labels[0].position
            raise self._scope.error(syntax.Name("", position), "a switch inside a switch")
        return model.Case(tuple(tests), member)


def _member_names(member: model.Member) -> set[str]:
    """The names that a member takes in its struct: an arm of a named switch is found by both."""
    names = {field.name for field in _fields(member)}
    named = isinstance(member, model.Switch) and not member.anonymous
    return names | {member.name} if named else names


def _fields(member: model.Member) -> tuple[model.Field, ...]:
    if isinstance(member, model.Field):
        return (member,)
    return member.arms()
