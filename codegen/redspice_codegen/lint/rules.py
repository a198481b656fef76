"""The rules of `redspice-codegen lint`, each a function from a subject to findings.

docs/lint.md tells the story of each; tests/codegen/lint has a spec for each.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from redspice_codegen import layout, model, syntax
from redspice_codegen.lint.walk import Finding, Subject, channel_messages, members


@dataclass(frozen=True, slots=True)
class Rule:
    """`usual`: it runs unless it is switched off; others run where they are asked for."""

    meaning: str
    check: Callable[[Subject], Iterator[Finding]]
    usual: bool = True


def unused_type(subject: Subject) -> Iterator[Finding]:
    used = {name.text for name in _uses(subject.spec)}
    for definition in subject.spec.definitions:
        if isinstance(definition, syntax.Protocol) or definition.name.text in used:
            continue
        kind = type(definition).__name__.lower()
        text = f"{kind} {definition.name.text} is not used"
        yield Finding(definition.name.position, text)


def null_array(subject: Subject) -> Iterator[Finding]:
    for owner, said, meant, array in _array_pointers(subject):
        size = array.size
        if not meant.nullable or isinstance(size, model.RestSize | model.CStringSize):
            continue
        reason = "it has a size all the same"
        if isinstance(size, model.CountSize):
            reason = f"{size.member} may be more than 0"
        text = f"{owner}.{meant.name} may be null while {reason}: no @nonnull"
        yield Finding(said.name.position, text)


def empty_nonnull(subject: Subject) -> Iterator[Finding]:
    for pair in members(subject):
        meant = pair.meant
        if not isinstance(pair.said, syntax.Field) or not isinstance(meant, model.Field):
            continue
        if meant.nonnull and isinstance(meant.type, model.PointerType):
            if not _may_be_empty(meant.type.target):
                continue
            text = (
                f"{pair.owner}.{meant.name} may be empty, is then written as offset 0,"
                " and @nonnull refuses that"
            )
            yield Finding(pair.said.name.position, text)


def rest_behind_pointer(subject: Subject) -> Iterator[Finding]:
    for owner, said, meant, array in _array_pointers(subject):
        if isinstance(array.size, model.RestSize):
            text = f"{owner}.{meant.name} reaches to the end of the message, over other targets"
            yield Finding(said.name.position, text)


def id_order(subject: Subject) -> Iterator[Finding]:
    highest: dict[tuple[str, str], int] = {}
    for definition in subject.spec.definitions:
        if isinstance(definition, syntax.Channel):
            yield from _message_order(definition, highest)
        elif isinstance(definition, syntax.Protocol):
            named = [(entry.name, entry.number) for entry in definition.channels]
            yield from _disorder("channel number", named, 0)[1]


def unhandled_value(subject: Subject) -> Iterator[Finding]:
    for pair in members(subject):
        said, meant = pair.said, pair.meant
        if not isinstance(said, syntax.Switch) or not isinstance(meant, model.Switch):
            continue
        if meant.tag.flags or meant.has_default:
            continue
        handled = {test.item for case in meant.cases for test in case.tests}
        missing = [item.name for item in meant.tag.items if _counts(item, handled)]
        if missing:
            text = f"{pair.owner}: no case for {_list(missing)} of {meant.tag.name}, and no default"
            yield Finding(said.position, text)


def first_match(subject: Subject) -> Iterator[Finding]:
    for pair in members(subject):
        said, meant = pair.said, pair.meant
        if not isinstance(said, syntax.Switch) or not isinstance(meant, model.Switch):
            continue
        arms = [case.tests for case in meant.cases if case.tests]
        if meant.tag.flags and any(
            _can_both_hold(one, other) for i, one in enumerate(arms) for other in arms[i + 1 :]
        ):
            tag = ".".join(meant.on)
            text = f"{pair.owner}: several cases of {tag} can hold, only the first one counts"
            yield Finding(said.position, text)


def missing_comment(subject: Subject) -> Iterator[Finding]:
    for definition in subject.spec.definitions:
        if not definition.comment:
            yield Finding(definition.name.position, f"{definition.name.text} has no comment")
        if isinstance(definition, syntax.Channel):
            for _, message in channel_messages(definition):
                if not message.comment:
                    text = f"{message.name.text} has no comment"
                    yield Finding(message.name.position, text)


#: Every rule by its name.
RULES: Mapping[str, Rule] = {
    "unused-type": Rule("nothing refers to a definition", unused_type),
    "null-array": Rule("an array can be absent while its count says otherwise", null_array),
    "empty-nonnull": Rule("an empty target is written as 0, which @nonnull refuses", empty_nonnull),
    "rest-behind-pointer": Rule(
        "a pointer leads to [], which takes other targets too", rest_behind_pointer
    ),
    "id-order": Rule("an id or channel number is lower than the one before", id_order),
    "unhandled-value": Rule(
        "a switch without default leaves out values of its enum", unhandled_value
    ),
    "first-match": Rule("several cases of a switch over flags can hold at once", first_match),
    "missing-comment": Rule(
        "a definition or message says nothing about itself", missing_comment, usual=False
    ),
}


def _uses(spec: syntax.Spec) -> Iterator[syntax.Name]:
    for definition in spec.definitions:
        match definition:
            case syntax.Typedef(base=base):
                yield base
            case syntax.Struct(members=inside) | syntax.Message(members=inside):
                yield from _types(inside or ())
            case syntax.Channel(parent=parent):
                yield from (parent,) if parent else ()
                for _, message in channel_messages(definition):
                    yield from (message.type_name,) if message.type_name else ()
                    yield from _types(message.members or ())
            case syntax.Protocol(channels=channels):
                yield from (entry.channel for entry in channels)


def _types(inside: tuple[syntax.Member, ...]) -> Iterator[syntax.Name]:
    for member in inside:
        match member:
            case syntax.Field(type=type_):
                yield type_
            case syntax.InlineStruct(members=deeper):
                yield from _types(deeper)
            case syntax.Switch(cases=cases):
                yield from _types(tuple(case.member for case in cases))


_ArrayPointer = tuple[str, syntax.Field, model.Field, model.ArrayType]


def _array_pointers(subject: Subject) -> Iterator[_ArrayPointer]:
    for pair in members(subject):
        meant = pair.meant
        if isinstance(pair.said, syntax.Field) and isinstance(meant, model.Field):
            array = layout.array_of(meant)
            if array is not None and isinstance(meant.type, model.PointerType):
                yield pair.owner, pair.said, meant, array


def _may_be_empty(target: model.Struct | model.ArrayType) -> bool:
    match target:
        case model.Struct():
            return layout.smallest_size(target) == 0
        case model.ArrayType(size=model.ConstantSize(count=count)):
            return count == 0
        case _:
            return not isinstance(target.size, model.CStringSize)


_Numbered = list[tuple[syntax.Name, syntax.Number | None]]


def _message_order(
    channel: syntax.Channel, highest: dict[tuple[str, str], int]
) -> Iterator[Finding]:
    parent = channel.parent.text if channel.parent else ""
    for direction, messages in (("server", channel.server), ("client", channel.client)):
        named = [(message.name, message.number) for message in messages]
        last, findings = _disorder("message id", named, highest.get((parent, direction), 0))
        highest[channel.name.text, direction] = last
        yield from findings


def _disorder(what: str, named: _Numbered, highest: int) -> tuple[int, list[Finding]]:
    """The highest number at the end, and a finding for each that is lower than one before it."""
    findings = []
    following = 1
    for name, given in named:
        number = given.value if given else following
        following = number + 1
        if number < highest:
            text = f"{what} {number} of {name.text} is lower than {highest} before it"
            findings.append(Finding(given.position if given else name.position, text))
        highest = max(highest, number)
    return highest, findings


def _counts(item: model.EnumItem, handled: set[str]) -> bool:
    return item.name not in handled and not item.deprecated


def _can_both_hold(one: tuple[model.CaseTest, ...], other: tuple[model.CaseTest, ...]) -> bool:
    """Whether some flags meet a test of each; only a flag and its opposite exclude each other."""
    return any(a.item != b.item or a.negated == b.negated for a in one for b in other)


def _list(names: list[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
