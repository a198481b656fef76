"""Bad peers on real sockets: each ends with one line in the log, and good viewers do not notice."""

from __future__ import annotations

import logging
import random
import re
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from interop.bad_peer import MINI_HEADER, WORD, BadPeer, bad_peer, link_header, link_message, ticket
from interop.command import serve_command
from interop.embedded import EmbeddedServer, embedded_server
from interop.gtk_viewer import GtkViewer
from interop.pictures import assert_same_picture, demo_picture, noise
from interop.refusals import count_refused
from interop.screenshot import Screenshot
from redspice.caps import CommonCap
from redspice.link_messages import MAGIC, REPLY_SIZE
from redspice_protocol import CHANNELS
from redspice_protocol.enums import LinkErr

WIDTH, HEIGHT = 320, 200
PEER = re.compile(r"^\w+ (127\.0\.0\.1:\d+) ", re.MULTILINE)
"""How a line of the log begins: its level and which connection it is about."""

AUTH = WORD.pack(CommonCap.AUTH_SPICE)
HUGE = 0xFFFFFFFF

CHANCE = random.Random(11)


@pytest.fixture
def server() -> Iterator[EmbeddedServer]:
    """A server that shows noise, to several viewers: so a bad one does not replace a good one.

    No connection, bad or good, is worth two lines in its log.
    """
    with embedded_server(WIDTH, HEIGHT, multi=True) as running:
        draw(running, seed=1)
        yield running
        running.stop()
        lines = Counter(PEER.findall("\n".join(running.log.items())))
        assert [peer for peer, count in lines.items() if count > 1] == []


@pytest.fixture
def viewer(server: EmbeddedServer, connect: Callable[..., GtkViewer]) -> Iterator[GtkViewer]:
    """A good viewer, there before the bad peers; afterwards all is as it was for it."""
    viewer = connect(server)
    viewer.wait_opened()
    yield viewer
    draw(server, seed=2)
    viewer.wait_for_picture(noise(WIDTH, HEIGHT, seed=2))
    server.inputs.clear()
    viewer.order("key_press_and_release", 0x1E)
    server.inputs.wait_for_items([("scan", 0x1E), ("scan", 0x9E)])
    assert viewer.events("closed") == []


def draw(server: EmbeddedServer, seed: int) -> None:
    pixels = noise(WIDTH, HEIGHT, seed).tobytes("raw", "BGRX")
    server.call(lambda: server.framebuffer.paste(0, 0, WIDTH, HEIGHT, pixels))


def only_line(server: EmbeddedServer, peer: BadPeer) -> str:
    """What the log says about a peer once it is gone."""
    server.log.wait(lambda _: server.lines_of(peer.name), f"line about {peer.name}")
    (line,) = server.lines_of(peer.name)
    return line


# refused in the link stage


GARBAGE = {
    "http": b"POST / HTTP/1.0\r\n\r\n",
    "tls": bytes((0x16, 3, 1, 2, 0, 1)),
    "zeros": bytes(1000),
    "noise": CHANCE.randbytes(100_000),
    "long nonsense": MAGIC[::-1] * 1000,
}


@pytest.mark.parametrize("data", GARBAGE.values(), ids=GARBAGE)
def test_garbage_is_answered_and_closed(
    server: EmbeddedServer, viewer: GtkViewer, data: bytes
) -> None:
    with bad_peer(server.port) as peer:
        peer.send(data)
        answer = peer.receive_all()
        assert answer == link_header(REPLY_SIZE) + refusal(LinkErr.INVALID_MAGIC)
    assert "INVALID_MAGIC" in only_line(server, peer)


def refusal(code: LinkErr) -> bytes:
    return WORD.pack(code).ljust(REPLY_SIZE, b"\0")


BAD_LINKS = {
    "version 1": (link_header(22, major=1), LinkErr.VERSION_MISMATCH),
    "version 3": (link_header(22, major=3), LinkErr.VERSION_MISMATCH),
    "too short": (link_header(17), LinkErr.INVALID_DATA),
    "too long": (link_header(4097), LinkErr.INVALID_DATA),
    "huge": (link_header(HUGE), LinkErr.INVALID_DATA),
    "caps outside": (link_message()[:-8] + WORD.pack(HUGE) + bytes(4), LinkErr.INVALID_DATA),
}


@pytest.mark.parametrize(("data", "code"), BAD_LINKS.values(), ids=BAD_LINKS)
def test_a_bad_link_message_is_answered_and_closed(
    server: EmbeddedServer, viewer: GtkViewer, data: bytes, code: LinkErr
) -> None:
    with bad_peer(server.port) as peer:
        peer.send(data)
        assert peer.receive_all() == link_header(REPLY_SIZE) + refusal(code)
    assert code.name in only_line(server, peer)


@pytest.mark.parametrize("channel", ["display", "inputs"])
def test_a_channel_of_no_session_is_refused(
    server: EmbeddedServer, viewer: GtkViewer, channel: str
) -> None:
    with bad_peer(server.port) as peer:
        peer.send(link_message(channel, connection_id=12345))
        peer.send(AUTH + ticket(peer.receive_key()))
        assert peer.receive_all() == WORD.pack(LinkErr.BAD_CONNECTION_ID)
    assert "BAD_CONNECTION_ID" in only_line(server, peer)


def test_a_ticket_of_noise_is_denied(server: EmbeddedServer, viewer: GtkViewer) -> None:
    with bad_peer(server.port) as peer:
        peer.send(link_message())
        peer.receive_key()
        peer.send(AUTH + bytes(128))
        assert peer.receive_all() == WORD.pack(LinkErr.PERMISSION_DENIED)
    assert "PERMISSION_DENIED" in only_line(server, peer)


# leaving in the link stage


@pytest.mark.parametrize("rude", [False, True], ids=["closed", "reset"])
def test_leaving_after_any_byte_of_the_link_stage_is_one_line(
    server: EmbeddedServer, viewer: GtkViewer, rude: bool, caplog: pytest.LogCaptureFixture
) -> None:
    # Links that end soon after each other share a line, except among the details.
    caplog.set_level(logging.DEBUG, "redspice")
    first, rest = link_message(), AUTH + bytes(128)
    peers = []
    for length in range(len(first) + len(rest)):
        with bad_peer(server.port) as peer:
            peer.send(first[:length])
            if length >= len(first):
                peer.receive_key()
                peer.send(rest[: length - len(first)])
            if rude:
                peer.reset()
        peers.append(peer)
    for peer in peers:
        assert " link: " in only_line(server, peer)


def test_leaving_after_any_byte_of_the_first_messages_is_harmless(
    server: EmbeddedServer, viewer: GtkViewer
) -> None:
    attach = CHANNELS["main"].client.by_name["attach_channels"].id
    data = MINI_HEADER.pack(attach, 0) * 2
    for length in range(len(data) + 1):
        with bad_peer(server.port) as peer:
            peer.link()
            peer.send(data[:length])
            peer.socket.shutdown(1)
            peer.receive_all()
        assert server.lines_of(peer.name) == []


def test_peers_that_say_nothing_are_in_nobodys_way(
    server: EmbeddedServer, viewer: GtkViewer, screenshot: Screenshot
) -> None:
    with ExitStack() as peers:
        for _ in range(100):
            peers.enter_context(bad_peer(server.port))
        assert_same_picture(screenshot.take_from(server.port), noise(WIDTH, HEIGHT, seed=1))


# refused afterwards


BAD_MESSAGES = {
    "unknown type": (MINI_HEADER.pack(9999, 0), "unknown message type 9999"),
    "type 0": (MINI_HEADER.pack(0, 0), "unknown message type 0"),
    "huge": (MINI_HEADER.pack(1, HUGE), f"{HUGE} bytes"),
    "huge and unknown": (MINI_HEADER.pack(9999, HUGE), f"{HUGE} bytes"),
    "body too short": (MINI_HEADER.pack(1, 3) + b"abc", ""),
}


@pytest.mark.parametrize(("data", "reason"), BAD_MESSAGES.values(), ids=BAD_MESSAGES)
@pytest.mark.parametrize("channel", ["main", "display", "inputs", "cursor"])
def test_a_bad_message_ends_its_channel_only(
    server: EmbeddedServer, viewer: GtkViewer, channel: str, data: bytes, reason: str
) -> None:
    with bad_peer(server.port) as main, bad_peer(server.port) as other:
        main.link()
        bad = main if channel == "main" else other
        if bad is other:
            other.link(channel, session_of(main))
        bad.send(data)
        bad.receive_all()
        line = only_line(server, bad)
        assert f"{channel}:0: " in line
        assert reason in line


def session_of(main: BadPeer) -> int:
    """The session id that the server has given a peer."""
    type, body = main.receive_message()
    assert type == CHANNELS["main"].server.by_name["init"].id
    return int(WORD.unpack_from(body)[0])


def test_a_viewer_that_does_not_read_is_in_nobodys_way(
    server: EmbeddedServer, viewer: GtkViewer
) -> None:
    """Its socket fills up; what it would get later is merged instead of kept."""
    init = CHANNELS["display"].client.by_name["init"].id
    with bad_peer(server.port) as main, bad_peer(server.port) as display:
        main.link()
        display.link("display", session_of(main))
        display.send_message(init, bytes(14))
        server.call(lambda: server.framebuffer.resize(1920, 1080))
        for seed in range(3, 8):
            pixels = noise(1920, 1080, seed)
            data = pixels.tobytes("raw", "BGRX")
            server.call(lambda data=data: server.framebuffer.paste(0, 0, 1920, 1080, data))
            viewer.wait_for_picture(pixels)
        server.call(lambda: server.framebuffer.resize(WIDTH, HEIGHT))
        # While it is there: it leaves with unread data, which may well be said.
        assert server.lines_of(main.name) == []


# a good viewer comes after the bad ones


def test_a_viewer_that_comes_afterwards_is_served(screenshot: Screenshot) -> None:
    attacks = [*GARBAGE.values(), *(data for data, _ in BAD_LINKS.values())]
    with serve_command("demo", "--frozen", "--size", f"{WIDTH}x{HEIGHT}") as server:
        for data in attacks:
            with bad_peer(int(server.port)) as peer:
                peer.send(data)
                peer.receive_all()
        expected = len(attacks)
        log = server.log.wait(lambda lines: count_refused(lines) >= expected, "all bad peers")
        assert count_refused(log) == expected
        assert all("refused (" in line for line in log)
        assert_same_picture(screenshot.take_from(server.port), demo_picture(WIDTH, HEIGHT))
