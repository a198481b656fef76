"""What real viewers have said to a reference server's devices, said to those of this one."""

from __future__ import annotations

import json
import lzma
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from redspice.caps import Capabilities
from redspice.interfaces import RecordInterface
from redspice.interfaces.char_device import SMARTCARD
from redspice.reds import RedsState
from redspice_protocol import CHANNELS
from runtime.guest import Guest, Port, Usb
from runtime.peer import Viewer

RECORDED = Path(__file__).parents[1] / "vectors" / "captures" / "devices.jsonl.xz"
PIPED = {"usbredir", "port", "webdav"}
PLAIN, COMPRESSED = 101, 102
WEBDAV = "org.spice-space.webdav.0"


class Reader(Guest):
    subtype = SMARTCARD


DEVICES = {
    "usbredir": Usb,
    "port": Port,
    "webdav": lambda: Port(WEBDAV),
    "smartcard": Reader,
    "record": RecordInterface,
}


@cache
def recordings() -> list[dict[str, Any]]:
    return [json.loads(line) for line in lzma.open(RECORDED)]


def expected(recording: dict[str, Any]) -> int:
    """Bytes that the guest is to hear, read from the messages alone."""
    data, at, total = bytes.fromhex(recording["data"]), 0, 0
    while at < len(data):
        type = int.from_bytes(data[at : at + 2], "little")
        size = int.from_bytes(data[at + 2 : at + 6], "little")
        if type == PLAIN:
            total += size
        elif type == COMPRESSED:
            total += int.from_bytes(data[at + 7 : at + 11], "little")
        at += 6 + size
    return total


def test_the_recordings_have_every_kind_of_device_and_compressed_data() -> None:
    assert {one["channel"] for one in recordings()} == set(DEVICES)
    piped = [one for one in recordings() if one["channel"] in PIPED]
    assert max(expected(one) * 2 - len(one["data"]) for one in piped) > 0


@pytest.mark.usefixtures("one_modulus")
@pytest.mark.parametrize("step", [1, 100, 1 << 20])
def test_no_recorded_device_is_refused(reds: RedsState, step: int) -> None:
    for recording in recordings():
        name = recording["channel"]
        device = DEVICES[name]()
        reds.add_interface(device)
        channel = next(iter(reds.channels))
        viewer = Viewer(reds, local=False)
        caps = Capabilities.from_words(recording["channel_caps"])
        peer = viewer.open(name, channel_id=channel.id, channel_caps=caps)
        assert channel.messages is CHANNELS[name]
        data = bytes.fromhex(recording["data"])
        for start in range(0, len(data), step):
            peer.send_bytes(data[start : start + step])
        assert not peer.connection.closed
        if name in PIPED:
            assert len(device.heard) == expected(recording)
        reds.remove_interface(device)
