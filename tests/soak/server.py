"""The real command, `redspice serve demo`, in a process of its own, and what it costs."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

READY = "listening on "
PATIENCE = 30.0
"""Seconds that the command may need to end."""

TICKS = os.sysconf("SC_CLK_TCK")


class SoakServer:
    """A server that listens at `host` and `port`."""

    def __init__(self, pid: int, host: str, port: int, log: Path) -> None:
        self.pid = pid
        self.host = host
        self.port = port
        self._log = log

    @property
    def memory(self) -> int:
        """Bytes of memory in use."""
        return self._status("VmRSS") * 1024

    @property
    def descriptors(self) -> int:
        """Files and sockets that are open."""
        return len(os.listdir(f"/proc/{self.pid}/fd"))

    @property
    def cpu(self) -> float:
        """Seconds of processor time up to now."""
        text = Path(f"/proc/{self.pid}/stat").read_text()
        user, system = text.rpartition(")")[2].split()[11:13]
        return (int(user) + int(system)) / TICKS

    @property
    def waited(self) -> float:
        """Seconds for which the loop could have run and all processors were busy, up to now."""
        return int(Path(f"/proc/{self.pid}/schedstat").read_text().split()[1]) / 1e9

    def log_lines(self) -> list[str]:
        """What it has logged."""
        return self._log.read_text().splitlines()

    def _status(self, name: str) -> int:
        for line in Path(f"/proc/{self.pid}/status").read_text().splitlines():
            if line.startswith(f"{name}:"):
                return int(line.split()[1])
        raise LookupError(name)


@contextmanager
def soak_server(
    log: Path,
    *arguments: str,
    host: str = "127.0.0.1",
    size: str = "640x480",
    password: str | None = None,
    prefix: Sequence[str] = (),
) -> Iterator[SoakServer]:
    """Run `redspice serve demo --multi`; `prefix` is a command that runs another one.

    In the end it must leave by SIGTERM with exit code 0 and without a traceback in its log.
    """
    where = ("--host", host, "--port", "0", "--size", size, "--multi", *arguments)
    command = [*prefix, sys.executable, "-m", "redspice.cli.main", "serve", "demo", *where]
    environment = {key: value for key, value in os.environ.items() if key != "REDSPICE_PASSWORD"}
    if password is not None:
        environment["REDSPICE_PASSWORD"] = password
    log.parent.mkdir(parents=True, exist_ok=True)
    with (
        log.open("w") as errors,
        subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=errors, text=True, env=environment
        ) as process,
    ):
        try:
            assert process.stdout is not None
            line = process.stdout.readline()
            assert line.startswith(READY), f"{line!r}, and in {log}: {log.read_text()}"
            port = int(line.rpartition(":")[2])
            yield SoakServer(process.pid, host, port, log)
            process.terminate()
            assert process.wait(PATIENCE) == 0
        finally:
            process.kill()
    assert "Traceback" not in log.read_text(), f"a traceback in {log}"
