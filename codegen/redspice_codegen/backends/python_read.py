"""Layout → steps of a demarshalling function."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from redspice_codegen import layout, model, naming
from redspice_codegen.backends import python_expressions as expr
from redspice_codegen.backends.python_classes import annotation
from redspice_codegen.backends.python_objects import ObjectSteps, in_variables
from redspice_codegen.backends.python_runs import RunTable, flat_name
from redspice_codegen.backends.python_steps import (
    ArrayStep,
    BranchView,
    LocalStep,
    NewStep,
    RecordStep,
    RunStep,
    StepView,
)
from redspice_codegen.backends.python_steps import choice as choice_step
from redspice_codegen.layout import Path, Role
from redspice_codegen.naming import Locals


class Reader:
    """Builds the steps; `path` is what errors put in front of a field."""

    def __init__(self, runs: RunTable, path: str) -> None:
        self._runs = runs
        self._path = path
        self._names = Locals()
        self._objects = ObjectSteps(self._names)
        self._in_variables: frozenset[Path] = frozenset()

    def objects(self, struct: model.Struct, class_name: str) -> Iterator[NewStep | LocalStep]:
        """Make the object, which the variable `value` holds then, and all that is inside it."""
        return self._objects.root(struct, class_name)

    def content(
        self, struct: model.Struct, steps: tuple[layout.Step, ...], more: bool
    ) -> Iterator[StepView]:
        """Read what the object has; `more`: whether it must be known where it ends."""
        self._in_variables = frozenset(in_variables(steps))
        yield from self._steps(steps, more)
        yield from self._objects.kept(struct, (), ())

    def _steps(self, steps: tuple[layout.Step, ...], more: bool) -> Iterator[StepView]:
        """`more`: whether something inline follows behind these steps."""
        for i, step in enumerate(steps):
            follows = more or any(not isinstance(s, layout.Descriptor) for s in steps[i + 1 :])
            match step:
                case layout.Run():
                    yield replace(self._run(step), more=follows)
                    for slot in step.slots:
                        if slot.role is Role.POINTER:
                            yield self._pointer(slot)
                        elif self._in_both(slot):
                            yield LocalStep(self._attribute(slot), self._names(slot.path))
                case layout.Array():
                    array = self._array(step.type, step.field, step.path, step.access)
                    yield replace(array, more=follows)
                case layout.Choice():
                    yield from self._choice(step, follows)

    def _run(self, run: layout.Run) -> RunStep:
        values = tuple(self._target(slot) for slot in run.slots)
        return RunStep(self._runs.reading(run, self._path), run.size, values)

    def _target(self, slot: layout.Slot) -> str:
        match slot.role:
            case Role.ZERO:
                return "_"
            case Role.POINTER:
                return self._names(slot.path, "at")
            case Role.COUNT:
                return self._names(slot.path)
            case _:
                return self._names(slot.path) if self._in_both(slot) else self._attribute(slot)

    def _attribute(self, slot: layout.Slot) -> str:
        return self._objects.attribute(slot.path, slot.access)

    def _in_both(self, slot: layout.Slot) -> bool:
        """Whether the value is in a variable, too."""
        return slot.role is Role.VALUE and slot.path in self._in_variables

    def _pointer(self, slot: layout.Slot) -> StepView:
        assert isinstance(slot.field.type, model.PointerType)
        target = slot.field.type.target
        pointer = self._names(slot.path, "at")
        if isinstance(target, model.ArrayType):
            return self._array(target, slot.field, slot.path, slot.access, pointer)
        return RecordStep(
            variable=self._attribute(slot),
            path=expr.path_text(self._path, slot.path),
            pointer=pointer,
            nonnull=slot.field.nonnull,
            function=f"read_{naming.snake(target.name)}",
        )

    def _array(
        self,
        array: model.ArrayType,
        field: model.Field,
        path: Path,
        access: Path,
        pointer: str = "",
    ) -> ArrayStep:
        element = array.element
        kind = expr.element_kind(array)
        code = function = ""
        if isinstance(element, model.Struct):
            type_ = naming.struct_class(element)
            function = f"read_{naming.snake(element.name)}_at"
            if kind == "flat":
                code = flat_name(element)
        else:
            integer = layout.base_integer(element)
            assert integer is not None
            type_, code = annotation(element), expr.code(integer)
        return ArrayStep(
            element=kind,
            variable=self._objects.attribute(path, access),
            path=expr.path_text(self._path, path),
            count=expr.array_count(array, lambda name: self._names((*path[:-1], name))),
            width=layout.element_size(array),
            code=code,
            type=type_,
            function=function,
            pointer=pointer,
            nonnull=field.nonnull,
            nullable=field.nullable,
        )

    def _choice(self, choice: layout.Choice, more: bool) -> Iterator[StepView]:
        yield from self._unchosen(choice)
        tag = self._names(choice.tag)
        flags = choice.switch.tag.flags
        branches = []
        for branch in choice.branches:
            condition = expr.condition(tag, branch, flags)
            arm = tuple(self._arm(branch, more))
            branches.append(BranchView(condition, expr.note(branch), arm))
        yield choice_step(branches)

    def _unchosen(self, choice: layout.Choice) -> Iterator[LocalStep]:
        """What there is where no arm is chosen."""
        if not choice.switch.anonymous:
            arm_access = (*choice.tag_access[: -len(choice.switch.on)], choice.switch.name)
            yield LocalStep(self._objects.attribute(choice.path, arm_access), "None")
            return
        for branch in {branch.path: branch for branch in choice.branches}.values():
            if _is_count(branch):
                yield LocalStep(self._names(branch.path), "0")
            else:
                yield LocalStep(self._objects.attribute(branch.path, branch.access), "None")

    def _arm(self, branch: layout.Branch, more: bool) -> Iterator[StepView]:
        yield from self._objects.arm(branch)
        yield from self._steps(branch.steps, more)
        if isinstance(branch.member.type, model.Struct):
            yield from self._objects.kept(branch.member.type, branch.path, branch.access)


def _is_count(branch: layout.Branch) -> bool:
    return any(
        slot.path == branch.path and slot.role is Role.COUNT
        for step in branch.steps
        if isinstance(step, layout.Run)
        for slot in step.slots
    )
