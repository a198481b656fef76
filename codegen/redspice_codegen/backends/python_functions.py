"""Model → the functions of a generated module."""

from __future__ import annotations

from collections.abc import Iterator

from redspice_codegen import layout, model, naming
from redspice_codegen.backends.python_content import has_pointers
from redspice_codegen.backends.python_read import Reader
from redspice_codegen.backends.python_runs import RunTable
from redspice_codegen.backends.python_steps import Function
from redspice_codegen.backends.python_write import Writer


def message_function(body: model.Struct, name: str, class_name: str, path: str) -> Function:
    """The functions of a message; `path` is in front of its fields in errors."""
    return _function(body, name, class_name, path, message=True, element=False)


def _function(
    struct: model.Struct, name: str, class_name: str, path: str, *, message: bool, element: bool
) -> Function:
    """`element`: it is also an element of arrays, so that where it ends must be known."""
    steps = layout.lay_out(struct).steps
    runs = RunTable(name)
    reader, writer = Reader(runs, path), Writer(runs, path)
    return Function(
        name=name,
        type=class_name,
        make=list(reader.objects(struct, class_name)),
        read=list(reader.content(struct, steps, element)),
        write=writer.message(struct, steps) if message else writer.struct(struct, steps),
        constants=runs.constants,
        size=None if has_pointers(struct) else layout.fixed_size(struct),
        pointers=has_pointers(struct),
        element=element,
    )


def struct_functions(protocol: model.Protocol) -> list[Function]:
    """Functions of the structs that stand behind pointers or are elements of varying size."""
    targets, elements = _referred(protocol)
    functions = []
    for struct in protocol.structs:
        if struct in targets or struct in elements:
            name, class_name = naming.snake(struct.name), naming.struct_class(struct)
            element = struct in elements
            made = _function(struct, name, class_name, "", message=False, element=element)
            made.target = struct in targets
            functions.append(made)
    return functions


def flat_elements(protocol: model.Protocol) -> list[model.Struct]:
    """Structs of one run that arrays hold: they need the run alone."""
    _, _, flat = _arrays_and_pointers(protocol)
    return [struct for struct in protocol.structs if struct in flat]


def _referred(protocol: model.Protocol) -> tuple[set[model.Struct], set[model.Struct]]:
    targets, elements, _ = _arrays_and_pointers(protocol)
    return targets, elements


def _arrays_and_pointers(
    protocol: model.Protocol,
) -> tuple[set[model.Struct], set[model.Struct], set[model.Struct]]:
    targets: set[model.Struct] = set()
    elements: set[model.Struct] = set()
    flat: set[model.Struct] = set()
    for struct in bodies(protocol):
        for field in struct.fields():
            target = field.type.target if isinstance(field.type, model.PointerType) else None
            if isinstance(target, model.Struct):
                targets.add(target)
            array = layout.array_of(field)
            if array is not None and isinstance(array.element, model.Struct):
                (flat if layout.is_flat(array.element) else elements).add(array.element)
    return targets, elements, flat


def bodies(protocol: model.Protocol) -> Iterator[model.Struct]:
    """Every struct and message body of the protocol, once."""
    yield from protocol.structs
    yield from protocol.messages
    for channel in protocol.channel_types:
        for direction in ("server", "client"):
            for message in channel.own(direction):
                if not message.reusable:
                    yield message.body
