"""Layout → steps of a marshalling function.

The bytes of a struct go to the list `parts`; what its pointers lead to goes below it, in the order
in which the pointers were written. The first step for a pointer sets its offset (`end` is the next
free byte), the `fills` then write the targets.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from redspice_codegen import layout, model, naming
from redspice_codegen.backends import python_expressions as expr
from redspice_codegen.backends.python_runs import RunTable
from redspice_codegen.backends.python_steps import (
    AbsentArray,
    ArrayStep,
    BranchView,
    CheckStep,
    ChoiceStep,
    LocalStep,
    RecordStep,
    RunStep,
    SizeStep,
    StepView,
)
from redspice_codegen.backends.python_steps import choice as choice_step
from redspice_codegen.layout import Path, Role, is_flat
from redspice_codegen.naming import Locals


class Writer:
    def __init__(self, runs: RunTable, path: str) -> None:
        self._runs = runs
        self._path = path
        self._names = Locals()
        self.fills: list[ArrayStep | RecordStep] = []
        self.absent: list[AbsentArray] = []

    def steps(self, struct: model.Struct, steps: tuple[layout.Step, ...]) -> list[StepView]:
        """All steps of the function; the `fills` are there afterwards."""
        return [
            *_checks_last(self._struct_locals(struct, (), ())),
            *self._optional_targets(steps),
            *self._steps(steps),
        ]

    # local variables

    def _struct_locals(self, struct: model.Struct, path: Path, access: Path) -> Iterator[StepView]:
        for member in struct.members:
            if isinstance(member, model.Field):
                names = (*path, member.name), (*access, member.name)
                yield from self._field_locals(member, struct, *names)
            elif member.anonymous:
                for field in member.arms():
                    array = layout.array_of(field)
                    if array is not None:
                        names = (*path, field.name), (*access, field.name)
                        yield self._array_local(array, *names, nullable=True)

    def _field_locals(
        self, field: model.Field, owner: model.Struct, path: Path, access: Path
    ) -> Iterator[StepView]:
        match field.type:
            case model.Struct():
                if field.type.members:
                    yield self._local(path, access)
                yield from self._struct_locals(field.type, path, access)
            case model.ArrayType():
                yield self._array_local(field.type, path, access)
                yield from self._check(field, owner, field.type, path)
            case model.PointerType():
                target = field.type.target
                if isinstance(target, model.ArrayType):
                    yield self._array_local(target, path, access, nullable=field.nullable)
                    yield from self._check(field, owner, target, path)
                else:
                    yield self._local(path, access)

    def _array_local(
        self, array: model.ArrayType, path: Path, access: Path, nullable: bool = False
    ) -> LocalStep:
        value = expr.chain(self._names, path, access)
        if expr.element_kind(array) in ("octets", "cstring"):
            value = f"flat_or_none({value})" if nullable else f"flat({value})"
        return LocalStep(self._names(path), value)

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

    def _optional_targets(self, steps: tuple[layout.Step, ...]) -> Iterator[StepView]:
        """A pointer in an arm leads nowhere unless the arm is chosen."""
        for step in steps:
            if isinstance(step, layout.Choice):
                slots = (slot for branch in step.branches for slot in layout.pointers(branch.steps))
                for path in dict.fromkeys(slot.path for slot in slots):
                    yield LocalStep(self._names(path, "at"), "0")

    # bytes

    def _steps(self, steps: tuple[layout.Step, ...]) -> Iterator[StepView]:
        i = 0
        while i < len(steps):
            step = steps[i]
            following = steps[i + 1] if i + 1 < len(steps) else None
            match step:
                case layout.Run() if isinstance(following, layout.Choice):
                    after = _pulled_in(following, steps[i + 2 : i + 3])
                    yield self._choice(following, (step,), after)
                    i += 1 + len(after)
                case layout.Run():
                    yield from self._run(step)
                case layout.Array():
                    yield self._array(step.type, step.field, step.path)
                case layout.Choice():
                    yield self._choice(step)
            i += 1

    def _run(self, run: layout.Run) -> Iterator[StepView]:
        for slot in run.slots:
            if slot.role is Role.POINTER:
                yield self._pointer(slot)
        values = tuple(self._value(slot) for slot in run.slots)
        yield RunStep(self._runs.name(run, self._path), run.size, values)

    def _value(self, slot: layout.Slot) -> str:
        match slot.role:
            case Role.ZERO:
                return "0"
            case Role.POINTER:
                return self._names(slot.path, "at")
            case Role.COUNT:
                return expr.count_expression(
                    self._names, slot.owner, slot.field.name, slot.path[:-1], slot.access
                )
            case _:
                return expr.chain(self._names, slot.path, slot.access)

    def _pointer(self, slot: layout.Slot) -> StepView:
        field = slot.field
        assert isinstance(field.type, model.PointerType)
        target = field.type.target
        local = self._names(slot.path)
        pointer = self._names(slot.path, "at")
        if isinstance(target, model.ArrayType):
            step = replace(
                self._array(target, field, slot.path),
                pointer=pointer,
                nonnull=field.nonnull,
                nullable=field.nullable,
            )
            self._fill(step)
            if isinstance(target.size, model.CountSize) and field.nullable:
                self._absent(slot, target.size.member, step)
            return step
        fixed = layout.fixed_size(target)
        name = naming.snake(target.name)
        record = RecordStep(
            variable=local,
            path=expr.path_text(self._path, slot.path),
            pointer=pointer,
            nonnull=field.nonnull,
            type=naming.struct_class(target),
            function=f"write_{name}",
            size=f"size_{name}({local})" if fixed is None else str(fixed),
            pointers=has_pointers(target),
            at_once="marshall" in field.attributes,
            parts=self._names(slot.path, "parts"),
            below=self._names(slot.path, "below"),
            may_be_empty=layout.smallest_size(target) == 0,
        )
        self._fill(record)
        return record

    def _absent(self, slot: layout.Slot, member: str, step: ArrayStep) -> None:
        if layout.is_derived_count(slot.owner, member):
            return
        container = (*slot.access[:-1], member)
        count = expr.chain(self._names, (*slot.path[:-1], member), container)
        size = f"{count} * {step.width}" if step.width > 1 else count
        self.absent.append(AbsentArray(step.pointer, size, step.path))

    def _fill(self, step: ArrayStep | RecordStep) -> None:
        """Arms that call a pointer the same share its variables, and so its fill."""
        if all(step.pointer != known.pointer for known in self.fills):
            self.fills.append(step)

    def _array(self, array: model.ArrayType, field: model.Field, path: Path) -> ArrayStep:
        element = array.element
        code = function = ""
        if isinstance(element, model.Struct):
            type_ = naming.struct_class(element)
            function = f"write_{naming.snake(element.name)}"
            if expr.element_kind(array) == "flat":
                code = self._runs.flat(element)
        else:
            integer = layout.base_integer(element)
            assert integer is not None
            type_, code = "int", expr.code(integer)
        return ArrayStep(
            element=expr.element_kind(array),
            variable=self._names(path),
            path=expr.path_text(self._path, path),
            count="",
            width=layout.element_size(array),
            code=code,
            type=type_,
            function=function,
            values=_element_values(element),
        )

    def _choice(
        self,
        choice: layout.Choice,
        before: tuple[layout.Step, ...] = (),
        after: tuple[layout.Step, ...] = (),
    ) -> ChoiceStep:
        """A switch. Its branches pack the runs around it too: one pack instead of three."""
        expression = expr.chain(self._names, choice.tag, choice.tag_access)
        tag, fetch = _tag(choice, self._names(choice.tag), expression)
        branches = []
        for branch in choice.branches:
            steps = tuple(layout.melt((*before, *branch.steps, *after)))
            views = (*self._branch_locals(branch, choice), *self._steps(steps))
            condition = expr.condition(tag, branch, choice.switch.tag.flags)
            branches.append(BranchView(condition, expr.note(branch), views))
        if not choice.switch.has_default:
            otherwise = tuple(self._steps(tuple(layout.melt((*before, *after)))))
            branches.append(BranchView("", "", otherwise))
        return choice_step(branches, fetch)

    def _branch_locals(self, branch: layout.Branch, choice: layout.Choice) -> Iterator[StepView]:
        array = layout.array_of(branch.member)
        if choice.switch.anonymous and array is not None:
            # Fetched on top, where its count needs it.
            yield from self._check(branch.member, choice.owner, array, branch.path, arm=True)
        else:
            names = branch.path, branch.access
            yield from _checks_last(self._field_locals(branch.member, choice.owner, *names))

    def _local(self, path: Path, access: Path) -> LocalStep:
        return LocalStep(self._names(path), expr.chain(self._names, path, access))


# the size of a struct, for the offsets of what its pointers lead to


def size_steps(steps: tuple[layout.Step, ...], names: Locals) -> Iterator[StepView]:
    """Steps that add up all but the runs on top level, whose size is known."""
    for step in steps:
        match step:
            case layout.Array():
                yield SizeStep(array_size(step.type, step.access))
            case layout.Choice():
                branches = []
                expression = expr.attribute_chain(step.tag_access)
                tag, fetch = _tag(step, names(step.tag), expression)
                for branch in step.branches:
                    fixed = sum(s.size for s in branch.steps if isinstance(s, layout.Run))
                    inner = [SizeStep(str(fixed))] if fixed else []
                    views = (*inner, *size_steps(branch.steps, names))
                    condition = expr.condition(tag, branch, step.switch.tag.flags)
                    branches.append(BranchView(condition, expr.note(branch), views))
                yield choice_step(branches, fetch)


def _tag(choice: layout.Choice, variable: str, expression: str) -> tuple[str, LocalStep | None]:
    """How to test the tag: where there are many branches it is fetched once."""
    if len(choice.branches) < 3:
        return expression, None
    return variable, LocalStep(variable, expression)


def array_size(array: model.ArrayType, access: Path) -> str:
    """Expression for the bytes of an inline array of `value`."""
    chain = expr.attribute_chain(access)
    match expr.element_kind(array):
        case "octets":
            return f"len({chain})"
        case "records":
            assert isinstance(array.element, model.Struct)
            fixed = layout.fixed_size(array.element)
            if fixed is not None:
                return f"len({chain}) * {fixed}"
            return f"sum(size_{naming.snake(array.element.name)}(each) for each in {chain})"
        case _:
            return f"len({chain}) * {layout.element_size(array)}"


def _checks_last(steps: Iterator[StepView]) -> list[StepView]:
    """A length may be checked against an array that stands behind."""
    return sorted(steps, key=lambda step: isinstance(step, CheckStep))


def has_pointers(struct: model.Struct) -> bool:
    return any(True for _ in layout.pointers(layout.lay_out(struct).steps))


def _pulled_in(
    choice: layout.Choice, following: tuple[layout.Step, ...]
) -> tuple[layout.Step, ...]:
    """The run behind a switch, where each branch may pack it: for a single plain branch."""
    alone = len(choice.branches) == 1 and not choice.switch.has_default
    if not alone or any(True for _ in layout.pointers(choice.branches[0].steps)):
        return ()
    return following if following and isinstance(following[0], layout.Run) else ()


def _element_values(element: model.ElementType) -> tuple[str, ...]:
    if not isinstance(element, model.Struct) or not is_flat(element):
        return ()
    (run,) = layout.lay_out(element).steps
    assert isinstance(run, layout.Run)
    return tuple(f"each.{naming.attribute(slot.path[0])}" for slot in run.slots)
