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
class PackConstant:
    """A module constant for runs that are packed: `_DRAW_COPY_5 = Struct("<HII4iB")`."""

    name: str
    format: str


# reading


@dataclass(frozen=True, slots=True)
class NewStep:
    """Make an object, for a variable (or none) and an attribute (or none)."""

    kind: ClassVar[str] = "new"
    variable: str
    attribute: str
    type: str


@dataclass(frozen=True, slots=True)
class RunStep:
    """Unpack a run into `values`: variables and attributes."""

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
    """Expression for the number of elements; empty for all that is left."""
    width: int
    """Bytes of an element, or the fewest."""
    code: str
    """struct code of integers, or the Run of flat records."""
    type: str
    function: str
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
    function: str


# writing


@dataclass(frozen=True, slots=True)
class ContentStep:
    """An array, or the struct behind a pointer: its bytes go to the list `dest`.

    `element` is that of an array, or "record".
    """

    kind: ClassVar[str] = "content"
    element: str
    variable: str
    size: str = ""
    """Expression for the bytes of an array, where they follow from its length."""
    dest: str = "parts"
    counter: str = ""
    """What counts the bytes; empty where they are counted already."""
    code: str = ""
    """struct code of integers."""
    function: str = ""
    later: str = ""
    """The list for the targets of a struct that has pointers."""
    values: tuple[str, ...] = ()
    may_be_empty: bool = False
    """Whether a struct may come out with 0 bytes: its pointer is then 0."""
    ahead: str = ""
    """The list for elements that are written to see how long they are."""

    @property
    def truth(self) -> bool:
        """Whether nothing is behind the pointer for an empty array, and not only for None."""
        return self.element not in ("record", "cstring")


@dataclass(frozen=True, slots=True)
class PointerStep:
    """Place and write what a pointer leads to."""

    kind: ClassVar[str] = "pointer"
    pointer: str
    """The variable for the offset."""
    path: str
    nonnull: bool
    content: ContentStep
    at_once: bool
    """Lay the target and all below it out before the next pointer's target."""
    list: LocalStep | None = None
    """The list for what is below, then."""
    at: int = 0
    """Where the pointer stands in the run, if the offset is put there afterwards."""


@dataclass(frozen=True, slots=True)
class PackStep:
    """Pack `values`; `pointers` are those whose offsets are not known yet."""

    kind: ClassVar[str] = "pack"
    constant: str
    values: tuple[str, ...]
    pointers: tuple[PointerStep, ...] = ()
    dest: str = "parts"
    head: bool = False
    """Whether the first part is packed, for which there is a place."""


@dataclass(frozen=True, slots=True)
class GrowStep:
    """`variable += expression`."""

    kind: ClassVar[str] = "grow"
    variable: str
    expression: str


@dataclass(frozen=True, slots=True)
class InsertStep:
    """Put the pieces of the list `own` behind the head."""

    kind: ClassVar[str] = "insert"
    own: str


@dataclass(frozen=True, slots=True)
class ReturnStep:
    """Return what is in a variable."""

    kind: ClassVar[str] = "return"
    variable: str


@dataclass(frozen=True, slots=True)
class SettleStep:
    """Place what is in the list `later`."""

    kind: ClassVar[str] = "settle"
    later: str


@dataclass(frozen=True, slots=True)
class AbsentStep:
    """An array that may be absent beside its count: `size`, what it says, must fit the body."""

    kind: ClassVar[str] = "absent"
    variable: str
    size: str
    path: str


@dataclass(frozen=True, slots=True)
class CheckStep:
    """The length of an array against what other fields say."""

    kind: ClassVar[str] = "check"
    variable: str
    wanted: str
    path: str
    optional: bool


# both


@dataclass(frozen=True, slots=True)
class LocalStep:
    """`variable = expression`, with an annotation where the type checker needs one."""

    kind: ClassVar[str] = "local"
    variable: str
    expression: str
    annotation: str = ""


@dataclass(frozen=True, slots=True)
class BranchView:
    condition: str
    note: str
    steps: tuple[StepView, ...]


@dataclass(frozen=True, slots=True)
class ChoiceStep:
    """A switch."""

    kind: ClassVar[str] = "choice"
    branches: tuple[BranchView, ...]


ReadStep = NewStep | RunStep | ArrayStep | RecordStep
WriteStep = (
    ContentStep
    | PointerStep
    | PackStep
    | GrowStep
    | InsertStep
    | ReturnStep
    | SettleStep
    | AbsentStep
    | CheckStep
)
StepView = ReadStep | WriteStep | LocalStep | ChoiceStep


def choice(branches: list[BranchView]) -> ChoiceStep:
    """A choice without the branches at its end that do nothing."""
    while branches and not branches[-1].steps:
        branches = branches[:-1]
    return ChoiceStep(tuple(branches))


@dataclass(slots=True)
class Function:
    """A message or a struct that needs functions of its own."""

    name: str
    type: str
    constants: list[RunConstant | PackConstant]
    make: list[NewStep | LocalStep]
    """The objects that reading fills."""
    read: list[StepView]
    write: list[StepView]
    size: int | None
    """The bytes of every body, where that is one run and nothing else, or nothing at all."""
    pointers: bool
    element: bool = False
    target: bool = False
