"""What a message usually is, where the spec says so (`@usual` at a pointer).

The first target stands right behind the message's own part, so the two can be packed in one go.
That is done for the arm that most cases of the target's switch share. All else takes the general
way, as do messages for which there is no such simple case.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace

from redspice_codegen import layout, model
from redspice_codegen.layout import Role

Steps = tuple[layout.Step, ...]


@dataclass(frozen=True, slots=True)
class Usual:
    """A message whose first pointer leads to `struct` with one arm, the others nowhere."""

    first: layout.Slot
    others: tuple[layout.Slot, ...]
    struct: model.Struct
    choice: layout.Choice
    branch: layout.Branch
    target: Steps
    """The target with this arm."""
    whole: Steps
    """Message and target, as if the target stood inline."""


def usual(steps: Steps) -> Usual | None:
    """The usual case of a message of these steps, if it has one."""
    slots = tuple(layout.pointers(steps))
    if not slots or "usual" not in slots[0].field.attributes:
        return None
    first, *others = slots
    struct = _struct(first)
    if struct is None or not all(map(_may_be_null, others)) or not _unconditional(slots, steps):
        return None
    inside = layout.lay_out(struct, first.path, first.access).steps
    choice = inside[-1] if inside else None
    if not isinstance(choice, layout.Choice) or choice.switch.tag.flags:
        return None
    branch = max(choice.branches, key=lambda branch: len(branch.tests))
    target = (*inside[:-1], *branch.steps)
    if not branch.tests or not all(map(_plain, target)):
        return None
    whole = tuple(layout.melt((*_without(others, steps), *target)))
    return Usual(first, tuple(others), struct, choice, branch, target, whole)


def _struct(slot: layout.Slot) -> model.Struct | None:
    assert isinstance(slot.field.type, model.PointerType)
    target = slot.field.type.target
    return target if isinstance(target, model.Struct) else None


def _may_be_null(slot: layout.Slot) -> bool:
    return _struct(slot) is not None and not slot.field.nonnull


def _plain(step: layout.Step) -> bool:
    """Whether the step is written without looking further: no pointers, elements of one size."""
    match step:
        case layout.Run():
            return not any(layout.pointers((step,)))
        case layout.Array(type=model.ArrayType(element=model.Struct() as element)):
            return layout.is_flat(element)
        case _:
            return isinstance(step, layout.Array)


def _unconditional(slots: Collection[layout.Slot], steps: Steps) -> bool:
    """Whether none of the pointers is in an arm."""
    runs = tuple(step for step in steps if isinstance(step, layout.Run))
    return len(tuple(layout.pointers(runs))) == len(slots)


def _without(pointers: Collection[layout.Slot], steps: Steps) -> Iterator[layout.Step]:
    """The steps with 0 for these pointers."""
    for step in steps:
        if isinstance(step, layout.Run):
            slots = (replace(s, role=Role.ZERO) if s in pointers else s for s in step.slots)
            yield layout.Run(tuple(slots))
        else:
            yield step
