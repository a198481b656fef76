"""Each viewer that is built on spice-gtk comes in by each way and shows every pixel right.

A way is the real command and the address that a user types. spice-html5 comes in by WebSocket only:
`test_html5.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from interop.command import ServeCommand, serve_command
from interop.gtk_viewer import gtk_viewer
from interop.peers import require_cyrus, require_peer, require_spice_gtk, viewer_environment
from interop.pictures import assert_same_picture, demo_picture
from interop.screen import screen
from interop.screenshot import Screenshot
from interop.test_remote_viewer import HEIGHT, ROOM, WIDTH, running, wait_for_demo
from interop.test_tls import VERIFY_SUBJECT, tls_options, trusting
from redspice.sasl.user_file import add_user
from runtime.certificates import Files, server_files

PASSWORD = "wonderland"
USER = "alice"


@dataclass(frozen=True)
class Entrance:
    """A server that shows the demo, and what a viewer has to know to get in."""

    server: ServeCommand
    uri: str
    trust: Files | None = None
    """Whose certificates to believe, and which subject the server's has to have."""


def demo(*options: str) -> AbstractContextManager[ServeCommand]:
    return serve_command("demo", "--frozen", *options)


@contextmanager
def plain(files: Files, folder: Path) -> Iterator[Entrance]:
    with demo() as server:
        yield Entrance(server, f"spice://{server.address}")


@contextmanager
def tls(files: Files, folder: Path) -> Iterator[Entrance]:
    with demo(*tls_options(files)) as server:
        yield Entrance(server, f"spice://localhost?tls-port={server.tls_port}", files)


@contextmanager
def ticket(files: Files, folder: Path) -> Iterator[Entrance]:
    with demo("--password", PASSWORD) as server:
        yield Entrance(server, f"spice://{server.address}?password={PASSWORD}")


@contextmanager
def sasl(files: Files, folder: Path) -> Iterator[Entrance]:
    """With the strongest mechanism, SCRAM-SHA-256, and over TLS, as spice-gtk insists."""
    require_cyrus()
    add_user(folder / "users", USER, PASSWORD)
    with demo("--sasl", str(folder / "users"), *tls_options(files)) as server:
        address = f"spice://{USER}@localhost?tls-port={server.tls_port}&password={PASSWORD}"
        yield Entrance(server, address, files)


@contextmanager
def unix(files: Files, folder: Path) -> Iterator[Entrance]:
    with demo("--unix", str(folder / "spice.sock")) as server:
        yield Entrance(server, f"spice+unix://{server.address}")


WAYS: dict[str, Callable[[Files, Path], AbstractContextManager[Entrance]]] = {
    "plain": plain,
    "tls": tls,
    "ticket": ticket,
    "sasl": sasl,
    "unix": unix,
}


@pytest.fixture(params=WAYS)
def entrance(
    request: pytest.FixtureRequest, tmp_path: Path, socket_path: Path
) -> Iterator[Entrance]:
    with WAYS[request.param](server_files(tmp_path), socket_path.parent) as entrance:
        yield entrance
        # Viewers hang up rudely or are killed in the end; nothing else happens on the way.
        log = entrance.server.log.items()
        assert [line for line in log if "connection lost" not in line] == []


def test_spicy_screenshot(entrance: Entrance, screenshot: Screenshot) -> None:
    if entrance.trust is not None:
        screenshot = trusting(screenshot, entrance.trust.ca)
    assert_same_picture(screenshot.take(f"--uri={entrance.uri}"), demo_picture(WIDTH, HEIGHT))


def test_remote_viewer(entrance: Entrance, tmp_path: Path) -> None:
    require_peer("Xvfb", "remote-viewer")
    command = ["remote-viewer", entrance.uri]
    if entrance.trust is not None:
        command.append(f"--spice-ca-file={entrance.trust.ca}")
        command.append(f"--spice-host-subject={entrance.trust.subject}")
    with screen(tmp_path / "screen", WIDTH + ROOM, HEIGHT + ROOM) as desk:
        environment = viewer_environment(tmp_path / "home") | {"DISPLAY": desk.display}
        with running(tuple(command), environment):
            wait_for_demo(desk)


def test_spice_gtk(entrance: Entrance, tmp_path: Path) -> None:
    require_spice_gtk()
    properties: dict[str, object] = {"uri": entrance.uri}
    if entrance.trust is not None:
        properties["ca_file"] = entrance.trust.ca
        properties["verify"] = VERIFY_SUBJECT
        properties["cert_subject"] = entrance.trust.subject
    with gtk_viewer(tmp_path / "viewer", 0, **properties) as viewer:
        viewer.wait_opened()
        viewer.wait_for_picture(demo_picture(WIDTH, HEIGHT))
