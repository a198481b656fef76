"""The smartcard channel: it links and answers, and the guest sees no cards."""

from __future__ import annotations

import pytest

from redspice.interfaces.char_device import SMARTCARD
from redspice.reds import RedsState
from redspice_protocol.smartcard import MsgcSmartcardData
from runtime.guest import Guest
from runtime.peer import Viewer

READER_ADD, UNDEFINED = 3, 0xFFFFFFFF


class Reader(Guest):
    subtype = SMARTCARD


@pytest.fixture
def reader(reds: RedsState) -> Reader:
    reader = Reader()
    reds.add_interface(reader)
    return reader


def test_what_a_viewer_says_of_its_readers_is_dropped(reds: RedsState, reader: Reader) -> None:
    peer = Viewer(reds).open("smartcard")
    peer.send("data", MsgcSmartcardData(READER_ADD, UNDEFINED, b"reader\0"))
    assert peer.messages() == []
    assert not peer.connection.closed
    assert (reader.heard, reader.told) == (b"", [])


def test_a_command_longer_than_any_card_knows_ends_the_channel(
    reds: RedsState, reader: Reader
) -> None:
    viewer = Viewer(reds)
    peer = viewer.open("smartcard")
    peer.send_bytes(peer.frame(101, bytes(65536)))
    assert not peer.connection.closed
    peer.send_bytes(peer.frame(101, bytes(1 << 17)))
    assert peer.connection.closed
    assert not viewer.main.connection.closed
