"""The table of a struct's members, as Markdown cells."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from redspice_codegen import layout, model, sizes
from redspice_codegen.backends.docs_links import Links
from redspice_codegen.backends.markdown import code, text

VARIES = "…"


@dataclass(frozen=True, slots=True)
class Row:
    offset: str
    size: str
    name: str
    type: str
    meaning: str


def rows(struct: model.Struct, links: Links) -> list[Row]:
    """A row for each member; the arms of a switch stand one after the other."""
    found: list[Row] = []
    for member, offset in zip(struct.members, sizes.offsets(struct), strict=True):
        at = VARIES if offset is None else str(offset)
        if isinstance(member, model.Field):
            found.append(_row(member, at, "", links))
        else:
            found += _arms(member, at, links)
    return found


def body_size(struct: model.Struct) -> str:
    size = sizes.struct_size(struct)
    if size is not None:
        return _bytes(size)
    smallest = layout.smallest_size(struct)
    return f"at least {_bytes(smallest)}" if smallest else "any size"


def type_text(type_: model.Type, links: Links) -> str:
    match type_:
        case model.IntType(bits=bits, signed=signed):
            return code(f"{'' if signed else 'u'}int{bits}")
        case model.AliasType() | model.EnumType() | model.Struct():
            return links.definition(type_)
        case model.UnixFdType():
            return code("unix_fd")
        case model.ArrayType(element=element, size=size):
            return f"{type_text(element, links)} {code(f'[{_array_size(size)}]')}"
        case model.PointerType(target=target):
            return f"→ {type_text(target, links)}"


def _arms(switch: model.Switch, at: str, links: Links) -> Iterator[Row]:
    tag = code(".".join(switch.on))
    for case in switch.cases:
        yield _row(case.member, at, _condition(case, tag, switch.tag.flags), links)


def _condition(case: model.Case, tag: str, flags: bool) -> str:
    if not case.tests:
        return "else"
    if not flags:
        return f"if {tag} is {' or '.join(code(test.item) for test in case.tests)}"
    tests = [f"{'lacks' if test.negated else 'has'} {code(test.item)}" for test in case.tests]
    return f"if {tag} {' or '.join(tests)}"


def _row(field: model.Field, at: str, condition: str, links: Links) -> Row:
    words = "; ".join(part for part in (text(field.comment), _rules(field)) if part)
    if condition:
        words = f"*{condition}:* {words}" if words else f"*{condition}*"
    return Row(at, _size(field), code(field.name), type_text(field.type, links), words)


def _rules(field: model.Field) -> str:
    """What the attributes demand of a reader or writer."""
    if field.virtual:
        return f"no bytes: always {field.attributes['virtual'][0]}"
    if field.zero:
        return "written as 0, ignored when read"
    if isinstance(field.type, model.PointerType) and field.nonnull:
        return "never null"
    return ""


def _size(field: model.Field) -> str:
    size = sizes.member_size(field)
    if size is not None:
        return str(size)
    if isinstance(field.type, model.ArrayType):
        return _array_bytes(field.type)
    return VARIES


def _array_bytes(array: model.ArrayType) -> str:
    each = sizes.type_size(array.element)
    match array.size:
        case model.RestSize():
            return "rest"
        case model.CountSize(member=member) if each is not None:
            return code(member if each == 1 else f"{each} * {member}")
        case _:
            return VARIES


def _array_size(size: model.ArraySize) -> str:
    match size:
        case model.RestSize():
            return ""
        case model.ConstantSize(count=count):
            return str(count)
        case model.CountSize(member=member):
            return member
        case model.ImageSize(bits_per_pixel=bits, width=width, rows=rows_member):
            return f"image_size({bits}, {width}, {rows_member})"
        case model.CStringSize():
            return "cstring()"


def _bytes(count: int) -> str:
    return "no bytes" if count == 0 else "1 byte" if count == 1 else f"{count} bytes"
