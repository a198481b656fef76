"""Members of structs as expressions of construct: `"width" / Int32ul`."""

from __future__ import annotations

import ast
import json
import keyword
import re
from collections.abc import Callable, Collection

from redspice_codegen import model
from redspice_codegen.render import WIDTH

_CONSTRUCT = frozenset(
    [
        "Array",
        "Bytes",
        "Computed",
        "GreedyBytes",
        "GreedyRange",
        "If",
        "IfThenElse",
        "Int8sl",
        "Int8ul",
        "Int16sl",
        "Int16ul",
        "Int32sl",
        "Int32ul",
        "Int64sl",
        "Int64ul",
        "NullTerminated",
        "Pass",
        "Switch",
        "this",
    ]
)
_BODY = frozenset(
    [
        "Arm",
        "Element",
        "Message",
        "Messages",
        "Named",
        "Offset",
        "Remaining",
        "Struct",
        "Zero",
        "by_id",
    ]
)
_MODULES = frozenset(["enums", "messages", "structs"])
_TAKEN = _CONSTRUCT | _BODY | _MODULES | {"Any", "annotations"}

#: What `unix_fd` gives: the descriptor does not stand in the body.
_NO_DESCRIPTOR = "Computed(-1)"


def own_name(name: str) -> str:
    """A type of the spec as a variable: its own name, unless Python or construct needs that."""
    return f"{name}_" if name in _TAKEN or keyword.iskeyword(name) else name


def integer(type_: model.IntType) -> str:
    return f"Int{type_.bits}{'s' if type_.signed else 'u'}l"


def members(struct: model.Struct, *, inside: bool = False) -> tuple[str, ...]:
    """Every member that the wire has; `inside` the module of the structs they go without it."""
    writer = _Writer("" if inside else "structs.")
    return tuple(text for member in struct.members if (text := writer.member(member)))


def imports(text: str) -> str:
    """The import lines for the names that the text of a module uses."""
    used = {node.id for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Name)}
    groups = [
        ["from typing import Any"] if "Any" in used else [],
        import_lines("construct", _CONSTRUCT & used),
        [*import_lines(".", _MODULES & used), *import_lines(".body", _BODY & used)],
    ]
    return "\n\n".join("\n".join(group) for group in groups if group)


def import_lines(module: str, names: Collection[str]) -> list[str]:
    """One import line, in the order that ruff sorts, broken where it is too long."""
    ordered = sorted(names, key=_import_order)
    line = f"from {module} import {', '.join(ordered)}"
    if len(line) <= WIDTH:
        return [line] if names else []
    return [f"from {module} import (", *(f"    {name}," for name in ordered), ")"]


def _import_order(name: str) -> tuple[bool, list[str | int]]:
    """Classes before the rest, numbers as numbers: Int8ul before Int16ul."""
    parts = re.split(r"(\d+)", name)
    return not name[0].isupper(), [int(part) if part.isdigit() else part for part in parts]


class _Writer:
    """Writes members; `structs` stands before the names of structs."""

    def __init__(self, structs: str) -> None:
        self._structs = structs

    def member(self, member: model.Member) -> str:
        if isinstance(member, model.Switch):
            return self._switch(member)
        return "" if member.virtual else self._field(member)

    def _field(self, field: model.Field) -> str:
        text = self._type(field.type, field)
        return f'"{field.name}" / {f"Zero({text})" if field.zero else text}'

    def _type(self, type_: model.Type, field: model.Field) -> str:
        match type_:
            case model.UnixFdType():
                return _NO_DESCRIPTOR
            case model.ArrayType():
                return self._array(type_)
            case model.PointerType():
                return self._offset(type_, field)
            case _:
                return self._element(type_)

    def _element(self, type_: model.ElementType) -> str:
        match type_:
            case model.IntType():
                return integer(type_)
            case model.AliasType():
                return integer(type_.of)
            case model.EnumType():
                return f"enums.{own_name(type_.name)}"
            case model.Struct():
                return f"{self._structs}{own_name(type_.name)}"

    def _array(self, array: model.ArrayType) -> str:
        element = self._element(array.element)
        if isinstance(array.element, model.Struct):
            element = f"Element({element})"
        match array.size:
            case model.RestSize():
                return "GreedyBytes" if _is_octets(array) else f"Remaining({element})"
            case model.CStringSize():
                text = "GreedyBytes" if _is_octets(array) else f"GreedyRange({element})"
                return f"NullTerminated({text})"
            case model.ConstantSize(count=number):
                count = str(number)
            case model.CountSize(member=name):
                count = _this((name,))
            case model.ImageSize(bits_per_pixel=bits, width=width, rows=rows):
                count = f"{_row(bits, _this((width,)))} * {_this((rows,))}"
        return f"Bytes({count})" if _is_octets(array) else f"Array({count}, {element})"

    def _offset(self, pointer: model.PointerType, field: model.Field) -> str:
        target = self._type(pointer.target, field)
        if field.nonnull:
            return f"Offset({target}, nonnull=True)"
        return f"Offset({target})" if field.nullable else f"Offset({target}, in_place=True)"

    def _switch(self, switch: model.Switch) -> str:
        write: Callable[[model.Switch], str] = (
            self._switch_on_bits if switch.tag.flags else self._switch_on_value
        )
        return write(switch)

    def _arm(self, case: model.Case) -> str:
        """A virtual member is an arm without bytes, like no arm."""
        text = self.member(case.member)
        return f"Arm({text})" if text else "Pass"

    def _switch_on_value(self, switch: model.Switch) -> str:
        arms: dict[int, str] = {}
        default = ""
        for case in switch.cases:
            for test in case.tests:
                label = f"{_value(switch, test)}: {self._arm(case)}"
                arms.setdefault(test.value, label)  # of two names of one value, the first
            if not case.tests:
                default = f", {self._arm(case)}"
        cases = ", ".join(arms.values())
        return f"Switch({_this(switch.on)}, {{{cases}}}{default})"

    def _switch_on_bits(self, switch: model.Switch) -> str:
        """The first case that matches: each later one stands in the `else` of the one before."""
        text = "Pass"
        for case in reversed(switch.cases):
            if not case.tests:
                text = self._arm(case)
            elif text == "Pass":
                text = f"If({_condition(switch, case)}, {self._arm(case)})"
            else:
                text = f"IfThenElse({_condition(switch, case)}, {self._arm(case)}, {text})"
        return text


def _condition(switch: model.Switch, case: model.Case) -> str:
    """Any of the tests of a case: that a bit is set, or that it is clear."""
    tests = []
    for test in case.tests:
        bit = f"{_this(switch.on)} & {_value(switch, test)}"
        tests.append(f"({bit}) == 0" if test.negated else bit)
    return tests[0] if len(tests) == 1 else " | ".join(f"({test})" for test in tests)


def _value(switch: model.Switch, test: model.CaseTest) -> str:
    return f'enums.{own_name(switch.tag.name)}.value("{test.item}")'


def _is_octets(array: model.ArrayType) -> bool:
    """Whether the value is bytes; an array of enum values is a list even where each is a byte."""
    match array.element:
        case model.IntType(bits=bits) | model.AliasType(of=model.IntType(bits=bits)):
            return bits == 8
        case _:
            return False


def _row(bits: int, width: str) -> str:
    """Bytes of a row of pixels, whole ones."""
    if bits == 8:
        return width
    pixels = width if bits == 1 else f"{width} * {bits}"
    return f"({pixels} + 7) // 8"


def _this(path: tuple[str, ...]) -> str:
    """`this.descriptor.type`; a reserved word in brackets: `this["from"]`."""
    steps = (f"[{json.dumps(n)}]" if keyword.iskeyword(n) else f".{n}" for n in path)
    return "this" + "".join(steps)
