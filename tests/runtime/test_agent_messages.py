"""The agent's messages: what real programs said, and what makes no sense."""

from __future__ import annotations

import json
from pathlib import Path
from typing import NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from redspice.agent import AgentError
from redspice.agent.bodies import (
    AgentMessage,
    AnnounceCapabilities,
    AudioVolumeSync,
    ClientDisconnected,
    Clipboard,
    ClipboardGrab,
    ClipboardRelease,
    ClipboardRequest,
    DeviceDisplay,
    DisplayConfig,
    FileXferData,
    FileXferError,
    FileXferResult,
    FileXferStart,
    FileXferStatus,
    GraphicsDeviceInfo,
    MaxClipboard,
    MessageType,
    MonitorConfig,
    MonitorFlags,
    MonitorsConfig,
    MouseState,
    PhysicalSize,
    Reply,
)
from redspice.agent.capabilities import AgentCap, with_cap
from redspice.agent.headers import (
    MESSAGE_HEADER_SIZE,
    ChunkHeader,
    Port,
    build_chunks,
    parse_chunk_header,
)
from redspice.agent.messages import (
    FORMATS,
    TYPES,
    build,
    build_message,
    parse,
    parse_message,
)
from redspice.caps import Capabilities
from runtime.fake_agent import header

ALL = Capabilities(AgentCap)
VECTORS = Path(__file__).parent.parent / "vectors" / "agent" / "messages.jsonl"


class Vector(NamedTuple):
    sender: str
    caps: Capabilities
    data: bytes

    @property
    def type(self) -> MessageType:
        return MessageType(int.from_bytes(self.data[4:8], "little"))

    def __str__(self) -> str:
        return f"{self.type.name} of {len(self.data)}"


def vectors() -> list[Vector]:
    lines = map(json.loads, VECTORS.read_text().splitlines())
    return [
        Vector(line["sender"], Capabilities(line["caps"]), bytes.fromhex(line["message"]))
        for line in lines
    ]


def hexed(text: str) -> bytes:
    return bytes.fromhex(text.replace("_", " "))


# One of each, with the bytes of its body. Layouts from the protocol's own definition.
BODIES: list[tuple[AgentMessage, str]] = [
    (MouseState(1, 2, 0x82, 3), "01000000 02000000 82000000 03"),
    (
        MonitorsConfig(MonitorFlags.POSITION, [MonitorConfig(600, 800, 32, -1, 2)]),
        "01000000 01000000 58020000 20030000 20000000 ffffffff 02000000",
    ),
    (
        MonitorsConfig(
            MonitorFlags.PHYSICAL_SIZE, [MonitorConfig(1, 2, 3)], [PhysicalSize(200, 300)]
        ),
        "01000000 02000000 01000000 02000000 03000000 00000000 00000000 c800 2c01",
    ),
    (Reply(2, 1), "02000000 01000000"),
    (Clipboard(1, b"abc", 1), "01 000000 01000000 616263"),
    (DisplayConfig(8, 16), "08000000 10000000"),
    (AnnounceCapabilities(1, [0xE7, 0]), "01000000 e7000000 00000000"),
    (ClipboardGrab([1, 2], 2, 7), "02 000000 07000000 01000000 02000000"),
    (ClipboardRequest(6, 1), "01 000000 06000000"),
    (ClipboardRelease(1), "01 000000"),
    (FileXferStart(5, b"k\0"), "05000000 6b00"),
    (FileXferStatus(5, FileXferResult.SUCCESS), "05000000 03000000"),
    (
        FileXferStatus(5, FileXferResult.NOT_ENOUGH_SPACE, free_space=1 << 32),
        "05000000 04000000 0000000001000000",
    ),
    (
        FileXferStatus(5, FileXferResult.ERROR, error=FileXferError(0, 14)),
        "05000000 02000000 00 0e000000",
    ),
    (FileXferData(5, b"xyz"), "05000000 0300000000000000 78797a"),
    (ClientDisconnected(), ""),
    (MaxClipboard(-1), "ffffffff"),
    (AudioVolumeSync(1, 0, [0xFFFF, 1]), "01 00 02 ffff 0100"),
    (
        GraphicsDeviceInfo([DeviceDisplay(1, 2, 3, b"pci\0")]),
        "01000000 01000000 02000000 03000000 04000000 70636900",
    ),
]


@pytest.mark.parametrize("vector", vectors(), ids=str)
def test_what_real_programs_say_is_understood_and_said_again(vector: Vector) -> None:
    message = parse_message(vector.data, vector.caps)
    assert TYPES[message.__class__] is vector.type
    assert build_message(message, vector.caps) == vector.data


@pytest.mark.parametrize("vector", vectors(), ids=str)
def test_whatever_is_missing_of_a_message_is_missed(vector: Vector) -> None:
    for size in range(len(vector.data)):
        with pytest.raises(AgentError):
            parse_message(vector.data[:size], vector.caps)


@pytest.mark.parametrize("vector", vectors(), ids=str)
def test_whatever_is_too_much_is_refused(vector: Vector) -> None:
    with pytest.raises(AgentError):
        parse_message(vector.data + b"\0", vector.caps)


def test_real_programs_said_all_but_what_only_servers_say() -> None:
    servers = {
        MessageType.MOUSE_STATE,
        MessageType.CLIENT_DISCONNECTED,
        MessageType.GRAPHICS_DEVICE_INFO,
    }
    assert {vector.type for vector in vectors()} == set(MessageType) - servers
    assert {vector.sender for vector in vectors()} == {"viewer", "agent"}


def test_there_is_a_layout_for_every_type() -> None:
    assert set(FORMATS) == set(TYPES.values()) == set(MessageType)
    assert {TYPES[message.__class__] for message, _ in BODIES} == set(MessageType)


@pytest.mark.parametrize(("message", "body"), BODIES, ids=lambda value: str(value)[:40])
def test_bodies_are_laid_out_as_the_protocol_says(message: AgentMessage, body: str) -> None:
    data = hexed(body)
    assert build(message, ALL) == data
    assert parse(TYPES[message.__class__], data, ALL) == message


def test_a_message_has_a_header() -> None:
    assert build_message(Reply(2, 1)) == header(3, 8) + hexed("02000000 01000000")
    assert build_message(Reply(2, 1), opaque=9)[8:16] == hexed("0900000000000000")


def test_without_the_capability_there_is_no_selection() -> None:
    assert build(Clipboard(1, b"a", 1)) == hexed("01000000 61")
    assert parse(4, hexed("01000000 61")) == Clipboard(1, b"a", 0)
    assert build(ClipboardRelease(1)) == b""
    assert parse(7, hexed("02000000 05000000")) == ClipboardGrab([2, 5])


@pytest.mark.parametrize("result", FileXferResult)
def test_a_status_needs_no_details(result: FileXferResult) -> None:
    status = FileXferStatus(1, result)
    assert parse(11, build(status)) == status
    assert len(build(status)) == 8


@pytest.mark.parametrize(
    ("type", "body", "reason"),
    [
        (0, "", "unknown agent message type 0"),
        (17, "", "unknown agent message type 17"),
        (1, "00", "MOUSE_STATE -> x of 1 bytes: .*expected 4, found 1"),
        (2, "ffffffff 00000000", "MONITORS_CONFIG -> monitors -> height of 8 bytes"),
        (2, "01000000 02000000" + "00" * 20, "MONITORS_CONFIG -> sizes"),
        (6, "01000000 00", "ANNOUNCE_CAPABILITIES of 5 bytes: expected end of stream"),
        (7, "00000000 0000", "CLIPBOARD_GRAB"),
        (11, "01000000 04000000 01", "FILE_XFER_STATUS"),
        (12, "01000000 ffffffffffffffff 00", "FILE_XFER_DATA -> data"),
        (12, "01000000 0100000000000000 0000", "FILE_XFER_DATA of 14 bytes"),
        (15, "01 00 ff 0000", "AUDIO_VOLUME_SYNC -> volume"),
        (16, "ffffffff", "GRAPHICS_DEVICE_INFO"),
        (16, "01000000 01000000 01000000 01000000 ffffffff", "GRAPHICS_DEVICE_INFO"),
    ],
)
def test_bodies_that_make_no_sense_are_refused(type: int, body: str, reason: str) -> None:
    with pytest.raises(AgentError, match=reason):
        parse(type, hexed(body), ALL)


@pytest.mark.parametrize(
    "message",
    [
        MouseState(-1, 0, 0),
        MouseState(0, 0, 1 << 32),
        Reply("two", 1),  # type: ignore[arg-type]
        AudioVolumeSync(1, 1, [0] * 256),
        MonitorsConfig(MonitorFlags.PHYSICAL_SIZE, [MonitorConfig(1, 1, 1)]),
        Clipboard(1, "text"),  # type: ignore[arg-type]
    ],
)
def test_values_that_do_not_fit_are_refused(message: AgentMessage) -> None:
    with pytest.raises(AgentError, match=TYPES[message.__class__].name):
        build(message)


def test_another_protocol_is_refused() -> None:
    with pytest.raises(AgentError, match="agent protocol 2, not 1"):
        parse_message(header(13, 0, protocol=2))


@given(st.integers(1, 16), st.binary(max_size=80), st.frozensets(st.sampled_from(AgentCap)))
def test_any_bytes_are_a_message_or_an_error(type: int, body: bytes, caps: frozenset[int]) -> None:
    both = Capabilities(caps)
    try:
        message = parse(type, body, both)
    except AgentError:
        return
    assert parse(type, build(message, both), both) == message


def test_chunks_hold_up_to_2048_bytes() -> None:
    data = build_chunks(Port.SERVER, bytes(2049))
    assert data[:8] == hexed("02000000 00080000")
    assert data[8 + 2048 :] == hexed("02000000 01000000 00")
    assert parse_chunk_header(data[:8]) == ChunkHeader(Port.SERVER, 2048)


@pytest.mark.parametrize("words", [[], [0], [1 << 13], [5, 9], [0xFFFFFFFF, 0, 1]])
def test_a_capability_is_added_to_words_that_stay(words: list[int]) -> None:
    changed = with_cap(words, AgentCap.FILE_XFER_DISABLED)
    before, after = Capabilities.from_words(words), Capabilities.from_words(changed)
    assert set(after) == {*before, AgentCap.FILE_XFER_DISABLED}
    assert len(changed) == max(len(words), 1)


def test_a_capability_of_a_later_word_is_added_too() -> None:
    assert with_cap([7], 40) == [7, 1 << 8]
    assert MESSAGE_HEADER_SIZE == 20


@pytest.mark.parametrize("message", [Clipboard(1, b"secret"), FileXferData(1, b"secret")])
def test_what_is_copied_is_not_for_logs(message: AgentMessage) -> None:
    assert "secret" not in repr(message)
