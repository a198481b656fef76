"""TLS with real viewers: own certificate authority, host subject, security of channels, attacks."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from interop.command import ServeCommand, serve_command
from interop.embedded import embedded_server
from interop.gtk_viewer import GtkViewer
from interop.peers import PATIENCE, require_peer, viewer_environment
from interop.pictures import assert_same_picture, demo_picture, from_bgrx, noise
from interop.screen import screen
from interop.screenshot import Screenshot
from interop.test_remote_viewer import HEIGHT, ROOM, WIDTH, running, wait_for_demo
from interop.tls_port import tls_port
from redspice.security import ChannelSecurity
from runtime.certificates import Files, server_files

PASSWORD = "correct horse"
VERIFY_SUBJECT = 4
"""SPICE_SESSION_VERIFY_SUBJECT: names and public key do not matter."""

ALLOW_CLIENT_RENEGOTIATION = 1 << 8
"""SSL_OP_ALLOW_CLIENT_RENEGOTIATION, without which OpenSSL 3 refuses for us."""

Connect = Callable[..., GtkViewer]


@pytest.fixture
def files(tmp_path: Path) -> Files:
    """The server's certificate."""
    return server_files(tmp_path)


@pytest.fixture
def stranger(tmp_path: Path) -> Path:
    """The authority of somebody else's trial, of the same names."""
    make_certificate(tmp_path / "stranger")
    return tmp_path / "stranger" / "ca-cert.pem"


def make_certificate(folder: Path) -> list[str]:
    """Run `redspice cert`; returns the lines that it prints."""
    command = [sys.executable, "-m", "redspice.cli.main", "cert", str(folder)]
    made = subprocess.run(command, capture_output=True, text=True, check=True, timeout=PATIENCE)
    return made.stdout.splitlines()


def tls_options(files: Files) -> tuple[str, ...]:
    return ("--tls-port", "0", "--cert", str(files.certificate), "--key", str(files.key))


@pytest.fixture
def server(files: Files) -> Iterator[ServeCommand]:
    """The demo, for TLS only."""
    with serve_command("demo", "--frozen", *tls_options(files)) as server:
        yield server


def trusting(screenshot: Screenshot, ca: Path) -> Screenshot:
    """spicy-screenshot has no option for the authority: it takes OpenSSL's variable."""
    return Screenshot(screenshot.path, {**screenshot.environment, "SSL_CERT_FILE": str(ca)})


# pictures


def test_both_ports_serve_the_same_with_a_password(files: Files, screenshot: Screenshot) -> None:
    options = ("--port", "0", "--password", PASSWORD, *tls_options(files))
    with serve_command("demo", "--frozen", *options) as server:
        assert_same_picture(screenshot.take_from(server.port, PASSWORD), demo_picture(1024, 768))
        secured = trusting(screenshot, files.ca)
        picture = secured.take("-h", "localhost", "-s", server.tls_port, "-w", PASSWORD)
        assert_same_picture(picture, demo_picture(1024, 768))


@pytest.mark.parametrize("trust", ["stranger", "nobody"])
def test_a_viewer_that_does_not_trust_the_server_leaves_and_the_next_is_served(
    server: ServeCommand, screenshot: Screenshot, files: Files, stranger: Path, trust: str
) -> None:
    doubting = trusting(screenshot, stranger) if trust == "stranger" else screenshot
    refused = doubting.run("-h", "127.0.0.1", "-s", server.tls_port)
    assert refused.returncode == 1
    assert "main channel event: 21" in refused.stderr  # SPICE_CHANNEL_ERROR_TLS
    assert not screenshot.path.exists()
    picture = trusting(screenshot, files.ca).take("-h", "127.0.0.1", "-s", server.tls_port)
    assert_same_picture(picture, demo_picture(1024, 768))
    assert "TLS handshake failed: tlsv1 alert unknown ca" in server.stop()[0]


@pytest.mark.parametrize("way", ["command line", "connection file"])
def test_remote_viewer_shows_the_demo_with_own_authority_and_host_subject(
    tmp_path: Path, way: str
) -> None:
    require_peer("Xvfb", "remote-viewer")
    start, remote_viewer, _ = make_certificate(tmp_path / "trial")
    options = shlex.split(start)[3:]  # what `redspice cert` says to start the server with
    options[options.index("5901")] = "0"
    with (
        serve_command("demo", "--frozen", *options) as server,
        screen(tmp_path / "screen", WIDTH + ROOM, HEIGHT + ROOM) as desk,
    ):
        command = shlex.split(remote_viewer.replace("5901", server.tls_port))
        if way == "connection file":
            file = tmp_path / "demo.vv"
            subject = command[2].removeprefix("--spice-host-subject=")
            ca = (tmp_path / "trial" / "ca-cert.pem").read_text()
            file.write_text(connection_file(server.tls_port, ca, subject))
            command = ["remote-viewer", str(file)]
        environment = viewer_environment(tmp_path / "home") | {"DISPLAY": desk.display}
        with running(tuple(command), environment):
            wait_for_demo(desk)


def connection_file(port: str, ca: str, subject: str) -> str:
    settings = {
        "type": "spice",
        "host": "127.0.0.1",
        "tls-port": port,
        "ca": ca.replace("\n", "\\n"),
        "host-subject": subject,
        "delete-this-file": "0",
    }
    return "\n".join(["[virt-viewer]", *(f"{key}={value}" for key, value in settings.items()), ""])


# subjects and channels


def test_the_host_subject_decides(files: Files, connect: Connect) -> None:
    with embedded_server() as server, tls_port(server, files.context()) as port:
        server.call(lambda: server.reds.set_channel_security(None, ChannelSecurity.TLS))
        known = {"tls_port": port, "ca_file": files.ca, "verify": VERIFY_SUBJECT}
        viewer = connect(server, "right", cert_subject=files.subject, **known)
        viewer.wait_opened()
        assert viewer.picture() == from_bgrx(server.pixels(), 320, 200)
        viewer.quit()
        wrong = files.subject.replace("localhost", "elsewhere")
        connect(server, "wrong", cert_subject=wrong, **known).wait_for(["error-tls", "main-0"])


def test_a_channel_that_needs_tls_comes_over_tls(files: Files, connect: Connect) -> None:
    with embedded_server() as server, tls_port(server, files.context()) as port:
        server.call(lambda: server.reds.set_channel_security("inputs", ChannelSecurity.TLS))
        viewer = connect(server, tls_port=port, ca_file=files.ca)
        viewer.wait_opened()
        secured = server.call(
            lambda: {
                channel.name: [each.connection.transport.tls for each in channel.clients]
                for channel in server.reds.channels
            }
        )
        assert secured["inputs:0"] == [True]
        assert secured["display:0"] == secured["main:0"] == [False]


def test_a_server_with_tls_only_channels_shows_its_picture(
    files: Files, screenshot: Screenshot
) -> None:
    with embedded_server() as server, tls_port(server, files.context()) as port:
        picture = noise(320, 200)
        pixels = picture.tobytes("raw", "BGRX")
        server.call(lambda: server.framebuffer.paste(0, 0, 320, 200, pixels))
        server.call(lambda: server.reds.set_channel_security(None, ChannelSecurity.TLS))
        both = ("-h", "127.0.0.1", "-p", str(server.port), "-s", str(port))
        assert_same_picture(trusting(screenshot, files.ca).take(*both), picture)
        assert screenshot.run("-h", "127.0.0.1", "-p", str(server.port)).returncode == 1


# attacks


def openssl(port: int | str, *options: str) -> subprocess.Popen[str]:
    """A TLS client that is told what to do by lines of its input."""
    require_peer("openssl")
    return subprocess.Popen(
        ["openssl", "s_client", "-connect", f"127.0.0.1:{port}", *options],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def test_cve_2021_20201_a_second_handshake_is_refused(files: Files, connect: Connect) -> None:
    """A viewer could have the server do handshake after handshake."""
    context = files.context()
    context.options |= ALLOW_CLIENT_RENEGOTIATION
    with embedded_server() as server, tls_port(server, context) as port:
        with openssl(port, "-tls1_2") as client:
            give_up = threading.Timer(PATIENCE, client.kill)
            give_up.start()
            assert client.stdin is not None
            assert client.stdout is not None
            client.stdin.write("R\n")
            client.stdin.flush()
            said = client.stdout.read()  # until it ends, for which nobody has asked it
            give_up.cancel()
        assert "RENEGOTIATING" in said
        assert "no renegotiation" in said
        connect(server, tls_port=port, ca_file=files.ca).wait_opened()


@pytest.mark.parametrize("version", ["-tls1", "-tls1_1"])
def test_old_versions_are_refused(server: ServeCommand, version: str) -> None:
    # Otherwise OpenSSL itself would not even try.
    with openssl(server.tls_port, version, "-cipher", "ALL:@SECLEVEL=0") as client:
        said, _ = client.communicate(timeout=PATIENCE)
        assert client.returncode != 0
    assert re.search("no peer certificate available", said)
    assert "unsupported protocol" in server.log.wait(lambda log: log, "line")[0]
