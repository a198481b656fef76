"""The docs backend: a reference of the protocol as Markdown, one page per channel.

Pages link to each other by file name and anchor, so they read the same on a forge and on disk.
"""

from __future__ import annotations

from dataclasses import dataclass

from redspice_codegen import model, naming
from redspice_codegen.backends import docs_rows, markdown
from redspice_codegen.backends.docs_links import (
    ENUMS_TITLE,
    SIDES,
    STRUCTS_TITLE,
    Definition,
    Links,
    message_heading,
)
from redspice_codegen.backends.docs_rows import Row
from redspice_codegen.render import Renderer


@dataclass(frozen=True, slots=True)
class ChannelLine:
    """A channel in the index; those that are only parents have no number and name."""

    number: str
    name: str
    page: str
    type_name: str
    meaning: str


@dataclass(frozen=True, slots=True)
class Section:
    """A definition with its table; `rows` is empty where there is nothing to show."""

    heading: str
    link: str
    comment: str
    facts: str
    summary: str
    number: int
    rows: list[Row]
    users: list[str]


@dataclass(frozen=True, slots=True)
class Side:
    """What one peer sends on a channel; `inherited` has one line for each ancestor."""

    title: str
    own: list[Section]
    inherited: list[str]


@dataclass(frozen=True, slots=True)
class EnumSection:
    enum: model.EnumType
    comment: str
    width: int
    meanings: list[str]
    users: list[str]


def files(protocol: model.Protocol, source: str) -> dict[str, str]:
    render = Renderer("docs", source=source)
    links = Links(protocol)
    pages = {
        "index.md": render("index.md.j2", name=protocol.name, **_index(protocol, links)),
        "enums.md": render("enums.md.j2", title=ENUMS_TITLE, **_enums(protocol, links)),
        "structs.md": render("structs.md.j2", title=STRUCTS_TITLE, **_structs(protocol, links)),
    }
    for channel in protocol.channel_types:
        pages[links.page(channel)] = render("channel.md.j2", **_channel(channel, protocol, links))
    return {name: text.rstrip() + "\n" for name, text in pages.items()}


def _index(protocol: model.Protocol, links: Links) -> dict[str, object]:
    listed = [entry.channel for entry in protocol.channels]
    lines = [_channel_line(c.channel, str(c.number), c.name, links) for c in protocol.channels]
    parents = [c for c in protocol.channel_types if c not in listed]
    return {
        "comment": markdown.text(protocol.comment),
        "channels": lines,
        "parents": [_channel_line(channel, "", "", links) for channel in parents],
    }


def _channel_line(channel: model.Channel, number: str, name: str, links: Links) -> ChannelLine:
    meaning = markdown.text(channel.comment)
    return ChannelLine(number, name, links.page(channel), channel.type_name, meaning)


def _enums(protocol: model.Protocol, links: Links) -> dict[str, object]:
    return {
        "sections": [
            EnumSection(
                enum,
                markdown.text(enum.comment),
                enum.bits // 4,
                [_item_meaning(item) for item in enum.items],
                links.users(enum),
            )
            for enum in protocol.enums
        ],
        "contents": [links.definition(enum) for enum in protocol.enums],
    }


def _item_meaning(item: model.EnumItem) -> str:
    parts = (markdown.text(item.comment), "*Deprecated.*" if item.deprecated else "")
    return " ".join(part for part in parts if part)


def _structs(protocol: model.Protocol, links: Links) -> dict[str, object]:
    definitions: list[Definition] = [*protocol.typedefs, *protocol.structs]
    return {
        "sections": [
            *(_alias(alias, links) for alias in protocol.typedefs),
            *(_struct(struct, "A struct", links) for struct in protocol.structs),
            *(_struct(body, "A body of messages", links) for body in protocol.messages),
        ],
        "contents": [links.definition(definition) for definition in definitions],
        "bodies": [links.definition(body) for body in protocol.messages],
    }


def _alias(alias: model.AliasType, links: Links) -> Section:
    facts = f"Another name for {docs_rows.type_text(alias.of, links)}."
    comment = markdown.text(alias.comment)
    return Section(alias.name, "", comment, facts, "", 0, [], links.users(alias))


def _struct(struct: model.Struct, what: str, links: Links) -> Section:
    return Section(
        heading=struct.name,
        link="",
        comment=markdown.text(struct.comment),
        facts=f"{what} of {docs_rows.body_size(struct)}.",
        summary="",
        number=0,
        rows=docs_rows.rows(struct, links),
        users=links.users(struct),
    )


def _channel(channel: model.Channel, protocol: model.Protocol, links: Links) -> dict[str, object]:
    entry = next((c for c in protocol.channels if c.channel is channel), None)
    children = [c for c in protocol.channel_types if c.parent is channel]
    return {
        "title": f"The {naming.channel_module(channel, protocol)} channel",
        "type_name": channel.type_name,
        "number": entry.number if entry else None,
        "comment": markdown.text(channel.comment),
        "parent": _channel_link(channel.parent, links) if channel.parent else "",
        "children": [_channel_link(child, links) for child in children],
        "sides": [_side(channel, direction, links) for direction in SIDES],
    }


def _channel_link(channel: model.Channel, links: Links) -> str:
    return f"[{channel.type_name}]({links.page(channel)})"


def _side(channel: model.Channel, direction: str, links: Links) -> Side:
    inherited = []
    ancestor = channel.parent
    while ancestor is not None:
        own = ancestor.own(direction)
        names = ", ".join(f"{links.message(message)} ({message.number})" for message in own)
        if own:
            inherited.append(f"{links.side(ancestor, direction)}: {names}")
        ancestor = ancestor.parent
    messages = [_message(message, links) for message in channel.own(direction)]
    return Side(SIDES[direction], messages, inherited)


def _message(message: model.Message, links: Links) -> Section:
    size = docs_rows.body_size(message.body)
    body = f"{links.definition(message.body)}, {size}" if message.reusable else size
    return Section(
        heading=message_heading(message),
        link=links.message(message),
        comment=markdown.text(message.comment),
        facts=f"Body: {body}.",
        summary=f"{markdown.first_sentence(message.comment)}",
        number=message.number,
        rows=docs_rows.rows(message.body, links),
        users=[],
    )
