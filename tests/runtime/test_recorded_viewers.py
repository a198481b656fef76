"""What real viewers have said to a reference server, said to this one in any split."""

from __future__ import annotations

import json
import logging
import lzma
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from redspice.caps import Capabilities, MainCap
from redspice.display.framebuffer import Framebuffer
from redspice.framing import FrameReader
from redspice.interfaces import KeyboardInterface, MouseInterface, QxlInterface, TabletInterface
from redspice.migration.data import MainData
from redspice.reds import RedsState
from redspice_protocol import CHANNELS
from redspice_protocol.base import MsgData
from redspice_protocol.main import MsgcMainMigrateDstDoSeamless
from runtime.fake_core import FakeCore
from runtime.peer import Peer, Viewer

RECORDED = Path(__file__).parents[1] / "vectors" / "captures" / "viewers.jsonl.xz"
LARGEST = 1 << 20
SESSION = 0x1234567


@dataclass(frozen=True)
class Recording:
    """One connection."""

    name: str
    channel: str
    id: int
    common_caps: Capabilities
    channel_caps: Capabilities
    messages: int
    data: bytes

    @property
    def names(self) -> list[str]:
        """What it says."""
        reader = FrameReader(3 in self.common_caps, LARGEST)
        reader.feed(self.data)
        known = CHANNELS[self.channel].client.by_id
        return [known[frame.type].name for frame in reader]

    @property
    def leaves(self) -> bool:
        """Whether the viewer took the channel's state along."""
        return "migrate_flush_mark" in self.names

    @property
    def seamless(self) -> bool:
        """Whether the viewer asked to bring its state, if it came from another server."""
        return "semi" not in self.name

    @property
    def moved(self) -> bool:
        """Whether the viewer came from another server, with the session that it had there."""
        capture, connection = self.name.split()
        kinds = ("qemu-migrate-semi", "qemu-migrate-seamless", "qemu-migrate-cancel")
        return capture in kinds and int(connection) >= 7


@cache
def recordings() -> list[Recording]:
    return [
        Recording(
            f"{one['capture']} {one['connection']}",
            one["channel"],
            one["id"],
            Capabilities.from_words(one["common_caps"]),
            Capabilities.from_words(one["channel_caps"]),
            one["messages"],
            bytes.fromhex(one["data"]),
        )
        for one in map(json.loads, lzma.open(RECORDED))
    ]


def whole(data: bytes) -> Iterator[bytes]:
    yield data


def bytewise(data: bytes) -> Iterator[bytes]:
    for byte in data:
        yield bytes([byte])


def anyhow(data: bytes) -> Iterator[bytes]:
    numbers = random.Random(len(data))
    cuts = sorted(numbers.choices(range(len(data) + 1), k=len(data) // 20))
    for start, end in pairwise([0, *cuts, len(data)]):
        yield data[start:end]


@pytest.fixture
def server(reds: RedsState) -> RedsState:
    for id in (0, 1):
        reds.add_interface(QxlInterface(Framebuffer(64, 48), id=id))
    reds.seamless_migration = True
    for device in (KeyboardInterface(), MouseInterface(), TabletInterface()):
        reds.add_interface(device)
    return reds


def linked(server: RedsState, recording: Recording) -> Peer:
    """The connection of a recorded viewer after its link stage."""
    caps = {"common_caps": recording.common_caps, "channel_caps": recording.channel_caps}
    if recording.moved:
        return linked_from_elsewhere(server, recording, **caps)
    if recording.channel == "main":
        peer = main = Viewer(server, local=False, **caps).main
    else:
        viewer = Viewer(server, local=False, channel_caps=tuple(MainCap))
        peer = viewer.open(recording.channel, channel_id=recording.id, acking=False, **caps)
        main = viewer.main
    if recording.leaves:
        server.migrate_connect("elsewhere", 1)
        main.send("migrate_connected_seamless")
        server.migrate_end(True)
        peer.read()
        peer.inbox.clear()
    return peer


def linked_from_elsewhere(server: RedsState, recording: Recording, **caps: Any) -> Peer:
    """The connection of a viewer that another server has sent, where no viewer is."""
    server.shutdown()
    main = Peer(server)
    link = caps if recording.channel == "main" else {}
    assert main.link("main", connection_id=SESSION, **link) == 0
    if recording.channel == "main":
        return main
    peer = Peer(server)
    link = {"channel_id": recording.id, "connection_id": SESSION, **caps}
    assert peer.link(recording.channel, **link) == 0
    if recording.seamless:
        main.send("migrate_dst_do_seamless", MsgcMainMigrateDstDoSeamless(1))
        main.send("migrate_data", MsgData(MainData().build()))
    else:
        main.send("migrate_end")
    return peer


def test_the_recordings_are_whole() -> None:
    assert {one.channel for one in recordings()} == {"main", "display", "inputs", "cursor"}
    assert {3 in one.common_caps for one in recordings()} == {True, False}
    for one in recordings():
        reader = FrameReader(3 in one.common_caps, LARGEST)
        reader.feed(one.data)
        known = CHANNELS[one.channel].client.by_id
        assert [frame.type in known for frame in reader] == [True] * one.messages


@pytest.mark.usefixtures("one_modulus")
@pytest.mark.parametrize("split", [whole, bytewise, anyhow])
def test_no_recorded_viewer_is_refused(
    server: RedsState,
    core: FakeCore,
    caplog: pytest.LogCaptureFixture,
    split: Callable[[bytes], Iterator[bytes]],
) -> None:
    caplog.set_level(logging.WARNING, logger="redspice")
    for recording in recordings():
        caplog.clear()
        peer = linked(server, recording)
        for piece in split(recording.data):
            peer.send_bytes(piece)
            peer.read(limit=1)
            peer.inbox.clear()
        core.do_jobs()
        assert caplog.messages == [], recording.name
        assert not peer.connection.closed, recording.name


def test_some_recorded_viewers_move() -> None:
    assert {one.channel for one in recordings() if one.leaves} == {"main", "display", "inputs"}
    moved = {name for one in recordings() if one.moved for name in one.names}
    assert {"migrate_end", "migrate_dst_do_seamless", "migrate_data"} <= moved
