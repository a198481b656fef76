"""Where the docs backend puts each definition, and who uses it.

Definitions are told apart by identity: two unnamed inline structs may share a name.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from redspice_codegen import model, naming
from redspice_codegen.backends import markdown

Definition = model.AliasType | model.EnumType | model.Struct

ENUMS_TITLE = "Enums and flags"
STRUCTS_TITLE = "Structs and other types"
SIDES = {"server": "Sent by the server", "client": "Sent by the client"}


class Links:
    """Markdown links to everything that a page can mention."""

    def __init__(self, protocol: model.Protocol) -> None:
        self._protocol = protocol
        self._targets: dict[int, str] = {}
        types: list[Definition] = [*protocol.typedefs, *protocol.structs, *protocol.messages]
        self._place("enums.md", [ENUMS_TITLE], protocol.enums)
        self._place("structs.md", [STRUCTS_TITLE], types)
        for channel in protocol.channel_types:
            self._place_messages(channel)
        self._users: dict[int, list[str]] = {}
        self._note_users()

    def page(self, channel: model.Channel) -> str:
        return f"{naming.channel_module(channel, self._protocol)}.md"

    def definition(self, definition: Definition) -> str:
        return f"[{definition.name}]({self._targets[id(definition)]})"

    def message(self, message: model.Message) -> str:
        return f"[{message.name}]({self._targets[id(message)]})"

    def side(self, channel: model.Channel, direction: str) -> str:
        anchor = markdown.slug(SIDES[direction])
        return f"[{channel.type_name}]({self.page(channel)}#{anchor})"

    def users(self, definition: Definition) -> list[str]:
        """Links to the structs and messages that have a member of this type."""
        return self._users.get(id(definition), [])

    def _place(self, page: str, titles: list[str], definitions: Iterable[Definition]) -> None:
        placed = list(definitions)
        names = markdown.anchors([*titles, *(d.name for d in placed)])[len(titles) :]
        for definition, anchor in zip(placed, names, strict=True):
            self._targets[id(definition)] = f"{page}#{anchor}"

    def _place_messages(self, channel: model.Channel) -> None:
        for direction in SIDES:
            for message in channel.own(direction):
                anchor = markdown.slug(message_heading(message))
                self._targets[id(message)] = f"{self.page(channel)}#{anchor}"

    def _note_users(self) -> None:
        for struct in (*self._protocol.structs, *self._protocol.messages):
            self._note(struct, self.definition(struct))
        for channel in self._protocol.channel_types:
            for message in (*channel.own("server"), *channel.own("client")):
                title = f"{naming.channel_module(channel, self._protocol)} {message.name}"
                link = f"[{title} ({message.direction})]({self._targets[id(message)]})"
                if message.reusable:
                    self._add_user(message.body, link)
                else:
                    self._note(message.body, link)

    def _note(self, struct: model.Struct, link: str) -> None:
        for field in struct.fields():
            for used in _named_types(field.type):
                self._add_user(used, link)

    def _add_user(self, used: Definition, link: str) -> None:
        users = self._users.setdefault(id(used), [])
        if link not in users:
            users.append(link)


def message_heading(message: model.Message) -> str:
    return f"{message.direction} {message.number}: {message.name}"


def _named_types(type_: model.Type) -> Iterator[Definition]:
    match type_:
        case model.AliasType() | model.EnumType() | model.Struct():
            yield type_
        case model.ArrayType(element=element):
            yield from _named_types(element)
        case model.PointerType(target=target):
            yield from _named_types(target)
        case _:
            return
