"""The command `redspice` as a process, and a viewer on a real socket for it."""

from __future__ import annotations

import os
import re
import socket
import ssl
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from click.testing import CliRunner

from redspice.cli import serve
from redspice.cli.main import main
from redspice.interfaces import CoreInterface
from redspice.reds import RedsState
from redspice_protocol import Buffer
from runtime.fake_core import FakeCore
from runtime.peer import Peer, Received

PATIENCE = 30.0
"""Seconds after which a process that does not end has failed."""

SMALL = ("--size", "64x48")


@contextmanager
def running(
    *arguments: str, stdin: int | None = None, **variables: str
) -> Iterator[subprocess.Popen[str]]:
    """A server; `variables` are of its environment."""
    environment = {**os.environ, **variables}
    if "REDSPICE_PASSWORD" not in variables:
        environment.pop("REDSPICE_PASSWORD", None)
    process = subprocess.Popen(
        [sys.executable, "-m", "redspice.cli.main", *arguments],
        stdin=stdin,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment,
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def first_line(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().rstrip("\n")


def port_of(line: str) -> int:
    match = re.fullmatch(r"listening on 127\.0\.0\.1:(\d+)", line)
    assert match is not None, line
    return int(match[1])


class SocketPeer(Peer):
    """A viewer's connection over a real socket; reading waits for the server."""

    def __init__(self, port: int, tls: ssl.SSLContext | None = None) -> None:
        self.sock = socket.create_connection(("127.0.0.1", port), timeout=PATIENCE)
        if tls is not None:
            self.sock = tls.wrap_socket(self.sock, server_hostname="localhost")
        self.inbox = bytearray()
        self.channel = ""
        self.mini = True
        self.acking = True
        self._window = self._until_ack = self._serial = 0

    def __enter__(self) -> SocketPeer:
        return self

    def __exit__(self, *_: object) -> None:
        self.sock.close()

    def send_bytes(self, data: Buffer) -> None:
        self.sock.sendall(data)

    def read(self, limit: int | None = None) -> None:
        data = self.sock.recv(1 << 16)
        assert data, "the server hung up"
        self.inbox += data

    def take(self, size: int) -> bytes:
        while len(self.inbox) < size:
            self.read()
        data = bytes(self.inbox[:size])
        del self.inbox[:size]
        return data

    def until(self, name: str) -> list[Received]:
        """The messages up to one of this name, and what came with it."""
        received = self._parse()
        while all(message.name != name for message in received):
            self.read()
            received += self._parse()
        return received


@contextmanager
def main_channel(port: int, password: str = "") -> Iterator[tuple[SocketPeer, int]]:
    """A viewer that has just come in, and its session."""
    with SocketPeer(port) as peer:
        assert peer.link("main", password=password) == 0
        yield peer, peer.until("init")[0].message.session_id


def refusal_of(*arguments: str) -> str:
    """The one line that `redspice serve` says no with."""
    runner = CliRunner(env={"REDSPICE_PASSWORD": None})
    result = runner.invoke(main, ["serve", *arguments])
    assert result.exit_code == 2, result.output
    assert result.stdout == ""
    (line,) = result.stderr.splitlines()
    return line.removeprefix("Error: ")


def prepared(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> RedsState:
    """What `redspice serve` would serve: the server in the state in which it starts to listen."""
    made = []

    def run(prepare: Callable[[CoreInterface], RedsState], *_: object) -> None:
        made.append(prepare(FakeCore()))

    monkeypatch.setattr(serve, "run", run)
    runner = CliRunner(env={"REDSPICE_PASSWORD": None})
    result = runner.invoke(main, ["serve", *arguments], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    (reds,) = made
    return reds
