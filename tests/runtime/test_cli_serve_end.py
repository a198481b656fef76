"""`redspice serve`: how it ends, and that it ends well for viewers that are in."""

from __future__ import annotations

import re
import signal
from contextlib import ExitStack
from pathlib import Path

import pytest

from redspice_protocol.enums import LinkErr
from runtime.certificates import server_files
from runtime.command import (
    PATIENCE,
    SMALL,
    SocketPeer,
    first_line,
    main_channel,
    port_of,
    refusal_of,
    running,
)
from runtime.peer import DISPLAY_INIT


def hears_goodbye(peer: SocketPeer) -> int:
    """The reason in the last message, after which the server hangs up."""
    reason = int(peer.until("disconnecting")[-1].message.reason)
    while data := peer.sock.recv(1 << 16):
        peer.inbox += data
    assert not peer.inbox
    return reason


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_says_goodbye_to_every_viewer(number: signal.Signals) -> None:
    with ExitStack() as stack:
        process = stack.enter_context(running("serve", "demo", *SMALL, "--port", "0", "--multi"))
        port = port_of(first_line(process))
        viewers = [stack.enter_context(main_channel(port)) for _ in range(3)]
        display = stack.enter_context(SocketPeer(port))
        assert display.link("display", connection_id=viewers[0][1]) == LinkErr.OK
        display.send("init", DISPLAY_INIT)
        display.until("mark")
        process.send_signal(number)
        assert [hears_goodbye(peer) for peer, _ in viewers] == [LinkErr.OK] * 3
        while display.sock.recv(1 << 16):
            pass
        for peer, _ in viewers:
            peer.sock.close()
        display.sock.close()
        out, err = process.communicate(timeout=PATIENCE)
    assert process.returncode == 0
    assert out == ""
    assert len(re.findall(r"INFO .* main:0: the server shuts down\n", err)) == 3
    assert "Traceback" not in err
    assert " ERROR " not in err


def test_a_second_signal_changes_nothing() -> None:
    with running("serve", "demo", *SMALL, "--port", "0") as process:
        with main_channel(port_of(first_line(process))) as (main, _):
            process.send_signal(signal.SIGINT)
            main.until("disconnecting")
            process.send_signal(signal.SIGTERM)
        _, err = process.communicate(timeout=PATIENCE)
    assert process.returncode == 0
    assert "Traceback" not in err


def test_a_goodbye_goes_over_tls_too(tmp_path: Path) -> None:
    files = server_files(tmp_path)
    tls = ("--tls-port", "0", "--cert", str(files.certificate), "--key", str(files.key))
    with running("serve", "demo", *SMALL, *tls) as process:
        port = port_of(first_line(process).removesuffix(" (TLS)"))
        with SocketPeer(port, files.viewer()) as main:
            assert main.link("main") == LinkErr.OK
            main.until("init")
            process.terminate()
            assert hears_goodbye(main) == LinkErr.OK
        process.communicate(timeout=PATIENCE)
    assert process.returncode == 0


def test_a_viewer_that_does_not_hang_up_is_cut_off_at_the_deadline() -> None:
    options = ("--port", "0", "--close-timeout", "0.05")
    with (
        running("serve", "demo", *SMALL, *options) as process,
        main_channel(port_of(first_line(process))),
    ):
        process.terminate()
        process.communicate(timeout=PATIENCE)
    assert process.returncode == 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), "Missing argument 'SOURCE'."),
        (("demo", "image:x.png"), "Got unexpected extra argument (image:x.png)"),
        (("demo", "--colour", "red"), "No such option"),
        (("demo", "--port"), "Option '--port' requires an argument."),
        (("demo", "--port", "http"), "Invalid value for '--port': 'http' is not a valid integer"),
        (("demo", "--tls-port", "70000"), "Invalid value for '--tls-port': 70000 is not in"),
        (("demo", "--compression", "zip"), "Invalid value for '--compression': 'zip' is not one"),
        (("demo", "--tls-port", "0", "--cert", "none"), "certificate 'none': No such file"),
        (("demo", "--unix", "no/such/folder/s"), "cannot listen on no/such/folder/s: No such"),
    ],
)
def test_a_wrong_option_is_one_line(arguments: tuple[str, ...], message: str) -> None:
    assert refusal_of(*arguments).startswith(message)


def test_a_key_that_cannot_be_read_is_one_line(tmp_path: Path) -> None:
    files = server_files(tmp_path)
    folder = tmp_path / "folder"
    folder.mkdir()
    tls = ("--tls-port", "0", "--cert", str(files.certificate))
    assert refusal_of("demo", *tls, "--key", str(folder)).startswith(f"key {str(folder)!r}: Is a")
    assert "No such file" in refusal_of("demo", *tls, "--key", str(tmp_path / "none"))
