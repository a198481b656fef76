"""`redspice serve`: an option for every limit, and what some of them do over real sockets."""

from __future__ import annotations

import socket

import pytest
from click.testing import CliRunner
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from redspice.cli.main import main
from redspice.limits import LIMITS, Limit, Limits
from redspice_protocol.enums import LinkErr
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

ANY_PORT = (*SMALL, "--port", "0")


def option(limit: Limit) -> str:
    return f"--{limit.name.replace('_', '-')}"


def another(limit: Limit) -> float:
    """A value that is not the default."""
    if limit.default is None:
        return 7
    return limit.default + (1 if limit.whole else 0.5)


@pytest.mark.parametrize("limit", LIMITS.values(), ids=list(LIMITS))
def test_every_limit_is_an_option(limit: Limit, monkeypatch: pytest.MonkeyPatch) -> None:
    value = another(limit)
    reds = prepared(monkeypatch, "demo", *SMALL, option(limit), str(value))
    assert reds.limits == Limits(**{limit.name: value})  # type: ignore[arg-type]


def test_without_options_the_limits_are_the_defaults(monkeypatch: pytest.MonkeyPatch) -> None:
    assert prepared(monkeypatch, "demo", *SMALL).limits == Limits()


@pytest.mark.parametrize("limit", LIMITS.values(), ids=list(LIMITS))
@pytest.mark.parametrize("value", ["many", "0", "-1", "nan", "1e99", ""])
def test_a_value_that_cannot_be_is_one_line(limit: Limit, value: str) -> None:
    line = refusal_of("demo", *ANY_PORT, option(limit), value)
    assert line.startswith(f"Invalid value for '{option(limit)}': ")


def test_limits_that_do_not_fit_each_other_are_refused() -> None:
    line = refusal_of("demo", *ANY_PORT, "--max-sockets", "100")
    assert line == "max_unlinked: 256 is not less than max_sockets, 100"


def test_the_help_tells_every_limit_and_its_default() -> None:
    text = " ".join(CliRunner().invoke(main, ["serve", "--help"]).output.split())
    for limit in LIMITS.values():
        assert f"{option(limit)} {limit.unit.upper()} {limit.bounds}" in text
        default = "no limit" if limit.default is None else limit.default
        assert f"{limit.bounds} [default: {default}]" in text


def hangs_up(sock: socket.socket) -> bytes:
    """What comes until the server hangs up."""
    sock.settimeout(PATIENCE)
    return b"".join(iter(lambda: sock.recv(4096), b""))


def test_a_link_has_its_deadline() -> None:
    with (
        running("serve", "demo", *ANY_PORT, "--link-timeout", "0.1") as process,
        socket.create_connection(("127.0.0.1", port_of(first_line(process)))) as idle,
    ):
        assert hangs_up(idle) == b""
        process.terminate()
        _, log = process.communicate(timeout=PATIENCE)
    assert "link: link stage not finished in 0.1 s" in log


def test_a_display_has_a_deadline_to_begin() -> None:
    with (
        running("serve", "demo", *ANY_PORT, "--init-timeout", "0.1") as process,
        main_channel(port_of(first_line(process))) as (main_peer, session),
        SocketPeer(main_peer.sock.getpeername()[1]) as display,
    ):
        assert display.link("display", connection_id=session) == LinkErr.OK
        hangs_up(display.sock)
        process.terminate()
        _, log = process.communicate(timeout=PATIENCE)
    assert "display:0: no init on the display channel in 0.1 s" in log


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        (("--max-unlinked-per-host", "2"), "dropped for newer ones, 2 of one host have not linked"),
        (("--max-unlinked", "2"), "dropped for newer ones, 2 have not linked"),
    ],
)
def test_half_open_links_are_few_and_the_oldest_makes_way(
    options: tuple[str, str], reason: str
) -> None:
    with running("serve", "demo", *ANY_PORT, *options) as process:
        port = port_of(first_line(process))
        idle = [socket.create_connection(("127.0.0.1", port)) for _ in range(3)]
        assert hangs_up(idle[0]) == b""
        with main_channel(port) as (_, session):
            assert session
        for sock in idle:
            sock.close()
        process.terminate()
        _, log = process.communicate(timeout=PATIENCE)
    assert reason in log


def test_sockets_over_their_number_are_closed_at_once() -> None:
    options = ("--max-sockets", "2", "--max-unlinked", "1", "--multi")
    with running("serve", "demo", *ANY_PORT, *options) as process:
        port = port_of(first_line(process))
        with (
            main_channel(port),
            main_channel(port),
            socket.create_connection(("127.0.0.1", port)) as surplus,
        ):
            assert hangs_up(surplus) == b""
        process.terminate()
        _, log = process.communicate(timeout=PATIENCE)
    assert "refused, 2 are open" in log


def test_an_upgrade_has_a_size() -> None:
    with (
        running("serve", "demo", *ANY_PORT, "--max-upgrade-bytes", "512") as process,
        socket.create_connection(("127.0.0.1", port_of(first_line(process)))) as viewer,
    ):
        viewer.sendall(b"GET / HTTP/1.1\r\nX: " + bytes(b"x" * 512))
        assert viewer.recv(12) == b"HTTP/1.1 431"


def test_a_frame_has_a_size() -> None:
    with running("serve", "demo", *ANY_PORT, "--max-frame-bytes", "4096") as process:
        port = port_of(first_line(process))
        with connect(f"ws://127.0.0.1:{port}", proxy=None) as browser:
            browser.send(bytes(4097))
            with pytest.raises(ConnectionClosed) as caught:
                browser.recv(timeout=PATIENCE)
    assert caught.value.rcvd is not None
    assert caught.value.rcvd.code == 1009


def test_which_pages_may_connect_is_an_option() -> None:
    origin = "https://desk.example.org"
    with running("serve", "demo", *ANY_PORT, "--ws-origin", origin) as process:
        port = port_of(first_line(process))
        for page, status in ((origin, b"101"), ("https://evil.example.org", b"403")):
            with socket.create_connection(("127.0.0.1", port)) as browser:
                browser.sendall(
                    b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\n"
                    b"Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
                    b"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n"
                    b"Origin: " + page.encode() + b"\r\n\r\n"
                )
                assert browser.recv(12)[9:] == status


def test_a_flood_is_a_line_a_second_for_each_kind() -> None:
    with running("serve", "demo", *ANY_PORT) as process:
        port = port_of(first_line(process))
        for _ in range(300):
            with socket.create_connection(("127.0.0.1", port)) as sock:
                sock.sendall(b"HELO")
                assert sock.recv(4) == b"REDQ"
        process.terminate()
        _, log = process.communicate(timeout=PATIENCE)
    first, *later = [line for line in log.splitlines() if "INVALID_MAGIC" in line]
    assert "link: link refused (INVALID_MAGIC): the first bytes are b'HELO'" in first
    counts = [int(line.split()[-2]) for line in later]
    assert all(line.endswith(" more") for line in later)
    assert sum(counts) == 299
    assert len(later) < 30
