"""Model → how many bytes a member takes and where it stands, as far as that never varies.

None is "varies". A switch takes no bytes for a value that no arm handles, so it has a fixed size
only with a default arm and arms that are all alike.
"""

from __future__ import annotations

from redspice_codegen import layout, model


def struct_size(struct: model.Struct) -> int | None:
    """Bytes of a struct, targets of its pointers not counted."""
    return _total([member_size(member) for member in struct.members])


def offsets(struct: model.Struct) -> tuple[int | None, ...]:
    """The offset of each member from the start of its struct."""
    found: list[int | None] = []
    at: int | None = 0
    for member in struct.members:
        found.append(at)
        at = _total([at, member_size(member)])
    return tuple(found)


def member_size(member: model.Member) -> int | None:
    if isinstance(member, model.Field):
        return 0 if member.virtual else type_size(member.type)
    arms = {member_size(case.member) for case in member.cases}
    return arms.pop() if len(arms) == 1 and member.has_default else None


def type_size(type_: model.Type) -> int | None:
    match type_:
        case model.UnixFdType():
            return 0
        case model.Struct():
            return struct_size(type_)
        case model.ArrayType(element=element, size=model.ConstantSize(count=count)):
            each = type_size(element)
            return None if each is None else count * each
        case model.ArrayType():
            return None
        case _:
            integer = layout.base_integer(type_)
            assert integer is not None
            return integer.bits // 8


def _total(sizes: list[int | None]) -> int | None:
    known = [size for size in sizes if size is not None]
    return sum(known) if len(known) == len(sizes) else None
