from __future__ import annotations

import pytest

from redspice.pipe import Pipe, PipeItem
from redspice_protocol import CHANNELS, Buffer, MessageType
from redspice_protocol.main import MsgMainMultiMediaTime

MULTI_MEDIA_TIME = CHANNELS["main"].server.by_name["multi_media_time"]


def item(time: int = 1) -> PipeItem:
    return PipeItem(MULTI_MEDIA_TIME, MsgMainMultiMediaTime(time=time))


def test_first_in_first_out() -> None:
    pipe = Pipe()
    items = [item(), item()]
    for one in items:
        pipe.push(one)
    assert len(pipe) == 2
    assert [pipe.pop(), pipe.pop()] == items
    with pytest.raises(IndexError):
        pipe.pop()


def test_is_full_at_its_limit_and_empty_when_cleared() -> None:
    pipe = Pipe(limit=2)
    pipe.push(item())
    assert not pipe.full
    pipe.push(item())
    assert pipe.full
    pipe.clear()
    assert len(pipe) == 0


def test_an_item_is_marshalled_once_for_all_viewers() -> None:
    calls = []

    def marshal_parts(message: object) -> list[Buffer]:
        calls.append(message)
        return MULTI_MEDIA_TIME.marshal_parts(message)

    known = MULTI_MEDIA_TIME
    counted = MessageType(
        known.id,
        known.name,
        known.type,
        known.demarshal,
        known.marshal,
        marshal_parts,
        known.path,
        4,
    )
    shared = PipeItem(counted, MsgMainMultiMediaTime(time=7))
    assert calls == []
    assert [b"".join(shared.parts()) for _ in range(3)] == [b"\7\0\0\0"] * 3
    assert len(calls) == 1


def test_repr_names_the_message() -> None:
    assert repr(item()) == "PipeItem(multi_media_time)"
