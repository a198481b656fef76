"""`redspice serve`: where it listens, and what is wrong with the options that say so."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from click.testing import CliRunner

from redspice.aio import TcpAddress, TlsAddress
from redspice.cli.main import main
from redspice.cli.serve import viewer_uri
from runtime.certificates import Files, encrypted_key, server_files

PATIENCE = 30.0
SERVE = (sys.executable, "-m", "redspice.cli.main", "serve", "demo", "--size", "64x48")


@pytest.fixture
def files(tmp_path: Path) -> Files:
    return server_files(tmp_path)


@contextmanager
def serving(*command: str, lines: int = 1, **options: object) -> Iterator[list[str]]:
    """Run a server; yields what it says first. It must end well."""
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, **options
    ) as process:
        try:
            assert process.stdout is not None
            yield [process.stdout.readline().rstrip("\n") for _ in range(lines)]
            process.send_signal(signal.SIGTERM)
            assert process.wait(PATIENCE) == 0
        finally:
            process.kill()


def refusal_of(*arguments: str) -> str:
    result = CliRunner().invoke(main, ["serve", "demo", *arguments])
    assert result.exit_code == 2
    (line,) = result.stderr.splitlines()
    return line.removeprefix("Error: ")


def port_of(line: str) -> int:
    match = re.search(r":(\d+)( \(TLS\))?$", line)
    assert match is not None, line
    return int(match[1])


def test_each_place_is_announced_and_serves(files: Files, tmp_path: Path) -> None:
    files.key.write_bytes(encrypted_key("sesame"))
    secret = tmp_path / "secret"
    secret.write_text("sesame\nand more\n")
    path = str(tmp_path / "s")
    tls = ("--cert", str(files.certificate), "--key", str(files.key))
    places = ("--port", "0", "--tls-port", "0", "--unix", path)
    command = (*SERVE, *places, *tls, "--key-password-file", str(secret))
    with serving(*command, lines=3) as (plain, secured, local):
        assert plain.startswith("listening on 127.0.0.1:")
        assert re.fullmatch(r"listening on 127\.0\.0\.1:\d+ \(TLS\)", secured)
        assert local == f"listening on {path}"
        with (
            socket.create_connection(("127.0.0.1", port_of(secured))) as sock,
            files.viewer().wrap_socket(sock, server_hostname="localhost") as viewer,
        ):
            assert viewer.version() == "TLSv1.3"
            viewer.sendall(b"HELO")
            assert viewer.recv(4) == b"REDQ"


def test_tls_alone_leaves_no_plain_port_open(files: Files) -> None:
    both = files.certificate.read_bytes() + files.key.read_bytes()
    files.certificate.write_bytes(both)
    with (
        serving(*SERVE, "--tls-port", "0", "--cert", str(files.certificate)) as (line,),
        socket.create_connection(("127.0.0.1", port_of(line))) as viewer,
    ):
        viewer.sendall(b"REDQ" + bytes(100))
        assert not viewer.recv(4).startswith(b"REDQ")


def test_an_abstract_name_is_served(tmp_path: Path) -> None:
    name = f"@redspice-{tmp_path.name}-{os.getpid()}"
    with serving(*SERVE, "--unix", name) as (line,):
        assert line == f"listening on {name}"
        with socket.socket(socket.AF_UNIX) as viewer:
            viewer.connect(f"\0{name[1:]}")
            viewer.sendall(b"HELO")
            assert viewer.recv(4) == b"REDQ"


HAND_OVER = """
import os, sys
os.dup2(int(sys.argv[1]), 3)
os.environ |= {"LISTEN_PID": str(os.getpid()), "LISTEN_FDS": "1", "LISTEN_FDNAMES": "spice"}
os.execv(sys.argv[2], sys.argv[2:])
"""
"""Does what systemd does before it starts a service with a socket."""


def test_a_socket_of_systemd_is_served() -> None:
    with socket.create_server(("127.0.0.1", 0)) as sock:
        port, descriptor = sock.getsockname()[1], sock.fileno()
        command = (sys.executable, "-c", HAND_OVER, str(descriptor), *SERVE)
        with serving(*command, pass_fds=[descriptor]) as (line,):
            assert line == f"listening on 127.0.0.1:{port}"
            with socket.create_connection(("127.0.0.1", port)) as viewer:
                viewer.sendall(b"HELO")
                assert viewer.recv(4) == b"REDQ"


def test_browsers_can_be_shut_out() -> None:
    with (
        serving(*SERVE, "--port", "0", "--no-ws") as (line,),
        socket.create_connection(("127.0.0.1", port_of(line))) as viewer,
    ):
        viewer.sendall(b"GET / HTTP/1.1\r\n\r\n")
        assert viewer.recv(4) == b"REDQ"


def test_tls_options_without_tls_are_refused() -> None:
    for option in ("--cert", "--key", "--key-password-file", "--ca", "--ciphers"):
        assert refusal_of(option, "x") == f"{option} is for TLS: give a --tls-port"


def test_tls_without_a_certificate_is_refused() -> None:
    assert refusal_of("--tls-port", "0").startswith("TLS needs a certificate: --cert")


def test_origins_without_websockets_are_refused() -> None:
    assert "--no-ws" in refusal_of("--no-ws", "--ws-origin", "*")


@pytest.mark.parametrize(
    ("content", "complaint"),
    [(None, "No such file"), (b"\n", "nothing in the first line"), (b"\xff", "is not text")],
)
def test_a_password_file_that_cannot_be_used_is_refused(
    files: Files, tmp_path: Path, content: bytes | None, complaint: str
) -> None:
    secret = tmp_path / "secret"
    if content is not None:
        secret.write_bytes(content)
    tls = ("--tls-port", "0", "--cert", str(files.certificate), "--key", str(files.key))
    line = refusal_of(*tls, "--key-password-file", str(secret))
    assert str(secret) in line
    assert complaint in line


def test_a_certificate_that_cannot_be_used_is_refused(files: Files) -> None:
    line = refusal_of("--tls-port", "0", "--cert", str(files.ca), "--key", str(files.key))
    assert "does not belong to the certificate" in line


def test_a_taken_port_is_named(files: Files) -> None:
    tls = ("--cert", str(files.certificate), "--key", str(files.key))
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        line = refusal_of("--port", "0", "--tls-port", port, *tls)
    assert line == f"cannot listen on 127.0.0.1:{port}: Address already in use"


@pytest.mark.parametrize(
    ("address", "uri"),
    [
        (TlsAddress("0.0.0.0", 5901), "spice://127.0.0.1?tls-port=5901"),
        (TlsAddress("::1", 5901), "spice://[::1]?tls-port=5901"),
        (TcpAddress("::", 5900), "spice://[::1]:5900"),
    ],
)
def test_the_hint_names_the_address_for_a_viewer(address: TcpAddress, uri: str) -> None:
    assert viewer_uri(address) == uri
