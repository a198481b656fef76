"""What each generated class is made of, as data, and what follows from it.

Every class has a `SHAPE`, a tuple of the members below in wire order. `to_builtins` and
`from_builtins` convert to and from plain dicts with the spec's own field names: the counts are
there, an arm of a switch stands under its own name, byte arrays are bytes. `refusal` finds out
which field of an object kept it from being marshalled.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from keyword import iskeyword
from operator import index
from typing import TYPE_CHECKING, Any, NamedTuple

from .wire import Buffer, WireError, is_flat

if TYPE_CHECKING:
    from .messages import MessageType


class Integer(NamedTuple):
    """An integer, enum or flags value of so many bits."""

    name: str
    attribute: str
    bits: int
    signed: bool


class Count(NamedTuple):
    """The number of elements of the arrays `of`; `kept` is the attribute that holds it where the
    arrays may all be absent."""

    name: str
    of: tuple[str, ...]
    kept: str
    bits: int


class Octets(NamedTuple):
    """An array of bytes. `nullable`: behind a pointer that may be 0."""

    name: str
    attribute: str
    nullable: bool


class Integers(NamedTuple):
    """An array of integers."""

    name: str
    attribute: str
    nullable: bool
    bits: int
    signed: bool


class Record(NamedTuple):
    """A struct, inline or behind a pointer."""

    name: str
    attribute: str
    nullable: bool
    type: type[Any]


class Records(NamedTuple):
    """An array of structs."""

    name: str
    attribute: str
    nullable: bool
    type: type[Any]


class Arm(NamedTuple):
    """What a switch holds when one of the tests (value, negated) is met; no tests: otherwise."""

    tests: tuple[tuple[int, bool], ...]
    member: Integer | Count | Octets | Integers | Record | Records


class Switch(NamedTuple):
    """`on` leads to the tag; the first arm that matches holds, with `flags` a test is of a bit."""

    on: tuple[str, ...]
    flags: bool
    arms: tuple[Arm, ...]


Plain = Integer | Count | Octets | Integers | Record | Records
Shape = tuple[Plain | Switch, ...]


def to_builtins(value: Any) -> dict[str, Any]:
    """The object as a dict of ints, bytes, lists and dicts, with the spec's field names."""
    members = _members(value, type(value).SHAPE, _attribute)
    return {member.name: _plain(member, value) for member in members}


def from_builtins(message: MessageType, fields: Mapping[str, Any]) -> Any:
    """The object for a dict such as `to_builtins` gives.

    Counts may be left out; where they are given they must be right. Raises WireError.
    """
    return _object(message.type, fields, message.path)


def refusal(error: Exception, message: str, value: Any, type_: type[Any]) -> WireError:
    """What to raise when `error` kept an object from being marshalled: itself if it tells what does
    not fit, else one that names the first field that does not."""
    if isinstance(error, WireError):
        return error
    unknown = WireError(message, "cannot be marshalled")
    return next(_record_misfit(type_, value, message), unknown)


# which members are there


def _attribute(value: Any, path: tuple[str, ...]) -> Any:
    for name in path:
        value = getattr(value, f"{name}_" if iskeyword(name) else name)
    return value


def _key(fields: Any, path: tuple[str, ...]) -> Any:
    for name in path:
        fields = fields[name]
    return fields


def _members(
    value: Any, shape: Shape, look: Callable[[Any, tuple[str, ...]], Any]
) -> Iterator[Plain]:
    """The members that the wire carries for this value: of each switch, the arm its tag chooses."""
    for member in shape:
        if isinstance(member, Switch):
            arm = _chosen(member, look(value, member.on))
            if arm is not None:
                yield arm.member
        else:
            yield member


def _chosen(switch: Switch, tag: int) -> Arm | None:
    return next((arm for arm in switch.arms if _matches(arm, tag, switch.flags)), None)


def _matches(arm: Arm, tag: int, flags: bool) -> bool:
    if not arm.tests:
        return True
    if flags:
        return any(bool(tag & value) is not negated for value, negated in arm.tests)
    return any(tag == value for value, _ in arm.tests)


# conversions


def _plain(member: Plain, value: Any) -> Any:
    if isinstance(member, Count):
        return int(_count(member, value))
    content = getattr(value, member.attribute)
    if content is None:
        return None
    match member:
        case Integer():
            return int(content)
        case Octets():
            return bytes(content)
        case Integers():
            return list(content)
        case Record():
            return to_builtins(content)
        case Records():
            return [to_builtins(element) for element in content]


def _count(member: Count, value: Any) -> Any:
    """What goes on the wire as the count; an integer, if the object fits."""
    for name in member.of:
        array = getattr(value, name)
        if array is not None:
            return len(array) if _is_list(array) else 0
    return getattr(value, member.kept) if member.kept else 0


def _object(type_: type[Any], fields: Mapping[str, Any], path: str) -> Any:
    if not isinstance(fields, Mapping):
        raise WireError(path, f"is a {type(fields).__name__}, not a dict")
    values: dict[str, Any] = dict.fromkeys(type_.__slots__)
    values |= dict.fromkeys(_kept_counts(type_.SHAPE), 0)
    known = set()
    counts = []
    try:
        for member in _members(fields, type_.SHAPE, _key):
            known.add(member.name)
            if isinstance(member, Count):
                counts.append(member)
                continue
            where = f"{path}.{member.name}"
            values[member.attribute] = _rich(member, fields[member.name], where)
    except KeyError as error:
        raise WireError(f"{path}.{error.args[0]}", "is missing") from None
    for name in fields.keys() - known:
        raise WireError(f"{path}.{name}", "is no field of this message, or of an arm not chosen")
    for count in counts:
        _keep_count(count, fields.get(count.name), values, path)
    return type_(**values)


def _kept_counts(shape: Shape) -> Iterator[str]:
    for member in shape:
        plain = [arm.member for arm in member.arms] if isinstance(member, Switch) else [member]
        yield from (each.kept for each in plain if isinstance(each, Count) and each.kept)


def _rich(member: Plain, content: Any, path: str) -> Any:
    if content is None:
        return None
    if isinstance(member, Records | Integers) and not isinstance(content, Sequence | Buffer):
        raise WireError(path, f"is a {type(content).__name__}, not a list")
    match member:
        case Record():
            return _object(member.type, content, path)
        case Records():
            return [_object(member.type, each, f"{path}[{i}]") for i, each in enumerate(content)]
        case Integers():
            return list(content)
        case _:
            return content


def _keep_count(count: Count, given: int | None, values: dict[str, Any], path: str) -> None:
    arrays = [values[name] for name in count.of if isinstance(values[name], Sequence | Buffer)]
    if count.kept:
        values[count.kept] = 0 if arrays or given is None else given
    if given is not None and any(len(array) != given for array in arrays):
        raise WireError(f"{path}.{count.name}", f"says {given!r}, there are {len(arrays[0])}")


# what does not fit


def _misfits(value: Any, path: str) -> Iterator[WireError]:
    for member in type(value).SHAPE:
        if isinstance(member, Switch):
            try:
                arm = _chosen(member, _attribute(value, member.on))
            except (AttributeError, TypeError, ValueError):
                continue
            if arm is not None:
                yield from _misfit(arm.member, value, path, needed=True)
        else:
            yield from _misfit(member, value, path, needed=not getattr(member, "nullable", False))


def _misfit(member: Plain, value: Any, path: str, *, needed: bool) -> Iterator[WireError]:
    where = f"{path}.{member.name}"
    if isinstance(member, Count):
        yield from _integer_misfit(_count(member, value), member.bits, False, where)
        return
    content = getattr(value, member.attribute, None)
    if content is None:
        if needed and not getattr(member, "nullable", False):
            yield WireError(where, "must not be None")
        return
    if isinstance(member, Records | Integers) and not _is_list(content):
        yield WireError(where, f"is a {type(content).__name__}, not a list")
        return
    match member:
        case Integer():
            yield from _integer_misfit(content, member.bits, member.signed, where)
        case Octets():
            yield from _octets_misfit(content, where)
        case Integers():
            for i, each in enumerate(content):
                yield from _integer_misfit(each, member.bits, member.signed, f"{where}[{i}]")
        case Record():
            yield from _record_misfit(member.type, content, where)
        case Records():
            for i, each in enumerate(content):
                yield from _record_misfit(member.type, each, f"{where}[{i}]")


def _is_list(content: Any) -> bool:
    """Whether it has a length and elements; numbers of NumPy and some views only say so."""
    try:
        return len(content) >= 0 and iter(content) is not None
    except (TypeError, NotImplementedError):
        return False


def _octets_misfit(content: Any, where: str) -> Iterator[WireError]:
    try:
        if not is_flat(content):
            yield WireError(where, "is not a flat buffer of bytes")
    except TypeError:
        yield WireError(where, f"is a {type(content).__name__}, not bytes")


def _record_misfit(type_: type[Any], content: Any, path: str) -> Iterator[WireError]:
    if not isinstance(content, type_):
        yield WireError(path, f"is a {type(content).__name__}, not a {type_.__name__}")
    else:
        yield from _misfits(content, path)


def _integer_misfit(content: Any, bits: int, signed: bool, path: str) -> Iterator[WireError]:
    low, high = (-(1 << bits - 1), (1 << bits - 1) - 1) if signed else (0, (1 << bits) - 1)
    try:
        number = index(content)
    except TypeError:
        yield WireError(path, f"is a {type(content).__name__}, not an integer")
        return
    if not low <= number <= high:
        yield WireError(path, f"{number} is not in {low} … {high}")
