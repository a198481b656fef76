"""What a channel hands over to another server, as Python values.

Each class has the `MAGIC` of its channel, `build`, which returns the bytes of a MIGRATE_DATA, and
`parse`, which raises `MigrateDataError` for bytes that are not that. The bytes come from a viewer,
so nothing in them is believed: every count, size and pointer has to be inside them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple, Self

from redspice.agent.headers import CHUNK_HEADER_SIZE, MESSAGE_HEADER_SIZE
from redspice.migration import layouts
from redspice.migration.body import VERSION, Body, Writer
from redspice.migration.errors import MigrateDataError

if TYPE_CHECKING:
    from redspice_protocol import Buffer

UNLIMITED = 0xFFFFFFFF
"""Tokens that nobody counts: whoever grants so many takes any number."""

MAX_SURFACES = 1024
"""Surfaces of a display, as in the protocol."""
# Serials and ids of images only grow; more than anybody has ever sent would overflow.
MAX_NUMBER = 1 << 62


@dataclass(slots=True, kw_only=True)
class CharDeviceData:
    """What any char device hands over. Counts of `UNLIMITED` are none."""

    connected: bool = False
    """Whether the viewer uses the device; the rest means nothing if it does not."""
    client_tokens: int = 0
    """Messages that the viewer may still send to it."""
    send_tokens: int = 0
    """Messages that the viewer still takes from it."""
    write_tokens: int = 0
    """Messages of the viewer whose bytes are still in `write_data`."""
    write_data: bytes = field(default=b"", repr=False)
    """What the viewer has sent, and the guest has not taken."""

    @classmethod
    def of(cls, fields: Any, body: Body) -> Self:
        body.check_version(fields.version, "state of a char device")
        return cls(
            connected=bool(fields.connected),
            client_tokens=fields.num_client_tokens,
            send_tokens=fields.num_send_tokens,
            write_tokens=fields.write_num_client_tokens,
            write_data=body.piece(fields.write_data_ptr, fields.write_size, "data to write"),
        )

    def fields(self, writer: Writer) -> dict[str, object]:
        return {
            "version": VERSION,
            "connected": int(self.connected),
            "num_client_tokens": self.client_tokens,
            "num_send_tokens": self.send_tokens,
            "write_size": len(self.write_data),
            "write_num_client_tokens": self.write_tokens,
            "write_data_ptr": writer.point_to(self.write_data),
        }


@dataclass(slots=True, kw_only=True)
class SpicevmcData:
    """What USB redirection, ports and WebDAV hand over."""

    MAGIC: ClassVar[bytes] = b"SVMD"

    device: CharDeviceData = field(default_factory=CharDeviceData)

    @classmethod
    def parse(cls, data: Buffer) -> Self:
        body = Body(data, cls.MAGIC)
        return cls(device=CharDeviceData.of(body.fields(layouts.SPICEVMC).base, body))

    def build(self) -> bytes:
        writer = Writer(self.MAGIC, layouts.SPICEVMC)
        return writer.build({"base": self.device.fields(writer)})


@dataclass(slots=True, kw_only=True)
class SmartcardData:
    """What the smartcard channel hands over."""

    MAGIC: ClassVar[bytes] = b"SCMD"

    device: CharDeviceData = field(default_factory=CharDeviceData)
    reader_added: bool = False
    read_data: bytes = field(default=b"", repr=False)
    """The part of a message of the guest that was read."""

    @classmethod
    def parse(cls, data: Buffer) -> Self:
        body = Body(data, cls.MAGIC)
        fields = body.fields(layouts.SMARTCARD)
        return cls(
            device=CharDeviceData.of(fields.base, body),
            reader_added=bool(fields.reader_added),
            read_data=body.piece(fields.read_data_ptr, fields.read_size, "data read"),
        )

    def build(self) -> bytes:
        writer = Writer(self.MAGIC, layouts.SMARTCARD)
        fields: dict[str, object] = {
            "base": self.device.fields(writer),
            "reader_added": int(self.reader_added),
            "read_size": len(self.read_data),
            "read_data_ptr": writer.point_to(self.read_data),
        }
        return writer.build(fields)


@dataclass(slots=True, kw_only=True)
class FromAgent:
    """How far the agent's present message has been read."""

    chunk_header: bytes = b""
    """As much of the chunk header as was read: up to 8 bytes."""
    header_done: bool = False
    """Whether the message header has been seen."""
    header: bytes = field(default=b"", repr=False)
    """If not, as much of it as was read: less than 20 bytes."""
    remaining: int = 0
    """Bytes of the message that are still to come."""
    filter_result: int = 0
    """What happens to them."""


@dataclass(slots=True, kw_only=True)
class ToAgent:
    """How far the viewer's present message to the agent has come."""

    remaining: int = 0
    filter_result: int = 0


@dataclass(slots=True, kw_only=True)
class MainData:
    """What the main channel hands over: the agent."""

    MAGIC: ClassVar[bytes] = b"MNMD"

    agent: CharDeviceData = field(default_factory=CharDeviceData)
    started: bool = False
    """Whether the viewer has said AGENT_START."""
    from_agent: FromAgent = field(default_factory=FromAgent)
    to_agent: ToAgent = field(default_factory=ToAgent)

    @classmethod
    def parse(cls, data: Buffer) -> Self:
        body = Body(data, cls.MAGIC)
        fields = body.fields(layouts.MAIN)
        return cls(
            agent=CharDeviceData.of(fields.agent_base, body),
            started=bool(fields.client_agent_started),
            from_agent=_from_agent(fields.agent2client, body),
            to_agent=ToAgent(
                remaining=fields.client2agent.msg_remaining,
                filter_result=fields.client2agent.msg_filter_result,
            ),
        )

    def build(self) -> bytes:
        writer = Writer(self.MAGIC, layouts.MAIN)
        reading, writing = self.from_agent, self.to_agent
        fields: dict[str, object] = {
            "agent_base": self.agent.fields(writer),
            "client_agent_started": int(self.started),
            "agent2client": {
                "chunk_header_size": len(reading.chunk_header),
                "chunk_header": reading.chunk_header.ljust(CHUNK_HEADER_SIZE, b"\0"),
                "msg_header_done": int(reading.header_done),
                "msg_header_partial_len": len(reading.header),
                "msg_header_ptr": writer.point_to(reading.header),
                "msg_remaining": reading.remaining,
                "msg_filter_result": reading.filter_result,
            },
            "client2agent": {
                "msg_remaining": writing.remaining,
                "msg_filter_result": writing.filter_result,
            },
        }
        return writer.build(fields)


def _from_agent(fields: Any, body: Body) -> FromAgent:
    chunk, header = fields.chunk_header_size, fields.msg_header_partial_len
    if chunk > CHUNK_HEADER_SIZE or header >= MESSAGE_HEADER_SIZE:
        raise MigrateDataError(f"{chunk} bytes of a chunk header, {header} of a message header")
    return FromAgent(
        chunk_header=bytes(fields.chunk_header[:chunk]),
        header_done=bool(fields.msg_header_done),
        header=body.piece(fields.msg_header_ptr, header, "message header"),
        remaining=fields.msg_remaining,
        filter_result=fields.msg_filter_result,
    )


class LossyArea(NamedTuple):
    """Where a surface of the viewer is not exactly what the server has."""

    left: int
    top: int
    right: int
    bottom: int


@dataclass(slots=True, kw_only=True)
class DisplayData:
    """What a display channel hands over: what the viewer has of it."""

    MAGIC: ClassVar[bytes] = b"DCMD"

    message_serial: int
    """The serial of the message with this data; the next one has one more."""
    low_bandwidth: bool = False
    pixmap_cache_id: int = 0
    pixmap_cache_size: int = 0
    """Pixels."""
    pixmap_cache_freezer: bool = False
    """Whether this channel, of those that share the cache, is the one to reset it."""
    pixmap_cache_clients: Sequence[int] = (0,) * layouts.MAX_CACHE_CLIENTS
    glz_dict_id: int = 0
    glz_window: int = 0
    """Pixels."""
    glz_encoders: int = layouts.MAX_CACHE_CLIENTS
    glz_next_id: int = 0
    """The id of the next GLZ image."""
    surfaces: Sequence[int] = ()
    """The surfaces that the viewer has."""
    lossy: Sequence[LossyArea] | None = None
    """Of each surface the lossy area, if lossy pictures may have been sent."""

    @classmethod
    def parse(cls, data: Buffer) -> Self:
        body = Body(data, cls.MAGIC)
        fields = body.fields(layouts.DISPLAY)
        serial, glz_next_id = fields.message_serial, fields.glz_dict_data.next_image_id
        if serial >= MAX_NUMBER or glz_next_id >= MAX_NUMBER:
            raise MigrateDataError(f"serial {serial} or image id {glz_next_id} has no successors")
        surfaces, lossy = _surfaces(body, fields.surfaces_at_client_ptr)
        return cls(
            message_serial=serial,
            low_bandwidth=bool(fields.low_bandwidth),
            pixmap_cache_id=fields.pixmap_cache_id,
            pixmap_cache_size=fields.pixmap_cache_size,
            pixmap_cache_freezer=bool(fields.pixmap_cache_freezer),
            pixmap_cache_clients=tuple(fields.pixmap_cache_clients),
            glz_dict_id=fields.glz_dict_id,
            glz_window=fields.glz_dict_data.size,
            glz_encoders=fields.glz_dict_data.max_encoders,
            glz_next_id=glz_next_id,
            surfaces=surfaces,
            lossy=lossy,
        )

    def build(self) -> bytes:
        writer = Writer(self.MAGIC, layouts.DISPLAY)
        fields: dict[str, object] = {
            "message_serial": self.message_serial,
            "low_bandwidth": int(self.low_bandwidth),
            "pixmap_cache_id": self.pixmap_cache_id,
            "pixmap_cache_size": self.pixmap_cache_size,
            "pixmap_cache_freezer": int(self.pixmap_cache_freezer),
            "pixmap_cache_clients": self.pixmap_cache_clients,
            "glz_dict_id": self.glz_dict_id,
            "glz_dict_data": {
                "size": self.glz_window,
                "max_encoders": self.glz_encoders,
                "next_image_id": self.glz_next_id,
            },
            "surfaces_at_client_ptr": writer.point_to(self._surface_list()),
        }
        return writer.build(fields)

    def _surface_list(self) -> bytes:
        count = layouts.SURFACE_COUNT.build(len(self.surfaces))
        if self.lossy is None:
            return count + b"".join(map(layouts.LOSSLESS_SURFACE.build, self.surfaces))
        pairs = zip(self.surfaces, self.lossy, strict=True)
        return count + b"".join(
            layouts.LOSSY_SURFACE.build({"id": id, **area._asdict()}) for id, area in pairs
        )


def _surfaces(body: Body, at: int) -> tuple[Sequence[int], Sequence[LossyArea] | None]:
    """The list of surfaces, the last thing in the data: so its size tells of which kind it is."""
    count = int(body.read(layouts.SURFACE_COUNT, at))
    at += layouts.SURFACE_COUNT.sizeof()
    if count > MAX_SURFACES:
        raise MigrateDataError(f"{count} surfaces, at most {MAX_SURFACES} are possible")
    size = layouts.LOSSY_SURFACE.sizeof()
    if count and len(body.data) - at == count * size:
        entries = [body.read(layouts.LOSSY_SURFACE, at + i * size) for i in range(count)]
        areas = [LossyArea(one.left, one.top, one.right, one.bottom) for one in entries]
        return tuple(int(one.id) for one in entries), tuple(areas)
    size = layouts.LOSSLESS_SURFACE.sizeof()
    if len(body.data) - at != count * size:
        raise MigrateDataError(f"{count} surfaces do not take the rest of {len(body.data)} bytes")
    return tuple(
        int(body.read(layouts.LOSSLESS_SURFACE, at + i * size)) for i in range(count)
    ), None


@dataclass(slots=True, kw_only=True)
class InputsData:
    """What the inputs channel hands over."""

    MAGIC: ClassVar[bytes] = b"ICMD"

    motion_count: int = 0
    """Pointer events that are not acknowledged."""

    @classmethod
    def parse(cls, data: Buffer) -> Self:
        return cls(motion_count=Body(data, cls.MAGIC).fields(layouts.INPUTS).motion_count)

    def build(self) -> bytes:
        return Writer(self.MAGIC, layouts.INPUTS).build({"motion_count": self.motion_count})
