"""Expressions that reading and writing share: formats, conditions, array sizes."""

from __future__ import annotations

from collections.abc import Callable
from itertools import groupby

from redspice_codegen import layout, model, naming
from redspice_codegen.backends.python_classes import is_octets
from redspice_codegen.layout import Path, is_flat
from redspice_codegen.naming import Locals

_CODES = {(8, False): "B", (16, False): "H", (32, False): "I", (64, False): "Q"}
_CODES |= {(bits, True): code.lower() for (bits, _), code in _CODES.items()}


def code(integer: model.IntType) -> str:
    """The struct code of an integer."""
    return _CODES[integer.bits, integer.signed]


def run_format(run: layout.Run) -> str:
    groups = ((c, len(list(same))) for c, same in groupby(code(s.integer) for s in run.slots))
    return "<" + "".join(f"{n if n > 1 else ''}{c}" for c, n in groups)


def condition(tag: str, branch: layout.Branch, flags: bool) -> str:
    """When the branch is on the wire; empty for the default."""
    tests = branch.tests
    if not tests:
        return ""
    if flags:
        return " or ".join(
            f"{'not ' if test.negated else ''}{tag} & {test.value}" for test in tests
        )
    values = sorted({test.value for test in tests})
    if len(values) == 1:
        return f"{tag} == {values[0]}"
    return f"{tag} in ({', '.join(map(str, values))})"


def note(branch: layout.Branch) -> str:
    """The items that choose the branch, for a comment."""
    return ", ".join(f"{'not ' if test.negated else ''}{test.item}" for test in branch.tests)


def array_count(array: model.ArrayType, name: Callable[[str], str]) -> str:
    """The number of elements, where `name` gives the expression for a member of the same struct.

    Empty where the array takes all that is left, or says itself where it ends.
    """

    match array.size:
        case model.ConstantSize(count=count):
            return str(count)
        case model.CountSize(member=member):
            return name(member)
        case model.ImageSize(bits_per_pixel=8, width=width, rows=rows):
            return f"{name(width)} * {name(rows)}"
        case model.ImageSize(bits_per_pixel=1, width=width, rows=rows):
            return f"({name(width)} + 7) // 8 * {name(rows)}"
        case model.ImageSize(bits_per_pixel=bits, width=width, rows=rows):
            return f"({bits} * {name(width)} + 7) // 8 * {name(rows)}"
        case _:
            return ""


def attribute_chain(access: Path) -> str:
    """From the outermost object down."""
    return ".".join(["value", *(naming.attribute(name) for name in access)])


def chain(names: Locals, path: Path, access: Path) -> str:
    """An attribute of the object that the local variable for the path's parent holds."""
    parent = names(path[:-1]) if len(path) > 1 else "value"
    return f"{parent}.{naming.attribute(access[-1])}"


def path_text(prefix: str, path: Path) -> str:
    return ".".join(part for part in (prefix, *path) if part)


def element_kind(array: model.ArrayType) -> str:
    """How an array is read and written."""
    if isinstance(array.size, model.CStringSize):
        return "cstring"
    if not isinstance(array.element, model.Struct):
        return "octets" if is_octets(array) else "integers"
    return "flat" if is_flat(array.element) else "records"


def count_expression(
    names: Locals, owner: model.Struct, member: str, container: Path, access: Path
) -> str:
    """The value of a count when writing: the length of its array, or what was kept.

    `container` is the path of the struct that has the count, `access` leads to the count itself.
    """
    uses = layout.count_uses(owner, member)
    sure = next((use for use in uses if not use.optional), None)
    if sure is not None:
        return f"len({names((*container, sure.array.name))})"
    expression = chain(names, (*container, member), access)
    for name in reversed(dict.fromkeys(use.array.name for use in uses)):
        expression = f"array_length({names((*container, name))}, {expression})"
    return expression
