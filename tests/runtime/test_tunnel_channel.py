"""The tunnel channel: it links, and has none of the messages that other channels have."""

from __future__ import annotations

import pytest

from redspice.channel_client import RedChannelClient
from redspice.interfaces import NetWireInterface
from redspice.reds import RedsState
from redspice_protocol import CHANNELS
from redspice_protocol.tunnel import MsgcTunnelServiceAdd
from runtime.fake_core import FakeCore
from runtime.peer import Viewer


@pytest.fixture(autouse=True)
def wire(reds: RedsState) -> None:
    reds.add_interface(NetWireInterface())


def test_a_viewer_is_never_pinged(reds: RedsState, core: FakeCore) -> None:
    peer = Viewer(reds, local=False).open("tunnel")
    core.advance(20)
    assert peer.messages() == []
    assert not peer.connection.closed


def test_services_of_a_viewer_are_dropped(reds: RedsState) -> None:
    peer = Viewer(reds).open("tunnel")
    peer.send("service_add", MsgcTunnelServiceAdd(1, 1, 1, 631, b"printer", b"in the hall", None))
    assert not peer.connection.closed


@pytest.mark.parametrize("common", RedChannelClient.HANDLERS)
def test_common_messages_end_the_channel(reds: RedsState, common: str) -> None:
    viewer = Viewer(reds)
    peer = viewer.open("tunnel")
    peer.send_bytes(peer.frame(CHANNELS["main"].client.by_name[common].id, bytes(20)))
    assert peer.connection.closed
    assert not viewer.main.connection.closed


def test_a_viewer_that_moves_on_hears_nothing_of_it_here(reds: RedsState) -> None:
    peer = Viewer(reds).open("tunnel")
    client = peer.connection.channel_client
    assert client is not None
    client.leave()
    peer.read()
    assert peer.inbox == b"", "MIGRATE is one of the messages that this channel has not"
