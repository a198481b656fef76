"""Viewers for the tests, and where their files go."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from interop.embedded import EmbeddedServer
from interop.gtk_viewer import GtkViewer, gtk_viewer
from interop.peers import require_peer, require_spice_gtk, viewer_environment
from interop.screenshot import Screenshot


@pytest.fixture
def connect(tmp_path: Path) -> Iterator[Callable[..., GtkViewer]]:
    """Starts spice-gtk viewers of an embedded server; they leave at the end of the test."""
    require_spice_gtk()
    with ExitStack() as viewers:

        def start(
            server: EmbeddedServer,
            name: str = "viewer",
            password: str | None = None,
            **properties: object,
        ) -> GtkViewer:
            viewer = gtk_viewer(tmp_path / name, server.port, password, **properties)
            return viewers.enter_context(viewer)

        yield start


@pytest.fixture
def screenshot(tmp_path: Path) -> Screenshot:
    """Runs spicy-screenshot."""
    require_peer("spicy-screenshot")
    return Screenshot(tmp_path / "shot.ppm", viewer_environment(tmp_path / "home"))


@pytest.fixture
def socket_path() -> Iterator[Path]:
    """A path that is short, as those of unix sockets have to be."""
    with tempfile.TemporaryDirectory() as folder:
        yield Path(folder) / "spice.sock"
