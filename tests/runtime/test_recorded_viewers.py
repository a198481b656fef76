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

import pytest

from redspice.caps import Capabilities
from redspice.display.framebuffer import Framebuffer
from redspice.framing import FrameReader
from redspice.interfaces import KeyboardInterface, MouseInterface, QxlInterface, TabletInterface
from redspice.reds import RedsState
from redspice_protocol import CHANNELS
from runtime.fake_core import FakeCore
from runtime.peer import Peer, Viewer

RECORDED = Path(__file__).parents[1] / "vectors" / "captures" / "viewers.jsonl.xz"
# Nothing moves to another server yet, so what belongs to that is refused.
NOT_YET = "unexpected message migrate_"
LARGEST = 1 << 20


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
    for device in (KeyboardInterface(), MouseInterface(), TabletInterface()):
        reds.add_interface(device)
    return reds


def linked(server: RedsState, recording: Recording) -> Peer:
    """The connection of a recorded viewer after its link stage."""
    caps = {"common_caps": recording.common_caps, "channel_caps": recording.channel_caps}
    if recording.channel == "main":
        return Viewer(server, local=False, **caps).main
    viewer = Viewer(server, local=False)
    return viewer.open(recording.channel, channel_id=recording.id, acking=False, **caps)


def test_the_recordings_are_whole() -> None:
    assert {one.channel for one in recordings()} == {"main", "display", "inputs", "cursor"}
    assert {3 in one.common_caps for one in recordings()} == {True, False}
    for one in recordings():
        reader = FrameReader(3 in one.common_caps, LARGEST)
        reader.feed(one.data)
        known = CHANNELS[one.channel].client.by_id
        assert [frame.type in known for frame in reader] == [True] * one.messages


@pytest.mark.usefixtures("one_key")
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
        errors = [one for one in caplog.messages if NOT_YET not in one]
        assert errors == [], recording.name
        assert peer.connection.closed == bool(caplog.messages), recording.name
