"""The resolved model of a protocol: types that know their parts, and nothing about printing.

A `Struct` is an ordered list of members; a message's body is a struct too. References have become
objects, numbers are final, a derived channel lists its parent's messages first.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

Attributes = Mapping[str, tuple[str | int, ...]]


@dataclass(frozen=True, slots=True)
class IntType:
    bits: int
    signed: bool


@dataclass(frozen=True, slots=True)
class AliasType:
    """A typedef: another name for an integer."""

    name: str
    of: IntType
    comment: str = ""


@dataclass(frozen=True, slots=True)
class EnumItem:
    """`value` is what stands on the wire: for flags, 1 << bit."""

    name: str
    value: int
    bit: int | None
    deprecated: bool
    comment: str


@dataclass(frozen=True, slots=True)
class EnumType:
    name: str
    bits: int
    flags: bool
    items: tuple[EnumItem, ...]
    attributes: Attributes = field(compare=False)
    comment: str

    def item(self, name: str) -> EnumItem | None:
        return next((item for item in self.items if item.name == name), None)


@dataclass(frozen=True, slots=True)
class UnixFdType:
    """A file descriptor that travels beside the message and takes no bytes in it."""


@dataclass(frozen=True, slots=True)
class RestSize:
    """Whatever is left of the message."""


@dataclass(frozen=True, slots=True)
class ConstantSize:
    count: int


@dataclass(frozen=True, slots=True)
class CountSize:
    """The number stands in an earlier member of the same struct."""

    member: str


@dataclass(frozen=True, slots=True)
class ImageSize:
    """`rows` rows of `width` pixels of `bits_per_pixel` bits, each row whole bytes."""

    bits_per_pixel: int
    width: str
    rows: str


@dataclass(frozen=True, slots=True)
class CStringSize:
    """Up to the first NUL."""


ArraySize = RestSize | ConstantSize | CountSize | ImageSize | CStringSize


@dataclass(frozen=True, slots=True)
class ArrayType:
    element: ElementType
    size: ArraySize


@dataclass(frozen=True, slots=True)
class PointerType:
    """A u32 offset from the start of the body to the target; 0 is no target."""

    target: Struct | ArrayType


@dataclass(frozen=True, slots=True)
class Field:
    name: str
    type: Type
    attributes: Attributes
    comment: str

    @property
    def nonnull(self) -> bool:
        return "nonnull" in self.attributes

    @property
    def nullable(self) -> bool:
        """Whether the value may be absent: behind a pointer that may be 0.

        To C, the offset 0 of an array that it refers to in place (`@chunk`, `@nocopy`) is the start
        of the body like any other.
        """
        if not isinstance(self.type, PointerType) or self.nonnull:
            return False
        in_place = {"chunk", "nocopy"} & self.attributes.keys()
        return not (isinstance(self.type.target, ArrayType) and in_place)

    @property
    def zero(self) -> bool:
        return "zero" in self.attributes

    @property
    def virtual(self) -> bool:
        return "virtual" in self.attributes


@dataclass(frozen=True, slots=True)
class CaseTest:
    """When an arm is active: the tag equals `value` (enum) or has its bit (flags) set or clear."""

    item: str
    value: int
    negated: bool


@dataclass(frozen=True, slots=True)
class Case:
    """No tests: the default arm."""

    tests: tuple[CaseTest, ...]
    member: Field


@dataclass(frozen=True, slots=True)
class Switch:
    """The first case that matches gives the member; none means no bytes."""

    name: str
    on: tuple[str, ...]
    tag: EnumType
    cases: tuple[Case, ...]
    anonymous: bool
    attributes: Attributes
    comment: str

    def arms(self) -> tuple[Field, ...]:
        """The members of the cases; of those with the same name, the first."""
        fields: dict[str, Field] = {}
        for case in self.cases:
            fields.setdefault(case.member.name, case.member)
        return tuple(fields.values())

    @property
    def has_default(self) -> bool:
        return any(not case.tests for case in self.cases)


Member = Field | Switch


@dataclass(eq=False, slots=True)
class Struct:
    """Compared by identity: two structs of equal members are still two."""

    name: str
    members: tuple[Member, ...]
    attributes: Attributes
    comment: str

    def field(self, name: str) -> Field | None:
        """The plain member of that name, not looking into switches."""
        return next((m for m in self.members if isinstance(m, Field) and m.name == name), None)

    def fields(self) -> Iterator[Field]:
        """Every field, the arms of switches included, in order."""
        for member in self.members:
            if isinstance(member, Field):
                yield member
            else:
                yield from (case.member for case in member.cases)


ElementType = IntType | AliasType | EnumType | Struct
Type = IntType | AliasType | EnumType | UnixFdType | Struct | ArrayType | PointerType


@dataclass(eq=False, slots=True)
class Message:
    """`owner` is the type name of the channel that says it; `reusable` where the body has a name
    of its own on the top level of the spec."""

    name: str
    number: int
    direction: str
    body: Struct
    reusable: bool
    owner: str
    attributes: Attributes
    comment: str


@dataclass(eq=False, slots=True)
class Channel:
    """A channel type; `server` and `client` hold the inherited messages first."""

    type_name: str
    parent: Channel | None
    server: tuple[Message, ...]
    client: tuple[Message, ...]
    attributes: Attributes
    comment: str

    def own(self, direction: str) -> tuple[Message, ...]:
        messages = self.server if direction == "server" else self.client
        return tuple(message for message in messages if message.owner == self.type_name)


@dataclass(frozen=True, slots=True)
class ProtocolChannel:
    """A channel as the protocol names and numbers it."""

    name: str
    number: int
    channel: Channel


@dataclass(eq=False, slots=True)
class Protocol:
    """The whole spec, in the order of the text."""

    name: str
    typedefs: tuple[AliasType, ...]
    enums: tuple[EnumType, ...]
    structs: tuple[Struct, ...]
    messages: tuple[Struct, ...]
    channel_types: tuple[Channel, ...]
    channels: tuple[ProtocolChannel, ...]
    comment: str
