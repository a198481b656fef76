"""A machine of QEMU, whose SPICE server is the reference server."""

from __future__ import annotations

import json
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from interop.peers import PATIENCE

PROGRAM = "qemu-system-x86_64"
WIDTH, HEIGHT = 720, 400
"""The screen of a machine that has nothing to boot from."""

COMMAND = (
    *(PROGRAM, "-machine", "pc,accel=tcg", "-m", "32", "-nodefaults", "-display", "none"),
    *("-vga", "qxl", "-qmp", "stdio"),
)


class Machine:
    """Obeys QMP, the lines of JSON that QEMU speaks on its standard streams."""

    def __init__(self, process: subprocess.Popen[str], port: int) -> None:
        self.port = port
        self._process = process
        self._answer()
        self.command("qmp_capabilities")

    def command(self, name: str, **arguments: object) -> Any:
        """Give a command and wait until it is done."""
        assert self._process.stdin is not None
        order = {"execute": name, "arguments": arguments}
        self._process.stdin.write(json.dumps(order) + "\n")
        self._process.stdin.flush()
        while "event" in (answer := self._answer()):
            pass
        assert "return" in answer, answer
        return answer["return"]

    def wait_for_event(self, name: str) -> None:
        """Wait until something happens that comes after the last command."""
        while self._answer().get("event") != name:
            pass

    def _answer(self) -> Any:
        assert self._process.stdout is not None
        return json.loads(self._process.stdout.readline())


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        return int(listening.getsockname()[1])


@contextmanager
def qemu(folder: Path, *options: str) -> Iterator[Machine]:
    """A machine that listens for viewers, without a password, and moves them seamlessly."""
    port = free_port()
    spice = f"port={port},addr=127.0.0.1,disable-ticketing=on,seamless-migration=on"
    with (
        (folder / "qemu.log").open("a") as log,
        subprocess.Popen(
            [*COMMAND, "-spice", spice, *options],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
        ) as process,
    ):
        try:
            yield Machine(process, port)
        finally:
            process.kill()
            process.wait(PATIENCE)
