"""The dissector in tshark: what it shows of captures made of the vectors is what C decodes."""

from __future__ import annotations

import os
import shutil
import struct
from collections.abc import Iterator
from pathlib import Path

import pytest

from codegen.link import (
    AUTH_SELECTION,
    AUTH_SPICE,
    KEY,
    MINI_HEADER,
    TICKET,
    full,
    link_message,
    link_reply,
    linked,
    mini,
)
from codegen.pcap import Conversation, pcap
from codegen.rows import check_fields, same
from codegen.specs import ROOT, spice
from codegen.tshark import Piece, pieces, run
from generated import vectors
from generated.vectors import Vector
from redspice_codegen.cli import main

#: Vectors taken, evenly, of a file of negative ones: the run stays short.
SAMPLE = 400

VECTORS = ROOT / "tests" / "vectors"
CHANNELS = {channel.name: channel.number for channel in spice().channels}
#: Members that are on the wire as 0 and not among the fields of vectors.
ZERO = ("res1", "res2")

PLAIN = AUTH_SELECTION | AUTH_SPICE
MOUSE_POSITION = struct.pack("<IIHB", 100, 200, 1, 0)
CLIP = struct.pack("<IB", 7, 1)
LIST, STREAM_CLIP, MOUSE_POSITION_ID = 8, 124, 112


def generate(spec: Path, directory: Path) -> Path:
    """The script that the command writes; skips the test where there is no tshark."""
    if shutil.which("tshark") is None:
        reason = "not installed: tshark (make peers)"
        pytest.fail(reason) if os.environ.get("CI") == "true" else pytest.skip(reason)
    assert main(["generate", str(spec), "-o", str(directory), "--backend", "wireshark"]) == 0
    return directory / "spice.lua"


@pytest.fixture(scope="module")
def dissector(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return generate(ROOT / "spice.proto", tmp_path_factory.mktemp("wireshark"))


def write(script: Path, *conversations: Conversation) -> Path:
    capture = script.parent / "test.pcap"
    capture.write_bytes(pcap(*conversations))
    return capture


def shown(script: Path, *conversations: Conversation, options: tuple[str, ...] = ()) -> list[Piece]:
    return pieces(script, write(script, *conversations), *options)


def messages(found: list[Piece]) -> list[Piece]:
    return [piece for piece in found if "redspice.header.type" in piece]


# Vectors: all files of a kind in one capture, one conversation for each.


def read(path: Path, most: int | None = None) -> list[Vector]:
    found = list(vectors.read(path))
    return found[:: max(1, len(found) // most)] if most else found


def decoded(script: Path, files: list[list[Vector]]) -> Iterator[tuple[Vector, Piece]]:
    """Every vector beside what tshark shows of it."""
    conversations = []
    for i, found in enumerate(files):
        conversation = linked(40000 + i, CHANNELS[found[0].channel])
        stream = b"".join(mini(vector.id, vector.body) for vector in found)
        conversation.send(found[0].direction, stream)
        conversations.append(conversation)
    every = [vector for found in files for vector in found]
    return zip(every, messages(shown(script, *conversations)), strict=True)


def test_shows_the_fields_of_every_message(dissector: Path) -> None:
    for vector, piece in decoded(dissector, [read(path) for path in vectors.files()]):
        name = f"{vector.channel} {vector.direction} {vector.name}"
        assert piece["redspice.message"] == name
        check_fields(piece, vector)
        if vector.name != "list":  # its bytes are no list
            assert not piece.malformed, str(vector)
            assert same(vector.trailing, piece.get("redspice.extra", "")), str(vector)


def check_verdict(piece: Piece, vector: Vector) -> None:
    if vector.name is None:
        assert any("unknown" in name for name, _ in piece.marks), str(vector)
    elif vector.name != "list":
        assert piece.malformed == (vector.fields is None), str(vector)


def test_marks_what_c_refuses(dissector: Path) -> None:
    files = [read(path, SAMPLE) for path in vectors.files(negative=True)]
    for vector, piece in decoded(dissector, files):
        check_verdict(piece, vector)
        if vector.fields is not None:
            check_fields(piece, vector)


@pytest.mark.parametrize("name", ["extra", "marshallers"])
def test_every_part_of_the_language(name: str, tmp_path: Path) -> None:
    script = generate(VECTORS / "specs" / f"{name}.proto", tmp_path)
    (positive,) = vectors.files(VECTORS / name)
    for vector, piece in decoded(script, [read(positive)]):
        assert not piece.malformed, str(vector)
        check_fields(piece, vector, ZERO)
    (negative,) = vectors.files(VECTORS / name, negative=True)
    for vector, piece in decoded(script, [read(negative, SAMPLE)]):
        check_verdict(piece, vector)
        if vector.fields is not None:
            check_fields(piece, vector, ZERO)


# The link stage and the headers


def test_link_stage(dissector: Path) -> None:
    message, reply, mechanism, ticket, result = shown(dissector, linked(40000, CHANNELS["inputs"]))
    assert message["redspice.link.channel_type"] == "3"
    assert message["redspice.link.connection_id"] == "0x00001234"
    assert message["redspice.link.common_caps"] == "0x0000000b"
    assert reply["redspice.link.error"] == "0"
    assert same(KEY, reply["redspice.link.pub_key"])
    assert reply["redspice.link.channel_caps"] == "0x00000003"
    assert mechanism["redspice.link.auth_mechanism"] == "1"
    assert same(TICKET, ticket["redspice.link.ticket"])
    assert result["redspice.link.result"] == "0"
    sides = [piece["redspice.sender"] for piece in (message, reply, mechanism, ticket, result)]
    assert sides == ["client", "server", "client", "client", "server"]


def test_no_mechanism_without_the_capability(dissector: Path) -> None:
    conversation = linked(40000, CHANNELS["inputs"], caps=MINI_HEADER)
    conversation.send("client", mini(MOUSE_POSITION_ID, MOUSE_POSITION))
    found = shown(dissector, conversation)
    assert same(TICKET, found[2]["redspice.link.ticket"])
    assert found[-1]["redspice.inputs.mouse_position.x"] == "100"


def test_full_headers_unless_both_sides_have_mini_headers(dissector: Path) -> None:
    conversation = linked(40000, CHANNELS["inputs"], caps=PLAIN)
    for serial in (1, 2):
        conversation.send("client", full(MOUSE_POSITION_ID, MOUSE_POSITION, serial=serial))
    conversation.send("server", full(101, b"\2\0", serial=1))
    found = messages(shown(dissector, conversation))
    assert [piece["redspice.header.serial"] for piece in found] == ["1", "2", "1"]
    assert found[1]["redspice.inputs.mouse_position.y"] == "200"
    assert found[2]["redspice.inputs.init.keyboard_modifiers"] == "0x0002"


def test_both_directions_interleaved(dissector: Path) -> None:
    conversation = linked(40000, CHANNELS["inputs"])
    for _ in range(3):
        conversation.send("client", mini(MOUSE_POSITION_ID, MOUSE_POSITION))
        conversation.send("server", mini(111, b""))
    names = [piece["redspice.message"] for piece in messages(shown(dissector, conversation))]
    assert names == ["inputs client mouse_position", "inputs server mouse_motion_ack"] * 3


def test_refused_link(dissector: Path) -> None:
    conversation = Conversation(40000)
    conversation.send("client", link_message(CHANNELS["inputs"]))
    conversation.send("server", link_reply(error=7) + b"whatever")
    _, reply, rest = shown(dissector, conversation)
    assert reply["redspice.link.error"] == "7"
    assert same(b"whatever", rest["redspice.data"])


def test_link_with_capabilities_out_of_bounds(dissector: Path) -> None:
    message = bytearray(link_message(CHANNELS["inputs"]))
    message[22:26] = b"\xff\xff\xff\xff"  # the number of common capabilities
    conversation = Conversation(40000)
    conversation.send("client", bytes(message))
    (piece,) = shown(dissector, conversation)
    assert piece.malformed


# Segments


@pytest.mark.parametrize("segment", [1, 3, 7, 100])
def test_messages_split_over_segments(dissector: Path, segment: int) -> None:
    conversation = linked(40000, CHANNELS["inputs"])
    data = mini(MOUSE_POSITION_ID, MOUSE_POSITION) * 3
    conversation.send("client", data, segment=segment)
    found = messages(shown(dissector, conversation))
    assert [piece["redspice.inputs.mouse_position.x"] for piece in found] == ["100"] * 3


def test_link_stage_split_over_segments(dissector: Path) -> None:
    whole, split = Conversation(40000), Conversation(40001)
    for conversation, segment in ((whole, 1000), (split, 5)):
        conversation.send("client", link_message(CHANNELS["inputs"]), segment=segment)
        conversation.send("server", link_reply(), segment=segment)
        conversation.send("client", struct.pack("<I", 1) + TICKET, segment=segment)
        conversation.send("server", bytes(4), segment=segment)
    found = shown(dissector, whole, split)
    assert len(found) == 10
    assert [piece.rows for piece in found[:5]] == [piece.rows for piece in found[5:]]


def test_a_second_look_at_the_frames_shows_the_same(dissector: Path) -> None:
    conversation = linked(40000, CHANNELS["display"])
    stream = read(vectors.DIRECTORY / "display-server.jsonl.xz", 50)
    conversation.send("server", b"".join(mini(v.id, v.body) for v in stream), segment=300)
    once = shown(dissector, conversation)
    twice = shown(dissector, conversation, options=("-2",))
    assert len(once) > 50
    assert [piece.rows for piece in once] == [piece.rows for piece in twice]


def test_a_port_used_again_begins_a_new_conversation(dissector: Path) -> None:
    first = linked(40000, CHANNELS["inputs"])
    second = linked(40000, CHANNELS["main"], caps=PLAIN, start=700_000)
    first.send("client", mini(MOUSE_POSITION_ID, MOUSE_POSITION))
    second.send("client", full(104, b""))
    for options in ((), ("-2",)):
        found = messages(shown(dissector, first, second, options=options))
        names = [piece["redspice.message"] for piece in found]
        assert names == ["inputs client mouse_position", "main client attach_channels"]


def test_a_retransmitted_segment_changes_nothing(dissector: Path) -> None:
    conversation = linked(40000, CHANNELS["inputs"])
    for _ in range(2):
        conversation.send("client", mini(MOUSE_POSITION_ID, MOUSE_POSITION))
    conversation.frames.insert(-1, conversation.frames[-2])
    found = messages(shown(dissector, conversation))
    assert {piece["redspice.inputs.mouse_position.x"] for piece in found} == {"100"}
    assert len(found) >= 2


def test_without_reassembly_the_rest_is_bytes(dissector: Path) -> None:
    conversation = linked(40000, CHANNELS["inputs"])
    data = mini(MOUSE_POSITION_ID, MOUSE_POSITION)
    conversation.send("client", data + data, segment=len(data) + 3)
    found = shown(dissector, conversation, options=("-o", "tcp.desegment_tcp_streams:FALSE"))
    assert same(data[:3], found[-2]["redspice.data"])
    assert same(data[3:], found[-1]["redspice.data"])


# Bodies


def test_arrays_have_a_limit_in_the_tree(dissector: Path) -> None:
    rects = 100_000
    body = CLIP + struct.pack("<I", rects) + bytes(16 * rects) + b"extra"
    conversation = linked(40000, CHANNELS["display"])
    conversation.send("server", mini(STREAM_CLIP, body))
    (piece,) = messages(shown(dissector, conversation))
    assert len(piece.rows) < 6000
    assert any("not_shown" in name for name, _ in piece.marks)
    assert same(b"extra", piece["redspice.extra"])
    assert not piece.malformed


def test_a_size_beyond_reason_is_out_of_step(dissector: Path) -> None:
    conversation = linked(40000, CHANNELS["inputs"])
    conversation.send("client", struct.pack("<HI", MOUSE_POSITION_ID, 0xFFFFFFFF) + b"more")
    assert "redspice.data" in shown(dissector, conversation)[-1]


def packed(*found: tuple[int, bytes]) -> bytes:
    """A body of several messages."""
    start = 2 + 4 * len(found)
    parts = [struct.pack("<HI", number, len(body)) + body for number, body in found]
    offsets = [start + sum(map(len, parts[:i])) for i in range(len(parts))]
    return struct.pack(f"<H{len(found)}I", len(found), *offsets) + b"".join(parts)


def test_messages_in_a_list(dissector: Path) -> None:
    conversation = linked(40000, CHANNELS["inputs"])
    body = packed((101, b"\1\0"), (102, b"\4\0"))
    conversation.send("server", mini(LIST, body))
    (piece,) = messages(shown(dissector, conversation))
    assert piece["redspice.inputs.init.keyboard_modifiers"] == "0x0001"
    assert piece["redspice.inputs.key_modifiers.modifiers"] == "0x0004"
    assert not piece.malformed


def test_messages_behind_the_body_of_a_full_header(dissector: Path) -> None:
    conversation = linked(40000, CHANNELS["inputs"], caps=PLAIN)
    sub = bytearray(packed((102, b"\4\0")))
    sub[2:6] = struct.pack("<I", 2 + 6)  # offsets count from the start of the outer body
    conversation.send("server", full(101, b"\1\0" + sub, sub_list=2))
    (piece,) = messages(shown(dissector, conversation))
    assert piece["redspice.inputs.init.keyboard_modifiers"] == "0x0001"
    assert piece["redspice.inputs.key_modifiers.modifiers"] == "0x0004"


# How Wireshark finds it, and what its list of packets says


def test_any_port_by_its_first_bytes_or_by_decode_as(dissector: Path) -> None:
    conversation = linked(40000, CHANNELS["inputs"], server_port=4242)
    off = ("--disable-heuristic", "redspice_tcp")
    assert len(shown(dissector, conversation)) == 5
    assert shown(dissector, conversation, options=off) == []
    assert len(shown(dissector, conversation, options=(*off, "-d", "tcp.port==4242,redspice"))) == 5


def test_leaves_other_protocols_alone(dissector: Path) -> None:
    conversation = Conversation(40000)
    conversation.send("server", b"RFB 003.008\n")
    assert shown(dissector, conversation) == []


def test_info_column(dissector: Path) -> None:
    conversation = linked(40000, CHANNELS["inputs"])
    conversation.send("client", mini(MOUSE_POSITION_ID, MOUSE_POSITION) + mini(101, bytes(4)))
    lines = run(dissector, write(dissector, conversation)).splitlines()
    assert "Redspice" in lines[-1]
    assert lines[-1].rstrip().endswith("inputs client: mouse_position, key_down")


def test_names_of_enums_and_flags(dissector: Path) -> None:
    conversation = linked(40000, CHANNELS["inputs"])
    conversation.send("client", mini(113, struct.pack("<BH", 2, 5)))
    text = run(dissector, write(dissector, conversation), "-O", "redspice")
    assert "button: MIDDLE (2)" in text
    assert "buttons_state: 0x0005 (LEFT, RIGHT)" in text
    filtered = ("-Y", "redspice.flags.mouse_button_mask.RIGHT")
    assert len(run(dissector, write(dissector, conversation), *filtered).splitlines()) == 1


def test_the_script_is_the_same_every_time(dissector: Path, tmp_path: Path) -> None:
    assert generate(ROOT / "spice.proto", tmp_path).read_text() == dissector.read_text()
