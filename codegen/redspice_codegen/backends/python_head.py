"""Where the own part of a message goes: in front of what its pointers lead to.

The list of parts begins with a place for the head, so that targets can be written before it. What
else the message itself has follows the head; where there may be targets already, it is collected
and put between.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace

from redspice_codegen.backends.python_steps import (
    ChoiceStep,
    ContentStep,
    GrowStep,
    InsertStep,
    LocalStep,
    PackStep,
    StepView,
)

_PARTS, _OWN = "parts", "own"


def head_first(steps: Iterable[StepView], *, below: bool) -> Iterator[StepView]:
    """The steps that pack a message; `below`: targets may have been written before."""
    if not below:
        yield from _led(steps, _PARTS)
        return
    whole = tuple(_inserted(steps))
    if _inserts(whole):
        yield LocalStep(_OWN, "[]", "list[Buffer]")
    yield from whole


def _inserted(steps: Iterable[StepView]) -> Iterator[StepView]:
    """The head takes its place, and what follows it is inserted."""
    first, *rest = steps
    if isinstance(first, ChoiceStep) and not rest:
        yield _branches(first, _inserted)
        return
    yield from _led((first, *rest), _OWN)
    if rest or isinstance(first, ChoiceStep):
        yield InsertStep(_OWN)


def _inserts(steps: Iterable[StepView]) -> bool:
    return any(
        isinstance(step, InsertStep)
        or (isinstance(step, ChoiceStep) and any(_inserts(b.steps) for b in step.branches))
        for step in steps
    )


def _led(steps: Iterable[StepView], dest: str) -> Iterator[StepView]:
    """The first pack makes the head, what follows goes to `dest`."""
    first, *rest = steps
    if isinstance(first, ChoiceStep):
        yield _branches(first, lambda steps: _led(steps, dest))
    else:
        assert isinstance(first, PackStep)
        yield replace(first, head=True)
    yield from (_sent(step, dest) for step in rest)


def _sent(step: StepView, dest: str) -> StepView:
    match step:
        case PackStep() | ContentStep():
            return replace(step, dest=dest)
        case GrowStep(variable="parts"):
            return replace(step, variable=dest)
        case ChoiceStep():
            return _branches(step, lambda steps: (_sent(step, dest) for step in steps))
        case _:
            return step


def _branches(
    choice: ChoiceStep, change: Callable[[Iterable[StepView]], Iterable[StepView]]
) -> ChoiceStep:
    branches = (replace(branch, steps=tuple(change(branch.steps))) for branch in choice.branches)
    return ChoiceStep(tuple(branches))
