"""Syntax tree and model side by side."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from redspice_codegen import model, syntax
from redspice_codegen.errors import Position


@dataclass(frozen=True, slots=True)
class Finding:
    position: Position
    message: str


@dataclass(frozen=True, slots=True)
class Subject:
    """A spec that resolves, in both forms."""

    spec: syntax.Spec
    protocol: model.Protocol


@dataclass(frozen=True, slots=True)
class MemberPair:
    """A member in both forms; `owner` is how a finding calls what it stands in."""

    owner: str
    said: syntax.Member
    meant: model.Member


def members(subject: Subject) -> Iterator[MemberPair]:
    """Every member of every struct and body, those in arms and inline structs included."""
    for owner, said, meant in _bodies(subject):
        yield from _members(owner, said, meant)


def channel_messages(channel: syntax.Channel) -> Iterator[tuple[str, syntax.Message]]:
    """The messages that a channel itself says, each with its direction."""
    yield from (("server", message) for message in channel.server)
    yield from (("client", message) for message in channel.client)


_Members = tuple[syntax.Member, ...]


def _bodies(subject: Subject) -> Iterator[tuple[str, _Members, model.Struct]]:
    protocol = subject.protocol
    named = {struct.name: struct for struct in (*protocol.structs, *protocol.messages)}
    bodies = {
        (channel.type_name, message.direction, message.name): message.body
        for channel in protocol.channel_types
        for message in (*channel.own("server"), *channel.own("client"))
    }
    for definition in subject.spec.definitions:
        if isinstance(definition, syntax.Struct | syntax.Message):
            name = definition.name.text
            yield name, definition.members or (), named[name]
        elif isinstance(definition, syntax.Channel):
            for direction, message in channel_messages(definition):
                key = (definition.name.text, direction, message.name.text)
                if message.members is not None and key in bodies:  # not left out by @ifdef
                    yield message.name.text, message.members, bodies[key]


def _members(owner: str, said: _Members, struct: model.Struct) -> Iterator[MemberPair]:
    for member, meant in zip(said, struct.members, strict=True):
        yield MemberPair(owner, member, meant)
        if isinstance(member, syntax.Switch) and isinstance(meant, model.Switch):
            for case, meant_case in zip(member.cases, meant.cases, strict=True):
                yield MemberPair(owner, case.member, meant_case.member)
                yield from _inside(owner, case.member, meant_case.member)
        else:
            yield from _inside(owner, member, meant)


def _inside(owner: str, said: syntax.Member, meant: model.Member) -> Iterator[MemberPair]:
    if isinstance(said, syntax.InlineStruct) and isinstance(meant, model.Field):
        assert isinstance(meant.type, model.Struct)
        yield from _members(f"{owner}.{said.name.text}", said.members, meant.type)
