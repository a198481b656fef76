"""Every program in `examples` does what it says, with a real viewer, and ends well.

EXAMPLES is the table: a program needs a row, with what to try, its arguments and the kind of its
viewer. In arguments `{folder}` is a folder of the test; each program also gets `--port 0` and says
where it listens.
"""

from __future__ import annotations

import hashlib
import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import NamedTuple
from urllib.request import urlopen

import pytest

from interop import agent_viewer
from interop.agent_guest import agent_guest, wait_until
from interop.bad_peer import bad_peer
from interop.device_viewer import device_viewer, pattern
from interop.gtk_viewer import GtkViewer, gtk_viewer
from interop.peers import PATIENCE, require_peer, require_spice_gtk
from interop.qemu import qemu
from interop.record import LineReader, Record
from redspice_protocol import CHANNELS
from redspice_protocol.enums import MouseButton

FOLDER = Path(__file__).parent.parent / "examples"
SHARED = {"socket_device.py"}
"""What is no program."""
LISTENING = re.compile(r"listening on 127\.0\.0\.1:(\d+)")
WATCHED = re.compile(r"1 viewers, 0 refused, [1-9]\d* messages/s, \d+ kB/s, pictures: \d+ .+")
STATISTICS = re.compile(r"statistics at (127\.0\.0\.1:\d+) and in (/.+)")
CLIPBOARD = 0


class Running(NamedTuple):
    """An example at work."""

    process: subprocess.Popen[str]
    lines: Record[str]
    """What it has printed."""
    port: int
    folder: Path

    def wait_for_line(self, line: str) -> None:
        self.lines.wait(lambda lines: line in lines, repr(line))

    def wait_for_match(self, pattern: re.Pattern[str]) -> re.Match[str]:
        """Wait for a line that is like this as a whole."""
        printed = self.lines.wait(lambda lines: any(map(pattern.fullmatch, lines)), str(pattern))
        return next(filter(None, map(pattern.fullmatch, printed)))

    def interrupt(self) -> None:
        """Press Ctrl-C; the program must end well, and has had nothing to complain of."""
        self.process.send_signal(signal.SIGINT)
        assert self.process.wait(PATIENCE) == 0
        assert (self.folder / "errors").read_text() == ""


# What to try.


def moves_a_bar(running: Running, viewer: GtkViewer) -> None:
    viewer.wait_opened()
    wait_for_pixel(viewer, 100, 5, (80, 200, 240))
    wait_for_pixel(viewer, 100, 5, (60, 40, 20))
    wait_for_pixel(viewer, 200, 5, (80, 200, 240))


def shows_waves(running: Running, viewer: GtkViewer) -> None:
    viewer.wait_opened()
    reds: set[int] = set()
    while len(reds) < 3:
        pixels, width, height = viewer.surface()
        top, bottom = 80 * 4, (80 + (height - 1) * width) * 4
        assert (pixels[top : top + 2], pixels[bottom : bottom + 2]) == (b"\0\xff", b"\xff\xff")
        reds.add(pixels[top + 2])


def shares_a_clipboard(running: Running, viewer: GtkViewer) -> None:
    require_peer("spice-vdagentd", "spice-vdagent", "Xvfb", "xclip")
    viewer.wait_opened()
    with agent_guest(running.folder, running.folder / "agent.sock") as guest:
        running.wait_for_line("agent connected")
        with agent_viewer.viewer(running.folder / "user", running.port) as user:
            user.order("copy", CLIPBOARD, "example")
            wait_until(lambda: guest.paste() == "example", "text in the guest")
        with socket.socket(socket.AF_UNIX) as second:
            second.connect(str(running.folder / "agent.sock"))
            running.lines.wait(lambda lines: "agent refused: " in lines[-1], "refusal")
            assert second.recv(1) == b""


def redirects_usb(running: Running, viewer: GtkViewer) -> None:
    """The viewer has a drive of its own making, QEMU is the machine that gets it."""
    require_peer("qemu-system-x86_64")
    disc, path = running.folder / "disc.iso", running.folder / "usb.sock"
    disc.write_bytes(bytes(1 << 20))
    options = [
        *("-chardev", f"socket,id=usb,path={path},server=on,wait=off"),
        *("-device", "usb-ehci,id=ehci", "-device", "usb-redir,id=usb0,chardev=usb"),
    ]
    with qemu(running.folder, *options) as machine:

        def plugged_in() -> bool:
            port = "/machine/peripheral/usb0"
            return machine.command("qom-get", path=port, property="attached") is True

        assert not plugged_in()
        running.wait_for_line(f"{path} is connected")
        viewer.order("share_cd", str(disc))
        viewer.wait_for(["usb", str(disc)])
        wait_until(plugged_in, "device in the machine")
        viewer.quit()
        running.wait_for_line(f"{path} is not connected any more")
        wait_until(lambda: not plugged_in(), "end of the device")


def links_a_reader(running: Running, viewer: GtkViewer) -> None:
    viewer.wait_for(["opened", "smartcard-0"])
    running.wait_for_line("smartcard: initialized")
    viewer.quit()
    running.wait_for_line("smartcard: disconnected")


def links_sound(running: Running, viewer: GtkViewer) -> None:
    viewer.wait_for(["opened", "playback-0"], ["opened", "record-0"])
    running.wait_for_line("playback: initialized")
    running.wait_for_line("record: initialized")
    viewer.quit()
    running.wait_for_line("playback: disconnected")
    running.wait_for_line("record: disconnected")


def links_a_tunnel(running: Running, viewer: GtkViewer) -> None:
    """No viewer that can be had opens it, so the test's own one does."""
    viewer.wait_opened()
    assert ["opened", "tunnel-0"] not in viewer.events()
    init = CHANNELS["main"].server.by_name["init"]
    with bad_peer(running.port) as main, bad_peer(running.port) as tunnel:
        main.link()
        type, body = main.receive_message()
        assert type == init.id
        tunnel.link("tunnel", init.demarshal(body).session_id)
        running.wait_for_line("tunnel: initialized")
    running.wait_for_line("tunnel: disconnected")


def watches_itself(running: Running, viewer: GtkViewer) -> None:
    viewer.wait_opened()
    running.wait_for_match(WATCHED)
    page, file = running.wait_for_match(STATISTICS).groups()
    with urlopen(f"http://{page}/metrics", timeout=PATIENCE) as answer:
        assert b'redspice_channel_viewers{channel="display:0"} 1.0' in answer.read()
    assert Path(file).stat().st_size > 0
    running.interrupt()
    assert not Path(file).exists()


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


# How to try it.


def screen_viewer(running: Running) -> AbstractContextManager[GtkViewer]:
    """A viewer of screens, with keyboard and mouse."""
    return gtk_viewer(running.folder / "viewer", running.port)


def viewer_with_devices(running: Running) -> AbstractContextManager[GtkViewer]:
    """A viewer with sound, USB and a card reader."""
    return device_viewer(running.folder / "viewer", running.port)


class Example(NamedTuple):
    """How to try a program."""

    check: Callable[[Running, GtkViewer], None]
    arguments: tuple[str, ...] = ()
    viewer: Callable[[Running], AbstractContextManager[GtkViewer]] = screen_viewer


EXAMPLES = {
    "agent.py": Example(shares_a_clipboard, ("{folder}/agent.sock",)),
    "core.py": Example(moves_a_bar),
    "cursor.py": Example(changes_its_cursor),
    "custom_channel.py": Example(counts),
    "keyboard_mouse.py": Example(follows_keys_and_mouse),
    "migration.py": Example(moves_to_and_fro),
    "net_wire.py": Example(links_a_tunnel),
    "port_echo.py": Example(echoes),
    "screen.py": Example(shows_waves),
    "smartcard.py": Example(links_a_reader, viewer=viewer_with_devices),
    "sound.py": Example(links_sound, viewer=viewer_with_devices),
    "stats.py": Example(watches_itself, ("--metrics-port", "0")),
    "tablet.py": Example(paints),
    "usbredir.py": Example(redirects_usb, ("{folder}/usb.sock",), viewer_with_devices),
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


def start(name: str, folder: Path, port: int) -> subprocess.Popen[str]:
    given = [argument.format(folder=folder) for argument in EXAMPLES[name].arguments]
    command = [sys.executable, str(FOLDER / name), *given, "--port", str(port)]
    environment = {**os.environ, "PYTHONWARNINGS": "error"}
    with (folder / "errors").open("w") as errors:
        return subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=errors, text=True, env=environment
        )


@contextmanager
def running(name: str, folder: Path) -> Iterator[Running]:
    """Run a program, at most until the end of the block."""
    with start(name, folder, port=0) as process:
        try:
            assert process.stdout is not None
            lines = LineReader(process.stdout).lines
            printed = lines.wait(lambda lines: any(map(LISTENING.match, lines)), "listening")
            match = next(filter(None, map(LISTENING.match, printed)))
            yield Running(process, lines, int(match[1]), folder)
        finally:
            process.kill()
            process.wait(PATIENCE)


@pytest.fixture(autouse=True)
def _programs_hear_an_interrupt() -> Iterator[None]:
    """A job that a shell runs in the background ignores Ctrl-C, and so would what it starts."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.parametrize("name", EXAMPLES)
def test_an_example_does_what_it_says_and_ends_at_an_interrupt(name: str, tmp_path: Path) -> None:
    require_spice_gtk()
    example = EXAMPLES[name]
    with running(name, tmp_path) as program, example.viewer(program) as viewer:
        example.check(program, viewer)
        if program.process.poll() is None:
            program.interrupt()


@pytest.mark.parametrize("name", EXAMPLES)
def test_an_example_says_in_one_line_that_its_port_is_taken(name: str, tmp_path: Path) -> None:
    with (
        socket.create_server(("127.0.0.1", 0)) as taken,
        start(name, tmp_path, taken.getsockname()[1]) as process,
    ):
        process.communicate(timeout=PATIENCE)
    assert process.returncode == 1
    (line,) = (tmp_path / "errors").read_text().splitlines()
    assert line.startswith("cannot listen: ")
    assert "in use" in line


def test_every_example_is_tried() -> None:
    programs = {path.name for path in FOLDER.glob("*.py")} - SHARED
    assert programs == EXAMPLES.keys()


def test_every_example_is_listed() -> None:
    listed = re.findall(r"\[`(\w+\.py)`\]\(\1\)", (FOLDER / "README.md").read_text("utf-8"))
    assert sorted(listed) == sorted(path.name for path in FOLDER.glob("*.py"))
