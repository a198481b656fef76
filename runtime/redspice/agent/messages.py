"""The agent's messages on the wire (little endian, packed), and back.

`FORMATS` has the layout of each body. Some layouts depend on capabilities that *both* ends have
announced: `parse` and `build` take the set of these. Bytes that no field stands for are an error,
as capabilities are how these messages grow.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import fields
from typing import TYPE_CHECKING, Any

from construct import (
    Adapter,
    Array,
    Computed,
    Construct,
    ConstructError,
    Container,
    FocusedSeq,
    GreedyBytes,
    GreedyRange,
    If,
    IfThenElse,
    Int8ul,
    Int16ul,
    Int32sl,
    Int32ul,
    Int64ul,
    ListContainer,
    Optional,
    Padding,
    Prefixed,
    PrefixedArray,
    Rebuild,
    Struct,
    Terminated,
    len_,
    this,
)

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
from redspice.agent.capabilities import AgentCap
from redspice.agent.errors import AgentError
from redspice.agent.headers import (
    MESSAGE_HEADER_SIZE,
    PROTOCOL,
    build_message_header,
    parse_message_header,
)
from redspice.caps import Capabilities

NO_CAPS = Capabilities()

Values = dict[str, object]

if TYPE_CHECKING:
    RecordAdapter = Adapter[Container[Any], Values | None, object, object]
else:
    RecordAdapter = Adapter


class Record(RecordAdapter):
    """A struct whose value is a dataclass with fields of the same names."""

    def __init__(self, kind: type, *layout: Construct[Any, Any]) -> None:
        super().__init__(Struct(*layout))
        self.kind = kind

    def _decode(self, obj: Any, context: Any, path: Any) -> object:
        values = {each.name: obj[each.name] for each in fields(self.kind)}
        return self.kind(
            **{
                name: list(value) if isinstance(value, ListContainer) else value
                for name, value in values.items()
            }
        )

    def _encode(self, obj: object, context: Any, path: Any) -> Values:
        return {each.name: getattr(obj, each.name) for each in fields(self.kind)}


def has(cap: AgentCap) -> Callable[[Any], bool]:
    """Whether both ends can do this."""
    return lambda context: cap in context._params.caps


def has_sizes(context: Any) -> bool:
    """Whether a monitors configuration has physical sizes."""
    return bool(context.flags & MonitorFlags.PHYSICAL_SIZE)


SELECTION = "selection" / IfThenElse(
    has(AgentCap.CLIPBOARD_SELECTION),
    FocusedSeq("selection", "selection" / Int8ul, Padding(3)),
    Computed(0),
)
WORDS = GreedyRange(Int32ul)

MONITOR = Record(
    MonitorConfig,
    "height" / Int32ul,
    "width" / Int32ul,
    "depth" / Int32ul,
    "x" / Int32sl,
    "y" / Int32sl,
)
PHYSICAL_SIZE = Record(PhysicalSize, "height" / Int16ul, "width" / Int16ul)
XFER_ERROR = Record(FileXferError, "type" / Int8ul, "code" / Int32ul)
DEVICE_DISPLAY = Record(
    DeviceDisplay,
    "channel_id" / Int32ul,
    "monitor_id" / Int32ul,
    "device_display_id" / Int32ul,
    # With the NUL that ends it.
    "device_address" / Prefixed(Int32ul, GreedyBytes),
)

FORMATS: Mapping[MessageType, Record] = {
    MessageType.MOUSE_STATE: Record(
        MouseState,
        "x" / Int32ul,
        "y" / Int32ul,
        "buttons" / Int32ul,
        "display_id" / Int8ul,
    ),
    MessageType.MONITORS_CONFIG: Record(
        MonitorsConfig,
        "count" / Rebuild(Int32ul, len_(this.monitors)),
        "flags" / Int32ul,
        "monitors" / Array(this.count, MONITOR),
        "sizes" / Array(lambda context: context.count if has_sizes(context) else 0, PHYSICAL_SIZE),
    ),
    MessageType.REPLY: Record(Reply, "reply_to" / Int32ul, "error" / Int32ul),
    MessageType.CLIPBOARD: Record(Clipboard, SELECTION, "type" / Int32ul, "data" / GreedyBytes),
    MessageType.DISPLAY_CONFIG: Record(DisplayConfig, "flags" / Int32ul, "depth" / Int32ul),
    MessageType.ANNOUNCE_CAPABILITIES: Record(
        AnnounceCapabilities, "request" / Int32ul, "caps" / WORDS
    ),
    MessageType.CLIPBOARD_GRAB: Record(
        ClipboardGrab,
        SELECTION,
        "serial" / If(has(AgentCap.CLIPBOARD_GRAB_SERIAL), Int32ul),
        "types" / WORDS,
    ),
    MessageType.CLIPBOARD_REQUEST: Record(ClipboardRequest, SELECTION, "type" / Int32ul),
    MessageType.CLIPBOARD_RELEASE: Record(ClipboardRelease, SELECTION),
    MessageType.FILE_XFER_START: Record(FileXferStart, "id" / Int32ul, "data" / GreedyBytes),
    MessageType.FILE_XFER_STATUS: Record(
        FileXferStatus,
        "id" / Int32ul,
        "result" / Int32ul,
        # Said to whoever has announced that it understands them, so look rather than ask.
        "free_space" / If(this.result == FileXferResult.NOT_ENOUGH_SPACE, Optional(Int64ul)),
        "error" / If(this.result == FileXferResult.ERROR, Optional(XFER_ERROR)),
    ),
    MessageType.FILE_XFER_DATA: Record(
        FileXferData, "id" / Int32ul, "data" / Prefixed(Int64ul, GreedyBytes)
    ),
    MessageType.CLIENT_DISCONNECTED: Record(ClientDisconnected),
    MessageType.MAX_CLIPBOARD: Record(MaxClipboard, "max" / Int32sl),
    MessageType.AUDIO_VOLUME_SYNC: Record(
        AudioVolumeSync,
        "is_playback" / Int8ul,
        "mute" / Int8ul,
        "volume" / PrefixedArray(Int8ul, Int16ul),
    ),
    MessageType.GRAPHICS_DEVICE_INFO: Record(
        GraphicsDeviceInfo, "displays" / PrefixedArray(Int32ul, DEVICE_DISPLAY)
    ),
}
"""The layout of each body."""

WHOLE = {type: Struct("body" / format, Terminated) for type, format in FORMATS.items()}
TYPES: Mapping[type, MessageType] = {format.kind: type for type, format in FORMATS.items()}


def parse(type: int, data: bytes, caps: Capabilities = NO_CAPS) -> AgentMessage:
    """The message of this type whose body is `data`.

    `caps` are what both ends have announced. Raises `AgentError` for a type that there is not, and
    for bytes that are too few, too many, or do not fit together.
    """
    try:
        format = WHOLE[MessageType(type)]
    except ValueError:
        raise AgentError(f"unknown agent message type {type}") from None
    try:
        message: AgentMessage = format.parse(data, caps=caps).body
    except ConstructError as error:
        raise _error(MessageType(type), len(data), error) from error
    return message


def build(message: AgentMessage, caps: Capabilities = NO_CAPS) -> bytes:
    """The body of a message. Raises `AgentError` for values that do not fit."""
    type = TYPES[message.__class__]
    try:
        return FORMATS[type].build(message, caps=caps)
    except ConstructError as error:
        raise AgentError(f"{type.name}: {_last_line(error)}") from error


def parse_message(data: bytes, caps: Capabilities = NO_CAPS) -> AgentMessage:
    """The message that is `data`, with its header. Raises `AgentError`."""
    header = parse_message_header(data)
    body = data[MESSAGE_HEADER_SIZE:]
    if header.protocol != PROTOCOL:
        raise AgentError(f"agent protocol {header.protocol}, not {PROTOCOL}")
    if header.size != len(body):
        raise AgentError(f"agent message of {header.size} bytes has {len(body)}")
    return parse(header.type, body, caps)


def build_message(message: AgentMessage, caps: Capabilities = NO_CAPS, *, opaque: int = 0) -> bytes:
    """A message with its header. Raises `AgentError` for values that do not fit."""
    body = build(message, caps)
    return build_message_header(TYPES[message.__class__], len(body), opaque) + body


def _error(type: MessageType, size: int, error: ConstructError) -> AgentError:
    where = (error.path or "").removeprefix("(parsing)").removeprefix(" -> body")
    what = type.name + where
    return AgentError(f"{what} of {size} bytes: {_last_line(error)}")


def _last_line(error: ConstructError) -> str:
    return str(error).strip().splitlines()[-1]
