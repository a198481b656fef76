"""Layout → steps of a marshalling function.

A message is written behind its mini header, whose fields are packed with the first of its own. The
header has the size, and pointers have offsets, so everything is placed before it is packed:

1. what the object holds is fetched, and `end` made the size of the message's own part;
2. what pointers lead to goes to `parts`, in their order, and moves `end`;
3. the own part goes in front of that (see `python_head`).

A struct behind a pointer does not know its place. Its function adds to `parts` in one pass and
returns the size; what its own pointers lead to waits in `later` until all before that have a place.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from redspice_codegen import layout, model
from redspice_codegen.backends import python_expressions as expr
from redspice_codegen.backends.python_content import (
    array_content,
    has_pointers,
    pointers_of,
    record_content,
)
from redspice_codegen.backends.python_head import head_first
from redspice_codegen.backends.python_locals import LocalSteps
from redspice_codegen.backends.python_runs import RunTable
from redspice_codegen.backends.python_steps import (
    AbsentStep,
    BranchView,
    ChoiceStep,
    ContentStep,
    GrowStep,
    LocalStep,
    PackStep,
    PointerStep,
    ReturnStep,
    SettleStep,
    StepView,
)
from redspice_codegen.backends.python_usual import usual
from redspice_codegen.layout import Path, Role
from redspice_codegen.naming import Locals

Steps = tuple[layout.Step, ...]
Views = tuple[StepView, ...]

#: The mini header stands in front as if it were a struct; its fields are variables.
_HEADER = model.Struct("", (), {}, "")


def _header_slot(variable: str, bits: int) -> layout.Slot:
    integer = model.IntType(bits, signed=False)
    field = model.Field(variable, integer, {}, "")
    return layout.Slot((variable,), (variable,), field, _HEADER, integer, Role.VALUE)


_HEADER_RUN = layout.Run((_header_slot("number", 16), _header_slot("end", 32)))


class Writer:
    """Builds the steps; `path` is what errors put in front of a field."""

    def __init__(self, runs: RunTable, path: str) -> None:
        self._runs = runs
        self._path = path
        self._names = Locals()
        self._fetched: set[Path] = set()
        """Tags of switches that are in a variable."""
        self._lists: set[str] = set()
        self._locals = LocalSteps(self._names, path)
        self._placed = False
        """Whether all is placed when it is packed, as in a message."""
        self._counter = "size"
        self._deep = False
        """Whether what targets point to has pointers in its turn."""

    def message(self, struct: model.Struct, steps: Steps) -> list[StepView]:
        """The steps for a message; `number` is its number in the channel."""
        self._placed, self._counter = True, "end"
        inner = (pointers_of(_target(slot)) for slot in layout.pointers(steps))
        self._deep = any(has_pointers(_target(slot)) for slots in inner for slot in slots)
        if not has_pointers(struct) and layout.fixed_size(struct) is not None:
            return [*self._locals.of(struct), self._only_pack(steps)]
        return [
            *self._locals.of(struct),
            *self._tags(steps),
            LocalStep("end", self._size(steps)),
            *self._elements_ahead(steps),
            *self._chosen(steps),
            *self._usual(steps),
            *self._below(steps),
            *head_first(self._packs(_behind_header(steps)), below=any(layout.pointers(steps))),
        ]

    def struct(self, struct: model.Struct, steps: Steps) -> list[StepView]:
        """The steps for what stands behind a pointer, or is an element."""
        return [
            *self._locals.of(struct),
            *self._tags(steps),
            LocalStep("size", self._size(steps)),
            *self._packs(steps),
        ]

    def _only_pack(self, steps: Steps) -> PackStep:
        (run,) = (step for step in _behind_header(steps) if isinstance(step, layout.Run))
        values = ("number", str(layout.run_bytes(steps)), *map(self._value, run.slots[2:]))
        return PackStep(self._runs.packing(run), values)

    # the own part of a message: its size

    def _size(self, steps: Steps) -> str:
        """Runs, and arrays as far as their size follows from their length."""
        fixed = layout.run_bytes(steps)
        arrays = [array.size for array in self._arrays(steps) if array.size]
        return " + ".join([str(fixed), *arrays] if fixed or not arrays else arrays)

    def _elements_ahead(self, steps: Steps) -> Iterator[StepView]:
        """Elements of varying size are written to see how long they are."""
        for array in self._arrays(steps):
            if not array.size:
                yield self._list(array.ahead, "Buffer")
                yield replace(array, dest=array.ahead, counter="end")

    def _list(self, variable: str, element: str) -> LocalStep:
        """An empty list; arms that share a name share the variable, which has one annotation."""
        annotation = "" if variable in self._lists else f"list[{element}]"
        self._lists.add(variable)
        return LocalStep(variable, "[]", annotation)

    def _chosen(self, steps: Steps) -> Iterator[StepView]:
        """Fetch the arms that are chosen, and add their sizes."""
        for choice in _choices(steps):
            arms = [
                (
                    *self._arm(choice, branch),
                    *self._elements_ahead(branch.steps),
                    *self._chosen(branch.steps),
                )
                for branch in choice.branches
            ]
            yield from self._choice(choice, arms)

    def _arm(self, choice: layout.Choice, branch: layout.Branch) -> Views:
        """Fetch an arm and add its size."""
        size = self._size(branch.steps)
        grow = [GrowStep(self._counter, size)] if size != "0" else []
        return (*self._locals.of_arm(branch, choice), *self._tags(branch.steps), *grow)

    def _tags(self, steps: Steps) -> Iterator[LocalStep]:
        """Fetch what the switches go by: it is looked at more than once."""
        for choice in {choice.tag: choice for choice in _choices(steps)}.values():
            self._fetched.add(choice.tag)
            tag = expr.chain(self._names, choice.tag, choice.tag_access)
            yield LocalStep(self._names(choice.tag), tag)

    # the usual case

    def _usual(self, steps: Steps) -> Iterator[StepView]:
        """The message with its first target in one go."""
        case = usual(steps)
        if case is None:
            return
        first, struct = case.first, case.struct
        fetch = (*self._locals.of(struct, first.path, first.access), *self._tags((case.choice,)))
        in_one_go = (
            *self._locals.of_arm(case.branch, case.choice),
            LocalStep(self._names(first.path, "at"), "end"),
            GrowStep("end", self._size(case.target)),
            *head_first(self._packs(_behind_header(case.whole)), below=False),
            ReturnStep("end"),
        )
        chosen = expr.condition(self._names(case.choice.tag), case.branch, flags=False)
        inner = ChoiceStep((BranchView(chosen, expr.note(case.branch), in_one_go),))
        there = [f"{self._names(first.path)} is not None"]
        there += [f"{self._names(slot.path)} is None" for slot in case.others]
        yield ChoiceStep((BranchView(" and ".join(there), "as usual", (*fetch, inner)),))

    # what the pointers of a message lead to

    def _below(self, steps: Steps) -> Iterator[StepView]:
        slots = list(layout.pointers(steps))
        laters = dict.fromkeys(later for slot in slots if (later := self._later(slot)))
        for later in laters:
            yield self._list(later, "Target")
        yield from self._places(steps)
        for later in laters:
            yield SettleStep(later)

    def _places(self, steps: Steps) -> Iterator[StepView]:
        for step in steps:
            if isinstance(step, layout.Run):
                for slot in layout.pointers((step,)):
                    yield self._pointer(slot, "parts", "end", self._later(slot))
            elif isinstance(step, layout.Choice):
                places = [tuple(self._places(branch.steps)) for branch in step.branches]
                yield from self._choice(step, places)

    def _later(self, slot: layout.Slot) -> str:
        """The list for the targets of a target; one for all, unless those have targets too."""
        if _at_once(slot) or not has_pointers(_target(slot)):
            return ""
        return self._names(slot.path, "later") if self._deep else "later"

    # bytes

    def _packs(self, steps: Steps) -> Iterator[StepView]:
        i = 0
        while i < len(steps):
            step = steps[i]
            following = steps[i + 1] if i + 1 < len(steps) else None
            match step:
                case layout.Run() if isinstance(following, layout.Choice):
                    after = _pulled_in(following, steps[i + 2 : i + 3])
                    yield from self._packed_choice(following, (step,), after)
                    i += 1 + len(after)
                case layout.Run():
                    yield from self._pack(step)
                case layout.Array():
                    array = self._array(step.type, step.path)
                    ahead = self._placed and not array.size
                    yield GrowStep("parts", array.ahead) if ahead else array
                case layout.Choice():
                    yield from self._packed_choice(step)
            i += 1

    def _packed_choice(
        self, choice: layout.Choice, before: Steps = (), after: Steps = ()
    ) -> Iterator[StepView]:
        """A switch. Its branches pack the runs around it too: one pack instead of three."""
        branches: list[Views] = []
        for branch in choice.branches:
            fetch = () if self._placed else self._arm(choice, branch)
            steps = tuple(layout.melt((*before, *branch.steps, *after)))
            branches.append((*fetch, *self._packs(steps)))
        around = () if choice.switch.has_default else tuple(layout.melt((*before, *after)))
        otherwise = tuple(self._packs(around))
        yield from self._choice(choice, branches, otherwise)

    def _pack(self, run: layout.Run) -> Iterator[StepView]:
        pointers = []
        at = 0
        for slot in run.slots:
            if slot.role is Role.POINTER and not self._placed:
                pointer = self._pointer(slot, "target.parts", "target.size", "target.later")
                pointers.append(replace(pointer, at=at))
            at += slot.integer.bits // 8
        values = tuple(self._value(slot) for slot in run.slots)
        yield PackStep(self._runs.packing(run), values, tuple(pointers))
        if self._placed:
            yield from self._absent(run)

    def _value(self, slot: layout.Slot) -> str:
        if slot.owner is _HEADER:
            return slot.field.name
        match slot.role:
            case Role.ZERO:
                return "0"
            case Role.POINTER:
                return self._names(slot.path, "at") if self._placed else "0"
            case Role.COUNT:
                return expr.count_expression(
                    self._names, slot.owner, slot.field.name, slot.path[:-1], slot.access
                )
            case _ if slot.path in self._fetched:
                return self._names(slot.path)
            case _:
                return expr.chain(self._names, slot.path, slot.access)

    def _absent(self, run: layout.Run) -> Iterator[AbsentStep]:
        """Arrays that may be absent beside their count: that must still fit the body."""
        for slot in layout.pointers((run,)):
            target = _target(slot)
            if isinstance(target, model.Struct) or not slot.field.nullable:
                continue
            size = target.size
            if isinstance(size, model.CountSize) and not layout.is_derived_count(
                slot.owner, size.member
            ):
                names = (*slot.path[:-1], size.member), (*slot.access[:-1], size.member)
                width = layout.element_size(target)
                wanted = expr.chain(self._names, *names) + (f" * {width}" if width > 1 else "")
                where = expr.path_text(self._path, slot.path)
                yield AbsentStep(self._names(slot.path), wanted, where)

    # pointers, arrays, switches

    def _pointer(self, slot: layout.Slot, dest: str, counter: str, later: str) -> PointerStep:
        target = _target(slot)
        at_once = _at_once(slot) and has_pointers(target)
        later = later or self._names(slot.path, "later")
        if isinstance(target, model.Struct):
            content = record_content(self._names, target, slot.path, later)
        else:
            content = self._array(target, slot.path)
        return PointerStep(
            pointer=self._names(slot.path, "at"),
            path=expr.path_text(self._path, slot.path),
            nonnull=slot.field.nonnull,
            content=replace(content, dest=dest, counter=counter),
            at_once=at_once,
            list=self._list(later, "Target") if at_once and self._placed else None,
        )

    def _array(self, array: model.ArrayType, path: Path) -> ContentStep:
        return array_content(self._names, array, path, counted=self._placed)

    def _arrays(self, steps: Steps) -> list[ContentStep]:
        return [self._array(s.type, s.path) for s in steps if isinstance(s, layout.Array)]

    def _choice(
        self, choice: layout.Choice, branches: Sequence[Views], otherwise: Views = ()
    ) -> Iterator[ChoiceStep]:
        """A switch, where there is anything to do, without trailing branches that do nothing."""
        tag = self._names(choice.tag)
        views = [
            BranchView(expr.condition(tag, branch, choice.switch.tag.flags), expr.note(branch), do)
            for branch, do in zip(choice.branches, branches, strict=True)
        ]
        if not choice.switch.has_default:
            views.append(BranchView("", "", otherwise))
        while views and not views[-1].steps:
            views.pop()
        if views:
            yield ChoiceStep(tuple(views))


def _behind_header(steps: Steps) -> Steps:
    return tuple(layout.melt((_HEADER_RUN, *steps)))


def _choices(steps: Steps) -> list[layout.Choice]:
    return [step for step in steps if isinstance(step, layout.Choice)]


def _target(slot: layout.Slot) -> model.Struct | model.ArrayType:
    assert isinstance(slot.field.type, model.PointerType)
    return slot.field.type.target


def _at_once(slot: layout.Slot) -> bool:
    """Whether all below the target is laid out before the next pointer's target."""
    return "marshall" in slot.field.attributes


def _pulled_in(choice: layout.Choice, following: Steps) -> Steps:
    """The run behind a switch, where each branch may pack it: for a single plain branch."""
    alone = len(choice.branches) == 1 and not choice.switch.has_default
    return following if alone and following and isinstance(following[0], layout.Run) else ()
