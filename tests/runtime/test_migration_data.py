"""What channels hand over: the reference server's bytes, and whatever a viewer may make of them."""

from __future__ import annotations

import struct
from contextlib import suppress
from pathlib import Path
from typing import Any, Protocol

import pytest
from hypothesis import given
from hypothesis import strategies as st

from redspice.errors import ProtocolError
from redspice.migration import MigrateDataError
from redspice.migration.data import (
    CharDeviceData,
    DisplayData,
    FromAgent,
    InputsData,
    LossyArea,
    MainData,
    SmartcardData,
    SpicevmcData,
    ToAgent,
)

RECORDED = Path(__file__).parents[1] / "vectors" / "migration"


class Data(Protocol):
    def build(self) -> bytes: ...


def recorded(name: str) -> bytes:
    return (RECORDED / f"{name}.bin").read_bytes()


FROM_REFERENCE: dict[str, Data] = {
    "main": MainData(),
    "inputs": InputsData(),
    "port": SpicevmcData(
        device=CharDeviceData(connected=True, client_tokens=0xFFFFFFFF, send_tokens=0xFFFFFFFF)
    ),
    "display": DisplayData(
        message_serial=10,
        pixmap_cache_id=1,
        pixmap_cache_size=20 << 20,
        pixmap_cache_freezer=True,
        glz_dict_id=1,
        glz_window=0x5FFC00,
        surfaces=(0,),
    ),
}
"""What a reference server without an agent handed over, by channel."""

DEVICE = CharDeviceData(
    connected=True, client_tokens=3, send_tokens=7, write_tokens=1, write_data=b"to the guest"
)

FULL: dict[str, Data] = {
    "main": MainData(
        agent=DEVICE,
        started=True,
        from_agent=FromAgent(
            chunk_header=b"\1\0\0\0\x20", header=b"thirteen byte", remaining=9, filter_result=1
        ),
        to_agent=ToAgent(remaining=5, filter_result=2),
    ),
    "port": SpicevmcData(device=DEVICE),
    "smartcard": SmartcardData(device=DEVICE, reader_added=True, read_data=b"from the guest"),
    "display": DisplayData(message_serial=1, surfaces=(0, 5, 1023), glz_next_id=77),
    "lossy display": DisplayData(
        message_serial=1 << 40,
        low_bandwidth=True,
        surfaces=(0, 7),
        lossy=(LossyArea(1, 2, 3, 4), LossyArea(-1, -2, 30, 40)),
        pixmap_cache_clients=(1, 2, 3, 4),
    ),
    "bare display": DisplayData(message_serial=0),
    "inputs": InputsData(motion_count=3),
}
"""Everything that there may be to say."""


@pytest.mark.parametrize("channel", FROM_REFERENCE)
def test_what_the_reference_server_handed_over(channel: str) -> None:
    data, expected = recorded(channel), FROM_REFERENCE[channel]
    assert type(expected).parse(data) == expected  # type: ignore[attr-defined]
    assert expected.build() == data


@pytest.mark.parametrize("value", FULL.values(), ids=FULL)
def test_everything_comes_back(value: Any) -> None:
    assert type(value).parse(value.build()) == value


@pytest.mark.parametrize("value", FULL.values(), ids=FULL)
def test_every_truncation_is_noticed(value: Any) -> None:
    data = value.build()
    sizes = set(range(len(data)))
    if getattr(value, "lossy", None):
        # The first numbers of the areas are then taken for a list of surfaces without areas.
        sizes.remove(84 + 4 * len(value.surfaces))
    for size in sizes:
        with pytest.raises(MigrateDataError, match=rf"of {size} bytes"):
            type(value).parse(data[:size])


@pytest.mark.parametrize("channel", FROM_REFERENCE)
def test_every_truncation_of_the_reference_servers_is_noticed(channel: str) -> None:
    data, kind = recorded(channel), type(FROM_REFERENCE[channel])
    for size in range(len(data)):
        with pytest.raises(MigrateDataError):
            kind.parse(data[:size])  # type: ignore[attr-defined]


@pytest.mark.parametrize("value", FULL.values(), ids=FULL)
def test_another_channels_data_are_refused(value: Any) -> None:
    with pytest.raises(MigrateDataError, match=r"begin with b'XXMD'"):
        type(value).parse(b"XXMD" + value.build()[4:])


@pytest.mark.parametrize("value", FULL.values(), ids=FULL)
def test_data_of_a_newer_server_are_refused(value: Any) -> None:
    magic = type(value).MAGIC
    with pytest.raises(MigrateDataError, match="of version 2, 1 is known"):
        type(value).parse(magic + struct.pack("<I", 2) + value.build()[8:])


@pytest.mark.parametrize("name", ["main", "port", "smartcard"])
def test_the_part_of_a_char_device_has_a_version_too(name: str) -> None:
    value: Any = FULL[name]
    data = bytearray(value.build())
    data[8] = 2
    with pytest.raises(MigrateDataError, match="state of a char device of version 2"):
        type(value).parse(data)


@pytest.mark.parametrize("at", [8 + 13, 8 + 21], ids=["size", "pointer"])
def test_a_size_or_pointer_to_nowhere_is_refused(at: int) -> None:
    data = bytearray(FULL["port"].build())
    data[at : at + 4] = b"\xff\xff\xff\xff"
    with pytest.raises(MigrateDataError, match=r"data to write at .* of 45 bytes"):
        SpicevmcData.parse(data)


def test_a_pointer_to_nothing_is_not_followed() -> None:
    data = bytearray(SpicevmcData(device=CharDeviceData(connected=True)).build())
    data[-4:] = b"\xff\xff\xff\xff"
    assert SpicevmcData.parse(data).device.write_data == b""


@pytest.mark.parametrize(("chunk", "header"), [(9, 0), (0, 20), (0xFFFFFFFF, 0xFFFFFFFF)])
def test_the_agents_headers_have_a_size(chunk: int, header: int) -> None:
    data = bytearray(FULL["main"].build())
    struct.pack_into("<I", data, 8 + 26, chunk)
    struct.pack_into("<I", data, 8 + 26 + 13, header)
    with pytest.raises(MigrateDataError, match="of a chunk header"):
        MainData.parse(data)


@pytest.mark.parametrize("count", [1025, 0xFFFFFFFF])
def test_there_are_not_so_many_surfaces(count: int) -> None:
    data = bytearray(FULL["display"].build())
    struct.pack_into("<I", data, 80, count)
    with pytest.raises(MigrateDataError, match=f"{count} surfaces, at most 1024"):
        DisplayData.parse(data)


@pytest.mark.parametrize(("at", "what"), [(8, "serial"), (72 - 4, "image id")])
def test_numbers_that_leave_no_room_for_more_are_refused(at: int, what: str) -> None:
    data = bytearray(FULL["display"].build())
    struct.pack_into("<Q", data, at, 1 << 62)
    with pytest.raises(MigrateDataError, match=what):
        DisplayData.parse(data)


KINDS = (MainData, DisplayData, InputsData, SmartcardData, SpicevmcData)


@given(kind=st.sampled_from(KINDS), body=st.binary(max_size=200))
def test_whatever_comes_is_read_or_refused(kind: Any, body: bytes) -> None:
    data = kind.MAGIC + b"\1\0\0\0" + body
    try:
        value = kind.parse(data)
    except MigrateDataError:
        return
    assert type(value).parse(value.build()) == value


@given(data=st.data(), value=st.sampled_from(sorted(FULL)))
def test_any_byte_may_be_wrong(data: st.DataObject, value: str) -> None:
    whole = bytearray(FULL[value].build())
    at = data.draw(st.integers(0, len(whole) - 1))
    whole[at] = data.draw(st.integers(0, 255))
    with suppress(MigrateDataError):
        type(FULL[value]).parse(whole)  # type: ignore[attr-defined]


def test_it_is_the_viewers_error() -> None:
    with pytest.raises(ProtocolError, match=r"migrate data ICMD: fields at 0\.\.8 of 3 bytes"):
        InputsData.parse(b"ICM")


def test_clipboard_and_the_like_are_not_for_logs() -> None:
    assert "guest" not in repr(FULL["port"]) + repr(FULL["smartcard"]) + repr(FULL["main"])
