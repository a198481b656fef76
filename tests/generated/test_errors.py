"""What is wrong with a body or an object is said with the field, the offset and the sizes."""

from array import array
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import numpy as np
import pytest

import redspice_protocol
from generated.vectors import files, read, refusal
from redspice_protocol import CHANNELS, MessageType, WireError, from_builtins, to_builtins
from redspice_protocol.base import MsgData, MsgSetAck
from redspice_protocol.cursor import MsgCursorMove
from redspice_protocol.main import MsgMainChannelsList, MsgMainMigrateBegin
from redspice_protocol.structs import ChannelId, DstInfo, Point16

DISPLAY = CHANNELS["display"].server.by_name
MAIN = CHANNELS["main"].server.by_name


def draw_copy() -> Any:
    """A DRAW_COPY with a bitmap of 2 x 2 pixels, as the server really sends it."""
    path = next(path for path in files() if path.name.startswith("display-server"))
    vector = next(v for v in read(path) if v.case == "flow:red_marshall_image 2x2 32bit")
    return DISPLAY["draw_copy"].demarshal(vector.body)


def test_a_cut_field_is_named_with_its_offset() -> None:
    body = DISPLAY["draw_copy"].marshal(draw_copy())
    with pytest.raises(WireError) as caught:
        DISPLAY["draw_copy"].demarshal(body[:30])
    error = caught.value
    assert error.path == "display.draw_copy.data.src_area.left"
    assert (error.offset, error.wanted, error.available) == (29, 4, 1)
    assert str(error) == f"{error.path}: wanted 4 bytes at offset 29, 1 available"


def test_a_cut_payload_behind_a_pointer_is_named_from_the_message_down() -> None:
    body = DISPLAY["draw_copy"].marshal(draw_copy())
    with pytest.raises(WireError) as caught:
        DISPLAY["draw_copy"].demarshal(body[:-1])
    assert caught.value.path == "display.draw_copy.data.src_bitmap.bitmap.data"
    assert (caught.value.wanted, caught.value.available) == (16, 15)


def test_a_pointer_outside_is_refused() -> None:
    body = bytearray(DISPLAY["draw_copy"].marshal(draw_copy()))
    body[21:25] = (60000).to_bytes(4, "little")
    with pytest.raises(WireError, match="points to offset 60000 of a body of 109 bytes"):
        DISPLAY["draw_copy"].demarshal(body)


def test_a_count_that_overflows_costs_nothing() -> None:
    with pytest.raises(WireError, match=r"main\.channels_list\.channels: wanted 4294967300 bytes"):
        MAIN["channels_list"].demarshal((0x80000002).to_bytes(4, "little") + bytes(2))


def test_payloads_are_views_of_the_body() -> None:
    body = bytearray(b"payload")
    decoded = CHANNELS["main"].client.by_name["agent_data"].demarshal(body)
    body[0:1] = b"P"
    assert bytes(decoded.data) == b"Payload"


@pytest.mark.parametrize(
    ("message", "value", "expected"),
    [
        ("set_ack", MsgSetAck(generation=-1, window=2), "generation: -1 is not in 0 … 4294967295"),
        ("set_ack", MsgSetAck(generation=1, window=None), "window: must not be None"),
        ("set_ack", MsgSetAck(generation=1, window="7"), "window: is a str, not an integer"),
        ("agent_data", MsgData(data="text"), "data: is a str, not bytes"),
        (
            "channels_list",
            MsgMainChannelsList(channels=[ChannelId(1, 0), ChannelId(2, 300)]),
            r"channels\[1\].id: 300 is not in 0 … 255",
        ),
        ("set_ack", MsgData(data=b""), r"^base\.set_ack: is a MsgData, not a MsgSetAck"),
        (
            "channels_list",
            MsgMainChannelsList(channels=5),
            r"^main\.channels_list\.channels: is a int, not a list",
        ),
    ],
)
def test_a_value_that_does_not_fit_is_named(message: str, value: object, expected: str) -> None:
    with pytest.raises(WireError, match=expected):
        MAIN[message].marshal(value)
    with pytest.raises(WireError, match=expected):
        MAIN[message].marshal_parts(value)
    with pytest.raises(WireError, match=expected):
        MAIN[message].frame(value)


def test_a_nested_value_that_does_not_fit_is_named() -> None:
    move = CHANNELS["cursor"].server.by_name["move"]
    with pytest.raises(WireError, match=r"move\.position\.y: 32768 is not in -32768 … 32767"):
        move.marshal(MsgCursorMove(Point16(0, 32768)))


def test_a_missing_arm_is_named() -> None:
    message = draw_copy()
    message.data.src_bitmap.u = None
    with pytest.raises(WireError, match=r"draw_copy\.data\.src_bitmap\.bitmap: must not be None"):
        DISPLAY["draw_copy"].marshal(message)


def test_an_image_whose_data_is_not_stride_times_rows_is_refused() -> None:
    message = draw_copy()
    message.data.src_bitmap.u.data = bytes(15)
    with pytest.raises(WireError, match="has 15 elements, 16 wanted"):
        DISPLAY["draw_copy"].marshal(message)


def with_payload(payload: Any) -> Iterator[tuple[MessageType, Any]]:
    """Messages with the payload in place, inside a pointer's target, and as the target."""
    yield MAIN["agent_data"], MsgData(data=payload)
    message = draw_copy()
    bitmap = message.data.src_bitmap.u
    bitmap.x, bitmap.y, bitmap.stride, bitmap.data = 1, len(payload), 1, payload
    yield DISPLAY["draw_copy"], message
    yield MAIN["migrate_begin"], MsgMainMigrateBegin(DstInfo(1, 2, payload, None))


@pytest.mark.parametrize(
    ("payload", "expected"),
    [
        (memoryview(bytes(8)).cast("I"), "is not a flat buffer of bytes"),
        (memoryview(bytes(8)).cast("B", (2, 4)), "is not a flat buffer of bytes"),
        (memoryview(bytes(8))[::2], "is not a flat buffer of bytes"),
        (array("H", bytes(8)), "is not a flat buffer of bytes"),
        ("text", "is a str, not bytes"),
        ([1, 2], "is a list, not bytes"),
    ],
)
def test_a_payload_that_is_no_flat_buffer_is_refused(payload: object, expected: str) -> None:
    for type_, value in with_payload(payload):
        for build in (type_.marshal, type_.marshal_parts, type_.frame):
            with pytest.raises(WireError, match=expected):
                build(value)


@pytest.mark.parametrize(
    ("message", "value", "expected"),
    [
        ("agent_data", MsgData(data=np.array(5)), "data: is a ndarray, not bytes"),
        ("set_ack", MsgSetAck(np.arange(3), 1), "generation: is a ndarray, not an integer"),
        ("set_ack", MsgSetAck(np.int64(-1), 1), "generation: -1 is not in 0 … 4294967295"),
    ],
)
def test_arrays_and_numbers_of_numpy_that_do_not_fit_are_named(
    message: str, value: object, expected: str
) -> None:
    for build in (MAIN[message].marshal, MAIN[message].marshal_parts, MAIN[message].frame):
        with pytest.raises(WireError, match=expected):
            build(value)


def test_an_array_for_the_tag_of_a_switch_is_named() -> None:
    message = draw_copy()
    message.data.src_bitmap.descriptor.type = np.arange(3)
    with pytest.raises(WireError, match=r"descriptor\.type: is a ndarray, not an integer"):
        DISPLAY["draw_copy"].marshal(message)


def test_numbers_in_an_array_of_numpy_are_looked_at_one_by_one() -> None:
    volume = CHANNELS["playback"].server.by_name["volume"]
    assert volume.marshal(volume.type(np.arange(3, dtype=np.uint16)))[1:3] == bytes(2)
    with pytest.raises(WireError, match=r"volume\[1\]: 70000 is not in 0 … 65535"):
        volume.marshal(volume.type(np.array([1, 70000])))


@pytest.mark.parametrize("kind", [bytearray, memoryview, partial(array, "B")])
def test_a_payload_may_be_any_flat_buffer(kind: Callable[[bytes], Any]) -> None:
    for (type_, value), (_, same) in zip(
        with_payload(kind(b"payload")), with_payload(b"payload"), strict=True
    ):
        body = type_.marshal(same)
        assert type_.marshal(value) == b"".join(type_.marshal_parts(value)) == body
        assert type_.frame(value) == type_.frame(same)


def test_a_message_type_made_by_hand_frames_what_it_marshals() -> None:
    known = MAIN["set_ack"]
    made = MessageType(
        known.id,
        known.name,
        known.type,
        known.demarshal,
        known.marshal,
        known.marshal_parts,
        known.path,
        known.size,
    )
    message = MsgSetAck(generation=1, window=2)
    assert made.frame(message) == known.frame(message)


class Pixels(bytes):
    """Bytes of a type of one's own."""


@pytest.mark.parametrize("kind", [bytes, bytearray, memoryview, Pixels])
def test_payloads_go_out_as_the_objects_they_are(kind: type[Any]) -> None:
    payload = kind(b"payload")
    parts = MAIN["agent_data"].marshal_parts(MsgData(data=payload))
    assert any(part is payload for part in parts)
    assert b"".join(parts) == b"payload"


def test_plain_fields_may_leave_counts_out_but_not_wrong() -> None:
    fields = {"channels": [{"type": 2, "id": 0}]}
    message = from_builtins(MAIN["channels_list"], fields)
    assert to_builtins(message) == fields | {"num_of_channels": 1}
    with pytest.raises(WireError, match="num_of_channels: says 2, there are 1"):
        from_builtins(MAIN["channels_list"], fields | {"num_of_channels": 2})


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"generation": 1}, r"^base\.set_ack\.window: is missing"),
        ([1, 2], r"^base\.set_ack: is a list, not a dict"),
        ({"generation": 1, "window": 2, "windw": 3}, "set_ack.windw: is no field"),
    ],
)
def test_plain_fields_that_are_missing_or_unknown_are_named(
    fields: dict[str, int] | list[int], expected: str
) -> None:
    with pytest.raises(WireError, match=expected):
        from_builtins(MAIN["set_ack"], fields)


def test_a_fault_inside_an_array_is_named_with_its_index() -> None:
    """Every cut of a text of two glyphs; some hit inside of the second one."""
    path = next(path for path in files() if path.name.startswith("display-server"))
    texts = (v for v in read(path) if v.name == "draw_text")
    body = next(v.body for v in texts if v.case == "pattern")
    type_ = DISPLAY["draw_text"]
    errors = [refusal(redspice_protocol, type_, body[:end]) for end in range(len(body))]
    paths = {error.path for error in errors if error is not None}
    assert "display.draw_text.data.str.glyphs[1].data" in paths
