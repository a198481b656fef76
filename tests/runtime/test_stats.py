"""Snapshots of a server, and the statistics file that follows them."""

from __future__ import annotations

from dataclasses import astuple
from typing import Any

import pytest

from redspice.display.compression import EncodedImage, ImageEncoder
from redspice.display.framebuffer import Framebuffer
from redspice.errors import ConfigurationError
from redspice.interfaces import QxlInterface
from redspice.reds import RedsState
from redspice.stats import (
    ChannelStats,
    ConnectionStats,
    StatFile,
    Statistics,
    StatNode,
    StatPublisher,
    parse,
)
from redspice.stats.layout import FILE_BYTES, NAME_BYTES
from redspice.stats.publisher import PERIOD
from redspice.stats.quantities import CHANNEL, ENCODING, SERVER, Quantity
from redspice_protocol import Buffer
from runtime.fake_core import FakeCore
from runtime.peer import Peer, Viewer

SIZE = 32


@pytest.fixture
def qxl(reds: RedsState) -> QxlInterface:
    qxl = QxlInterface(Framebuffer(SIZE, SIZE))
    reds.add_interface(qxl)
    reds.allow_multiple_clients = True
    return qxl


@pytest.fixture
def statistics(reds: RedsState) -> Statistics:
    return reds.stats


@pytest.fixture
def memory() -> bytearray:
    return bytearray(FILE_BYTES)


@pytest.fixture
def publisher(
    core: FakeCore, statistics: Statistics, memory: bytearray, qxl: QxlInterface
) -> StatPublisher:
    return StatPublisher(core, statistics, StatFile(memory))


def totals(channel: ChannelStats | ConnectionStats) -> tuple[int, int, int, int]:
    return channel.out_messages, channel.out_bytes, channel.in_messages, channel.in_bytes


def tree(nodes: tuple[StatNode, ...]) -> dict[str, Any]:
    return {node.name: tree(node.children) if node.children else node.value for node in nodes}


def test_a_server_without_viewers_has_its_channels(
    core: FakeCore, qxl: QxlInterface, statistics: Statistics
) -> None:
    stats = statistics.snapshot()
    assert [channel.name for channel in stats.channels] == [
        "main:0",
        "display:0",
        "inputs:0",
        "cursor:0",
    ]
    assert {totals(channel) for channel in stats.channels} == {(0, 0, 0, 0)}
    assert (stats.at, stats.clients, stats.refusals, stats.refused) == (core.now(), (), {}, 0)


def test_there_is_no_snapshot_before_init() -> None:
    with pytest.raises(ConfigurationError, match="call init first"):
        RedsState().stats.snapshot()


def test_what_a_viewer_got_and_said_is_counted(
    reds: RedsState, qxl: QxlInterface, statistics: Statistics
) -> None:
    display = Viewer(reds).open_display(acking=False)
    display.read()
    received = len(display.inbox)
    messages = len(display.messages())
    channel = statistics.snapshot().channel("display:0")
    # INIT: a header of 6 bytes and 14 of its own.
    assert totals(channel) == (messages, received, 1, 20)
    assert totals(channel.connections[0]) == totals(channel)
    assert (channel.viewers, channel.opened) == (1, 1)


def test_half_a_message_is_bytes_but_no_message(
    reds: RedsState, qxl: QxlInterface, statistics: Statistics
) -> None:
    inputs = Viewer(reds).open("inputs")
    key = inputs.frame(101, bytes(4))
    inputs.send_bytes(key[:7])
    assert totals(statistics.snapshot().channel("inputs:0"))[2:] == (0, 7)
    inputs.send_bytes(key[7:] + key)
    assert totals(statistics.snapshot().channel("inputs:0"))[2:] == (2, 20)


def test_a_message_that_ends_its_connection_is_counted(
    reds: RedsState, qxl: QxlInterface, statistics: Statistics
) -> None:
    inputs = Viewer(reds).open("inputs")
    inputs.send_bytes(inputs.frame(9999, b"") * 2)
    assert inputs.connection.closed
    assert totals(statistics.snapshot().channel("inputs:0"))[2:] == (1, 12)


def test_a_channel_keeps_its_counts_when_viewers_leave(
    reds: RedsState, qxl: QxlInterface, statistics: Statistics
) -> None:
    viewers = [Viewer(reds), Viewer(reds)]
    for viewer in viewers:
        viewer.open_display().messages()
    before = statistics.snapshot().channel("display:0")
    assert (before.viewers, before.opened) == (2, 2)
    sums = [sum(each) for each in zip(*map(totals, before.connections), strict=True)]
    assert totals(before) == tuple(sums)
    for viewer in viewers:
        viewer.main.connection.close()
    after = statistics.snapshot()
    assert after.clients == ()
    assert totals(after.channel("display:0")) == totals(before)
    assert (after.channel("display:0").viewers, after.channel("display:0").opened) == (0, 2)


def test_a_snapshot_knows_viewers_by_their_channels(
    reds: RedsState, qxl: QxlInterface, statistics: Statistics
) -> None:
    first, second = Viewer(reds), Viewer(reds)
    first.open("inputs")
    second.open_display()
    stats = statistics.snapshot()
    assert [[one.channel for one in client.connections] for client in stats.clients] == [
        ["main:0", "inputs:0"],
        ["main:0", "display:0"],
    ]
    assert stats.clients[1].connections[1] is stats.channel("display:0").connections[0]
    assert {client.peer for client in stats.clients} == {"viewer"}
    assert str(first.session_id) not in repr(stats)


def test_a_channel_that_is_not_there_is_a_key_error(
    qxl: QxlInterface, statistics: Statistics
) -> None:
    with pytest.raises(KeyError, match="display:7"):
        statistics.snapshot().channel("display:7")


def test_what_waits_and_what_is_not_acknowledged_shows(
    reds: RedsState, qxl: QxlInterface, statistics: Statistics
) -> None:
    viewer = Viewer(reds)
    viewer.main.connection.channel_client.notify("hello")
    main = statistics.snapshot().channel("main:0")
    assert (main.queue_messages, main.queue_bytes) == (1, 8 + 4 * 4 + len("hello") + 1)
    display = viewer.open_display(acking=False)
    sent = len(display.messages())
    stats = statistics.snapshot().channel("display:0")
    # The first, SET_ACK, opens the window.
    assert (stats.unacknowledged, stats.queue_messages) == (sent - 1, 0)


def test_bytes_in_flight_and_latency_are_those_of_viewers_on_a_network(
    core: FakeCore, reds: RedsState, qxl: QxlInterface, statistics: Statistics
) -> None:
    viewer = Viewer(reds, local=False)
    viewer.main.acking = True
    display = viewer.open_display(acking=False)
    core.do_jobs()
    display.read()
    core.do_jobs()
    display.read()
    waiting = statistics.snapshot().channel("display:0")
    assert waiting.in_flight_bytes > 0
    assert waiting.latency.count == 0
    core.advance(0.025)
    display.acking = True
    display.messages(1)
    assert statistics.snapshot().channel("display:0").latency.most == pytest.approx(0.025)
    display.messages()
    assert statistics.snapshot().channel("display:0").in_flight_bytes == 0


def test_latency_is_the_net_tests_on_main_and_measured_elsewhere(
    core: FakeCore, reds: RedsState, qxl: QxlInterface, statistics: Statistics
) -> None:
    viewer = Viewer(reds, local=False)
    inputs = viewer.open("inputs")
    for channel_client, latency in zip(
        reds.clients[0].channel_clients.values(), (1, 2), strict=True
    ):
        channel_client.latency_monitor.latency = latency
    reds.clients[0].latency = 0.5
    stats = statistics.snapshot()
    assert stats.channel("main:0").latency.mean == 0.5
    assert stats.channel("inputs:0").latency.mean == 2
    assert stats.clients[0].latency == 0.5
    assert not inputs.connection.closed


def test_who_is_refused_is_counted_by_kind(
    core: FakeCore, reds: RedsState, statistics: Statistics, one_modulus: None
) -> None:
    for _ in range(3):
        assert Peer(reds).link("main", password="wrong") != 0
    Peer(reds).send_bytes(b"GET / HTTP/1.1\r\n\r\n")
    stats = statistics.snapshot()
    assert stats.refusals == {
        "links refused (PERMISSION_DENIED)": 3,
        "links refused (INVALID_MAGIC)": 1,
    }
    assert stats.refused == 4


def test_a_snapshot_stays_as_it_was(
    reds: RedsState, qxl: QxlInterface, statistics: Statistics
) -> None:
    before = statistics.snapshot()
    kept = astuple(before)
    reds.main.encodings.add("opus", 1.0, 2, 1)
    Viewer(reds)
    Peer(reds).send_bytes(b"garbage!")
    assert astuple(before) == kept
    assert astuple(statistics.snapshot()) != kept


def test_encoding_is_timed_by_the_clock_of_the_core(
    core: FakeCore,
    reds: RedsState,
    qxl: QxlInterface,
    statistics: Statistics,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    encode = ImageEncoder.encode

    def slow(self: ImageEncoder, pixels: Buffer, width: int, height: int) -> EncodedImage:
        core.advance(0.25)
        return encode(self, pixels, width, height)

    monkeypatch.setattr(ImageEncoder, "encode", slow)
    Viewer(reds).open_display().messages()
    (bitmap,) = statistics.snapshot().channel("display:0").encodings
    assert (bitmap.encoding, bitmap.in_bytes, bitmap.out_bytes) == ("bitmap", 4096, 4096)
    assert (bitmap.seconds.count, bitmap.seconds.most) == (1, 0.25)


# The file.


def test_names_of_quantities_fit_the_file() -> None:
    names = [quantity.file_name for table in (SERVER, CHANNEL, ENCODING) for quantity in table]
    assert max(map(len, names)) < NAME_BYTES
    for table in (SERVER, CHANNEL, ENCODING):
        assert len({quantity.file_name for quantity in table}) == len(table)


def test_the_file_is_written_at_once_and_then_by_the_timer(
    core: FakeCore, reds: RedsState, publisher: StatPublisher, memory: bytearray
) -> None:
    publisher.start()
    assert tree(parse(memory))["clients"] == 0
    Viewer(reds)
    core.advance(PERIOD * 0.99)
    assert tree(parse(memory))["clients"] == 0
    core.advance(PERIOD * 0.01)
    assert tree(parse(memory))["clients"] == 1
    publisher.stop()
    reds.clients[0].disconnect("enough")
    core.advance(10 * PERIOD)
    assert tree(parse(memory))["clients"] == 1


def test_the_file_has_what_the_snapshot_has(
    reds: RedsState, publisher: StatPublisher, memory: bytearray, statistics: Statistics
) -> None:
    Viewer(reds).open_display().messages()
    reds.clients[0].latency = 0.0125
    publisher.write()
    files, stats = tree(parse(memory)), statistics.snapshot()
    assert files["clients"] == 1
    assert files["refused"] == 0
    for channel in stats.channels:
        node = files[channel.name]
        assert isinstance(node, dict)
        assert totals(channel) == (
            node["out_messages"],
            node["out_bytes"],
            node["in_messages"],
            node["in_bytes"],
        )
    assert files["main:0"]["latency_us"] == 12500


def test_encodings_are_below_their_channel(
    reds: RedsState, publisher: StatPublisher, memory: bytearray
) -> None:
    publisher.write()
    reds.main.encodings.add("quic", 0.5, 1000, 10)
    publisher.write()
    main = tree(parse(memory))["main:0"]
    assert isinstance(main, dict)
    assert main["quic"] == {"encoded": 1, "time_us": 500000, "in_bytes": 1000, "out_bytes": 10}


def test_a_channel_that_is_gone_leaves_the_file(
    reds: RedsState, publisher: StatPublisher, memory: bytearray
) -> None:
    reds.inputs.encodings.add("quic", 0.5, 1000, 10)
    publisher.write()
    assert "inputs:0" in tree(parse(memory))
    reds.unregister_channel(reds.inputs)
    publisher.write()
    assert list(tree(parse(memory))) == ["clients", "cursor:0", "display:0", "main:0", "refused"]
    publisher.write()
    reds.register_channel(reds.inputs)
    publisher.write()
    assert "quic" in tree(parse(memory))["inputs:0"]


@pytest.mark.parametrize("name", ["x" * 20, "\udc80"])
def test_a_channel_with_an_impossible_name_is_left_out_and_the_others_are_not(
    reds: RedsState,
    core: FakeCore,
    publisher: StatPublisher,
    memory: bytearray,
    monkeypatch: pytest.MonkeyPatch,
    name: str,
) -> None:
    monkeypatch.setattr(type(reds.inputs), "name", name)
    publisher.start()
    Viewer(reds)
    core.advance(PERIOD)
    nodes = tree(parse(memory))
    assert list(nodes) == ["clients", "cursor:0", "display:0", "main:0", "refused"]
    assert nodes["clients"] == 1


def test_the_file_is_written_again_after_a_failure(
    reds: RedsState,
    core: FakeCore,
    publisher: StatPublisher,
    memory: bytearray,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    publisher.start()
    with monkeypatch.context() as broken:
        broken.setattr(reds.stats, "snapshot", lambda: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            core.advance(PERIOD)
    Viewer(reds)
    core.advance(PERIOD)
    assert tree(parse(memory))["clients"] == 1


def test_what_does_not_fit_is_left_out_until_there_is_room(
    reds: RedsState, publisher: StatPublisher, memory: bytearray
) -> None:
    for number in range(30):
        reds.main.encodings.add(f"codec{number:02}", 0.5, 1000, 10)
    publisher.write()
    nodes = tree(parse(memory))
    assert all(len(nodes[f"{name}:0"]) >= len(CHANNEL) for name in ("main", "display", "inputs"))
    written = [name for name in nodes["main:0"] if name.startswith("codec")]
    assert written == [f"codec{number:02}" for number in range(len(written))]
    assert 0 < len(written) < 30
    reds.unregister_channel(reds.inputs)
    publisher.write()
    more = [name for name in tree(parse(memory))["main:0"] if name.startswith("codec")]
    assert len(more) > len(written)


@pytest.mark.parametrize(
    ("quantities", "name", "in_file", "on_page"),
    [
        (SERVER, "clients", "clients", "redspice_clients"),
        (CHANNEL, "viewers", "viewers", "redspice_channel_viewers"),
        (CHANNEL, "out_bytes", "out_bytes", "redspice_channel_out_bytes_total"),
        (CHANNEL, "latency", "latency_us", "redspice_channel_latency_seconds"),
        (ENCODING, "encoded", "encoded", "redspice_encoding_encoded_total"),
        (ENCODING, "time", "time_us", "redspice_encoding_time_seconds_total"),
    ],
)
def test_a_quantity_is_called_as_is_the_custom_where_it_is_published(
    quantities: tuple[Quantity[Any], ...], name: str, in_file: str, on_page: str
) -> None:
    (quantity,) = (each for each in quantities if each.name == name)
    assert (quantity.file_name, quantity.metric) == (in_file, on_page)
