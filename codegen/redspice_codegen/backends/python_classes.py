"""The classes of the Python backend: attributes, annotations, and the SHAPE that describes them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from redspice_codegen import layout, model, naming
from redspice_codegen.errors import BackendError


@dataclass(frozen=True, slots=True)
class Attribute:
    name: str
    annotation: str
    default: str
    comment: str


@dataclass(frozen=True, slots=True)
class Class:
    """A dataclass to print; `shape` are the expressions of its members."""

    name: str
    comment: str
    attributes: tuple[Attribute, ...]
    shape: tuple[str, ...]


def class_of(struct: model.Struct, name: str, comment: str) -> Class:
    attributes: dict[str, Attribute] = {}
    kept: list[Attribute] = []
    for member in struct.members:
        if isinstance(member, model.Field):
            _add_field(member, struct, False, attributes, kept)
        elif member.anonymous:
            for field in member.arms():
                _add_field(field, struct, True, attributes, kept)
        else:
            attribute = naming.attribute(member.name)
            annotation = union_annotation(member)
            _check_free(attribute, attributes, struct)
            attributes[attribute] = Attribute(attribute, annotation, "", member.comment)
    ordered = (*attributes.values(), *kept)
    return Class(name, comment, ordered, tuple(_shape(struct)))


def _add_field(
    field: model.Field,
    struct: model.Struct,
    optional: bool,
    attributes: dict[str, Attribute],
    kept: list[Attribute],
) -> None:
    if field.zero or field.virtual:
        return
    name = naming.attribute(field.name)
    comment = " ".join(part for part in (enum_note(field.type), field.comment) if part)
    if layout.count_uses(struct, field.name):
        if not layout.is_derived_count(struct, field.name):
            arrays = " and ".join(use.array.name for use in layout.count_uses(struct, field.name))
            note = f"Goes on the wire where there is no {arrays}; else their length does."
            note = " ".join(part for part in (field.comment, note) if part)
            kept.append(Attribute(name, "int", " = 0", note))
        return
    _check_free(name, attributes, struct)
    attributes[name] = Attribute(name, arm_annotation(field, struct, optional), "", comment)


def _check_free(name: str, attributes: Mapping[str, Attribute], struct: model.Struct) -> None:
    """Raise BackendError where two members become one attribute."""
    if name in attributes:
        raise BackendError(f"{struct.name} would have two attributes called {name}")


def arm_annotation(field: model.Field, struct: model.Struct, optional: bool) -> str:
    """The annotation of a field or, joined, of all arms that share its name."""
    types = dict.fromkeys(
        annotation(other.type, other.nullable)
        for other in struct.fields()
        if other.name == field.name
    )
    text = " | ".join(types)
    return f"{text} | None" if optional and not text.endswith("None") else text


def union_annotation(switch: model.Switch) -> str:
    types = [annotation(case.member.type, case.member.nullable) for case in switch.cases]
    names = dict.fromkeys(part for text in types for part in text.split(" | "))
    names.pop("None", None)
    return " | ".join([*names, "None"])


def enum_note(type_: model.Type) -> str:
    """Which enum gives names to the value."""
    if isinstance(type_, model.EnumType):
        return f"{naming.enum_class(type_)}."
    return ""


def annotation(type_: model.Type, nullable: bool = False) -> str:
    match type_:
        case model.Struct():
            return naming.struct_class(type_)
        case model.ArrayType():
            if is_octets(type_):
                return "Buffer"
            return f"list[{annotation(type_.element)}]"
        case model.PointerType():
            target = annotation(type_.target)
            return f"{target} | None" if nullable else target
        case _:
            return "int"


def is_octets(array: model.ArrayType) -> bool:
    """Whether the array is a payload; enums stay a list of numbers even where they are bytes."""
    return isinstance(array.element, model.IntType | model.AliasType) and (
        layout.element_size(array) == 1
    )


# shapes


def _shape(struct: model.Struct) -> list[str]:
    members = []
    for member in struct.members:
        if isinstance(member, model.Switch):
            members.append(_switch_shape(member, struct))
        elif not (member.zero or member.virtual):
            members.append(_field_shape(member, struct, naming.attribute(member.name)))
    return members


def _switch_shape(switch: model.Switch, struct: model.Struct) -> str:
    arms = []
    for case in switch.cases:
        tests = ", ".join(f"({test.value}, {test.negated})" for test in case.tests)
        name = case.member.name if switch.anonymous else switch.name
        member = _field_shape(case.member, struct, naming.attribute(name))
        arms.append(f"Arm({_tuple(tests)}, {member})")
    path = _tuple(", ".join(f'"{name}"' for name in switch.on))
    return f"Switch({path}, {switch.tag.flags}, {_tuple(', '.join(arms))})"


def _tuple(items: str) -> str:
    """A tuple of items, with the comma that a single one needs."""
    single = items and len(_top_level(items)) == 1
    return f"({items},)" if single else f"({items})"


def _top_level(items: str) -> list[str]:
    depth, parts = 0, [""]
    for char in items:
        depth += (char == "(") - (char == ")")
        if char == "," and depth == 0:
            parts.append("")
        else:
            parts[-1] += char
    return parts


def _field_shape(field: model.Field, struct: model.Struct, attribute: str) -> str:
    names = f'"{field.name}", "{attribute}"'
    uses = layout.count_uses(struct, field.name)
    if uses:
        integer = layout.base_integer(field.type)
        assert integer is not None
        arrays = dict.fromkeys(f'"{naming.attribute(use.array.name)}"' for use in uses)
        kept = "" if layout.is_derived_count(struct, field.name) else attribute
        return f'Count("{field.name}", {_tuple(", ".join(arrays))}, "{kept}", {integer.bits})'
    nullable = field.nullable
    target = field.type.target if isinstance(field.type, model.PointerType) else field.type
    match target:
        case model.Struct():
            return f"Record({names}, {nullable}, {naming.struct_class(target)})"
        case model.ArrayType(element=model.Struct()):
            assert isinstance(target.element, model.Struct)
            return f"Records({names}, {nullable}, {naming.struct_class(target.element)})"
        case model.ArrayType():
            if is_octets(target):
                return f"Octets({names}, {nullable})"
            integer = layout.base_integer(target.element)
            assert integer is not None
            return f"Integers({names}, {nullable}, {integer.bits}, {integer.signed})"
        case model.UnixFdType():
            return f"Integer({names}, 32, True)"
        case _:
            integer = layout.base_integer(target)
            assert integer is not None
            return f"Integer({names}, {integer.bits}, {integer.signed})"
