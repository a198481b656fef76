"""Syntax tree → model: references, numbers, inheritance, checks.

A name can be used only after its definition, so one pass is enough and no type can contain itself.
Faults of different definitions are all collected; the first of each definition is reported.
"""

from __future__ import annotations

from collections.abc import Iterable

from redspice_codegen import model, syntax
from redspice_codegen.errors import CombinedSpecError, Position, Source, SpecError
from redspice_codegen.resolve_members import MemberResolver
from redspice_codegen.scope import BrokenReferenceError, Scope

_INTEGERS = {
    f"{'' if signed else 'u'}int{bits}": model.IntType(bits, signed)
    for bits in (8, 16, 32, 64)
    for signed in (False, True)
}


def resolve(spec: syntax.Spec, source: Source, defines: Iterable[str] = ()) -> model.Protocol:
    """Resolve a whole spec. Raises CombinedSpecError with every fault found.

    Channels and messages marked `@ifdef(NAME)` are there only where `defines` has the name.
    """
    return _Resolver(spec, source, frozenset(defines)).run()


class _Resolver:
    def __init__(self, spec: syntax.Spec, source: Source, defines: frozenset[str]) -> None:
        lines = {
            definition.name.text: definition.name.position.line for definition in spec.definitions
        }
        builtin: dict[str, model.Type] = {**_INTEGERS, "unix_fd": model.UnixFdType()}
        self._spec = spec
        self._source = source
        self._scope = Scope(source, builtin, lines)
        self._members = MemberResolver(self._scope)
        self._defines = defines
        self._typedefs: list[model.AliasType] = []
        self._enums: list[model.EnumType] = []
        self._messages: list[model.Struct] = []
        self._channels: dict[str, model.Channel] = {}
        self._protocol: syntax.Protocol | None = None

    def run(self) -> model.Protocol:
        errors: list[SpecError] = []
        for definition in self._spec.definitions:
            self._scope.inside = definition.name.text
            try:
                self._define(definition)
            except SpecError as error:
                self._scope.broken.add(definition.name.text)
                if not isinstance(error, BrokenReferenceError):
                    errors.append(error)
        channels: tuple[model.ProtocolChannel, ...] = ()
        try:
            channels = self._protocol_channels()
        except BrokenReferenceError:
            pass
        except SpecError as error:
            errors.append(error)
        if errors:
            raise CombinedSpecError(errors)
        assert self._protocol is not None
        return model.Protocol(
            name=self._protocol.name.text,
            typedefs=tuple(self._typedefs),
            enums=tuple(self._enums),
            structs=tuple(self._members.structs),
            messages=tuple(self._messages),
            channel_types=tuple(self._channels.values()),
            channels=channels,
            comment=self._protocol.comment,
        )

    def _define(self, definition: syntax.Definition) -> None:
        match definition:
            case syntax.Typedef():
                self._typedef(definition)
            case syntax.Enum():
                self._enum(definition)
            case syntax.Struct():
                self._members.struct(definition.name, definition)
            case syntax.Message():
                self._messages.append(self._members.message(definition))
            case syntax.Channel():
                self._channel(definition)
            case syntax.Protocol():
                if self._protocol is not None:
                    raise self._scope.error(definition.name, "a spec has one protocol")
                self._protocol = definition

    def _typedef(self, definition: syntax.Typedef) -> None:
        base = self._scope.type(definition.base)
        if isinstance(base, model.AliasType):
            base = base.of
        if not isinstance(base, model.IntType):
            text = definition.base.text
            raise self._scope.error(definition.base, f"{text} is not an integer type")
        alias = model.AliasType(definition.name.text, base, definition.comment)
        self._scope.add(definition.name, alias)
        self._typedefs.append(alias)

    def _enum(self, definition: syntax.Enum) -> None:
        if not definition.items:
            raise self._scope.error(definition.name, f"{definition.name.text} has no items")
        flags = definition.kind == "flags"
        limit = definition.bits if flags else 1 << definition.bits
        items: list[model.EnumItem] = []
        following = 0
        for item in definition.items:
            if any(known.name == item.name.text for known in items):
                raise self._scope.error(item.name, f"duplicate item {item.name.text}")
            number = following if item.number is None else item.number.value
            if not 0 <= number < limit:
                kind = f"bit of {definition.kind}{definition.bits}" if flags else "value"
                raise self._scope.error(item.name, f"{number} is not a {kind} (0 … {limit - 1})")
            attributes = self._scope.attributes(item.attributes)
            items.append(
                model.EnumItem(
                    name=item.name.text,
                    value=1 << number if flags else number,
                    bit=number if flags else None,
                    deprecated="deprecated" in attributes,
                    comment=item.comment,
                )
            )
            following = number + 1
        enum = model.EnumType(
            name=definition.name.text,
            bits=definition.bits,
            flags=flags,
            items=tuple(items),
            attributes=self._scope.attributes(definition.attributes),
            comment=definition.comment,
        )
        self._scope.add(definition.name, enum)
        self._enums.append(enum)

    # channels

    def _channel(self, definition: syntax.Channel) -> None:
        name = definition.name
        if name.text in self._channels:
            raise self._scope.error(name, f"duplicate channel {name.text}")
        parent = self._known_channel(definition.parent) if definition.parent else None
        self._channels[name.text] = model.Channel(
            type_name=name.text,
            parent=parent,
            server=self._side(definition, "server", parent.server if parent else ()),
            client=self._side(definition, "client", parent.client if parent else ()),
            attributes=self._scope.attributes(definition.attributes),
            comment=definition.comment,
        )

    def _side(
        self, channel: syntax.Channel, direction: str, inherited: tuple[model.Message, ...]
    ) -> tuple[model.Message, ...]:
        messages = list(inherited)
        following = 1
        for definition in channel.server if direction == "server" else channel.client:
            number = definition.number.value if definition.number else following
            message = self._message(definition, number, direction, channel.name.text)
            following = number + 1
            if not self._kept(message.attributes):
                continue
            for other in messages:
                if other.name == message.name:
                    raise self._scope.error(definition.name, f"duplicate message {other.name}")
                if other.number == number:
                    text = f"message id {number} is already {other.name}'s"
                    raise self._scope.error(definition.name, text)
            messages.append(message)
        return tuple(messages)

    def _kept(self, attributes: model.Attributes) -> bool:
        """Whether something is there: unmarked, or its `@ifdef` is met."""
        condition = attributes.get("ifdef")
        return condition is None or condition[0] in self._defines

    def _message(
        self, definition: syntax.Message, number: int, direction: str, owner: str
    ) -> model.Message:
        if not 1 <= number <= 0xFFFF:
            raise self._scope.error(definition.name, f"message id {number} is not in 1 … 65535")
        if definition.members is None:
            assert definition.type_name is not None
            body = self._scope.message(definition.type_name)
        else:
            body = self._members.body(definition)
        return model.Message(
            name=definition.name.text,
            number=number,
            direction=direction,
            body=body,
            reusable=definition.members is None,
            owner=owner,
            attributes=self._scope.attributes(definition.attributes),
            comment=definition.comment,
        )

    def _known_channel(self, name: syntax.Name) -> model.Channel:
        channel = self._channels.get(name.text)
        if channel is None and name.text in self._scope.broken:
            raise BrokenReferenceError(self._source, name.position, f"{name.text} is faulty")
        if channel is None:
            raise self._scope.unknown(name, "channel", self._channels)
        return channel

    def _protocol_channels(self) -> tuple[model.ProtocolChannel, ...]:
        if self._protocol is None:
            end = Position(max(1, len(self._source.text.splitlines())), 1)
            raise SpecError(self._source, end, "the spec has no protocol")
        channels: list[model.ProtocolChannel] = []
        following = 1
        for entry in self._protocol.channels:
            number = entry.number.value if entry.number else following
            channel = self._known_channel(entry.channel)
            self._check_unique(channels, entry, number, channel)
            following = number + 1
            if self._kept(channel.attributes):
                channels.append(model.ProtocolChannel(entry.name.text, number, channel))
        return tuple(channels)

    def _check_unique(
        self,
        channels: Iterable[model.ProtocolChannel],
        entry: syntax.ProtocolChannel,
        number: int,
        channel: model.Channel,
    ) -> None:
        if not 1 <= number <= 0xFF:
            raise self._scope.error(entry.name, f"channel number {number} is not in 1 … 255")
        for other in channels:
            if other.name == entry.name.text:
                raise self._scope.error(entry.name, f"duplicate channel name {other.name}")
            if other.number == number:
                raise self._scope.error(entry.name, f"number {number} is already {other.name}'s")
            if other.channel is channel:
                text = f"{channel.type_name} is already in the protocol as {other.name}"
                raise self._scope.error(entry.channel, text)
