"""spice-gtk is moved from one server to another, each way there is, and goes on there."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from interop.embedded import EmbeddedServer, embedded_server
from interop.gtk_viewer import GtkViewer
from interop.peers import PATIENCE
from interop.pictures import from_bgrx, noise
from interop.record import Record
from interop.test_tls import VERIFY_SUBJECT
from interop.tls_port import tls_port
from redspice.interfaces import MigrationInterface
from redspice.security import ChannelSecurity
from redspice_protocol.enums import LinkErr
from runtime.certificates import server_files

PASSWORD = "correct horse"
HOST = "127.0.0.1"
WIDTH, HEIGHT = 320, 200

Connect = Callable[..., GtkViewer]


class Embedder(MigrationInterface):
    """Writes down what it is told."""

    def __init__(self) -> None:
        self.told: Record[str] = Record()

    def connect_complete(self) -> None:
        self.told.add("connect")

    def end_complete(self) -> None:
        self.told.add("end")


class Pair:
    """Two servers with different pictures, and a viewer of the first."""

    def __init__(
        self, first: EmbeddedServer, second: EmbeddedServer, connect: Connect, **viewer: object
    ) -> None:
        self.first, self.second = first, second
        self.embedder = Embedder()
        first.call(lambda: first.reds.add_interface(self.embedder))
        for server, seed in ((first, 1), (second, 2)):
            self.paint(server, seed)
        self.viewer = connect(first, **viewer)
        self.viewer.wait_opened()
        self.wait_for(first)

    def paint(self, server: EmbeddedServer, seed: int) -> None:
        pixels = noise(WIDTH, HEIGHT, seed).tobytes("raw", "BGRX")
        server.call(lambda: server.framebuffer.paste(0, 0, WIDTH, HEIGHT, pixels))

    def fill(self, server: EmbeddedServer, step: int) -> None:
        """Another picture that is easy to compress."""
        color = (7 * step, 11 * step, 255 - 3 * step)
        server.call(lambda: server.framebuffer.fill(0, 0, WIDTH - step, HEIGHT, color))

    def set(self, *, seamless: bool) -> None:
        for server in (self.first, self.second):
            server.reds.seamless_migration = seamless

    def connect(self, port: int | None, **more: object) -> None:
        """Have the viewer connect to the second server; wait until it says how that went."""
        reds = self.first.reds
        self.first.call(lambda: reds.migrate_connect(HOST, port, **more))  # type: ignore[arg-type]
        self.embedder.told.wait_for_items(["connect"])

    def end(self, completed: bool = True) -> None:
        self.first.call(lambda: self.first.reds.migrate_end(completed))
        self.embedder.told.wait_for_items(["connect", "end"])

    def wait_for(self, server: EmbeddedServer) -> None:
        """Wait until the viewer shows what this server does."""
        self.viewer.wait_for_picture(from_bgrx(server.pixels(), WIDTH, HEIGHT))

    def wait_left(self, server: EmbeddedServer) -> None:
        """Wait until this server has no viewer, looking in each turn of its loop."""
        deadline = time.monotonic() + PATIENCE
        while server.call(lambda: list(server.reds.clients)):
            assert time.monotonic() < deadline

    def uses(self, server: EmbeddedServer) -> None:
        """The viewer is with this server, in both directions, and nobody complains."""
        self.wait_for(server)
        self.paint(server, 3)
        self.wait_for(server)
        for each in (self.first, self.second):
            each.inputs.clear()
        self.viewer.order("key_press", 30)
        self.viewer.order("key_release", 30)
        server.inputs.wait(lambda items: ("scan", 0x9E) in items, "released key")
        other = self.first if server is self.second else self.second
        assert not [one for one in other.inputs.items() if one[0] == "scan"]
        assert len(server.call(lambda: list(server.reds.clients))) == 1
        self.wait_left(other)
        log = [line for line in server.log.items() if line.startswith("WARNING")]
        assert log == []


@pytest.fixture
def servers() -> Iterator[tuple[EmbeddedServer, EmbeddedServer]]:
    with embedded_server(WIDTH, HEIGHT) as first, embedded_server(WIDTH, HEIGHT) as second:
        yield first, second


@pytest.fixture
def pair(servers: tuple[EmbeddedServer, EmbeddedServer], connect: Connect) -> Pair:
    return Pair(*servers, connect)


def test_semi_seamless(pair: Pair) -> None:
    pair.connect(pair.second.port)
    assert pair.first.reds.migration.connected == 1
    pair.end()
    pair.uses(pair.second)


def test_seamless(pair: Pair) -> None:
    pair.set(seamless=True)
    pair.connect(pair.second.port)
    before = len(pair.viewer.events("primary-create", "primary-destroy"))
    pair.end()
    pair.uses(pair.second)
    after = len(pair.viewer.events("primary-create", "primary-destroy"))
    assert after == before, "the surface stays"


def test_pictures_that_refer_to_earlier_ones_go_on(pair: Pair) -> None:
    pair.set(seamless=True)
    for server in (pair.first, pair.second):
        server.call(lambda server=server: setattr(server.reds, "image_compression", "glz"))
    for step in range(20):
        pair.fill(pair.first, step)
        pair.wait_for(pair.first)
    pair.connect(pair.second.port)
    pair.end()
    for step in range(20):
        pair.fill(pair.second, step)
        pair.wait_for(pair.second)
    display = pair.second.reds.channels.displays()[0]
    counts = {one.encoding: one.seconds.count for one in display.encodings.snapshot()}
    assert counts["glz_rgb"] >= 20
    pair.uses(pair.second)


def test_switch_host(pair: Pair) -> None:
    pair.first.call(lambda: pair.first.reds.migrate_info(HOST, pair.second.port))
    pair.first.call(lambda: pair.first.reds.migrate_switch())
    pair.embedder.told.wait_for_items(["end"])
    pair.uses(pair.second)


def test_a_server_that_takes_no_state_is_moved_to_semi_seamlessly(pair: Pair) -> None:
    pair.first.reds.seamless_migration = True
    pair.connect(pair.second.port)
    pair.end()
    pair.uses(pair.second)


def test_there_and_back_again(pair: Pair) -> None:
    pair.set(seamless=True)
    pair.connect(pair.second.port)
    pair.end()
    pair.uses(pair.second)
    back = Embedder()
    second = pair.second
    second.call(lambda: second.reds.add_interface(back))
    second.call(lambda: second.reds.migrate_connect(HOST, pair.first.port))
    back.told.wait_for_items(["connect"])
    second.call(lambda: second.reds.migrate_end(True))
    back.told.wait_for_items(["connect", "end"])
    pair.uses(pair.first)


@pytest.mark.parametrize("seamless", [False, True])
def test_a_guest_that_stays_keeps_its_viewer(pair: Pair, seamless: bool) -> None:
    pair.set(seamless=seamless)
    pair.connect(pair.second.port)
    pair.end(completed=False)
    pair.wait_left(pair.second)
    pair.uses(pair.first)


def test_a_closed_port_keeps_the_viewer_where_it_is(pair: Pair) -> None:
    with socket.create_server((HOST, 0)) as listening:
        port = listening.getsockname()[1]
    pair.connect(port)
    assert pair.first.reds.migration.connected == 0
    pair.end(completed=False)
    pair.uses(pair.first)


@pytest.mark.parametrize("seamless", [False, True])
def test_with_a_password(connect: Connect, seamless: bool) -> None:
    with ExitStack() as running:
        first, second = (
            running.enter_context(embedded_server(WIDTH, HEIGHT, password=PASSWORD))
            for _ in range(2)
        )
        pair = Pair(first, second, connect, password=PASSWORD)
        pair.set(seamless=seamless)
        pair.connect(second.port)
        pair.end()
        pair.uses(second)


def test_a_server_with_another_password_refuses(connect: Connect) -> None:
    with (
        embedded_server(WIDTH, HEIGHT, password=PASSWORD) as first,
        embedded_server(WIDTH, HEIGHT, password="battery staple") as second,
    ):
        pair = Pair(first, second, connect, password=PASSWORD)
        pair.connect(second.port)
        assert first.reds.migration.connected == 0
        denied = LinkErr.PERMISSION_DENIED.name
        second.log.wait(lambda lines: any(denied in line for line in lines), "refusal")
        assert second.reds.clients == []
        pair.end(completed=False)
        pair.wait_for(first)


@pytest.mark.parametrize("seamless", [False, True])
def test_over_tls_to_the_right_subject(
    servers: tuple[EmbeddedServer, EmbeddedServer],
    connect: Connect,
    tmp_path: Path,
    seamless: bool,
) -> None:
    files = server_files(tmp_path)
    first, second = servers
    for server in servers:
        server.reds.set_channel_security(None, ChannelSecurity.TLS)
    with tls_port(first, files.context()) as from_port, tls_port(second, files.context()) as port:
        pair = Pair(
            first,
            second,
            connect,
            tls_port=from_port,
            ca_file=files.ca,
            cert_subject=files.subject,
            verify=VERIFY_SUBJECT,
        )
        pair.set(seamless=seamless)
        pair.connect(None, secure_port=port, cert_subject=files.subject)
        assert first.reds.migration.connected == 1
        pair.end()
        pair.uses(second)


def test_over_tls_to_the_wrong_subject(
    servers: tuple[EmbeddedServer, EmbeddedServer], connect: Connect, tmp_path: Path
) -> None:
    files = server_files(tmp_path)
    first, second = servers
    with tls_port(second, files.context()) as port:
        pair = Pair(first, second, connect, ca_file=files.ca, verify=VERIFY_SUBJECT)
        pair.connect(None, secure_port=port, cert_subject="O=Somebody,CN=else")
        assert first.reds.migration.connected == 0
        pair.end(completed=False)
        pair.wait_for(first)


def test_two_viewers_move_together(connect: Connect) -> None:
    with (
        embedded_server(WIDTH, HEIGHT, multi=True) as first,
        embedded_server(WIDTH, HEIGHT, multi=True) as second,
    ):
        pair = Pair(first, second, connect)
        pair.set(seamless=True)
        another = connect(first, "another")
        another.wait_opened()
        pair.connect(second.port)
        assert first.reds.migration.connected == 2
        pair.end()
        for viewer in (pair.viewer, another):
            viewer.wait_for_picture(from_bgrx(second.pixels(), WIDTH, HEIGHT))
        assert len(second.call(lambda: list(second.reds.clients))) == 2
        pair.wait_left(first)
