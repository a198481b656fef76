"""Steps of generated functions, as the templates print them: names and expressions, no layout."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar


@dataclass(frozen=True, slots=True)
class RunConstant:
    """A module constant: `_DRAW_COPY_1 = Run("<I4iB", "display.draw_copy", "…")`."""

    name: str
    format: str
    path: str
    fields: str


@dataclass(frozen=True, slots=True)
class RunStep:
    """Unpack a run into `values`, or pack `values` into one."""

    kind: ClassVar[str] = "run"
    constant: str
    size: int
    values: tuple[str, ...]
    more: bool = False
    """Whether anything is read behind it, so that `at` must move on."""

    @property
    def targets(self) -> str:
        """The left side of the assignment from unpack."""
        return f"({self.values[0]},)" if len(self.values) == 1 else ", ".join(self.values)


@dataclass(frozen=True, slots=True)
class ArrayStep:
    """An array inline or behind a pointer.

    `element` says how: octets, integers, flat (structs of one run), records or cstring.
    """

    kind: ClassVar[str] = "array"
    element: str
    variable: str
    path: str
    count: str
    """Expression for the number of elements; empty for all that is left, and in writing."""
    width: int
    """Bytes of an element, or the fewest."""
    code: str
    """struct code of integers, or the Run of flat records."""
    type: str
    function: str
    values: tuple[str, ...] = ()
    pointer: str = ""
    """The variable with the offset, for an array behind a pointer."""
    nonnull: bool = False
    nullable: bool = False
    more: bool = False
    """As for a run."""


@dataclass(frozen=True, slots=True)
class RecordStep:
    """A struct behind a pointer."""

    kind: ClassVar[str] = "record"
    variable: str
    path: str
    pointer: str
    nonnull: bool
    type: str
    function: str
    size: str
    """Expression for the bytes of the target, without what its own pointers lead to."""
    pointers: bool
    """Whether the target has pointers of its own."""
    at_once: bool
    """Lay the target and all below it out before the next pointer's target."""
    parts: str = ""
    below: str = ""
    """The lists for a target that is laid out at once."""
    may_be_empty: bool = False
    """Whether the target may come out with 0 bytes: its pointer is then 0."""


@dataclass(frozen=True, slots=True)
class LocalStep:
    """`variable = expression`, with an annotation where the type checker needs one."""

    kind: ClassVar[str] = "local"
    variable: str
    expression: str
    annotation: str = ""


@dataclass(frozen=True, slots=True)
class CheckStep:
    """The length of an array against what other fields say."""

    kind: ClassVar[str] = "check"
    variable: str
    wanted: str
    path: str
    optional: bool


@dataclass(frozen=True, slots=True)
class BranchView:
    condition: str
    note: str
    steps: tuple[StepView, ...]


@dataclass(frozen=True, slots=True)
class ChoiceStep:
    """A switch; `tag` is fetched to the variable of that name once, where it says so."""

    kind: ClassVar[str] = "choice"
    branches: tuple[BranchView, ...]
    fetch: LocalStep | None = None


def choice(branches: list[BranchView], fetch: LocalStep | None = None) -> ChoiceStep:
    """A choice without the branches at its end that do nothing."""
    while branches and not branches[-1].steps:
        branches = branches[:-1]
    return ChoiceStep(tuple(branches), fetch)


@dataclass(frozen=True, slots=True)
class SizeStep:
    """`end += expression` in the pass that finds the size of a body."""

    kind: ClassVar[str] = "size"
    expression: str


StepView = RunStep | ArrayStep | RecordStep | LocalStep | CheckStep | ChoiceStep | SizeStep


@dataclass(frozen=True, slots=True)
class AbsentArray:
    """An array that may be absent beside its count: the count must still fit the body."""

    pointer: str
    size: str
    path: str


@dataclass(slots=True)
class Function:
    """A message or a struct that needs functions of its own."""

    name: str
    type: str
    path: str
    runs: list[RunConstant]
    read: list[StepView]
    result: str
    write: list[StepView]
    fills: list[StepView]
    fixed_size: int
    sizes: list[StepView]
    fixed: bool
    """One run and nothing else, or nothing at all."""
    star: bool
    """The values of the run are the attributes of the class, in order."""
    pointers: bool
    nested_pointers: bool
    """Whether a target has pointers of its own."""
    absent: tuple[AbsentArray, ...]
    element: bool = False
    target: bool = False
