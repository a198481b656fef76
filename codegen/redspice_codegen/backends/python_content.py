"""How the content of arrays and of pointers' targets is written."""

from __future__ import annotations

from redspice_codegen import layout, model, naming
from redspice_codegen.backends import python_expressions as expr
from redspice_codegen.backends.python_runs import flat_pack
from redspice_codegen.backends.python_steps import ContentStep
from redspice_codegen.layout import Path, is_flat
from redspice_codegen.naming import Locals


def record_content(names: Locals, struct: model.Struct, path: Path, later: str) -> ContentStep:
    """The struct that a pointer leads to; `later`: the list for its own targets."""
    return ContentStep(
        element="record",
        variable=names(path),
        function=f"write_{naming.snake(struct.name)}",
        later=later if has_pointers(struct) else "",
        may_be_empty=layout.smallest_size(struct) == 0,
    )


def array_content(
    names: Locals, array: model.ArrayType, path: Path, *, counted: bool
) -> ContentStep:
    """An array in place; for one behind a pointer `dest` and `counter` are to be replaced.

    `counted`: its bytes are counted before it is written.
    """
    element = array.element
    local = names(path)
    size = _array_size(array, local)
    function = code = ""
    values: tuple[str, ...] = ()
    if not isinstance(element, model.Struct):
        integer = layout.base_integer(element)
        assert integer is not None
        code = expr.code(integer)
    elif is_flat(element):
        function = flat_pack(element)
        values = _element_values(element)
    else:
        function = f"write_{naming.snake(element.name)}"
    return ContentStep(
        element=expr.element_kind(array),
        variable=local,
        size=size,
        counter="" if counted or size else "size",
        code=code,
        function=function,
        values=values,
        ahead=names(path, "parts"),
    )


def pointers_of(type_: model.Struct | model.ArrayType) -> list[layout.Slot]:
    """The pointers inside a target, those of its arms included."""
    if not isinstance(type_, model.Struct):
        return []
    return list(layout.pointers(layout.lay_out(type_).steps))


def has_pointers(type_: model.Struct | model.ArrayType) -> bool:
    return bool(pointers_of(type_))


def _array_size(array: model.ArrayType, local: str) -> str:
    """Expression for the bytes of an array; empty where its elements vary."""
    width = layout.element_size(array)
    match expr.element_kind(array):
        case "octets":
            return f"len({local})"
        case "cstring":
            return f"len({local}) + 1"
        case "records" if isinstance(array.element, model.Struct):
            fixed = layout.fixed_size(array.element)
            return "" if fixed is None else f"len({local}) * {fixed}"
        case _:
            return f"len({local}) * {width}" if width > 1 else f"len({local})"


def _element_values(element: model.Struct) -> tuple[str, ...]:
    (run,) = layout.lay_out(element).steps
    assert isinstance(run, layout.Run)
    return tuple(f"each.{naming.attribute(slot.path[0])}" for slot in run.slots)
