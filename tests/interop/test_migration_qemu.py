"""spice-gtk is moved between a server of ours and the reference server, with its state.

So what either hands over is what the other can read.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from interop.embedded import EmbeddedServer, embedded_server
from interop.gtk_viewer import GtkViewer, gtk_viewer
from interop.peers import require_peer, require_spice_gtk
from interop.pictures import from_bgrx, noise
from interop.qemu import HEIGHT, PROGRAM, WIDTH, free_port, qemu
from interop.test_migration import Embedder

HOST = "127.0.0.1"


@pytest.fixture
def server() -> Iterator[EmbeddedServer]:
    """A server of ours with a screen as large as the machine's."""
    require_spice_gtk()
    require_peer(PROGRAM)
    with embedded_server(WIDTH, HEIGHT) as server:
        server.reds.seamless_migration = True
        pixels = noise(WIDTH, HEIGHT, 1).tobytes("raw", "BGRX")
        server.call(lambda: server.framebuffer.paste(0, 0, WIDTH, HEIGHT, pixels))
        yield server


def surfaces(viewer: GtkViewer) -> int:
    """How often the surface has changed."""
    return len(viewer.events("primary-create", "primary-destroy"))


def test_from_the_reference_server(server: EmbeddedServer, tmp_path: Path) -> None:
    with qemu(tmp_path) as machine, gtk_viewer(tmp_path / "viewer", machine.port) as viewer:
        viewer.wait_opened()
        while viewer.surface()[1:] != (WIDTH, HEIGHT):
            viewer.wait_for_count(surfaces(viewer) + 1, "primary-create", "primary-destroy")
        before = surfaces(viewer)
        machine.command("client_migrate_info", protocol="spice", hostname=HOST, port=server.port)
        machine.command("migrate", uri="exec:cat > /dev/null")
        viewer.wait_for(["migration", "migrating"], ["migration", "none"])
        viewer.wait_for_picture(from_bgrx(server.pixels(), WIDTH, HEIGHT))
        assert surfaces(viewer) == before, "the surface stays"
        viewer.order("key_press_and_release", 30)
        server.inputs.wait(lambda items: ("scan", 0x9E) in items, "released key")
        log = [line for line in server.log.items() if line.startswith("WARNING")]
        assert log == []


def test_to_the_reference_server(server: EmbeddedServer, tmp_path: Path) -> None:
    embedder = Embedder()
    server.call(lambda: server.reds.add_interface(embedder))
    guest = f"tcp:{HOST}:{free_port()}"
    with (
        qemu(tmp_path) as source,
        qemu(tmp_path, "-incoming", guest) as target,
        gtk_viewer(tmp_path / "viewer", server.port) as viewer,
    ):
        viewer.wait_opened()
        server.call(lambda: server.reds.migrate_connect(HOST, target.port))
        embedder.told.wait_for_items(["connect"])
        assert server.reds.migration.connected == 1
        source.command("migrate", uri=guest)
        target.wait_for_event("RESUME")
        before = len(viewer.events("invalidate"))
        server.call(lambda: server.reds.migrate_end(True))
        embedder.told.wait_for_items(["connect", "end"])
        viewer.wait_for(["migration", "migrating"], ["migration", "none"])
        target.command("system_reset")
        viewer.wait_for_count(before + 1, "invalidate")
        (client,) = target.command("query-spice")["channels"][:1]
        assert client["host"] == HOST
        assert (tmp_path / "qemu.log").read_text() == ""
