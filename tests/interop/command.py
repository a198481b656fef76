"""The real command, `redspice serve`, in a process of its own."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from interop.peers import PATIENCE
from interop.record import LineReader, Record

TLS = re.compile(r"listening on .+:(\d+) \(TLS\)")


class ServeCommand:
    """A server that listens. `log` has the lines of its stderr."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        assert process.stdout is not None
        assert process.stderr is not None
        self.process = process
        self._output = LineReader(process.stdout)
        self._errors = LineReader(process.stderr)
        self.log: Record[str] = self._errors.lines
        first = self._output.lines.wait(lambda lines: lines or process.poll() is not None, "line")
        listening = re.fullmatch(r"listening on (.+?)( \(TLS\))?", first[0])
        assert listening is not None, first
        self.address = listening[1]

    @property
    def port(self) -> str:
        """The port, as text."""
        return self.address.rpartition(":")[2]

    @property
    def tls_port(self) -> str:
        """The port for TLS, as text."""
        lines = self._output.lines.wait(lambda lines: any(map(TLS.fullmatch, lines)), "TLS port")
        return next(match[1] for match in map(TLS.fullmatch, lines) if match)

    def stop(self) -> list[str]:
        """End the server as Ctrl-C does and return its whole log; it must end well."""
        self.process.terminate()
        assert self.process.wait(PATIENCE) == 0
        self._errors.join(PATIENCE)
        log = self.log.items()
        assert not [line for line in log if "Traceback" in line or " ERROR " in line]
        return log


@contextmanager
def serve_command(*arguments: str) -> Iterator[ServeCommand]:
    """Run `redspice serve` with these arguments, on a free port unless they say otherwise."""
    elsewhere = {"--port", "--tls-port", "--unix"} & {*arguments}
    where = () if elsewhere else ("--port", "0")
    environment = {key: value for key, value in os.environ.items() if key != "REDSPICE_PASSWORD"}
    command = [sys.executable, "-m", "redspice.cli.main", "serve", *arguments, *where]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment
    ) as process:
        try:
            server = ServeCommand(process)
            yield server
            if process.poll() is None:
                server.stop()
        finally:
            process.kill()
