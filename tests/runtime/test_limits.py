"""The limits of a server: what they may be, what they do, and that they are documented."""

from __future__ import annotations

import re
import socket
import struct
from dataclasses import FrozenInstanceError, fields, replace
from pathlib import Path

import pytest

from redspice import check_queue
from redspice.agent import pointer
from redspice.agent.device import CLIENT_TOKENS, MAX_QUEUED, AgentDevice
from redspice.agent.headers import MAX_CHUNK_SIZE
from redspice.agent.monitors import MAX_MONITORS
from redspice.aio.arrival import tune
from redspice.aio.listener import Listener
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
from redspice.display.framebuffer import Framebuffer
from redspice.display.pictures import MAX_BYTES, MAX_PICTURES
from redspice.errors import ConfigurationError
from redspice.flow import MAX_BUDGET, QUEUE
from redspice.interfaces import QxlInterface
from redspice.limits import LIMITS, Limit, Limits
from redspice.link import MAX_EARLY_BYTES
from redspice.link_messages import MAX_CAPS_WORDS, MAX_LINK_SIZE
from redspice.migration import arrival
from redspice.migration.data import MAX_SURFACES
from redspice.pipe import PipeItem
from redspice.reds import RedsState
from redspice.sasl.stage import MAX_DATA_SIZE, MAX_NAME_SIZE
from redspice.ticket import MAX_PASSWORD_LENGTH
from redspice.worker_channel import MOST_UNREAD
from redspice_protocol import CHANNELS
from redspice_protocol.base import MsgData
from redspice_protocol.display import MsgcDisplayInit
from redspice_protocol.enums import LinkErr
from runtime.fake_core import FakeCore
from runtime.peer import Peer, Viewer
from runtime.scripted import run

DOCUMENT = Path(__file__).parents[2] / "docs" / "limits.md"


# what they may be


def test_limits_cannot_be_changed_behind_the_servers_back() -> None:
    with pytest.raises(FrozenInstanceError):
        Limits().max_sockets = 1  # type: ignore[misc]


@pytest.mark.parametrize("limit", LIMITS.values(), ids=list(LIMITS))
@pytest.mark.parametrize(
    "value", [0, -1, float("nan"), float("inf"), 1 << 40, True, "5", (1,)], ids=repr
)
def test_a_limit_that_cannot_be_is_named(limit: Limit, value: object) -> None:
    with pytest.raises(ConfigurationError, match=f"^{limit.name}: "):
        Limits(**{limit.name: value})  # type: ignore[arg-type]


@pytest.mark.parametrize("limit", LIMITS.values(), ids=list(LIMITS))
def test_only_what_may_be_missing_may_be_none(limit: Limit) -> None:
    if limit.default is None:
        Limits(**{limit.name: None})
        return
    with pytest.raises(ConfigurationError, match=f"^{limit.name}: None is not a number of "):
        Limits(**{limit.name: None})  # type: ignore[arg-type]


def test_numbers_have_no_fraction_and_times_may() -> None:
    assert Limits(link_timeout=0.5, ack_timeout=3).link_timeout == 0.5
    with pytest.raises(ConfigurationError, match=r"max_sockets: 2.5 is not a number of sockets"):
        Limits(max_sockets=2.5)  # type: ignore[arg-type]


def test_those_who_say_nothing_cannot_take_all_sockets() -> None:
    with pytest.raises(ConfigurationError, match="max_unlinked: 256 is not less than max_sockets"):
        Limits(max_sockets=256)
    assert Limits(max_sockets=257)


# what they do


def server(core: FakeCore, **limits: object) -> RedsState:
    reds = RedsState(Limits(**limits))  # type: ignore[arg-type]
    reds.init(core)
    reds.set_noauth()
    reds.allow_multiple_clients = True
    reds.add_interface(QxlInterface(Framebuffer(8, 8)))
    return reds


def test_a_link_ends_at_its_deadline(core: FakeCore) -> None:
    peer = Peer(server(core, link_timeout=2.0))
    core.advance(1.9)
    assert not peer.connection.closed
    core.advance(0.1)
    assert peer.connection.closed


def test_a_limit_may_be_changed_for_what_begins_later(core: FakeCore) -> None:
    reds = server(core, link_timeout=2.0)
    early = Peer(reds)
    reds.limits = replace(reds.limits, link_timeout=5.0)
    late = Peer(reds)
    core.advance(2)
    assert (early.connection.closed, late.connection.closed) == (True, False)


def test_one_viewer_too_many_is_refused(core: FakeCore, caplog: pytest.LogCaptureFixture) -> None:
    reds = server(core, max_clients=2)
    viewers = [Viewer(reds), Viewer(reds)]
    assert Peer(reds).link("main") == LinkErr.CHANNEL_NOT_AVAILABLE
    assert caplog.messages == [
        "viewer link: link refused (CHANNEL_NOT_AVAILABLE): as many viewers as may be are in, 2"
    ]
    viewers[0].open("cursor")  # those who are in may open more channels
    assert not any(viewer.main.connection.closed for viewer in viewers)
    viewers[1].main.connection.close()
    assert Peer(reds).link("main") == LinkErr.OK


def test_whoever_does_not_know_the_password_does_not_learn_that_it_is_full(core: FakeCore) -> None:
    reds = server(core, max_clients=1)
    Viewer(reds)
    reds.set_ticket("secret")
    assert Peer(reds).link("main", password="wrong") == LinkErr.PERMISSION_DENIED


def test_where_one_viewer_replaces_the_other_there_is_always_room(core: FakeCore) -> None:
    reds = server(core, max_clients=1)
    reds.allow_multiple_clients = False
    first, second = Viewer(reds), Viewer(reds)
    assert (first.main.connection.closed, second.main.connection.closed) == (True, False)


def test_a_display_has_to_begin(core: FakeCore) -> None:
    display = Viewer(server(core, init_timeout=2.0)).open("display")
    core.advance(2)
    assert display.connection.closed


@pytest.mark.parametrize(
    ("limits", "size"),
    [({"max_waiting_messages": 64}, 0), ({"max_waiting_bytes": 1 << 20}, 1 << 14)],
)
def test_what_waits_for_a_viewer_is_bounded(
    core: FakeCore, limits: dict[str, int], size: int
) -> None:
    reds = server(core, **limits)
    viewer = Viewer(reds)
    item = PipeItem(CHANNELS["main"].server.by_name["agent_data"], MsgData(bytes(size)))
    for _ in range(64):
        assert not viewer.main.connection.closed
        reds.main.push(item)
    reds.main.push(item)
    assert viewer.main.connection.closed


def test_the_window_of_pictures_is_bounded(core: FakeCore) -> None:
    reds = server(core, max_glz_pixels=1000)
    Viewer(reds).open("display").send("init", MsgcDisplayInit(1, 0, 1, 1 << 20))
    (client,) = reds.clients
    assert client.glz_dictionary(1, 0).window_pixels <= 1000


def unanswered(core: FakeCore, **limits: object) -> Peer:
    """A display whose viewer acknowledges nothing, until no more is sent."""
    reds = server(core, **limits)
    display = Viewer(reds).open_display(acking=False)
    (channel,) = (channel for channel in reds.channels if isinstance(channel, DisplayChannel))
    while core.armed == 0:
        channel.qxl.framebuffer.damage(0, 0, 8, 8)
        display.read()
    return display


def test_a_viewer_has_to_acknowledge(core: FakeCore) -> None:
    display = unanswered(core, ack_timeout=2.0)
    core.advance(1.9)
    assert not display.connection.closed
    core.advance(0.1)
    assert display.connection.closed


def test_a_silent_viewer_is_asked_and_has_to_answer(core: FakeCore) -> None:
    viewer = Viewer(server(core, silence_timeout=2.0), local=False)
    core.advance(2)
    assert "ping" in viewer.main.names()
    core.advance(2)
    assert viewer.main.connection.closed


def test_the_system_is_told_how_long_its_queue_is() -> None:
    async def main() -> None:
        sock = socket.create_server(("127.0.0.1", 0))
        listener = Listener(sock, lambda *taken: None, backlog=7)
        # For a socket that listens Linux keeps the length of the queue in place of `tcpi_sacked`.
        info = sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 32)
        assert struct.unpack_from("=I", info, 28) == (7,)
        listener.close()

    run(main)


def test_the_system_is_told_when_to_ask_who_is_there() -> None:
    with socket.socket() as sock:
        tune(sock, 77)
        assert sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE) == 77


# what is written about them


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
