"""remote-viewer on a screen in memory: what its window shows, and its user.

It does not scale a picture that fits, so the demo must be found on the screen exactly as it was
drawn, all but the window that shows the pointer: that follows the pointer of the X server.
"""

from __future__ import annotations

import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
from PIL import Image

from interop.command import serve_command
from interop.embedded import embedded_server
from interop.peers import PATIENCE, require_peer, viewer_environment
from interop.pictures import assert_same_picture, demo_picture, noise
from interop.screen import Screen, screen
from redspice.sources.area import Area
from redspice.sources.layout import Part, layout

PASSWORD = "correct horse"

WIDTH, HEIGHT = 1024, 768
ROOM = 200
"""Pixels that a screen is larger than the demo, for the frame of the window."""

LOOK_AGAIN = 0.05
"""Seconds between two looks at the screen, which cannot tell us that it changed."""

Start = Callable[..., subprocess.Popen[bytes]]


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Screen]:
    """A screen with room around the demo."""
    require_peer("Xvfb", "remote-viewer")
    with screen(tmp_path / "screen", WIDTH + ROOM, HEIGHT + ROOM) as running:
        yield running


@pytest.fixture
def kiosk(tmp_path: Path) -> Iterator[Screen]:
    """A screen that the demo fills."""
    require_peer("Xvfb", "openbox", "remote-viewer")
    with screen(tmp_path / "screen", WIDTH, HEIGHT) as running:
        yield running


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Starts programs on a screen; they are ended at the end of the test."""
    environment = viewer_environment(tmp_path / "home")
    with ExitStack() as programs:

        def start(screen: Screen, *command: str) -> subprocess.Popen[bytes]:
            variables = environment | {"DISPLAY": screen.display}
            return programs.enter_context(running(command, variables))

        yield start


@contextmanager
def running(
    command: tuple[str, ...], environment: dict[str, str]
) -> Iterator[subprocess.Popen[bytes]]:
    with subprocess.Popen(command, env=environment) as process:
        try:
            yield process
        finally:
            process.kill()


def find(shown: Image.Image, wanted: Image.Image, area: Area) -> tuple[int, int] | None:
    """Where `wanted` begins in a larger picture, judged by `area` of it; None if nowhere."""
    first_row = wanted.crop((area.left, area.top, area.right, area.top + 1)).tobytes()
    pixels = shown.tobytes()
    start = pixels.find(first_row)
    while start >= 0:
        top, column = divmod(start, shown.width * 3)
        place = Area.at(column // 3, top, *area.size)
        if shown.crop(place) == wanted.crop(area):
            return place.left - area.left, place.top - area.top
        start = pixels.find(first_row, start + 1)
    return None


def wait_for(screen: Screen, wanted: Image.Image, area: Area) -> tuple[int, int]:
    """Wait until this area of a picture is on the screen; returns where the picture begins."""
    deadline, pause = time.monotonic() + PATIENCE, threading.Event()
    while (place := find(screen.picture(), wanted, area)) is None:
        assert time.monotonic() < deadline, f"{area} is not on the screen"
        pause.wait(LOOK_AGAIN)
    return place


def wait_for_demo(screen: Screen) -> tuple[int, int]:
    """Wait for the test card; then everything has to be as it was drawn. Returns where it is."""
    desktop, wanted = layout(WIDTH, HEIGHT), demo_picture(WIDTH, HEIGHT)
    assert desktop.card is not None
    place = wait_for(screen, wanted, desktop.card.box)
    shown = screen.picture().crop(Area.at(*place, WIDTH, HEIGHT))
    for picture in (shown, wanted):
        picture.paste((0, 0, 0), desktop.windows[Part.ECHO].box)
    assert_same_picture(shown, wanted)
    return place


def test_a_connection_file_brings_the_password(tmp_path: Path, desk: Screen, start: Start) -> None:
    with serve_command("demo", "--frozen", "--password", PASSWORD) as server:
        settings = {
            "type": "spice",
            "host": "127.0.0.1",
            "port": server.port,
            "password": PASSWORD,
            "delete-this-file": "0",
        }
        lines = ["[virt-viewer]", *(f"{key}={value}" for key, value in settings.items()), ""]
        file = tmp_path / "demo.vv"
        file.write_text("\n".join(lines), encoding="utf-8")
        start(desk, "remote-viewer", str(file))
        wait_for_demo(desk)
        assert server.log.items() == []


def test_a_viewer_ends_with_the_server(desk: Screen, start: Start) -> None:
    with serve_command("demo", "--frozen") as server:
        viewer = start(desk, "remote-viewer", f"spice://{server.address}")
        wait_for_demo(desk)
        log = server.stop()
        assert viewer.wait(PATIENCE) == 0
    assert len(log) == 1
    assert "the server shuts down" in log[0]


def test_a_kiosk_shows_nothing_but_the_demo_and_ends_with_the_server(
    kiosk: Screen, start: Start
) -> None:
    with serve_command("demo", "--frozen") as server:
        start(kiosk, "openbox")
        options = ("--kiosk", "--kiosk-quit=on-disconnect")
        viewer = start(kiosk, "remote-viewer", *options, f"spice://{server.address}")
        assert wait_for_demo(kiosk) == (0, 0)
        server.stop()
        assert viewer.wait(PATIENCE) == 0


def test_what_is_typed_and_clicked_in_the_window_arrives(desk: Screen, start: Start) -> None:
    require_peer("openbox", "xdotool")
    with embedded_server(WIDTH, HEIGHT) as server:
        picture = noise(WIDTH, HEIGHT)
        pixels = picture.tobytes("raw", "BGRX")
        server.call(lambda: server.framebuffer.paste(0, 0, WIDTH, HEIGHT, pixels))
        start(desk, "openbox")
        start(desk, "remote-viewer", f"spice://127.0.0.1:{server.port}")
        left, top = wait_for(desk, picture, Area(0, 0, WIDTH, HEIGHT))

        start(desk, "xdotool", "mousemove", str(left + 300), str(top + 200))
        arrived = ("position", 300, 200, 0)
        server.inputs.wait(lambda inputs: inputs and inputs[-1] == arrived, "position")
        for action, expected in {
            ("click", "1"): [("tablet buttons", 1), ("tablet buttons", 0)],
            ("click", "4"): [("wheel", -1, 0)],
            ("key", "a"): [("scan", 0x1E), ("scan", 0x9E)],
            ("key", "Up"): [("scan", code) for code in (0xE0, 0x48, 0xE0, 0xC8)],
            ("key", "Pause"): [("scan", code) for code in b"\xe1\x1d\x45\xe1\x9d\xc5"],
        }.items():
            server.inputs.clear()
            start(desk, "xdotool", *action)
            server.inputs.wait_for_items(expected)
