"""Model → wire facts, the same for every backend.

`lay_out` flattens a struct and all structs inside it into steps in wire order. Neighbouring
integers, pointers and counts of any depth melt into one `Run` of fixed size; only arrays and
switches end a run. Behind a pointer a new layout begins: offsets count from the start of the body.

A `path` names a value from the outermost struct: ("base", "box", "top"). An arm goes by its own
name there; in the `access` to an object, the arm of a named switch goes by the switch's name.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import Enum

from redspice_codegen import model

Path = tuple[str, ...]

#: A pointer on the wire is a u32.
POINTER = model.IntType(32, signed=False)


class Role(Enum):
    """What a slot of a run holds."""

    VALUE = "value"
    COUNT = "count"
    POINTER = "pointer"
    ZERO = "zero"


@dataclass(frozen=True, slots=True)
class Slot:
    """One integer on the wire; `owner` is the struct that `field` belongs to."""

    path: Path
    access: Path
    field: model.Field
    owner: model.Struct
    integer: model.IntType
    role: Role


@dataclass(frozen=True, slots=True)
class Run:
    """Slots that follow each other without anything of variable size between."""

    slots: tuple[Slot, ...]

    @property
    def size(self) -> int:
        return sum(slot.integer.bits // 8 for slot in self.slots)


@dataclass(frozen=True, slots=True)
class Array:
    """An array that stands inline."""

    path: Path
    access: Path
    field: model.Field
    owner: model.Struct
    type: model.ArrayType


@dataclass(frozen=True, slots=True)
class Descriptor:
    """A file descriptor: no bytes."""

    path: Path


@dataclass(frozen=True, slots=True)
class Branch:
    """An arm of a switch, or all arms of a named switch that carry the same struct.

    No tests: the default.
    """

    tests: tuple[model.CaseTest, ...]
    member: model.Field
    path: Path
    access: Path
    steps: tuple[Step, ...]


@dataclass(frozen=True, slots=True)
class Choice:
    """A switch: the first branch whose tests match is on the wire."""

    tag: Path
    tag_access: Path
    switch: model.Switch
    owner: model.Struct
    path: Path
    branches: tuple[Branch, ...]


Step = Run | Array | Descriptor | Choice


@dataclass(frozen=True, slots=True)
class Layout:
    struct: model.Struct
    steps: tuple[Step, ...]


def lay_out(struct: model.Struct, path: Path = (), access: Path = ()) -> Layout:
    """The layout of a struct that stands at this path, if it is inside another one."""
    return Layout(struct, tuple(melt(_struct_steps(struct, path, access))))


def pointers(steps: tuple[Step, ...]) -> Iterator[Slot]:
    """Every pointer of some steps, in the order of the wire, those in branches included."""
    for step in steps:
        if isinstance(step, Run):
            yield from (slot for slot in step.slots if slot.role is Role.POINTER)
        elif isinstance(step, Choice):
            for branch in step.branches:
                yield from pointers(branch.steps)


def base_integer(type_: model.Type) -> model.IntType | None:
    """The integer that carries an integer, alias, enum or flags; None for anything else."""
    match type_:
        case model.IntType():
            return type_
        case model.AliasType():
            return type_.of
        case model.EnumType():
            return model.IntType(type_.bits, signed=False)
        case model.PointerType():
            return POINTER
        case _:
            return None


def fixed_size(struct: model.Struct) -> int | None:
    """Bytes of a struct that is a single run (or nothing); None where anything varies."""
    steps = [step for step in lay_out(struct).steps if not isinstance(step, Descriptor)]
    if not steps:
        return 0
    return steps[0].size if len(steps) == 1 and isinstance(steps[0], Run) else None


def run_bytes(steps: tuple[Step, ...]) -> int:
    """Bytes of all runs, those in the branches of switches not counted."""
    return sum(step.size for step in steps if isinstance(step, Run))


def is_flat(struct: model.Struct) -> bool:
    """Whether the values of the struct's single run are its members in order, nothing else."""
    steps = lay_out(struct).steps
    if len(steps) != 1 or not isinstance(steps[0], Run):
        return False
    slots = steps[0].slots
    alone = all(len(slot.path) == 1 and slot.role is Role.VALUE for slot in slots)
    return alone and len(slots) == len(struct.members)


def smallest_size(struct: model.Struct) -> int:
    """The fewest bytes that a value of this struct takes, targets of pointers not counted."""
    return _smallest(lay_out(struct).steps)


def _smallest(steps: tuple[Step, ...]) -> int:
    size = 0
    for step in steps:
        match step:
            case Run():
                size += step.size
            case Array(type=model.ArrayType(size=model.ConstantSize(count=count))):
                size += count * element_size(step.type)
            case Choice():
                smallest = [_smallest(branch.steps) for branch in step.branches]
                size += min([*smallest, *([] if step.switch.has_default else [0])])
    return size


def element_size(array: model.ArrayType) -> int:
    """Bytes of an element: exact for integers and fixed structs, the fewest for others."""
    if isinstance(array.element, model.Struct):
        return smallest_size(array.element)
    integer = base_integer(array.element)
    assert integer is not None
    return integer.bits // 8


def array_of(field: model.Field) -> model.ArrayType | None:
    """The array that a field is or points to."""
    if isinstance(field.type, model.PointerType):
        return field.type.target if isinstance(field.type.target, model.ArrayType) else None
    return field.type if isinstance(field.type, model.ArrayType) else None


@dataclass(frozen=True, slots=True)
class CountUse:
    """An array that a count measures; `optional` where it may be absent beside its count."""

    array: model.Field
    optional: bool


def count_uses(struct: model.Struct, name: str) -> tuple[CountUse, ...]:
    """The arrays of the struct whose number of elements stands in the member `name`."""
    uses: list[CountUse] = []
    for member in struct.members:
        in_arm = isinstance(member, model.Switch)
        for field in (member,) if isinstance(member, model.Field) else member.arms():
            array = array_of(field)
            if array is not None and array.size == model.CountSize(name):
                uses.append(CountUse(field, in_arm or field.nullable))
    return tuple(uses)


def is_derived_count(struct: model.Struct, name: str) -> bool:
    """Whether the count is always known from an array that is always there."""
    return any(not use.optional for use in count_uses(struct, name))


def _struct_steps(struct: model.Struct, path: Path, access: Path) -> Iterator[Step]:
    for member in struct.members:
        if isinstance(member, model.Field):
            yield from _field_steps(member, struct, (*path, member.name), (*access, member.name))
        else:
            yield _choice(member, struct, path, access)


def _field_steps(
    field: model.Field, owner: model.Struct, path: Path, access: Path
) -> Iterator[Step]:
    if field.virtual:
        return
    match field.type:
        case model.UnixFdType():
            yield Descriptor(path)
        case model.Struct():
            yield from _struct_steps(field.type, path, access)
        case model.ArrayType():
            yield Array(path, access, field, owner, field.type)
        case _:
            integer = base_integer(field.type)
            assert integer is not None
            yield Run((Slot(path, access, field, owner, integer, _role(field, owner)),))


def _role(field: model.Field, owner: model.Struct) -> Role:
    if field.zero:
        return Role.ZERO
    if isinstance(field.type, model.PointerType):
        return Role.POINTER
    return Role.COUNT if count_uses(owner, field.name) else Role.VALUE


def _choice(switch: model.Switch, owner: model.Struct, path: Path, access: Path) -> Choice:
    branches = []
    for cases in _alike(switch):
        member = cases[0].member
        tests = tuple(test for case in cases for test in case.tests)
        name = member.name if len(cases) == 1 else switch.name
        arm = (*path, name)
        arm_access = (*access, member.name if switch.anonymous else switch.name)
        steps = tuple(melt(_field_steps(member, owner, arm, arm_access)))
        branches.append(Branch(tests, member, arm, arm_access, steps))
    tag, tag_access = (*path, *switch.on), (*access, *switch.on)
    return Choice(tag, tag_access, switch, owner, (*path, switch.name), tuple(branches))


def _alike(switch: model.Switch) -> list[list[model.Case]]:
    """The cases of a switch, those of a named one that carry the same struct together.

    Only where the tag is an enum: of flags, the first match wins, so their order must stay.
    """
    groups: list[list[model.Case]] = []
    for case in switch.cases:
        group = None
        if (
            not switch.anonymous
            and not switch.tag.flags
            and isinstance(case.member.type, model.Struct)
        ):
            alike = (g for g in groups if g[0].member.type is case.member.type and g[0].tests)
            group = next(alike, None) if case.tests else None
        if group is None:
            groups.append([case])
        else:
            group.append(case)
    return groups


def melt(steps: Iterable[Step]) -> Iterator[Step]:
    """Join neighbouring runs; a descriptor has no bytes, so it does not part them."""
    slots: tuple[Slot, ...] = ()
    for step in steps:
        if isinstance(step, Run):
            slots += step.slots
        elif isinstance(step, Descriptor):
            yield step
        else:
            if slots:
                yield Run(slots)
                slots = ()
            yield step
    if slots:
        yield Run(slots)
