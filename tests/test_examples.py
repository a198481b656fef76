"""Every program in `examples` does what it says, with a real viewer.

EXAMPLES is the table: a program needs a row, with its arguments and what to try. In arguments
`{folder}` is a folder of the test; each program also gets `--port 0` and says where it listens.
"""

from __future__ import annotations

import hashlib
import os
import re
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import pytest

from interop.device_viewer import device_viewer, pattern
from interop.gtk_viewer import GtkViewer, gtk_viewer
from interop.peers import PATIENCE, require_spice_gtk
from interop.record import LineReader, Record
from redspice_protocol.enums import MouseButton

FOLDER = Path(__file__).parent.parent / "examples"
LISTENING = re.compile(r"listening on 127\.0\.0\.1:(\d+)")


class Running(NamedTuple):
    """An example at work."""

    lines: Record[str]
    """What it has printed."""
    port: int
    folder: Path

    def wait_for_line(self, line: str) -> None:
        self.lines.wait(lambda lines: line in lines, repr(line))


def shows_a_picture(running: Running, viewer: GtkViewer) -> None:
    viewer.wait_for(["opened", "display-0"], ["mark", 1])
    assert viewer.picture() is not None


def follows_keys_and_mouse(running: Running, viewer: GtkViewer) -> None:
    viewer.wait_opened()
    viewer.order("key_press_and_release", 0x148)
    running.wait_for_line("key e0 48")
    viewer.order("set_key_locks", 4)
    running.wait_for_line("key 3a")
    viewer.wait_for(["modifiers", 4])
    viewer.order("button_press", MouseButton.RIGHT, 0)
    running.wait_for_line("buttons 0x4, as mice report them 0x2")
    viewer.order("motion", -320, -240, 4)
    wait_for_pixel(viewer, 0, 0, (60, 200, 60))


def paints(running: Running, viewer: GtkViewer) -> None:
    viewer.wait_opened()
    running.wait_for_line("positions are in 640x480")
    viewer.order("button_press", MouseButton.DOWN, 0)
    running.wait_for_line("color 1")
    viewer.order("position", 100, 50, 0, 1)
    wait_for_pixel(viewer, 100, 50, (50, 50, 220))


def changes_its_cursor(running: Running, viewer: GtkViewer) -> None:
    viewer.wait_opened()
    viewer.wait_for(["cursor-set", 16, 16, 0, 0])
    viewer.order("position", 250, 50, 0, 0)
    viewer.wait_for(["cursor-set", 16, 16, 8, 8])
    viewer.order("position", 550, 50, 0, 0)
    viewer.wait_for(["cursor-hide"])
    viewer.order("position", 50, 50, 0, 0)
    assert viewer.wait_for_count(3, "cursor-set")[-1] == ["cursor-set", 16, 16, 0, 0]


def echoes(running: Running, viewer: GtkViewer) -> None:
    viewer.wait_for(["opened", "port-0"])
    running.wait_for_line("a viewer is there")
    with device_viewer(running.folder / "devices", running.port) as another:
        another.wait_for(["port", "org.example.echo", True])
        another.order("write", "org.example.echo", 1 << 20)
        expected = hashlib.md5(pattern(1 << 20)).hexdigest()
        another.wait_for(["received", "org.example.echo", 1 << 20, expected])


def counts(running: Running, viewer: GtkViewer) -> None:
    running.wait_for_line("registered port 0")
    viewer.wait_for(["opened", "port-0"])
    with device_viewer(running.folder / "devices", running.port) as another:
        another.wait_for(["port", "org.example.counter", True])
        another.order("write", "org.example.counter", 100)
        another.wait_for(["received", "org.example.counter", 4, hashlib.md5(b"100\n").hexdigest()])


def moves_to_and_fro(running: Running, viewer: GtkViewer) -> None:
    viewer.wait_opened()
    for here, there, color in (("blue", "green", (40, 160, 60)), ("green", "blue", (200, 80, 20))):
        viewer.order("key_press_and_release", 0x32)
        running.wait_for_line(f"{here}: 1 viewers are ready to move")
        running.wait_for_line(f"{here}: 0 viewers left")
        wait_for_pixel(viewer, 5, 5, color)
        viewer.order("key_press_and_release", 0x1E)
        running.wait_for_line(f"{there}: key 9e")


def shares_its_socket(running: Running, viewer: GtkViewer) -> None:
    viewer.wait_for(["opened", "webdav-0"])
    with socket.socket(socket.AF_UNIX) as program:
        program.connect(str(running.folder / "webdav.sock"))
        running.wait_for_line("open")
        with socket.socket(socket.AF_UNIX) as another:
            another.connect(str(running.folder / "webdav.sock"))
            assert another.recv(1) == b""
    running.wait_for_line("closed")


class Example(NamedTuple):
    """How to try a program."""

    check: Callable[[Running, GtkViewer], None] = shows_a_picture
    arguments: tuple[str, ...] = ()


EXAMPLES = {
    "agent.py": Example(arguments=("{folder}/agent.sock",)),
    "cursor.py": Example(changes_its_cursor),
    "custom_channel.py": Example(counts),
    "keyboard_mouse.py": Example(follows_keys_and_mouse),
    "migration.py": Example(moves_to_and_fro),
    "port_echo.py": Example(echoes),
    "stats.py": Example(arguments=("--metrics-port", "0")),
    "tablet.py": Example(paints),
    "webdav_port.py": Example(shares_its_socket, ("{folder}/webdav.sock",)),
}


def wait_for_pixel(viewer: GtkViewer, x: int, y: int, color: tuple[int, int, int]) -> None:
    """Wait until the viewer shows a color, blue first, at this place."""
    while True:
        before = len(viewer.events("invalidate"))
        picture = viewer.picture()
        if picture is not None and picture.getpixel((x, y)) == color[::-1]:
            return
        viewer.wait_for_count(before + 1, "invalidate")


@contextmanager
def running(name: str, arguments: tuple[str, ...], folder: Path) -> Iterator[Running]:
    """Run a program until the end of the block; it must not have ended before."""
    given = [argument.format(folder=folder) for argument in arguments]
    command = [sys.executable, str(FOLDER / name), *given, "--port", "0"]
    environment = {**os.environ, "PYTHONWARNINGS": "error"}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as process:
        try:
            assert process.stdout is not None
            lines = LineReader(process.stdout).lines
            printed = lines.wait(lambda lines: any(map(LISTENING.match, lines)), "listening")
            match = next(filter(None, map(LISTENING.match, printed)))
            yield Running(lines, int(match[1]), folder)
            assert process.poll() is None
        finally:
            process.kill()
            process.wait(PATIENCE)


@pytest.mark.parametrize("name", EXAMPLES)
def test_an_example_does_what_it_says(name: str, tmp_path: Path) -> None:
    require_spice_gtk()
    example = EXAMPLES[name]
    with (
        running(name, example.arguments, tmp_path) as program,
        gtk_viewer(tmp_path / "viewer", program.port) as viewer,
    ):
        example.check(program, viewer)


def test_every_example_is_tried() -> None:
    assert sorted(EXAMPLES) == sorted(path.name for path in FOLDER.glob("*.py"))
