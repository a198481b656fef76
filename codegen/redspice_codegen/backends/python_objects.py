"""The objects that a demarshalling function makes, before it reads their values into them.

Values are unpacked straight into the attributes of objects that are there already: that takes less
time than to call their classes with what was unpacked. A variable is left to what other values
depend on: tags, sizes of images, numbers of elements, offsets.
"""

from __future__ import annotations

from collections.abc import Iterator

from redspice_codegen import layout, model, naming
from redspice_codegen.backends import python_expressions as expr
from redspice_codegen.backends.python_steps import LocalStep, NewStep
from redspice_codegen.layout import Path
from redspice_codegen.naming import Locals

Steps = tuple[layout.Step, ...]


class ObjectSteps:
    """Builds the steps that make objects, and those that finish them."""

    def __init__(self, names: Locals) -> None:
        self._names = names

    def root(self, struct: model.Struct, class_name: str) -> Iterator[NewStep | LocalStep]:
        """The object that the function returns, and those inside it."""
        yield NewStep("value", "", class_name)
        yield from self._inside(struct, (), ())

    def arm(self, branch: layout.Branch) -> Iterator[NewStep | LocalStep]:
        """What an arm needs before it is read, in the attribute that holds it."""
        yield from self._member(branch.member, branch.path, branch.access)

    def kept(self, struct: model.Struct, path: Path, access: Path) -> Iterator[LocalStep]:
        """The numbers of elements that an object has for arrays that may be absent."""
        for field in struct.fields():
            uses = layout.count_uses(struct, field.name)
            if uses and not layout.is_derived_count(struct, field.name):
                attribute = self.attribute((*path, field.name), (*access, field.name))
                yield LocalStep(attribute, self._kept(uses, path, access, field.name))
        for member in struct.members:
            if isinstance(member, model.Field) and isinstance(member.type, model.Struct):
                yield from self.kept(member.type, (*path, member.name), (*access, member.name))

    def attribute(self, path: Path, access: Path) -> str:
        """Where the value of a path is kept."""
        return expr.chain(self._names, path, access)

    def _inside(
        self, struct: model.Struct, path: Path, access: Path
    ) -> Iterator[NewStep | LocalStep]:
        for member in struct.members:
            if isinstance(member, model.Field):
                yield from self._member(member, (*path, member.name), (*access, member.name))

    def _member(
        self, field: model.Field, path: Path, access: Path
    ) -> Iterator[NewStep | LocalStep]:
        attribute = self.attribute(path, access)
        if isinstance(field.type, model.UnixFdType):
            yield LocalStep(attribute, "-1")
        elif isinstance(field.type, model.Struct):
            variable = self._names(path) if _has_values(field.type) else ""
            yield NewStep(variable, attribute, naming.struct_class(field.type))
            yield from self._inside(field.type, path, access)

    def _kept(self, uses: tuple[layout.CountUse, ...], path: Path, access: Path, name: str) -> str:
        arrays = dict.fromkeys(use.array.name for use in uses)
        absent = " and ".join(
            f"{self.attribute((*path, array), (*access, array))} is None" for array in arrays
        )
        return f"{self._names((*path, name))} if {absent} else 0"


def in_variables(steps: Steps) -> Iterator[Path]:
    """The values that other values depend on."""
    for step in steps:
        if isinstance(step, layout.Choice):
            yield step.tag
            for branch in step.branches:
                yield from in_variables(branch.steps)
    for array, path in _arrays(steps):
        if isinstance(array.size, model.ImageSize):
            yield (*path[:-1], array.size.width)
            yield (*path[:-1], array.size.rows)


def _arrays(steps: Steps) -> Iterator[tuple[model.ArrayType, Path]]:
    for step in steps:
        if isinstance(step, layout.Array):
            yield step.type, step.path
        elif isinstance(step, layout.Run):
            for slot in layout.pointers((step,)):
                array = layout.array_of(slot.field)
                if array is not None:
                    yield array, slot.path


def _has_values(struct: model.Struct) -> bool:
    """Whether anything is put into an object of this struct."""
    return any(
        isinstance(member, model.Switch) or not (member.zero or member.virtual)
        for member in struct.members
    )
