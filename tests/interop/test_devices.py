"""Ports, USB, smart cards and sound, with spice-gtk at the other end."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from interop.device_viewer import device_viewer, pattern
from interop.embedded import EmbeddedServer, embedded_server
from interop.record import Record
from redspice.aio import WorkerThread
from redspice.channels.port import PortChannel
from redspice.interfaces import (
    CharDeviceInterface,
    PlaybackInterface,
    PortEvent,
    RecordInterface,
)
from redspice.interfaces.char_device import SMARTCARD, USBREDIR
from redspice.worker_channel import WorkerChannel

MEGABYTE = 1 << 20
ECHO = "org.example.echo"

Told = tuple[str, int]


class EchoPort(CharDeviceInterface):
    """Says what it hears, and takes no more than `room` bytes in one go."""

    def __init__(self, name: str = ECHO, room: int = 5000) -> None:
        super().__init__(name)
        self.room = room
        self.told: Record[Told] = Record()
        self._says = bytearray()

    def state(self, connected: bool) -> None:
        self.told.add(("state", connected))

    def event(self, event: int) -> None:
        self.told.add(("event", event))

    def write(self, data: memoryview) -> int:
        taken = data[: self.room - len(self._says)]
        self._says += taken
        self.wakeup()
        return len(taken)

    def read(self, most: int) -> bytes:
        data = bytes(self._says[:most])
        del self._says[:most]
        return data


class UsbPort(CharDeviceInterface):
    """The host's side of usbredir: says hello, and notes the answer."""

    subtype = USBREDIR
    # usb_redir_hello: type 0, 68 bytes, id 0; a version of 64 characters, one word of capabilities
    HELLO = (0).to_bytes(4, "little") + (68).to_bytes(4, "little") + bytes(4)
    HELLO += b"redspice".ljust(64, b"\0") + bytes(4)

    def __init__(self) -> None:
        super().__init__()
        self.heard: Record[bytes] = Record()
        self._says = self.HELLO

    def write(self, data: memoryview) -> int:
        self.heard.add(bytes(data))
        return len(data)

    def read(self, most: int) -> bytes:
        data, self._says = self._says[:most], self._says[most:]
        return data


class Reader(CharDeviceInterface):
    subtype = SMARTCARD


@pytest.fixture
def server() -> Iterator[EmbeddedServer]:
    with embedded_server() as running:
        yield running


def complaints(server: EmbeddedServer) -> list[str]:
    return [line for line in server.log.items() if line.startswith(("WARNING", "ERROR"))]


def add_echo(server: EmbeddedServer) -> EchoPort:
    """A port that a program in the guest has open: spice-gtk writes to no other."""
    port = EchoPort()
    port.port_event(PortEvent.OPENED)
    server.call(lambda: server.reds.add_interface(port))
    return port


def test_a_megabyte_goes_to_a_port_and_comes_back(server: EmbeddedServer, tmp_path: Path) -> None:
    port = add_echo(server)
    with device_viewer(tmp_path, server.port) as viewer:
        viewer.wait_for(["port", ECHO, True])
        viewer.order("write", ECHO, MEGABYTE)
        expected = hashlib.md5(pattern(MEGABYTE)).hexdigest()
        viewer.wait_for(["received", ECHO, MEGABYTE, expected])
    port.told.wait(lambda told: ("event", PortEvent.CLOSED) in told, "the end")
    assert port.told.items()[0] == ("state", True)
    assert complaints(server) == []


def test_events_pass_both_ways(server: EmbeddedServer, tmp_path: Path) -> None:
    port = add_echo(server)
    with device_viewer(tmp_path, server.port) as viewer:
        viewer.wait_for(["port", ECHO, True])
        server.call(lambda: port.port_event(PortEvent.BREAK))
        viewer.wait_for(["port-event", ECHO, PortEvent.BREAK])
        viewer.order("event", ECHO, PortEvent.BREAK)
        port.told.wait(lambda told: ("event", PortEvent.BREAK) in told, "a break")
        server.call(lambda: port.port_event(PortEvent.CLOSED))
        viewer.wait_for(["port-event", ECHO, PortEvent.CLOSED], ["port", ECHO, False])
        server.call(lambda: port.port_event(PortEvent.OPENED))
        viewer.wait_for(["port-event", ECHO, PortEvent.OPENED])
    assert complaints(server) == []


def test_a_port_plugged_in_while_connected_opens(server: EmbeddedServer, tmp_path: Path) -> None:
    with device_viewer(tmp_path, server.port) as viewer:
        viewer.wait_for(["opened", "main-0"], ["opened", "display-0"], ["opened", "inputs-0"])
        port = add_echo(server)
        viewer.wait_for(["opened", "port-0"], ["port", ECHO, True])
        viewer.order("write", ECHO, 10)
        viewer.wait_for(["received", ECHO, 10, hashlib.md5(pattern(10)).hexdigest()])
        server.call(lambda: server.reds.remove_interface(port))
        viewer.wait_for(["closed", "port-0"])
        assert ["closed", "main-0"] not in viewer.events()
    assert complaints(server) == []


def test_a_port_in_a_worker_is_a_port(server: EmbeddedServer, tmp_path: Path) -> None:
    port = EchoPort()
    port.port_event(PortEvent.OPENED)

    def start() -> tuple[WorkerThread, WorkerChannel]:
        worker = WorkerThread()
        worker.start()
        channel = WorkerChannel(
            server.reds, worker, PortChannel, make=lambda reds, id: PortChannel(reds, port, id)
        )
        server.reds.register_channel(channel)
        return worker, channel

    worker, channel = server.call(start)
    with device_viewer(tmp_path, server.port) as viewer:
        viewer.wait_for(["port", ECHO, True])
        viewer.order("write", ECHO, MEGABYTE)
        expected = hashlib.md5(pattern(MEGABYTE)).hexdigest()
        viewer.wait_for(["received", ECHO, MEGABYTE, expected])
    port.told.wait(lambda told: ("event", PortEvent.CLOSED) in told, "the end")
    server.call(lambda: server.reds.unregister_channel(channel))
    worker.stop()
    assert complaints(server) == []


ADD: dict[str, Callable[[], CharDeviceInterface | PlaybackInterface | RecordInterface]] = {
    "playback-0": PlaybackInterface,
    "record-0": RecordInterface,
    "smartcard-0": Reader,
    "webdav-0": lambda: EchoPort("org.spice-space.webdav.0"),
    "usbredir-0": UsbPort,
}


def test_a_usb_channel_talks_to_the_viewers_usbredir(
    server: EmbeddedServer, tmp_path: Path
) -> None:
    port = UsbPort()
    server.call(lambda: server.reds.add_interface(port))
    with device_viewer(tmp_path, server.port) as viewer:
        viewer.wait_for(["opened", "usbredir-0"])
        (hello, *_) = port.heard.wait(bool, "hello")
        assert hello[:4] == bytes(4)
    assert complaints(server) == []


def test_channels_of_all_devices_link_and_disturb_nobody(
    server: EmbeddedServer, tmp_path: Path
) -> None:
    for make in ADD.values():
        server.call(lambda make=make: server.reds.add_interface(make()))  # type: ignore[misc]
    folder = tmp_path / "shared"
    folder.mkdir()
    with device_viewer(tmp_path, server.port, "--share", str(folder)) as viewer:
        for name in (*ADD, "main-0", "display-0", "inputs-0"):
            viewer.wait_for(["opened", name])
        port = add_echo(server)
        viewer.wait_for(["port", ECHO, True])
        viewer.order("write", ECHO, 10)
        viewer.wait_for(["received", ECHO, 10, hashlib.md5(pattern(10)).hexdigest()])
        events = viewer.events("closed", "error-io", "error-link", "error-auth")
        assert events == []
    port.told.wait(lambda told: ("event", PortEvent.CLOSED) in told, "the end")
    assert complaints(server) == []
