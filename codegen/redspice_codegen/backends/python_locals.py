"""What a marshalling function fetches from an object before it packs, and checks of what it got."""

from __future__ import annotations

from collections.abc import Iterator

from redspice_codegen import layout, model
from redspice_codegen.backends import python_expressions as expr
from redspice_codegen.backends.python_steps import CheckStep, LocalStep
from redspice_codegen.layout import Path
from redspice_codegen.naming import Locals

FetchStep = LocalStep | CheckStep


class LocalSteps:
    """Builds the steps; `path` is what errors put in front of a field."""

    def __init__(self, names: Locals, path: str) -> None:
        self._names = names
        self._path = path

    def of(self, struct: model.Struct, path: Path = (), access: Path = ()) -> list[FetchStep]:
        """What every object of the struct has, and arrays of which it may have one."""
        return _checks_last(self._struct(struct, path, access))

    def of_arm(self, branch: layout.Branch, choice: layout.Choice) -> list[FetchStep]:
        """What an object has where the branch is chosen."""
        array = layout.array_of(branch.member)
        if choice.switch.anonymous and array is not None:
            # Fetched on top, where its count needs it.
            return list(self._check(branch.member, choice.owner, array, branch.path, arm=True))
        return _checks_last(self._field(branch.member, choice.owner, branch.path, branch.access))

    def _struct(self, struct: model.Struct, path: Path, access: Path) -> Iterator[FetchStep]:
        for member in struct.members:
            if isinstance(member, model.Field):
                names = (*path, member.name), (*access, member.name)
                yield from self._field(member, struct, *names)
            elif member.anonymous:
                for field in member.arms():
                    array = layout.array_of(field)
                    if array is not None:
                        names = (*path, field.name), (*access, field.name)
                        yield self._local(*names)

    def _field(
        self, field: model.Field, owner: model.Struct, path: Path, access: Path
    ) -> Iterator[FetchStep]:
        array = layout.array_of(field)
        if array is not None:
            yield self._local(path, access)
            yield from self._check(field, owner, array, path)
        elif isinstance(field.type, model.PointerType):
            yield self._local(path, access)
        elif isinstance(field.type, model.Struct):
            if field.type.members:
                yield self._local(path, access)
            yield from self._struct(field.type, path, access)

    def _local(self, path: Path, access: Path) -> LocalStep:
        return LocalStep(self._names(path), expr.chain(self._names, path, access))

    def _check(
        self,
        field: model.Field,
        owner: model.Struct,
        array: model.ArrayType,
        path: Path,
        arm: bool = False,
    ) -> Iterator[CheckStep]:
        """Where not the array alone says its length: a constant, an image, a shared count."""
        container = path[:-1]

        def beside(name: str) -> str:
            return expr.chain(self._names, (*container, name), (*container, name))

        match array.size:
            case model.ConstantSize() | model.ImageSize():
                wanted = expr.array_count(array, beside)
            case model.CountSize(member=member):
                uses = layout.count_uses(owner, member)
                first = next((use for use in uses if not use.optional), uses[0])
                if first.array is field or len(uses) == 1:
                    return
                count = (*container, member)
                wanted = expr.count_expression(self._names, owner, member, container, count)
            case _:
                return
        text = expr.path_text(self._path, path)
        optional = field.nullable or arm
        yield CheckStep(self._names(path), wanted, text, optional)


def _checks_last(steps: Iterator[FetchStep]) -> list[FetchStep]:
    """A length may be checked against an array that stands behind."""
    return sorted(steps, key=lambda step: isinstance(step, CheckStep))
