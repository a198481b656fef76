"""What a viewer leaves behind: nothing large that waits for the collector of cycles."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Iterator

import pytest

from redspice.channels.display import DisplayChannelClient
from redspice.display.framebuffer import Framebuffer
from redspice.interfaces import QxlInterface
from redspice.reds import RedsState
from runtime.fake_core import FakeCore
from runtime.peer import Viewer


@pytest.fixture
def _uncollected() -> Iterator[None]:
    """No cycle is found while the test runs."""
    gc.disable()
    yield
    gc.enable()


@pytest.mark.usefixtures("_uncollected")
@pytest.mark.parametrize("channel", ["main", "display"])
def test_a_viewer_that_left_keeps_no_dictionary(core: FakeCore, channel: str) -> None:
    reds = RedsState()
    reds.init(core)
    reds.set_noauth()
    reds.add_interface(QxlInterface(Framebuffer(64, 64)))
    core.do_jobs()
    viewer = Viewer(reds, local=False, password="")
    display = viewer.open_display(password="")
    client = display.connection.channel_client
    assert isinstance(client, DisplayChannelClient)
    assert client.encoder.dictionary is not None
    dictionary = weakref.ref(client.encoder.dictionary)
    core.do_jobs()
    display.messages()
    (viewer.main if channel == "main" else display).connection.connection_lost("reset")
    viewer.main.connection.connection_lost("reset")
    core.do_jobs()
    assert dictionary() is None
