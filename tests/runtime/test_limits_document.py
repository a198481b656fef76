"""What the manual says about limits is what they are."""

from __future__ import annotations

import re
from dataclasses import fields
from pathlib import Path

from redspice import check_queue
from redspice.agent import pointer
from redspice.agent.device import CLIENT_TOKENS, MAX_QUEUED, AgentDevice
from redspice.agent.headers import MAX_CHUNK_SIZE
from redspice.agent.monitors import MAX_MONITORS
from redspice.aio.metrics import MAX_CONNECTIONS
from redspice.aio.protocol import SEND_HIGH_WATER
from redspice.channels import cursor_cache, spicevmc
from redspice.channels.cursor import CursorChannel
from redspice.channels.display import DisplayChannel
from redspice.channels.inputs import InputsChannel
from redspice.channels.main import AGENT_MESSAGES, AGENT_ROOM, MainChannel
from redspice.channels.playback import PlaybackChannel
from redspice.channels.port import PortChannel
from redspice.channels.record import RecordChannel
from redspice.channels.smartcard import SmartcardChannel
from redspice.channels.tunnel import TunnelChannel
from redspice.channels.usbredir import UsbredirChannel
from redspice.channels.webdav import WebdavChannel
from redspice.display.damage import MAX_RECTS
from redspice.display.pictures import MAX_BYTES, MAX_PICTURES
from redspice.flow import MAX_BUDGET, QUEUE
from redspice.limits import LIMITS, Limits
from redspice.link import MAX_EARLY_BYTES
from redspice.link_messages import MAX_CAPS_WORDS, MAX_LINK_SIZE
from redspice.migration import arrival
from redspice.migration.data import MAX_SURFACES
from redspice.sasl.stage import MAX_DATA_SIZE, MAX_NAME_SIZE
from redspice.suspects import MOST_SUSPECTS
from redspice.ticket import MAX_PASSWORD_LENGTH
from redspice.ticket_key import MOST_KEYS
from redspice.worker_channel import MOST_UNREAD

DOCUMENT = Path(__file__).parents[2] / "docs" / "limits.md"


def rows(heading: str) -> list[list[str]]:
    """The last table below a heading, without its own heading."""
    section = DOCUMENT.read_text(encoding="utf-8").partition(f"\n## {heading}\n")[2]
    tables = re.findall(r"(?:^\|.*\|\n)+", section.partition("\n## ")[0], re.MULTILINE)
    cells = [
        [cell.strip() for cell in line.strip("| ").split(" | ")] for line in tables[-1].splitlines()
    ]
    return cells[2:]


def test_every_limit_is_documented_as_it_is() -> None:
    assert rows("Settings") == [
        [
            f"`{name.replace('_', '-')}`",
            "none" if limit.default is None else f"{limit.default:.15g} {limit.unit}",
            limit.bounds,
            limit.reason,
        ]
        for name, limit in LIMITS.items()
    ]
    assert [field.name for field in fields(Limits)] == list(LIMITS)


PORTS = "port, WebDAV and USB"
FIXED = {
    "main": MainChannel.max_message_size,
    "display": DisplayChannel.max_message_size,
    "inputs": InputsChannel.max_message_size,
    "cursor": CursorChannel.max_message_size,
    "playback": PlaybackChannel.max_message_size,
    "record": RecordChannel.max_message_size,
    "smartcard": SmartcardChannel.max_message_size,
    "tunnel": TunnelChannel.max_message_size,
    PORTS: PortChannel.max_message_size,
    "link message": MAX_LINK_SIZE,
    "words of capabilities": MAX_CAPS_WORDS,
    "what a viewer says before its turn in the link stage": MAX_EARLY_BYTES,
    "password": MAX_PASSWORD_LENGTH,
    "name of a SASL mechanism": MAX_NAME_SIZE,
    "message of a SASL dialogue": MAX_DATA_SIZE,
    "piece of a message to the agent": MAX_CHUNK_SIZE,
    "monitors that a viewer asks for, a number": MAX_MONITORS,
    "what a viewer from another server brings for a channel, beside its largest message": (
        arrival.MAX_DATA_SIZE
    ),
    "surfaces of a display that it brings, a number": MAX_SURFACES,
    "what it says before it has come": arrival.MAX_HELD,
}


def test_what_is_fixed_is_documented_as_it_is() -> None:
    documented = {what: int(number) for what, number, *_ in rows("Fixed")}
    assert documented == FIXED
    assert WebdavChannel.max_message_size == UsbredirChannel.max_message_size == FIXED[PORTS]


QUEUES = (
    CLIENT_TOKENS,
    MAX_QUEUED,
    pointer.MAX_WAITING,
    AGENT_MESSAGES,
    AGENT_ROOM,
    AgentDevice.max_waiting,
    spicevmc.MOST_MESSAGES,
    spicevmc.MOST_QUEUED,
    spicevmc.TOKENS,
    spicevmc.MOST_UNWRITTEN,
    MOST_UNREAD,
    cursor_cache.MAX_CURSORS,
    cursor_cache.MAX_BYTES,
    check_queue.AT_ONCE,
    MOST_SUSPECTS,
    MOST_KEYS,
    MAX_CONNECTIONS,
)


def test_queues_are_documented_as_they_are() -> None:
    assert [int(number) for _, number, *_ in rows("Queues")] == list(QUEUES)


def test_what_a_slow_viewer_costs_is_documented_as_it_is() -> None:
    text = DOCUMENT.read_text(encoding="utf-8").partition("\n## Slow viewers\n")[2]
    assert f"{QUEUE * 1000:g} ms more" in text
    assert f"{MAX_BUDGET >> 20} MiB. Nothing" in text
    assert f"the {SEND_HIGH_WATER >> 10} KiB of its socket" in text
    assert f"at most {MAX_RECTS} rectangles" in text
    assert f"are {MAX_PICTURES}, or {MAX_BYTES >> 20} MiB, at most" in text
