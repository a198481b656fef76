"""The syntax tree: what a spec says, word by word, with the place of each word.

Nothing is looked up here: names stay names. `resolve` turns this into the model.
`comment` is the text that stands directly above a definition or behind it on its line.
"""

from __future__ import annotations

from dataclasses import dataclass

from redspice_codegen.errors import Position


@dataclass(frozen=True, slots=True)
class Name:
    text: str
    position: Position


@dataclass(frozen=True, slots=True)
class Number:
    value: int
    position: Position


@dataclass(frozen=True, slots=True)
class Attribute:
    name: str
    arguments: tuple[str | int, ...]
    position: Position


@dataclass(frozen=True, slots=True)
class Typedef:
    name: Name
    base: Name
    attributes: tuple[Attribute, ...]
    comment: str


@dataclass(frozen=True, slots=True)
class EnumItem:
    name: Name
    number: Number | None
    attributes: tuple[Attribute, ...]
    comment: str


@dataclass(frozen=True, slots=True)
class Enum:
    """`enumN` or `flagsN`: for flags, an item's number is the number of its bit."""

    kind: str
    bits: int
    name: Name
    items: tuple[EnumItem, ...]
    attributes: tuple[Attribute, ...]
    comment: str


@dataclass(frozen=True, slots=True)
class RestSize:
    """`[]`: whatever is left of the message."""


@dataclass(frozen=True, slots=True)
class ConstantSize:
    count: Number


@dataclass(frozen=True, slots=True)
class MemberSize:
    member: Name


@dataclass(frozen=True, slots=True)
class ImageSize:
    """`image_size(bpp, width, rows)`: the bytes of `rows` rows of pixels, each row whole bytes."""

    bits_per_pixel: Number
    width: Name
    rows: Name


@dataclass(frozen=True, slots=True)
class CStringSize:
    """`cstring()`: up to the first NUL."""


ArraySize = RestSize | ConstantSize | MemberSize | ImageSize | CStringSize


@dataclass(frozen=True, slots=True)
class Field:
    type: Name
    pointer: bool
    name: Name
    size: ArraySize | None
    attributes: tuple[Attribute, ...]
    comment: str


@dataclass(frozen=True, slots=True)
class InlineStruct:
    """A struct defined where it is used; with a type name it is known to all that follows."""

    type_name: Name | None
    members: tuple[Member, ...]
    name: Name
    attributes: tuple[Attribute, ...]
    comment: str


@dataclass(frozen=True, slots=True)
class CaseLabel:
    """`case item:`, `case !item:`, or `default:` when `item` is None."""

    item: Name | None
    negated: bool
    position: Position


@dataclass(frozen=True, slots=True)
class Case:
    labels: tuple[CaseLabel, ...]
    member: Member


@dataclass(frozen=True, slots=True)
class Switch:
    on: tuple[Name, ...]
    cases: tuple[Case, ...]
    name: Name | None
    attributes: tuple[Attribute, ...]
    position: Position
    comment: str


Member = Field | InlineStruct | Switch


@dataclass(frozen=True, slots=True)
class Struct:
    name: Name
    members: tuple[Member, ...]
    attributes: tuple[Attribute, ...]
    comment: str


@dataclass(frozen=True, slots=True)
class Message:
    """A message: on top level (`type_name` is its name) or inside a channel."""

    name: Name
    type_name: Name | None
    members: tuple[Member, ...] | None
    number: Number | None
    attributes: tuple[Attribute, ...]
    comment: str


@dataclass(frozen=True, slots=True)
class Channel:
    name: Name
    parent: Name | None
    server: tuple[Message, ...]
    client: tuple[Message, ...]
    attributes: tuple[Attribute, ...]
    comment: str


@dataclass(frozen=True, slots=True)
class ProtocolChannel:
    channel: Name
    name: Name
    number: Number | None
    attributes: tuple[Attribute, ...]
    comment: str


@dataclass(frozen=True, slots=True)
class Protocol:
    name: Name
    channels: tuple[ProtocolChannel, ...]
    attributes: tuple[Attribute, ...]
    comment: str


Definition = Typedef | Enum | Struct | Message | Channel | Protocol


@dataclass(frozen=True, slots=True)
class Spec:
    definitions: tuple[Definition, ...]
