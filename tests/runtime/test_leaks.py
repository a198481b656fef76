"""What was let go is free: servers, devices and viewers, and a descriptor that was never ours."""

from __future__ import annotations

import asyncio
import gc
import socket
import weakref
from pathlib import Path
from typing import Any

import pytest

from redspice.aio import adopt, serve
from redspice.errors import ConfigurationError
from redspice.interfaces import (
    Interface,
    MigrationInterface,
    PlaybackInterface,
    RecordInterface,
    TabletInterface,
)
from redspice.reds import RedsState
from runtime.certificates import server_files
from runtime.fake_core import FakeCore
from runtime.guest import Port, Usb
from runtime.peer import PASSWORD, Viewer
from runtime.scripted import run, soon


def is_free(reference: weakref.ref[Any]) -> bool:
    for _ in range(2):  # what a finalizer still held is free the second time
        gc.collect()
    return reference() is None


def test_a_server_that_was_never_used_is_free() -> None:
    reds = RedsState()
    reds.init(FakeCore())
    gone = weakref.ref(reds)
    del reds
    assert is_free(gone)


@pytest.mark.parametrize(
    "make", [TabletInterface, MigrationInterface, Usb, Port, PlaybackInterface]
)
def test_a_server_with_devices_and_viewers_is_free(make: type[Interface]) -> None:
    reds, device = RedsState(), make()
    reds.init(FakeCore())
    reds.set_ticket(PASSWORD)
    reds.add_interface(device)
    viewer = Viewer(reds)
    if isinstance(device, Port):
        viewer.open("port")
    reds.shutdown()
    gone = weakref.ref(reds), weakref.ref(device), weakref.ref(viewer.main.connection)
    del reds, device, viewer
    assert all(map(is_free, gone))


@pytest.mark.parametrize("make", [TabletInterface, Usb, Port, PlaybackInterface, RecordInterface])
def test_a_removed_device_is_free_and_its_server_goes_on(
    reds: RedsState, core: FakeCore, make: type[Interface]
) -> None:
    device = make()
    before = len(reds.channels)
    reds.add_interface(device)
    viewer = Viewer(reds)
    if isinstance(device, Port):
        viewer.open("port").messages()
    reds.remove_interface(device)
    gone = weakref.ref(device)
    core.timers.clear()  # the core of the tests keeps all timers
    del device
    assert is_free(gone)
    assert len(reds.channels) == before
    assert not viewer.main.connection.closed


def test_a_viewer_that_left_is_free(reds: RedsState, core: FakeCore) -> None:
    reds.add_interface(Port())
    viewer = Viewer(reds)
    port = viewer.open("port")
    gone = [weakref.ref(each.connection.channel_client) for each in (viewer.main, port)]
    viewer.main.connection.receive_eof()
    core.events.clear()
    core.timers.clear()
    del viewer, port
    assert all(map(is_free, gone))


@pytest.mark.usefixtures("one_modulus")
def test_a_server_that_listened_is_free() -> None:
    gone: list[weakref.ref[Any]] = []

    async def main() -> None:
        reds = RedsState()
        async with serve(reds, port=0) as running:
            gone.extend((weakref.ref(reds), weakref.ref(running)))
        jobs_done = asyncio.Event()
        reds.core.run_job(lambda: None, lambda result: jobs_done.set())
        await soon(jobs_done.wait())

    run(main)
    assert all(map(is_free, gone))


@pytest.mark.parametrize("tls", [False, True])
def test_a_closed_descriptor_is_refused(tmp_path: Path, tls: bool) -> None:
    async def main() -> None:
        sock = socket.socket()
        sock.close()
        async with adopt(RedsState(), tls=server_files(tmp_path).context()) as running:
            add = running.add_ssl_client if tls else running.add_client
            with pytest.raises(ConfigurationError, match="not connected"):
                add(sock)

    run(main)
