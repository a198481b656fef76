"""`redspice serve`: who may connect, over real sockets."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from redspice.sasl.user_file import add_user
from redspice_protocol.enums import LinkErr
from runtime.certificates import Files, server_files, viewer_certificate
from runtime.command import (
    PATIENCE,
    SMALL,
    SocketPeer,
    first_line,
    main_channel,
    port_of,
    prepared,
    refusal_of,
    running,
)
from runtime.link_client import Credentials, LinkClient
from runtime.peer import link_message

DENIED = LinkErr.PERMISSION_DENIED
ANY_PORT = (*SMALL, "--port", "0")


@pytest.fixture
def files(tmp_path: Path) -> Files:
    return server_files(tmp_path)


@pytest.fixture
def secret(tmp_path: Path) -> str:
    path = tmp_path / "secret.txt"
    path.write_text("open sesame\n")
    return str(path)


@pytest.fixture
def users(tmp_path: Path) -> str:
    path = tmp_path / "users.txt"
    add_user(path, "alice", "wonderland")
    add_user(path, "carol", None)
    return str(path)


def answers(port: int, *passwords: str) -> list[int]:
    """The link results of viewers with these passwords."""
    results = []
    for password in passwords:
        with SocketPeer(port) as peer:
            results.append(peer.link("main", password=password))
    return results


# passwords


@pytest.mark.parametrize("way", ["--password-file", "--password", "variable", "stdin"])
def test_a_password_comes_from_where_it_is_told(way: str, secret: str) -> None:
    arguments = {
        "--password-file": ("--password-file", secret),
        "--password": ("--password", "open sesame"),
        "stdin": ("--password-file", "-"),
        "variable": (),
    }[way]
    variables = {"REDSPICE_PASSWORD": "open sesame"} if way == "variable" else {}
    stdin = os.open(secret, os.O_RDONLY)
    options = (*ANY_PORT, "--verbose", *arguments)
    with running("serve", "demo", *options, stdin=stdin, **variables) as process:
        os.close(stdin)
        port = port_of(first_line(process))
        assert answers(port, "", "wrong", "open sesame") == [DENIED, DENIED, LinkErr.OK]
        process.terminate()
        assert process.stderr is not None
        log = process.stderr.read()
    assert "sesame" not in log
    assert "wrong or expired password" in log


def read_until(process: subprocess.Popen[str], end: str) -> None:
    assert process.stderr is not None
    said = ""
    while not said.endswith(end):
        said += process.stderr.read(1)


def test_a_password_is_asked_for_without_showing_it() -> None:
    ours, theirs = os.openpty()
    command = [sys.executable, "-m", "redspice.cli.main", "serve", "demo", *ANY_PORT]
    with subprocess.Popen(
        [*command, "--ask-password"],
        stdin=theirs,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,  # it has no other terminal
    ) as process:
        try:
            for question in ("Password: ", "Repeat for confirmation: "):
                read_until(process, question)
                os.write(ours, b"open sesame\n")
            port = port_of(first_line(process))
            assert answers(port, "", "open sesame") == [DENIED, LinkErr.OK]
            os.set_blocking(ours, False)
            try:
                shown = os.read(ours, 4096)
            except BlockingIOError:
                shown = b""
            assert b"sesame" not in shown
        finally:
            process.kill()
            os.close(ours)
            os.close(theirs)


def test_without_a_terminal_nobody_is_asked() -> None:
    assert refusal_of("demo", "--ask-password").startswith("no terminal to ask for the password")


def test_the_command_line_wins_over_the_environment(secret: str) -> None:
    options = ("--password-file", secret)
    with running("serve", "demo", *ANY_PORT, *options, REDSPICE_PASSWORD="other") as process:
        assert answers(port_of(first_line(process)), "other", "open sesame") == [DENIED, LinkErr.OK]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--password", "a", "--password-file", "b"), "--password-file and --password: give one"),
        (("--sasl", "a", "--ask-password"), "--ask-password and --sasl: give one of them"),
        (("--password-file", "missing"), "cannot read missing: No such file or directory"),
        (("--password", ""), "the password is empty"),
        (("--sasl", "missing"), "missing: No such file or directory"),
        (("--sasl-plain",), "--sasl-plain is for --sasl"),
    ],
)
def test_what_cannot_be_is_one_line(options: tuple[str, ...], message: str) -> None:
    assert refusal_of("demo", *options).startswith(message)


def test_a_file_without_a_password_is_refused(tmp_path: Path) -> None:
    (tmp_path / "empty").touch()
    assert "the password is empty" in refusal_of("demo", "--password-file", str(tmp_path / "empty"))


# users


def sasl_link(peer: SocketPeer, client: LinkClient) -> int:
    while client.outcome is None:
        peer.send_bytes(bytes(client.output))
        client.output.clear()
        if not peer.inbox:
            peer.read()
        client.receive_data(bytes(peer.inbox))
        peer.inbox.clear()
    return client.outcome


@pytest.fixture
def tls(files: Files) -> tuple[str, ...]:
    return ("--tls-port", "0", "--cert", str(files.certificate), "--key", str(files.key))


def tls_port_of(line: str) -> int:
    return port_of(line.removesuffix(" (TLS)"))


@pytest.mark.parametrize("mechanism", ["SCRAM-SHA-256", "SCRAM-SHA-1", "PLAIN"])
def test_users_in_a_file_come_in_over_tls(
    files: Files, users: str, tls: tuple[str, ...], mechanism: str
) -> None:
    with running("serve", "demo", *SMALL, *tls, "--sasl", users) as process:
        port = tls_port_of(first_line(process))
        for password, outcome in (("wonderland", LinkErr.OK), ("rabbit", DENIED)):
            client = LinkClient("main", Credentials(password, "alice", mechanism))
            with SocketPeer(port, files.viewer()) as peer:
                assert sasl_link(peer, client) == outcome


def test_a_client_certificate_is_a_user(
    files: Files, users: str, tls: tuple[str, ...], tmp_path: Path
) -> None:
    certificate = viewer_certificate(tmp_path / "carol.pem", "carol")
    options = ("--sasl", users, "--ca", str(certificate))
    with running("serve", "demo", *SMALL, *tls, *options) as process:
        context = files.viewer()
        context.load_cert_chain(certificate)
        client = LinkClient("main", Credentials(user="carol", mechanism="EXTERNAL"))
        with SocketPeer(tls_port_of(first_line(process)), context) as peer:
            assert sasl_link(peer, client) == LinkErr.OK


def test_users_may_come_without_tls_where_that_is_wanted(users: str) -> None:
    with running("serve", "demo", *ANY_PORT, "--sasl", users, "--sasl-plain") as process:
        client = LinkClient("main", Credentials("wonderland", "alice"))
        with SocketPeer(port_of(first_line(process))) as peer:
            assert sasl_link(peer, client) == LinkErr.OK
    assert not [name for name in client.names if not name.startswith("SCRAM")]


def test_users_that_could_not_come_in_anywhere_are_refused(users: str) -> None:
    assert refusal_of("demo", *ANY_PORT, "--sasl", users).startswith("--sasl needs --tls-port")


def test_a_file_that_others_may_read_is_refused(users: str) -> None:
    os.chmod(users, 0o644)
    assert "chmod 600" in refusal_of("demo", *ANY_PORT, "--sasl", users)


# TLS


def test_old_ciphers_can_be_chosen_for_old_tls(files: Files, tls: tuple[str, ...]) -> None:
    cipher = "ECDHE-RSA-AES128-GCM-SHA256"
    with running("serve", "demo", *SMALL, *tls, "--ciphers", cipher) as process:
        context = files.viewer()
        context.maximum_version = context.minimum_version
        with SocketPeer(tls_port_of(first_line(process)), context) as peer:
            assert peer.sock.cipher()[0] == cipher  # type: ignore[attr-defined]


def test_ciphers_that_nobody_has_are_refused(tls: tuple[str, ...]) -> None:
    assert "no cipher can be selected" in refusal_of("demo", *tls, "--ciphers", "CAESAR")


def test_channels_come_over_what_they_may(files: Files, tls: tuple[str, ...]) -> None:
    rules = ("--security", "default=tls", "--security", "cursor=plain")
    with running("serve", "demo", *ANY_PORT, *tls, *rules) as process:
        plain, secured = port_of(first_line(process)), tls_port_of(first_line(process))
        for channel, port, context, error in (
            ("main", plain, None, LinkErr.NEED_SECURED),
            ("main", secured, files.viewer(), LinkErr.OK),
            ("cursor", secured, files.viewer(), LinkErr.NEED_UNSECURED),
            ("cursor", plain, None, LinkErr.OK),
        ):
            with SocketPeer(port, context) as peer:
                peer.send_bytes(link_message(channel))
                assert peer.take_reply().error == error


@pytest.mark.parametrize(
    ("rule", "message"),
    [
        ("main", "Invalid value for '--security': 'main' is not NAME=VALUE"),
        ("main=", "Invalid value for '--security': '' is not one of plain, tls, both"),
        ("main=ssl", "Invalid value for '--security': 'ssl' is not one of plain, tls, both"),
        ("video=tls", "Invalid value for '--security': 'video' is not one of default, cursor,"),
        ("main=tls", "--security main=tls: it listens nowhere for that"),
    ],
)
def test_a_rule_that_cannot_be_is_one_line(rule: str, message: str) -> None:
    assert refusal_of("demo", *ANY_PORT, "--security", rule).startswith(message)


def test_a_plain_rule_where_all_is_tls_is_refused(tls: tuple[str, ...]) -> None:
    line = refusal_of("demo", *SMALL, *tls, "--security", "main=plain")
    assert line == "--security main=plain: it listens nowhere for that"


def test_a_unix_socket_fits_every_rule(tmp_path: Path) -> None:
    path = str(tmp_path / "s")
    with running("serve", "demo", *SMALL, "--unix", path, "--security", "main=tls") as process:
        assert first_line(process) == f"listening on {path}"


# how many


def test_a_new_viewer_replaces_the_other_unless_several_are_let_in(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert not prepared(monkeypatch, "demo").allow_multiple_clients
    assert not prepared(monkeypatch, "demo", "--multi", "--single").allow_multiple_clients
    assert prepared(monkeypatch, "demo", "--multi").allow_multiple_clients


@pytest.fixture
def three(request: pytest.FixtureRequest) -> Iterator[subprocess.Popen[str]]:
    with running("serve", "demo", *ANY_PORT, "--multi", "--max-clients", "2") as process:
        yield process


def test_one_viewer_too_many_is_refused_and_the_others_stay(
    three: subprocess.Popen[str],
) -> None:
    port = port_of(first_line(three))
    with main_channel(port) as (first, _):
        with main_channel(port):
            assert answers(port, "") == [LinkErr.CHANNEL_NOT_AVAILABLE]
            first.send("attach_channels")
            assert first.until("channels_list")
        while answers(port, "") != [LinkErr.OK]:
            pass  # the server has not seen yet that the second one has left
    three.send_signal(signal.SIGTERM)
    _, log = three.communicate(timeout=PATIENCE)
    line = r"link refused \(CHANNEL_NOT_AVAILABLE\): as many viewers as may be are in, 2\n"
    assert re.search(line, log)


def test_in_single_mode_a_new_viewer_replaces_the_other_whatever_the_limit() -> None:
    with running("serve", "demo", *ANY_PORT, "--max-clients", "1") as process:
        port = port_of(first_line(process))
        with main_channel(port), main_channel(port) as (_, session):
            assert session
