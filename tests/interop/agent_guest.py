"""A guest's desktop on this machine: Xvfb, spice-vdagentd and spice-vdagent."""

from __future__ import annotations

import os
import struct
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from interop.peers import PATIENCE, viewer_environment
from interop.record import LineReader
from interop.screen import screen

POLL = 0.02
"""Seconds between two looks at what nobody announces."""

INPUT_EVENT = struct.Struct("=qqHHi")
"""Two words of time, then type, code and value: what a pointing device says to Linux."""


class AgentGuest:
    """The desktop of a guest whose agent is connected to a unix socket."""

    def __init__(self, folder: Path, environment: dict[str, str]) -> None:
        self.files = folder / "files"
        """Where files that viewers send are saved."""
        self._folder = folder
        self._environment = environment
        self._stack = ExitStack()
        self.files.mkdir()
        self._uinput = folder / "uinput"
        self._uinput.touch()

    def start(self, socket: Path) -> None:
        """Run both agents, the daemon's first: it makes the socket for the other."""
        session = self._folder / "session"
        places = ["-s", str(socket), "-S", str(session)]
        self.daemon = self._run(
            "spice-vdagentd", "-d", "-d", "-x", "-X", "-f", "-u", str(self._uinput), *places
        )
        wait_until(session.exists, "socket of spice-vdagentd")
        self.agent = self._run(
            "spice-vdagent", "-d", "-x", "-f", str(self.files), "-o", "0", *places
        )

    def stop(self) -> None:
        self._stack.close()

    def copy(self, text: str, selection: str = "clipboard") -> None:
        """Have the desktop's user copy a text."""
        self._start_quietly(["xclip", "-i", "-quiet", "-selection", selection], text)

    def paste(self, selection: str = "clipboard") -> str:
        """What the desktop's user gets."""
        done = subprocess.run(
            ["xclip", "-o", "-selection", selection],
            env=self._environment,
            capture_output=True,
            timeout=PATIENCE,
        )
        return done.stdout.decode()

    def pointer(self) -> list[tuple[int, int, int]]:
        """What the pointing device has said: type, code and value of each event."""
        data = self._uinput.read_bytes()
        size = len(data) - len(data) % INPUT_EVENT.size
        return [event[2:] for event in INPUT_EVENT.iter_unpack(data[:size])]

    def _run(self, *command: str) -> LineReader:
        process = subprocess.Popen(
            command,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            env=self._environment,
        )
        assert process.stderr is not None
        reader = LineReader(process.stderr)
        self._stack.callback(process.stderr.close)
        self._stack.callback(reader.join, PATIENCE)
        self._stack.callback(process.wait, PATIENCE)
        self._stack.callback(process.terminate)
        return reader

    def _start_quietly(self, command: list[str], text: str) -> None:
        process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            text=True,
            env=self._environment,
        )
        assert process.stdin is not None
        self._stack.callback(process.wait, PATIENCE)
        self._stack.callback(process.terminate)
        process.stdin.write(text)
        process.stdin.close()


def wait_until(condition: Callable[[], object], what: str) -> None:
    """Look again and again until a condition holds."""
    give_up = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < give_up, f"no {what} in {PATIENCE:g} s"
        time.sleep(POLL)


@contextmanager
def agent_guest(folder: Path, socket: Path) -> Iterator[AgentGuest]:
    """A guest whose agent connects to `socket`."""
    with screen(folder / "screen", 1024, 768) as desktop:
        environment = {**viewer_environment(folder / "guest"), "DISPLAY": desktop.display}
        environment.pop("DBUS_SESSION_BUS_ADDRESS", None)
        guest = AgentGuest(folder, {**os.environ, **environment})
        try:
            guest.start(socket)
            yield guest
        finally:
            guest.stop()
