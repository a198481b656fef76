"""Layout → steps of a demarshalling function."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from redspice_codegen import layout, model, naming
from redspice_codegen.backends import python_expressions as expr
from redspice_codegen.backends.python_classes import annotation, arm_annotation, union_annotation
from redspice_codegen.backends.python_runs import RunTable, flat_name
from redspice_codegen.backends.python_steps import (
    ArrayStep,
    BranchView,
    LocalStep,
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

    def steps(self, steps: tuple[layout.Step, ...], more: bool) -> Iterator[StepView]:
        """`more`: whether something inline follows behind these steps."""
        for i, step in enumerate(steps):
            follows = more or any(not isinstance(s, layout.Descriptor) for s in steps[i + 1 :])
            match step:
                case layout.Run():
                    yield replace(self._run(step), more=follows)
                    for slot in step.slots:
                        if slot.role is Role.POINTER:
                            yield self._pointer(slot)
                case layout.Array():
                    array = self._array(step.type, step.field, step.path, pointer="")
                    yield replace(array, more=follows)
                case layout.Choice():
                    yield from self._choice(step, follows)

    def result(self, struct: model.Struct, class_name: str) -> str:
        """The call that makes the object, after the steps."""
        return expr.constructor(self._names, struct, (), class_name)

    def _run(self, run: layout.Run) -> RunStep:
        values = tuple(self._target(slot) for slot in run.slots)
        return RunStep(self._runs.reading(run, self._path), run.size, values)

    def _target(self, slot: layout.Slot) -> str:
        if slot.role is Role.ZERO:
            return "_"
        return self._names(slot.path, "at" if slot.role is Role.POINTER else "")

    def _pointer(self, slot: layout.Slot) -> StepView:
        assert isinstance(slot.field.type, model.PointerType)
        target = slot.field.type.target
        pointer = self._names(slot.path, "at")
        if isinstance(target, model.ArrayType):
            return self._array(target, slot.field, slot.path, pointer)
        return RecordStep(
            variable=self._names(slot.path),
            path=expr.path_text(self._path, slot.path),
            pointer=pointer,
            nonnull=slot.field.nonnull,
            function=f"read_{naming.snake(target.name)}",
        )

    def _array(
        self, array: model.ArrayType, field: model.Field, path: Path, pointer: str
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
            variable=self._names(path),
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
            steps = [*self.steps(branch.steps, more), *self._arm_value(choice, branch)]
            condition = expr.condition(tag, branch, flags)
            branches.append(BranchView(condition, expr.note(branch), tuple(steps)))
        yield choice_step(branches)

    def _unchosen(self, choice: layout.Choice) -> Iterator[LocalStep]:
        """What the variables of the arms hold where no arm is chosen."""
        switch = choice.switch
        if not switch.anonymous:
            yield LocalStep(self._names(choice.path), "None", union_annotation(switch))
            return
        owner = model.Struct("", (switch,), {}, "")
        for branch in {branch.path: branch for branch in choice.branches}.values():
            local = self._names(branch.path)
            if _is_count(branch):
                yield LocalStep(local, "0")
            else:
                yield LocalStep(local, "None", arm_annotation(branch.member, owner, True))

    def _arm_value(self, choice: layout.Choice, branch: layout.Branch) -> Iterator[LocalStep]:
        """Put the arm where its object belongs; a plain arm of an anonymous switch is there."""
        path = branch.path if choice.switch.anonymous else choice.path
        if isinstance(branch.member.type, model.Struct):
            name = naming.struct_class(branch.member.type)
            call = expr.constructor(self._names, branch.member.type, branch.path, name)
            yield LocalStep(self._names(path), call)
        elif isinstance(branch.member.type, model.UnixFdType):
            yield LocalStep(self._names(path), "-1")
        elif path != branch.path:
            yield LocalStep(self._names(path), self._names(branch.path))


def _is_count(branch: layout.Branch) -> bool:
    return any(
        slot.path == branch.path and slot.role is Role.COUNT
        for step in branch.steps
        if isinstance(step, layout.Run)
        for slot in step.slots
    )
