from __future__ import annotations

import pytest

from redspice.errors import ProtocolError
from redspice.framing import Frame, FrameReader, append_messages, message_list, pack_header
from redspice_protocol import Buffer


def message(mini: bool, type: int, body: bytes, serial: int = 1) -> bytes:
    return pack_header(mini, serial, type, len(body)) + body


def read(reader: FrameReader, data: bytes) -> list[Frame]:
    reader.feed(data)
    return list(reader)


def test_headers_are_the_protocols_bytes() -> None:
    assert pack_header(True, 9, 0x0102, 3).hex() == "020103000000"
    assert pack_header(False, 9, 0x0102, 3).hex() == "090000000000000002010300000000000000"


@pytest.mark.parametrize("mini", [True, False])
@pytest.mark.parametrize("step", [1, 2, 5, 17, 1000])
def test_messages_come_out_whole_however_they_are_cut(mini: bool, step: int) -> None:
    bodies = [b"", b"x", bytes(range(200)), b""]
    stream = b"".join(message(mini, 100 + n, body, n + 1) for n, body in enumerate(bodies))
    reader = FrameReader(mini, 1000)
    frames = []
    for start in range(0, len(stream), step):
        frames += read(reader, stream[start : start + step])
    assert frames == [Frame(n + 1, 100 + n, 0, body) for n, body in enumerate(bodies)]


def test_mini_serials_are_counted() -> None:
    frames = read(FrameReader(True, 10), message(True, 1, b"", serial=77) * 3)
    assert [frame.serial for frame in frames] == [1, 2, 3]


def test_full_headers_carry_serial_and_sub_list() -> None:
    header = bytes.fromhex("0700000000000000 0300 02000000 2a000000")
    assert read(FrameReader(False, 10), header + b"ab") == [Frame(7, 3, 42, b"ab")]


@pytest.mark.parametrize("mini", [True, False])
def test_a_size_over_the_limit_is_refused_by_its_header_alone(mini: bool) -> None:
    reader = FrameReader(mini, 10)
    reader.feed(message(mini, 5, bytes(10)) + pack_header(mini, 2, 6, 11))
    frames = iter(reader)
    assert next(frames).body == bytes(10)
    with pytest.raises(ProtocolError, match="message type 6 of 11 bytes is over the limit of 10"):
        next(frames)


def test_messages_that_were_not_iterated_over_wait() -> None:
    reader = FrameReader(True, 10)
    reader.feed(message(True, 1, b"a") + message(True, 2, b"b"))
    for frame in reader:
        assert frame.type == 1
        break
    assert [frame.type for frame in reader] == [2]


def test_a_big_message_in_small_pieces_is_parsed_once_complete(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    reader = FrameReader(True, 100_000)
    parses = []
    parse_header = reader._parse_header
    monkeypatch.setattr(reader, "_parse_header", lambda s: (parses.append(s), parse_header(s))[1])
    stream = message(True, 1, bytes(100_000))
    frames = [frame for n in range(len(stream)) for frame in read(reader, stream[n : n + 1])]
    assert len(frames) == 1
    assert len(parses) == 2


def test_sub_messages_and_their_list_follow_the_body() -> None:
    parts: list[Buffer] = [b"abc"]
    sub_list = append_messages(parts, [(7, [b"x", b"yz"]), (0x0102, [])])
    assert b"".join(parts).hex(" ", -4) == (
        bytes.fromhex("6162630700 03000000 78797a0201 000000000200 03000000 0c000000")
    ).hex(" ", -4)
    assert sub_list == 3 + 9 + 6


def test_a_list_of_messages_begins_with_the_offsets() -> None:
    body = b"".join(message_list([(7, [b"x", b"yz"]), (0x0102, [])]))
    assert body == bytes.fromhex("0200 0a000000 130000000700 03000000 78797a0201 00000000")


def test_the_full_header_says_where_the_list_is() -> None:
    header = pack_header(False, 9, 0x0102, 3, sub_list=5)
    assert header.hex() == "090000000000000002010300000005000000"
    assert pack_header(True, 9, 0x0102, 3, sub_list=5).hex() == "020103000000"
