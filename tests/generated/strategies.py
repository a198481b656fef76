"""Hypothesis strategies for messages, derived from the model of their spec.

A strategy gives plain fields, as `to_builtins` does: every value that the wire can carry and bring
back. Counts are drawn before their arrays, a tag often is one that chooses an arm.
"""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from redspice_codegen import layout, model

#: Elements of an array, and the sides of an image: enough for none, one and several.
MOST = 3


def fields(struct: model.Struct) -> st.SearchStrategy[dict[str, Any]]:
    """Plain fields of a struct or a message body."""
    return _fields(struct)


@st.composite
def _fields(draw: st.DrawFn, struct: model.Struct) -> dict[str, Any]:
    values: dict[str, Any] = {}
    dimensions = _dimensions(struct)
    for member in struct.members:
        field = member if isinstance(member, model.Field) else _chosen(member, values)
        if field is None or field.zero or field.virtual:
            continue
        if layout.count_uses(struct, field.name):
            values[field.name] = draw(_count(struct, field.name))
        elif field.name in dimensions:
            values[field.name] = draw(st.integers(0, MOST))
        else:
            values[field.name] = draw(_value(field.type, field, values))
    return values


def _chosen(switch: model.Switch, values: dict[str, Any]) -> model.Field | None:
    tag: Any = values
    for name in switch.on:
        tag = tag[name]
    for case in switch.cases:
        if not case.tests or any(_matches(test, tag, switch.tag.flags) for test in case.tests):
            return case.member
    return None


def _matches(test: model.CaseTest, tag: int, flags: bool) -> bool:
    return bool(tag & test.value) is not test.negated if flags else tag == test.value


def _dimensions(struct: model.Struct) -> set[str]:
    """Members that an image's size is made of: their product must stay small."""
    names: set[str] = set()
    for field in struct.fields():
        array = layout.array_of(field)
        if array is not None and isinstance(array.size, model.ImageSize):
            names |= {array.size.width, array.size.rows}
    return names


def _count(struct: model.Struct, name: str) -> st.SearchStrategy[int]:
    uses = layout.count_uses(struct, name)
    return st.integers(1 if any(use.array.nonnull for use in uses) else 0, MOST)


def _value(type_: model.Type, field: model.Field, values: dict[str, Any]) -> st.SearchStrategy[Any]:
    match type_:
        case model.UnixFdType():
            return st.just(-1)
        case model.Struct():
            return _fields(type_)
        case model.ArrayType():
            return _array(type_, values)
        case model.PointerType(target=model.Struct() as target):
            if layout.fixed_size(target) == 0:
                return st.none()  # no bytes, no place that the pointer could lead to
            return st.none() | _fields(target) if field.nullable else _fields(target)
        case model.PointerType(target=model.ArrayType() as target):
            return _pointed(target, field, values)
        case model.EnumType():
            return st.sampled_from([item.value for item in type_.items]) | _integer(type_)
        case _:
            return _integer(type_)


def _integer(type_: model.Type) -> st.SearchStrategy[int]:
    integer = layout.base_integer(type_)
    assert integer is not None
    if integer.signed:
        return st.integers(-(1 << integer.bits - 1), (1 << integer.bits - 1) - 1)
    return st.integers(0, (1 << integer.bits) - 1)


def _pointed(
    array: model.ArrayType, field: model.Field, values: dict[str, Any]
) -> st.SearchStrategy[Any]:
    """An array behind a pointer; an empty one is no target at all."""
    if isinstance(array.size, model.CStringSize):
        text = st.binary(max_size=8).map(lambda data: data.replace(b"\0", b""))
        return st.none() | text if field.nullable else text
    if isinstance(array.size, model.RestSize):
        return st.none()  # its target cannot be told from what follows it
    some = _array(array, values)
    return some.map(lambda each: (each or None) if field.nullable else each)


def _array(array: model.ArrayType, values: dict[str, Any]) -> st.SearchStrategy[Any]:
    least, most = _bounds(array, values)
    if isinstance(array.element, model.IntType) and array.element.bits == 8:
        return st.binary(min_size=least, max_size=most)
    element = (
        _fields(array.element)
        if isinstance(array.element, model.Struct)
        else _integer(array.element)
    )
    return st.lists(element, min_size=least, max_size=most)


def _bounds(array: model.ArrayType, values: dict[str, Any]) -> tuple[int, int]:
    match array.size:
        case model.ConstantSize(count=count):
            return count, count
        case model.CountSize(member=member):
            return values[member], values[member]
        case model.ImageSize(bits_per_pixel=bits, width=width, rows=rows):
            size = (bits * values[width] + 7) // 8 * values[rows]
            return size, size
        case _:
            return 0, MOST
