"""What a member may be: arrays and attributes that the wire, or a reader of it, could not bear.

Each check takes the member as the spec has it, for the place, and as the model has it.
"""

from __future__ import annotations

from redspice_codegen import layout, model, syntax
from redspice_codegen.errors import Position
from redspice_codegen.scope import Scope

#: More elements than a constant array ever has; a typing error costs an error, not memory.
MAX_CONSTANT = 1 << 20


def check_field(scope: Scope, member: syntax.Field, field: model.Field) -> None:
    """All checks of a plain member. Raises SpecError."""
    array = layout.array_of(field)
    if array is not None and member.size is not None:
        _check_elements(scope, member, array)
        _check_size(scope, member, field, member.size)
    _check_attributes(scope, member, field, array)


def check_measure(scope: Scope, name: syntax.Name, field: model.Field) -> None:
    """A member that an array or a switch depends on must have a value of its own."""
    for attribute in ("zero", "virtual"):
        if attribute in field.attributes:
            raise scope.error(name, f"{name.text} is @{attribute}: nothing can depend on it")


def check_switch(scope: Scope, member: syntax.Switch, switch: model.Switch) -> None:
    """At least one label; arms that share a name are of one kind."""
    place = syntax.Name("", member.position)
    if not any(case.tests for case in switch.cases):
        raise scope.error(place, "a switch without a case")
    kinds: dict[str, str] = {}
    for case, arm in zip(member.cases, switch.cases, strict=True):
        kind = _kind(arm.member)
        if kinds.setdefault(arm.member.name, kind) != kind:
            place = syntax.Name("", case.labels[0].position)
            text = f"arms called {arm.member.name} are of different kinds"
            raise scope.error(place, text, "give one of them another name")
        array = layout.array_of(arm.member)
        if not switch.anonymous and array is not None and isinstance(array.size, model.CountSize):
            place = syntax.Name("", case.labels[0].position)
            text = (
                f"{array.size.member} counts an array in an arm of the named switch {switch.name}"
            )
            raise scope.error(place, text, "mark the switch @anon, or put the array into a struct")


def _kind(field: model.Field) -> str:
    """How an arm is kept: arms of one name share an attribute."""
    pointer = "pointer to " if isinstance(field.type, model.PointerType) else ""
    array = layout.array_of(field)
    if array is not None:
        structs = isinstance(array.element, model.Struct)
        element = "structs" if structs else f"{layout.element_size(array) * 8}-bit integers"
        return f"{pointer}an array of {element}"
    target = field.type.target if isinstance(field.type, model.PointerType) else field.type
    return f"{pointer}{'a struct' if isinstance(target, model.Struct) else 'an integer'}"


def check_order(scope: Scope, member: syntax.Member, known: list[model.Member]) -> None:
    """Nothing can stand behind an array that takes all that is left."""
    if known and _takes_rest(known[-1]):
        text = f"{known[-1].name} takes all that is left: nothing can follow it"
        raise scope.error(syntax.Name("", _position(member)), text)


def _position(member: syntax.Member) -> Position:
    return member.position if isinstance(member, syntax.Switch) else member.name.position


def _takes_rest(member: model.Member) -> bool:
    if isinstance(member, model.Switch):
        return any(_takes_rest(case.member) for case in member.cases)
    match member.type:
        case model.ArrayType(size=model.RestSize()):
            return True
        case model.Struct(members=members):
            return bool(members) and _takes_rest(members[-1])
        case _:
            return False


def _check_elements(scope: Scope, member: syntax.Field, array: model.ArrayType) -> None:
    element = array.element
    if not isinstance(element, model.Struct):
        return
    name = member.type
    if any(True for _ in layout.pointers(layout.lay_out(element).steps)):
        text = f"{name.text} has pointers: a struct in an array cannot"
        raise scope.error(name, text, "C cannot have them either")
    if layout.smallest_size(element) == 0:
        text = f"{name.text} may be of 0 bytes: an array of it would cost nothing and hold anything"
        raise scope.error(name, text)
    varies = layout.fixed_size(element) is None
    if varies and isinstance(array.size, model.RestSize):
        text = f"{name.text} varies in size: [] needs elements of one size"
        raise scope.error(name, text, "give the number of elements in an earlier member")
    if varies and member.pointer:
        raise scope.error(
            name, f"{name.text} varies in size: a pointer cannot lead to an array of it"
        )


def _check_size(
    scope: Scope, member: syntax.Field, field: model.Field, size: syntax.ArraySize
) -> None:
    octets = isinstance(layout.array_of(field), model.ArrayType) and _is_octets(field)
    match size:
        case syntax.ConstantSize(count=count) if not 0 <= count.value <= MAX_CONSTANT:
            name = syntax.Name(str(count.value), count.position)
            raise scope.error(name, f"{count.value} elements (0 … {MAX_CONSTANT} are possible)")
        case syntax.CStringSize() if not (octets and member.pointer):
            raise scope.error(member.name, "cstring() is for pointers to bytes")
        case syntax.ImageSize() if not octets:
            raise scope.error(member.name, "image_size() is for bytes")
        case syntax.ImageSize(bits_per_pixel=bits) if not 1 <= bits.value <= 64:
            name = syntax.Name(str(bits.value), bits.position)
            raise scope.error(name, f"{bits.value} bits a pixel (1 … 64 are possible)")


def _to_struct(field: model.Field) -> bool:
    return isinstance(field.type, model.PointerType) and isinstance(field.type.target, model.Struct)


def _is_octets(field: model.Field) -> bool:
    array = layout.array_of(field)
    integer = layout.base_integer(array.element) if array is not None else None
    return integer is not None and integer.bits == 8


def _check_attributes(
    scope: Scope, member: syntax.Field, field: model.Field, array: model.ArrayType | None
) -> None:
    """Attributes that say nothing sensible of such a member, or contradict each other."""
    integer = layout.base_integer(field.type)
    plain = integer is not None and not member.pointer
    wrong = {
        "nonnull": "is for pointers" if not member.pointer else "",
        "marshall": "is for pointers" if not member.pointer else "",
        "usual": "is for pointers to structs" if not _to_struct(field) else "",
        "zero": "is for integers" if not plain else "",
        "virtual": "is for integers" if not plain else "",
        "zero_terminated": "is for arrays of bytes" if not _is_octets(field) else "",
        "chunk": "is for arrays of bytes" if not _is_octets(field) else "",
        "as_ptr": "is for arrays of bytes" if not _is_octets(field) else "",
        "end": "is for arrays" if array is None else "",
        "ptr_array": _why_not_ptr_array(array),
    }
    for attribute in member.attributes:
        reason = wrong.get(attribute.name)
        if reason:
            name = syntax.Name(attribute.name, attribute.position)
            raise scope.error(name, f"@{attribute.name} {reason}")
    _check_contradiction(scope, member, "marshall", "nomarshal")
    _check_contradiction(scope, member, "zero", "virtual")
    _check_virtual_value(scope, member, field, integer)


def _why_not_ptr_array(array: model.ArrayType | None) -> str:
    if array is None:
        return "is for arrays"
    return "needs an array of known length" if isinstance(array.size, model.RestSize) else ""


def _check_contradiction(scope: Scope, member: syntax.Field, one: str, other: str) -> None:
    given = {attribute.name: attribute for attribute in member.attributes}
    if one in given and other in given:
        last = max(given[one], given[other], key=lambda a: (a.position.line, a.position.column))
        name = syntax.Name(last.name, last.position)
        raise scope.error(name, f"@{one} and @{other} contradict each other")


def _check_virtual_value(
    scope: Scope, member: syntax.Field, field: model.Field, integer: model.IntType | None
) -> None:
    given = field.attributes.get("virtual")
    if given is None or integer is None or not isinstance(given[0], int):
        return
    low = -(1 << integer.bits - 1) if integer.signed else 0
    high = (1 << integer.bits - integer.signed) - 1
    if not low <= given[0] <= high:
        attribute = next(a for a in member.attributes if a.name == "virtual")
        name = syntax.Name("virtual", attribute.position)
        raise scope.error(name, f"{given[0]} does not fit {member.type.text} ({low} … {high})")
