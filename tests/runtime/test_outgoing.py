"""What a channel client sends: order, sub-messages, serials, notices, goodbyes."""

from __future__ import annotations

import struct
from collections.abc import Iterator

import pytest

from redspice.caps import CommonCap
from redspice.channel_client import RedChannelClient
from redspice.display.framebuffer import Framebuffer
from redspice.errors import ConfigurationError
from redspice.interfaces import QxlInterface
from redspice.limits import DEFAULT_LIMITS
from redspice.pipe import PipeItem
from redspice.reds import RedsState
from redspice.waits import MAX_WAITS, wait_item
from redspice_protocol import CHANNELS
from redspice_protocol.base import MsgData, MsgEmpty
from redspice_protocol.display import MsgDisplayInvalList
from redspice_protocol.enums import LinkErr
from redspice_protocol.main import MsgMainMultiMediaTime
from redspice_protocol.structs import ResourceID
from runtime.fake_core import FakeCore
from runtime.peer import COMMON_CAPS, Peer, Viewer

MAIN, DISPLAY = CHANNELS["main"].server, CHANNELS["display"].server
FULL_HEADER = [cap for cap in COMMON_CAPS if cap != CommonCap.MINI_HEADER]
MARK = PipeItem(DISPLAY.by_name["mark"], MsgEmpty())
INVAL_LIST = PipeItem(
    DISPLAY.by_name["inval_list"], MsgDisplayInvalList(resources=[ResourceID(type=1, id=7)])
)


def time_item(time: int) -> PipeItem:
    return PipeItem(MAIN.by_name["multi_media_time"], MsgMainMultiMediaTime(time=time))


def channel_client(peer: Peer) -> RedChannelClient:
    assert peer.connection.channel_client is not None
    return peer.connection.channel_client


@pytest.fixture
def viewer(reds: RedsState) -> Viewer:
    reds.add_interface(QxlInterface(Framebuffer(8, 8)))
    return Viewer(reds)


def raw(peer: Peer) -> bytes:
    peer.read()
    data = bytes(peer.inbox)
    peer.inbox.clear()
    return data


def opened(viewer: Viewer, **link: object) -> Peer:
    """A display channel that has sent SET_ACK and is asked for no more."""
    peer = viewer.open("display", acking=False, **link)
    raw(peer)
    return peer


def test_an_urgent_message_overtakes_what_waits(viewer: Viewer) -> None:
    client = channel_client(viewer.main)
    client.push(time_item(2))
    client.push_urgent(time_item(1))
    assert [one.message.time for one in viewer.main.messages()] == [1, 2]


def sub_messages(body: bytes, sub_list: int) -> Iterator[tuple[str, object]]:
    (count,) = struct.unpack_from("<H", body, sub_list)
    for offset in struct.unpack_from(f"<{count}I", body, sub_list + 2):
        type, size = struct.unpack_from("<HI", body, offset)
        message_type = DISPLAY.by_id[type]
        yield message_type.name, message_type.demarshal(body[offset + 6 : offset + 6 + size])


def test_sub_messages_are_inside_the_message_with_a_full_header(viewer: Viewer) -> None:
    display = opened(viewer, common_caps=FULL_HEADER)
    wait = wait_item({channel_client(viewer.main): 1})
    channel_client(display).push(PipeItem(MARK.message_type, MsgEmpty(), before=[INVAL_LIST, wait]))
    data = raw(display)
    serial, type, size, sub_list = struct.unpack_from("<QHII", data)
    assert (serial, type, size) == (2, MARK.message_type.id, len(data) - 18)
    (inval, resources), (waits, waiting) = sub_messages(data[18:], sub_list)
    assert (inval, waits) == ("inval_list", "wait_for_channels")
    assert [one.id for one in resources.resources] == [7]
    (entry,) = waiting.wait_list
    assert (entry.channel_type, entry.channel_id, entry.message_serial) == (1, 0, 1)


def test_sub_messages_come_before_the_message_with_a_mini_header(viewer: Viewer) -> None:
    display = opened(viewer)
    client = channel_client(display)
    client.push(PipeItem(MARK.message_type, MsgEmpty(), before=[INVAL_LIST]))
    assert display.names() == ["inval_list", "mark"]
    assert client.serial == 3
    wait = wait_item({channel_client(viewer.main): 1})
    client.push(PipeItem(MARK.message_type, MsgEmpty(), before=[INVAL_LIST, wait]))
    whole, mark = display.messages()
    assert (whole.name, mark.name) == ("list", "mark")
    assert [name for name, _ in sub_messages(bytes(whole.message.data), 0)] == [
        "inval_list",
        "wait_for_channels",
    ]
    assert client.serial == 5


def test_one_item_serves_viewers_with_both_headers(reds: RedsState, viewer: Viewer) -> None:
    reds.allow_multiple_clients = True
    other = Viewer(reds)
    displays = opened(viewer), opened(other, common_caps=FULL_HEADER)
    shared = PipeItem(MARK.message_type, MsgEmpty(), before=[INVAL_LIST])
    for display in displays:
        channel_client(display).push(shared)
    assert displays[0].names() == ["inval_list", "mark"]
    data = raw(displays[1])
    ((name, _),) = sub_messages(data[18:], struct.unpack_from("<QHII", data)[3])
    assert name == "inval_list"


def test_every_outer_message_counts_for_the_ack_window(viewer: Viewer) -> None:
    display = opened(viewer)
    for _ in range(30):
        channel_client(display).push(
            PipeItem(MARK.message_type, MsgEmpty(), before=[INVAL_LIST, INVAL_LIST])
        )
    assert len(display.messages()) == 41


@pytest.mark.parametrize("serial", [0, 2])
def test_only_what_was_sent_can_be_waited_for(viewer: Viewer, serial: int) -> None:
    main = channel_client(viewer.main)
    assert main.serial == 1
    with pytest.raises(ConfigurationError, match=f"main:0 has sent no message {serial}"):
        wait_item({main: serial})


def test_more_waits_than_a_byte_counts_are_refused(viewer: Viewer) -> None:
    class Other(RedChannelClient):
        def __init__(self) -> None:
            self.serial = 1

    with pytest.raises(ConfigurationError, match="256 channels are too many"):
        wait_item({Other(): 1 for _ in range(MAX_WAITS + 1)})


def test_a_notice_is_a_text_that_ends_with_a_nul(viewer: Viewer, core: FakeCore) -> None:
    channel_client(viewer.main).notify("hüt")
    data = raw(viewer.main)
    assert data[6:] == struct.pack("<QIIII", 1000 * 10**9, 1, 2, 0, 4) + "hüt".encode() + b"\0"


def test_messages_nobody_reads_are_limited_by_bytes(
    viewer: Viewer, caplog: pytest.LogCaptureFixture
) -> None:
    main = channel_client(viewer.main)
    item = PipeItem(
        MAIN.by_name["agent_data"], MsgData(data=bytes(DEFAULT_LIMITS.max_waiting_bytes // 4))
    )
    for _ in range(4):
        main.push(item)
    assert not viewer.main.connection.closed
    main.push(time_item(1))
    assert viewer.main.connection.closed
    assert caplog.messages == [
        f"viewer main:0: 4 messages of {DEFAULT_LIMITS.max_waiting_bytes} bytes wait "
        "and the viewer does not read"
    ]


def test_nothing_is_sent_by_a_connection_that_is_over(viewer: Viewer) -> None:
    main = channel_client(viewer.main)
    viewer.main.connection.close()
    for send in (main.push, main.push_urgent, lambda item: main.refill([item])):
        send(time_item(1))
    assert (len(main.pipe), raw(viewer.main)) == (0, b"")


def goodbye(peer: Peer) -> int:
    assert peer.connection.closed
    (message,) = peer.messages()
    assert message.name == "disconnecting"
    assert peer.connection.data_to_send() == [], "it is said once"
    return int(message.message.reason)


def test_viewers_are_told_when_the_server_shuts_down(reds: RedsState, viewer: Viewer) -> None:
    inputs = viewer.open("inputs")
    inputs.messages()
    reds.shutdown()
    assert goodbye(viewer.main) == LinkErr.OK
    assert inputs.connection.closed
    assert inputs.names() == []


def test_a_viewer_is_told_when_another_one_takes_over(reds: RedsState, viewer: Viewer) -> None:
    other = Viewer(reds)
    assert goodbye(viewer.main) == LinkErr.OK
    assert not other.main.connection.closed


def test_a_viewer_is_told_when_the_password_changes(reds: RedsState, viewer: Viewer) -> None:
    reds.set_ticket("another", disconnect_if_connected=True)
    assert goodbye(viewer.main) == LinkErr.PERMISSION_DENIED


def test_what_waits_is_dropped_when_a_viewer_is_told_to_go(reds: RedsState, viewer: Viewer) -> None:
    channel_client(viewer.main).push(time_item(1))
    reds.shutdown()
    goodbye(viewer.main)
