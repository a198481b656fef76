from __future__ import annotations

import struct

import pytest

from redspice.pipe import Pipe, PipeItem
from redspice_protocol import CHANNELS, Buffer, MessageType
from redspice_protocol.base import MsgData
from redspice_protocol.main import MsgMainMultiMediaTime

MULTI_MEDIA_TIME = CHANNELS["main"].server.by_name["multi_media_time"]
AGENT_DATA = CHANNELS["main"].server.by_name["agent_data"]


def item(time: int = 1, *before: PipeItem) -> PipeItem:
    return PipeItem(MULTI_MEDIA_TIME, MsgMainMultiMediaTime(time=time), before=before)


def body(item: PipeItem) -> bytes:
    return b"".join(item.parts())


def test_first_in_first_out() -> None:
    pipe = Pipe()
    items = [item(), item()]
    for one in items:
        pipe.push(one)
    assert len(pipe) == 2
    assert [pipe.pop(), pipe.pop()] == items
    with pytest.raises(IndexError):
        pipe.pop()


def test_urgent_items_go_first_in_their_own_order() -> None:
    pipe = Pipe()
    first, second, third, fourth = (item(n) for n in range(4))
    pipe.push(third)
    pipe.push_urgent(first)
    pipe.push(fourth)
    pipe.push_urgent(second)
    assert [pipe.pop() for _ in range(4)] == [first, second, third, fourth]


def test_is_full_at_its_limit_and_empty_when_cleared() -> None:
    pipe = Pipe(limit=2)
    pipe.push(item())
    assert not pipe.full
    pipe.push_urgent(item())
    assert pipe.full
    pipe.clear()
    assert (len(pipe), pipe.bytes, pipe.full) == (0, 0, False)


def test_is_full_at_its_limit_of_bytes() -> None:
    pipe = Pipe(limit_bytes=8)
    pipe.push(item())
    assert (pipe.bytes, pipe.full) == (4, False)
    pipe.push_urgent(item())
    assert (pipe.bytes, pipe.full) == (8, True)
    pipe.pop()
    assert (pipe.bytes, pipe.full) == (4, False)


def test_what_fills_an_empty_pipe_may_be_of_any_size() -> None:
    pipe = Pipe(limit_bytes=8)
    large = PipeItem(AGENT_DATA, MsgData(data=bytes(100)))
    pipe.refill(large)
    assert not pipe.full
    assert pipe.pop() is large
    assert pipe.bytes == 0


def test_an_item_is_marshalled_once_for_all_viewers() -> None:
    calls = []

    class Counted(MessageType):
        def marshal_parts(self, message: object) -> list[Buffer]:
            calls.append(message)
            return MULTI_MEDIA_TIME.marshal_parts(message)

    shared = item(7)
    shared.message_type = Counted.__new__(Counted)
    assert calls == []
    assert [body(shared) for _ in range(3)] == [b"\7\0\0\0"] * 3
    assert shared.size == 4
    assert len(calls) == 1


def test_bytes_that_no_field_describes_follow_the_others() -> None:
    text = PipeItem(AGENT_DATA, MsgData(data=b"text"), trailing=b"\0")
    assert (body(text), text.size) == (b"text\0", 5)


def test_without_sub_messages_nothing_precedes() -> None:
    assert item().preceding() is None


def test_a_single_sub_message_precedes_as_itself() -> None:
    only = item()
    assert item(2, only).preceding() is only


def test_several_sub_messages_precede_as_one_list() -> None:
    main = item(3, item(1), PipeItem(AGENT_DATA, MsgData(data=b"abc")))
    preceding = main.preceding()
    assert preceding is main.preceding()
    assert preceding is not None
    assert preceding.message_type.name == "list"
    assert body(preceding) == (
        struct.pack("<HII", 2, 10, 20)
        + struct.pack("<HII", MULTI_MEDIA_TIME.id, 4, 1)
        + struct.pack("<HI", AGENT_DATA.id, 3)
        + b"abc"
    )


def test_repr_names_the_message() -> None:
    assert repr(item()) == "PipeItem(multi_media_time)"
