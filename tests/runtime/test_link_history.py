"""Holes that SPICE servers had in the link stage and in sizes, each shown to be closed here.

One test for each entry of the protocol's security history; the names say which.
"""

from __future__ import annotations

import hmac
import struct
import tracemalloc
from collections.abc import Iterator

import pytest
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import load_der_public_key

from redspice import refusals
from redspice.framing import MINI_HEADER
from redspice.limits import DEFAULT_LIMITS
from redspice.link import LinkState
from redspice.reds import RedsState
from redspice.ticket import Ticket
from redspice.ticket_key import oaep
from redspice_protocol import CHANNELS, MessageType, WireError
from redspice_protocol.enums import LinkErr
from runtime.fake_core import FakeCore
from runtime.known_users import KnownUsers
from runtime.link_client import sized, word
from runtime.peer import Peer, Viewer, link_message

HUGE = 0xFFFFFFFF
FEW = 1 << 20
"""Bytes that handling a hostile message may take at most: it has none of what it promises."""

CLIENT_MESSAGES = {
    f"{name}.{message.name}": message
    for name, channel in CHANNELS.items()
    for message in channel.client.by_id.values()
}
EVERY_MESSAGE = CLIENT_MESSAGES | {
    f"{name}.{message.name}": message
    for name, channel in CHANNELS.items()
    for message in channel.server.by_id.values()
}


@pytest.fixture
def little_memory() -> Iterator[None]:
    tracemalloc.start()
    before, _ = tracemalloc.get_traced_memory()
    yield
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak - before < FEW


def denied(peer: Peer, plain: bytes) -> bool:
    """Whether a ticket that holds these bytes is denied."""
    peer.send_bytes(link_message("main"))
    key = load_der_public_key(peer.take_reply().public_key)
    assert isinstance(key, RSAPublicKey)
    peer.send_bytes(word(1) + key.encrypt(plain, oaep()))
    return peer.take_result() == LinkErr.PERMISSION_DENIED


# the link message


@pytest.mark.usefixtures("little_memory")
@pytest.mark.parametrize(
    ("common", "channel", "offset"),
    [
        (HUGE, 0, 18),
        (0, HUGE, 18),
        (HUGE, HUGE, 18),
        (0x40000000, 0, 18),  # four times as many bytes are 0 modulo 2 ** 32
        (0x3FFFFFFF, 1, 18),
        (1, HUGE, 18),
        (1, 1, HUGE - 7),  # the end is 0 modulo 2 ** 32
        (1, 1, 0xFFFFFFFA),
        (1, 0, 0),
        (1025, 0, 18),
    ],
)
def test_cve_2016_9578_counts_of_caps_beyond_the_link_message(
    reds: RedsState, common: int, channel: int, offset: int
) -> None:
    body = struct.pack("<IBBIII", 0, 1, 0, common, channel, offset) + bytes(8)
    peer = Peer(reds)
    peer.send_bytes(struct.pack("<4sIII", b"REDQ", 2, 2, len(body)) + body)
    assert peer.take_reply().error == LinkErr.INVALID_DATA
    assert peer.connection.closed


@pytest.mark.usefixtures("little_memory")
@pytest.mark.parametrize("size", [4097, 0x7FFFFFFF, 0x80000000, HUGE])
def test_a_link_message_of_any_size_is_not_waited_for(reds: RedsState, size: int) -> None:
    peer = Peer(reds)
    peer.send_bytes(struct.pack("<4sIII", b"REDQ", 2, 2, size))
    assert peer.take_reply().error == LinkErr.INVALID_DATA


@pytest.mark.parametrize("sasl", [False, True], ids=["ticket", "sasl"])
def test_a_link_is_not_kept_for_ever_wherever_it_stops(
    reds: RedsState, core: FakeCore, sasl: bool
) -> None:
    if sasl:
        reds.set_sasl(KnownUsers())
    said = link_message("main")
    stops = [b"", said[:3], said[:4], said[:16], said[:-1], said]
    rest = sized(b"PLAIN") + sized(b"\0alice\0wonderland\0") if sasl else bytes(128)
    answer = word(2 if sasl else 1) + rest
    stops += [said + answer[:length] for length in range(len(answer) + sasl)]
    peers = []
    for stop in stops:
        peer = Peer(reds, tls=True)
        peer.send_bytes(stop[: len(said)])
        if len(stop) >= len(said):
            peer.await_answer()
            peer.send_bytes(stop[len(said) :])
        assert not peer.connection.closed
        peers.append(peer)
    core.advance(DEFAULT_LIMITS.link_timeout)
    assert all(peer.connection.closed for peer in peers)
    core.advance(refusals.INTERVAL)
    assert core.armed == 0


def test_a_link_that_drips_is_not_kept_for_ever(reds: RedsState, core: FakeCore) -> None:
    peer = Peer(reds)
    for byte in link_message("main"):
        core.advance(1)
        peer.send_bytes(bytes([byte]))
    assert peer.connection.closed


@pytest.mark.usefixtures("little_memory")
def test_what_comes_during_the_link_stage_is_not_kept_without_limit(reds: RedsState) -> None:
    peer = Peer(reds)
    peer.send_bytes(link_message("main"))
    assert peer.connection._link.state is LinkState.KEY
    for _ in range(4096):
        peer.send_bytes(bytes(1024))
    assert peer.connection.closed


# tickets


@pytest.mark.parametrize("length", [60, 61, 62, 64, 80, 86])
def test_cve_2013_4282_a_ticket_longer_than_a_password(reds: RedsState, length: int) -> None:
    longest = "x" * 60
    reds.set_ticket(longest)
    plain = b"x" * length
    assert denied(Peer(reds), plain) is (length != 60), "a missing NUL alone does no harm"
    assert denied(Peer(reds), b"x" * 59 + b"\0" + b"x" * (length - 60))
    assert not denied(Peer(reds), longest.encode() + b"\0" * (length - 60))


def test_a_ticket_is_compared_in_a_time_that_tells_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    compared: list[bytes] = []
    in_constant_time = hmac.compare_digest

    def compare(wanted: bytes, given: bytes) -> bool:
        compared.append(given)
        return in_constant_time(wanted, given)

    monkeypatch.setattr(hmac, "compare_digest", compare)
    guesses = [b"", b"s", b"secre", b"secret", b"secretx", b"x" * 86]
    expired = Ticket(b"secret", expires=5)
    assert [expired.admits(guess, now=6) for guess in guesses] == [False] * 6
    assert [Ticket(b"").admits(guess, now=0) for guess in guesses] == [False] * 6
    assert compared == guesses * 2, "it is compared also when the answer is known"


# sasl


@pytest.mark.usefixtures("little_memory")
@pytest.mark.parametrize("size", [0x7FFFFFFF, 0x80000000, HUGE])
@pytest.mark.parametrize("chosen", [b"", sized(b"PLAIN")], ids=["name", "data"])
def test_a_sasl_message_of_any_size_is_not_waited_for(
    reds: RedsState, chosen: bytes, size: int
) -> None:
    reds.set_sasl(KnownUsers())
    peer = Peer(reds, tls=True)
    peer.send_bytes(link_message("main"))
    peer.take_reply()
    peer.send_bytes(word(2) + chosen + word(size))
    assert peer.connection.closed


# messages


@pytest.mark.usefixtures("little_memory")
@pytest.mark.parametrize("size", [0x7FFFFFFF, 0x80000000, HUGE])
def test_cve_2016_9577_a_message_larger_than_the_buffer_for_it(reds: RedsState, size: int) -> None:
    for message in ("agent_data", "client_info"):
        id = CHANNELS["main"].client.by_name[message].id
        main = Viewer(reds).main
        main.send_bytes(MINI_HEADER.pack(id, size))
        assert main.connection.closed


@pytest.mark.parametrize("message", EVERY_MESSAGE.values(), ids=EVERY_MESSAGE)
def test_cve_2018_10873_a_body_that_is_too_short(message: MessageType) -> None:
    """A body is refused, or nothing was read that it does not have."""
    for length in range(64):
        try:
            value = message.demarshal(bytes(length))
        except WireError:
            continue
        assert len(message.marshal(value)) <= length


@pytest.mark.usefixtures("little_memory")
@pytest.mark.parametrize("message", EVERY_MESSAGE.values(), ids=EVERY_MESSAGE)
@pytest.mark.parametrize("byte", [0x7F, 0x80, 0xFF])
def test_cve_2017_12194_counts_that_overflow(message: MessageType, byte: int) -> None:
    for start in range(0, 24, 4):
        body = bytes(start) + bytes([byte]) * (64 - start)
        try:
            message.demarshal(body)
        except WireError:
            continue


def test_more_acks_than_messages(reds: RedsState) -> None:
    """The reference server's count of messages that wait for one went below zero."""
    viewer = Viewer(reds)
    inputs = viewer.open("inputs", acking=True)
    inputs.messages()
    for _ in range(1000):
        inputs.send("ack")
    assert not inputs.connection.closed
    for n in range(1000):
        reds.kbd_leds(n % 2)
    inputs.acking = False
    assert len(inputs.messages()) < 1000, "a viewer that acknowledges nothing is not flooded"
