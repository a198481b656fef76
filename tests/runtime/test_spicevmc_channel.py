"""The pipe between a char device and its viewer: both ways, compressed, and at the pace of either
end."""

from __future__ import annotations

import logging
import random
from dataclasses import replace

import pytest

from redspice.caps import SpicevmcCap
from redspice.channels import spicevmc
from redspice.channels.spicevmc import MAX_MESSAGE_SIZE, SpicevmcChannel
from redspice.channels.usbredir import UsbredirChannel
from redspice.char_device import WRITE_RETRY
from redspice.codecs import lz4_block
from redspice.limits import DEFAULT_LIMITS, Limits
from redspice.reds import RedsState
from redspice_protocol.base import MsgCompressedData, MsgData
from redspice_protocol.enums import DataCompressionType
from runtime.fake_core import FakeCore
from runtime.guest import Guest, Port, Usb
from runtime.peer import PASSWORD, Peer, Viewer

DEVICE_TIMEOUT = DEFAULT_LIMITS.device_timeout
CAPS = (SpicevmcCap.DATA_COMPRESS_LZ4,)
TEXT = b"all work and no play " * 100
NOISE = random.Random(1).randbytes(5000)


@pytest.fixture
def guest(reds: RedsState) -> Usb:
    guest = Usb()
    reds.add_interface(guest)
    return guest


def channel(reds: RedsState) -> SpicevmcChannel:
    (found,) = [each for each in reds.channels if isinstance(each, UsbredirChannel)]
    return found


def opened(reds: RedsState, *, local: bool = True, caps: tuple[int, ...] = CAPS) -> Peer:
    peer = Viewer(reds, local=local).open("usbredir", channel_caps=caps)
    peer.messages()
    return peer


def received(peer: Peer, limit: int | None = None) -> bytes:
    return b"".join(bytes(one.message.data) for one in peer.messages(limit) if one.name == "data")


# Its life.


def test_a_device_is_used_while_a_viewer_has_the_channel(reds: RedsState, guest: Usb) -> None:
    guest.say(b"nobody listens")
    peer = Viewer(reds).open("usbredir")
    assert guest.told == [("state", True)]
    assert received(peer) == b"nobody listens"
    peer.connection.close()
    assert guest.told == [("state", True), ("state", False)]
    guest.say(b"again")
    assert guest.says == b"again"


def test_another_viewer_is_refused_and_disturbs_nobody(
    reds: RedsState, guest: Usb, caplog: pytest.LogCaptureFixture
) -> None:
    reds.allow_multiple_clients = True
    first = opened(reds)
    second = Viewer(reds).open("usbredir")
    assert second.connection.closed
    assert "another viewer has channel usbredir:0" in caplog.text
    guest.say(b"still")
    assert received(first) == b"still"
    assert guest.told == [("state", True)]


def test_the_next_viewer_gets_nothing_of_the_one_before(reds: RedsState, guest: Usb) -> None:
    guest.room = 0
    first = opened(reds)
    first.send("data", MsgData(b"unread"))
    guest.say(b"for the first")
    assert received(first) == b"for the first"
    second = opened(reds)
    guest.make_room(100)
    second.send("data", MsgData(b"second"))
    assert guest.heard == b"second"
    assert received(second) == b""


def test_removing_the_device_ends_its_channel_alone(reds: RedsState, guest: Usb) -> None:
    viewer = Viewer(reds)
    usb = viewer.open("usbredir")
    reds.remove_interface(guest)
    assert usb.connection.closed
    assert not viewer.main.connection.closed
    assert guest.told == [("state", True), ("state", False)]
    assert guest.wakeup_listener is None


# Toward the guest.


def test_what_the_viewer_says_reaches_the_guest_in_order(reds: RedsState, guest: Usb) -> None:
    peer = opened(reds)
    for data in (b"one ", b"", b"two ", b"three"):
        peer.send("data", MsgData(data))
    assert guest.heard == b"one two three"
    assert channel(reds).in_data == 13


def test_a_device_that_takes_a_part_is_asked_again(
    reds: RedsState, core: FakeCore, guest: Usb
) -> None:
    guest.room = 3
    peer = opened(reds)
    peer.send("data", MsgData(b"abcdef"))
    assert guest.heard == b"abc"
    guest.room = 2
    core.advance(WRITE_RETRY)
    assert guest.heard == b"abcde"
    guest.make_room(2)
    assert guest.heard == b"abcdef"


def test_a_device_that_makes_room_while_it_takes_is_not_kept_waiting(reds: RedsState) -> None:
    class Sipping(Usb):
        def write(self, data: memoryview) -> int:
            taken = data[:3]
            self.heard += taken
            self.wakeup()
            return len(taken)

    guest = Sipping()
    reds.add_interface(guest)
    opened(reds).send("data", MsgData(TEXT))
    assert guest.heard == TEXT


def test_compressed_data_is_plain_for_the_guest(reds: RedsState, guest: Usb) -> None:
    peer = opened(reds)
    block = lz4_block.compress(TEXT)
    peer.send("compressed_data", MsgCompressedData(DataCompressionType.LZ4, None, len(TEXT), block))
    peer.send("compressed_data", MsgCompressedData(DataCompressionType.NONE, None, None, b"plain"))
    assert guest.heard == TEXT + b"plain"
    one = channel(reds)
    assert (one.in_compressed, one.in_decompressed) == (len(block), len(TEXT))
    assert one.in_data == 5


@pytest.mark.parametrize(
    ("type", "size", "data", "reason"),
    [
        (2, 10, b"1234567890", "type 2, which nobody knows"),
        (1, MAX_MESSAGE_SIZE + 1, lz4_block.compress(TEXT), "is over"),
        (1, 0xFFFFFFFF, b"", "is over"),
        (1, MAX_MESSAGE_SIZE, b"\0", "cannot give"),
        (1, len(TEXT) - 1, lz4_block.compress(TEXT), "not an LZ4 block"),
        (1, len(TEXT) + 1, lz4_block.compress(TEXT), "2100 bytes, 2101 wanted"),
        (1, 100, b"\xff" * 50, "not an LZ4 block"),
        (1, 0, b"", "not an LZ4 block"),
    ],
)
def test_data_that_is_not_what_it_says_ends_the_channel(
    reds: RedsState,
    guest: Usb,
    caplog: pytest.LogCaptureFixture,
    type: int,
    size: int,
    data: bytes,
    reason: str,
) -> None:
    peer = opened(reds)
    peer.send("compressed_data", MsgCompressedData(type, None, size, data))
    assert peer.connection.closed
    assert reason in caplog.text
    assert guest.heard == b""


# The viewer is faster than the device.


def test_a_viewer_waits_once_its_messages_wait_for_the_device(reds: RedsState, guest: Usb) -> None:
    guest.room = 0
    peer = opened(reds)
    for number in range(spicevmc.TOKENS):
        assert peer.connection.wants_data
        peer.send("data", MsgData(b"%03d" % number))
    assert not peer.connection.wants_data
    wakes = peer.wakes
    peer.send("data", MsgData(b"on its way already"))
    guest.make_room(3)
    assert (guest.heard, peer.connection.wants_data) == (b"000", False)
    guest.make_room(1 << 20)
    assert guest.heard.endswith(b"126127on its way already")
    assert peer.connection.wants_data
    assert peer.wakes > wakes


def test_a_viewer_waits_once_its_bytes_wait_for_the_device(reds: RedsState, guest: Usb) -> None:
    guest.room = 0
    peer = opened(reds)
    peer.send("data", MsgData(bytes(spicevmc.MOST_UNWRITTEN - 1)))
    assert peer.connection.wants_data
    peer.send("data", MsgData(b"x"))
    assert not peer.connection.wants_data
    guest.make_room(1 << 30)
    assert peer.connection.wants_data
    assert len(guest.heard) == spicevmc.MOST_UNWRITTEN


def test_a_flood_that_came_at_once_is_taken_as_the_device_takes_it(
    reds: RedsState, guest: Usb
) -> None:
    guest.room = 0
    peer = opened(reds)
    data_id = 101
    flood = b"".join(peer.frame(data_id, b"%04d" % number) for number in range(1000))
    peer.send_bytes(flood)
    assert channel(reds).device.queued == 4 * spicevmc.TOKENS
    for _ in range(1000):
        guest.make_room(4)
    assert guest.heard == b"".join(b"%04d" % number for number in range(1000))


def test_a_device_that_takes_nothing_costs_the_viewer_its_channel(
    reds: RedsState, core: FakeCore, guest: Usb, caplog: pytest.LogCaptureFixture
) -> None:
    guest.room = 0
    peer = opened(reds)
    peer.send("data", MsgData(bytes(spicevmc.MOST_UNWRITTEN)))
    core.advance(DEVICE_TIMEOUT - 1)
    guest.make_room(1)
    core.advance(2)
    assert not peer.connection.closed
    core.advance(DEVICE_TIMEOUT + 1)
    assert peer.connection.closed
    assert "the device took nothing in 30 s" in caplog.text
    assert guest.told[-1] == ("state", False)


def test_the_time_of_a_device_is_that_of_the_limits_when_it_is_full(
    reds: RedsState, core: FakeCore, guest: Usb, caplog: pytest.LogCaptureFixture
) -> None:
    guest.room = 0
    peer = opened(reds)
    reds.limits = replace(reds.limits, device_timeout=2.0)
    peer.send("data", MsgData(bytes(spicevmc.MOST_UNWRITTEN)))
    reds.limits = DEFAULT_LIMITS
    core.advance(1.9)
    assert not peer.connection.closed
    core.advance(0.1)
    assert peer.connection.closed
    assert "the device took nothing in 2 s" in caplog.text


def test_a_stopped_guest_takes_nothing_and_costs_nobody_anything(
    reds: RedsState, core: FakeCore, guest: Usb
) -> None:
    guest.room = 0
    peer = opened(reds)
    peer.send("data", MsgData(bytes(spicevmc.MOST_UNWRITTEN)))
    core.advance(DEVICE_TIMEOUT - 1)
    reds.vm_stop()
    assert not reds.vm_running
    core.advance(10 * DEVICE_TIMEOUT)
    reds.vm_start()
    assert reds.vm_running
    core.advance(DEVICE_TIMEOUT - 1)
    assert not peer.connection.closed
    core.advance(2)
    assert peer.connection.closed


def test_a_viewer_that_says_nothing_more_has_no_deadline(
    reds: RedsState, core: FakeCore, guest: Usb
) -> None:
    guest.room = 10
    peer = opened(reds)
    peer.send("data", MsgData(bytes(100)))
    guest.make_room(1000)
    core.advance(10 * DEVICE_TIMEOUT)
    assert not peer.connection.closed


# Toward the viewer.


def test_a_slow_viewer_leaves_the_rest_with_the_guest(reds: RedsState, guest: Usb) -> None:
    peer = opened(reds)
    guest.say(NOISE * 1000)
    waiting = len(guest.says)
    assert 5_000_000 - waiting <= spicevmc.MOST_QUEUED + spicevmc.READ_SIZE
    received_now = received(peer)
    assert received_now == NOISE * 1000
    assert not guest.says


def test_a_guest_that_says_a_byte_at_a_time_does_not_fill_the_pipe(core: FakeCore) -> None:
    reds = RedsState(Limits(max_waiting_messages=64))
    reds.init(core)
    reds.set_ticket(PASSWORD)
    guest = Usb()
    reds.add_interface(guest)
    peer = opened(reds)
    for _ in range(5000):
        guest.say(b"x")
    assert not peer.connection.closed
    assert received(peer) == b"x" * 5000


def test_the_queue_stays_below_what_the_limits_allow(core: FakeCore) -> None:
    reds = RedsState(Limits(max_waiting_bytes=1 << 20))
    reds.init(core)
    reds.set_ticket(PASSWORD)
    guest = Usb(says=NOISE * 1000)
    reds.add_interface(guest)
    peer = opened(reds)
    assert not peer.connection.closed
    assert len(guest.says) == 0  # `opened` has read all of it


@pytest.mark.parametrize(
    ("local", "caps", "data", "name"),
    [
        (False, CAPS, TEXT, "compressed_data"),
        (False, CAPS, TEXT[: spicevmc.COMPRESS_FROM], "data"),
        (False, CAPS, TEXT[: spicevmc.COMPRESS_FROM + 1], "compressed_data"),
        (False, CAPS, NOISE, "data"),
        (False, (), TEXT, "data"),
        (True, CAPS, TEXT, "data"),
    ],
)
def test_data_goes_compressed_where_that_saves_something(
    reds: RedsState, guest: Usb, local: bool, caps: tuple[int, ...], data: bytes, name: str
) -> None:
    peer = opened(reds, local=local, caps=caps)
    guest.say(data)
    (one,) = [each for each in peer.messages() if each.name != "ping"]
    assert one.name == name
    counters = channel(reds)
    if name == "data":
        assert bytes(one.message.data) == data
        assert (counters.out_data, counters.out_compressed) == (len(data), 0)
    else:
        assert one.message.type == DataCompressionType.LZ4
        size = one.message.uncompressed_size
        assert lz4_block.decompress(one.message.compressed_data, size) == data
        assert counters.out_compressed == len(one.message.compressed_data)
        assert (counters.out_uncompressed, counters.out_data) == (len(data), 0)


def test_a_message_over_the_limit_ends_the_channel_before_it_is_there(
    reds: RedsState, guest: Usb, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING, logger="redspice")
    peer = opened(reds)
    peer.send_bytes((101).to_bytes(2, "little") + (MAX_MESSAGE_SIZE + 1).to_bytes(4, "little"))
    assert peer.connection.closed
    assert f"over the limit of {MAX_MESSAGE_SIZE}" in caplog.text
    assert guest.told == [("state", True), ("state", False)]


@pytest.mark.parametrize("kind", [Usb, Port])
def test_a_viewer_that_the_embedder_sends_away_at_once_is_forgotten(
    reds: RedsState, monkeypatch: pytest.MonkeyPatch, kind: type[Guest]
) -> None:
    guest = kind()
    reds.add_interface(guest)
    channel = next(iter(reds.channels))
    assert isinstance(channel, SpicevmcChannel)
    monkeypatch.setattr(guest, "state", lambda connected: connected and reds.shutdown())
    assert Viewer(reds).open(channel.messages.name).connection.closed
    monkeypatch.undo()
    assert channel.device.clients == ()
    assert not channel.device.is_open
    Viewer(reds).open(channel.messages.name)
    assert list(channel.device.clients) == list(channel.clients)
