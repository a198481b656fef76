"""The `redspice` command, as a process where signals, sockets and streams matter."""

from __future__ import annotations

import logging
import re
import signal
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from PIL import Image

from redspice.aio import TcpAddress
from redspice.cli.main import main
from redspice.cli.serve import is_loopback, viewer_uri
from redspice.cli.source import open_source, parse_size
from redspice.sources.demo import Demo
from redspice.sources.layout import Part
from redspice_protocol.enums import LinkErr
from redspice_protocol.inputs import MsgcInputsKeyDown
from runtime.command import (
    PATIENCE,
    SMALL,
    SocketPeer,
    first_line,
    main_channel,
    port_of,
    running,
)
from runtime.peer import DISPLAY_INIT, picture


@pytest.fixture(autouse=True)
def logger_as_before() -> Iterator[None]:
    """The command sets the library's logger up, also when it runs in this process."""
    logger = logging.getLogger("redspice")
    handlers, level = list(logger.handlers), logger.level
    yield
    logger.handlers[:] = handlers
    logger.setLevel(level)


def invoke(*arguments: str) -> Result:
    return CliRunner(env={"REDSPICE_PASSWORD": None}).invoke(main, arguments)


# the life of a server


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("with_viewer", [False, True])
def test_a_signal_ends_the_server_cleanly(number: signal.Signals, with_viewer: bool) -> None:
    with running("serve", "demo", *SMALL, "--port", "0") as process:
        port = port_of(first_line(process))
        viewer = socket.create_connection(("127.0.0.1", port)) if with_viewer else None
        process.send_signal(number)
        if viewer is not None:
            assert viewer.recv(1) == b""
            viewer.close()
        out, err = process.communicate(timeout=PATIENCE)
    assert process.returncode == 0
    assert out == ""
    assert "Traceback" not in err


def test_a_viewer_that_does_not_leave_cannot_hold_up_the_end() -> None:
    with running("serve", "demo", *SMALL, "--port", "0") as process:
        port = port_of(first_line(process))
        with socket.create_connection(("127.0.0.1", port)):
            process.send_signal(signal.SIGINT)
            process.communicate(timeout=PATIENCE)
    assert process.returncode == 0


def test_a_unix_socket_is_announced_and_removed(tmp_path: Path) -> None:
    path = tmp_path / "demo.sock"
    with running("serve", "demo", *SMALL, "--unix", str(path)) as process:
        assert first_line(process) == f"listening on {path}"
        with socket.socket(socket.AF_UNIX) as viewer:
            viewer.connect(str(path))
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=PATIENCE)
    assert process.returncode == 0
    assert not path.exists()


def test_nonsense_from_a_peer_is_one_log_line_and_answered() -> None:
    with running("serve", "demo", *SMALL, "--port", "0") as process:
        port = port_of(first_line(process))
        with socket.create_connection(("127.0.0.1", port)) as viewer:
            viewer.sendall(b"POST / HTTP/1.1\r\n\r\n")
            answer = b"".join(iter(lambda: viewer.recv(4096), b""))
        assert answer.startswith(b"REDQ")
        process.send_signal(signal.SIGTERM)
        _, err = process.communicate(timeout=PATIENCE)
    (line,) = err.splitlines()
    assert re.search(r"WARNING 127\.0\.0\.1:\d+ link: link refused", line)


def test_the_password_is_in_no_output() -> None:
    with running(
        "serve", "demo", *SMALL, "--port", "0", "--verbose", REDSPICE_PASSWORD="open-sesame"
    ) as process:
        port_of(first_line(process))
        process.send_signal(signal.SIGTERM)
        out, err = process.communicate(timeout=PATIENCE)
    assert process.returncode == 0
    assert "open-sesame" not in out + err


# viewers


def test_a_viewer_gets_the_pixels_of_the_demo() -> None:
    with (
        running("serve", "demo", "--size", "320x200", "--frozen", "--port", "0") as process,
        main_channel(port_of(first_line(process))) as (main, session),
        SocketPeer(main.sock.getpeername()[1]) as display,
    ):
        assert display.link("display", connection_id=session) == 0
        display.send("init", DISPLAY_INIT)
        canvas = bytearray(320 * 200 * 4)
        picture(display.until("mark"), canvas, 320)
    assert canvas == Demo(320, 200, frozen=True).framebuffer.pixels


def test_what_a_viewer_types_and_points_at_is_drawn() -> None:
    with (
        running("serve", "demo", "--size", "640x480", "--frozen", "--port", "0") as process,
        main_channel(port_of(first_line(process))) as (main, session),
        SocketPeer(main.sock.getpeername()[1]) as display,
        SocketPeer(main.sock.getpeername()[1]) as inputs,
    ):
        assert display.link("display", connection_id=session) == 0
        display.send("init", DISPLAY_INIT)
        display.until("mark")
        assert inputs.link("inputs", connection_id=session) == 0
        inputs.send("key_down", MsgcInputsKeyDown(code=0x1E))
        changes = display.until("draw_copy")
    body = Demo(640, 480, frozen=True).desktop.layout.windows[Part.ECHO].body
    boxes = [one.message.base.box for one in changes if one.name == "draw_copy"]
    assert boxes
    for box in boxes:
        assert body.left <= box.left < box.right <= body.right
        assert body.top <= box.top < box.bottom <= body.bottom


def test_the_password_is_asked_for() -> None:
    with running("serve", "demo", *SMALL, "--port", "0", REDSPICE_PASSWORD="right") as process:
        port = port_of(first_line(process))
        with SocketPeer(port) as peer:
            assert peer.link("main", password="wrong") == LinkErr.PERMISSION_DENIED
        with main_channel(port, "right") as (_, session):
            assert session


def test_a_second_viewer_takes_over() -> None:
    with running("serve", "demo", *SMALL, "--port", "0") as process:
        port = port_of(first_line(process))
        with (
            main_channel(port) as (first, _),
            main_channel(port),
            pytest.raises(AssertionError, match="the server hung up"),
        ):
            first.until("never")


def test_several_viewers_can_be_let_in_at_once() -> None:
    with running("serve", "demo", *SMALL, "--port", "0", "--multi") as process:
        port = port_of(first_line(process))
        with main_channel(port) as (first, one), main_channel(port) as (_, other):
            assert one != other
            first.send("attach_channels")
            (channels,) = [m for m in first.until("channels_list") if m.name == "channels_list"]
            assert {channel.type for channel in channels.message.channels} == {2, 3, 4}


# refusals


def refusal_of(*arguments: str) -> str:
    """The one line that a command says no with."""
    result = invoke(*arguments)
    assert result.exit_code == 2
    assert result.stdout == ""
    (line,) = result.stderr.splitlines()
    return line


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["demo", "--size", "big"], "size 'big' is not WIDTHxHEIGHT, like 1024x768"),
        (["demo", "--size", "640x"], "size '640x' is not WIDTHxHEIGHT"),
        (["demo", "--size", "0x10"], "framebuffer of 0x10: sides are 1..16384"),
        (["demo", "--size", "99999x1"], "framebuffer of 99999x1: sides are 1..16384"),
        (["image:missing.png"], "missing.png: cannot read the picture: No such file"),
        (["image:x.png", "--size", "1x1"], "--size is for the demo"),
        (["image:x.png", "--frozen"], "--frozen is for the demo"),
        (["video"], "unknown source 'video': use demo or image:FILE"),
        (["demo", *SMALL, "--password", ""], "the password is empty"),
        (["demo", *SMALL, "--password", "x" * 61], "the password has 61 bytes, at most 60"),
    ],
)
def test_what_cannot_be_is_refused_in_one_line(arguments: list[str], message: str) -> None:
    assert refusal_of("serve", *arguments).startswith(f"Error: {message}")


def test_a_file_that_is_no_picture_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "notes.txt"
    path.write_text("no pixels")
    line = refusal_of("serve", f"image:{path}")
    assert line == f"Error: {path}: not a picture in a format that can be read"


def test_a_port_in_use_is_refused() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        line = refusal_of("serve", "demo", *SMALL, "--port", str(port))
    assert line == f"Error: cannot listen on 127.0.0.1:{port}: Address already in use"


def test_a_regular_file_as_socket_path_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_text("precious")
    line = refusal_of("serve", "demo", *SMALL, "--unix", str(path))
    assert line == f"Error: cannot listen on {path}: exists and is not a socket"
    assert path.read_text() == "precious"


def test_a_host_that_is_not_there_is_refused() -> None:
    line = refusal_of("serve", "demo", *SMALL, "--port", "0", "--host", "256.0.0.1")
    assert "Error: cannot listen on 256.0.0.1:0: " in line


@pytest.mark.parametrize("port", ["-1", "65536", "http"])
def test_impossible_ports_are_refused(port: str) -> None:
    result = invoke("serve", "demo", "--port", port)
    assert result.exit_code == 2
    assert "'--port'" in result.stderr


# words


def test_help_shows_examples() -> None:
    result = invoke("serve", "--help")
    assert result.exit_code == 0
    assert "\n    redspice serve image:photo.png --port 5930 --multi\n" in result.output
    assert "serve" in invoke("--help").output


def test_the_version_is_told() -> None:
    result = invoke("--version")
    assert result.exit_code == 0
    assert result.output.startswith("redspice, version ")


@pytest.mark.parametrize(
    ("address", "uri"),
    [
        (TcpAddress("127.0.0.1", 5900), "spice://127.0.0.1:5900"),
        (TcpAddress("0.0.0.0", 5901), "spice://127.0.0.1:5901"),
        (TcpAddress("::", 5901), "spice://[::1]:5901"),
        ("/run/a b.sock", "spice+unix:///run/a%20b.sock"),
    ],
)
def test_the_hint_names_the_address_for_a_viewer(address: TcpAddress | str, uri: str) -> None:
    assert viewer_uri(address) == uri


@pytest.mark.parametrize(
    ("host", "expected"),
    [("127.0.0.1", True), ("::1", True), ("localhost", True), ("0.0.0.0", False), ("", False)],
)
def test_hosts_that_only_this_machine_reaches_are_known(host: str, expected: bool) -> None:
    assert is_loopback(host) is expected


# sources


def test_sizes_are_parsed() -> None:
    assert parse_size("1024x768") == (1024, 768)


def test_the_demo_has_a_default_size_and_takes_another() -> None:
    demo = open_source("demo", None, frozen=True)
    assert isinstance(demo, Demo)
    assert demo.frozen
    assert (demo.framebuffer.width, demo.framebuffer.height) == (1024, 768)
    assert open_source("demo", "20x10", frozen=False).framebuffer.height == 10


def test_a_picture_may_have_any_name(tmp_path: Path) -> None:
    path = tmp_path / "image:odd name.png"
    Image.new("RGB", (5, 4)).save(path)
    source = open_source(f"image:{path}", None, frozen=False)
    assert (source.framebuffer.width, source.framebuffer.height) == (5, 4)
