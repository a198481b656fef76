"""Playback and record channels: they link and answer, and disturb nobody."""

from __future__ import annotations

import pytest

from redspice.channels.playback import MAX_MESSAGE_SIZE
from redspice.interfaces import PlaybackInterface, RecordInterface
from redspice.reds import RedsState
from redspice_protocol.record import MsgcRecordData, MsgcRecordMode, MsgcRecordStartMark
from runtime.peer import Viewer


@pytest.fixture(autouse=True)
def interfaces(reds: RedsState) -> None:
    reds.add_interface(PlaybackInterface())
    reds.add_interface(RecordInterface())


@pytest.mark.parametrize("name", ["playback", "record"])
def test_a_viewer_is_told_nothing_and_stays(reds: RedsState, name: str) -> None:
    viewer = Viewer(reds, local=False)
    peer = viewer.open(name)
    assert {one.name for one in peer.messages()} <= {"ping"}
    assert not peer.connection.closed


def test_what_a_viewer_records_is_dropped(reds: RedsState) -> None:
    peer = Viewer(reds).open("record")
    peer.send("mode", MsgcRecordMode(time=1, mode=1, data=b""))
    peer.send("start_mark", MsgcRecordStartMark(time=1))
    peer.send("data", MsgcRecordData(time=2, data=bytes(1920)))
    assert peer.messages() == []
    assert not peer.connection.closed


@pytest.mark.parametrize("name", ["playback", "record"])
def test_a_second_viewer_is_refused(reds: RedsState, name: str) -> None:
    reds.allow_multiple_clients = True
    first = Viewer(reds).open(name)
    assert Viewer(reds).open(name).connection.closed
    assert not first.connection.closed


def test_viewers_say_little_on_the_playback_channel(reds: RedsState) -> None:
    viewer = Viewer(reds)
    peer = viewer.open("playback")
    peer.send_bytes(peer.frame(3, bytes(MAX_MESSAGE_SIZE + 1)))
    assert peer.connection.closed
    assert not viewer.main.connection.closed
