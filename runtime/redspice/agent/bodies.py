"""The bodies of the agent's messages, as Python values. Their layout is in `messages`."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import IntEnum, IntFlag
from typing import TypeAlias


class MessageType(IntEnum):
    """The numbers of the messages."""

    MOUSE_STATE = 1
    MONITORS_CONFIG = 2
    REPLY = 3
    CLIPBOARD = 4
    DISPLAY_CONFIG = 5
    ANNOUNCE_CAPABILITIES = 6
    CLIPBOARD_GRAB = 7
    CLIPBOARD_REQUEST = 8
    CLIPBOARD_RELEASE = 9
    FILE_XFER_START = 10
    FILE_XFER_STATUS = 11
    FILE_XFER_DATA = 12
    CLIENT_DISCONNECTED = 13
    MAX_CLIPBOARD = 14
    AUDIO_VOLUME_SYNC = 15
    GRAPHICS_DEVICE_INFO = 16


class MonitorFlags(IntFlag):
    """What a monitors configuration says beside the sizes."""

    POSITION = 1 << 0
    PHYSICAL_SIZE = 1 << 1


class DisplayFlags(IntFlag):
    """What the guest's desktop shall do without."""

    NO_WALLPAPER = 1 << 0
    NO_FONT_SMOOTHING = 1 << 1
    NO_ANIMATION = 1 << 2
    COLOR_DEPTH = 1 << 3


class ClipboardType(IntEnum):
    """What is in a clipboard."""

    NONE = 0
    UTF8_TEXT = 1
    IMAGE_PNG = 2
    IMAGE_BMP = 3
    IMAGE_TIFF = 4
    IMAGE_JPG = 5
    FILE_LIST = 6


class Selection(IntEnum):
    """Which clipboard, where a desktop has several."""

    CLIPBOARD = 0
    PRIMARY = 1
    SECONDARY = 2


class FileXferResult(IntEnum):
    """How a file transfer stands."""

    CAN_SEND_DATA = 0
    CANCELLED = 1
    ERROR = 2
    SUCCESS = 3
    NOT_ENOUGH_SPACE = 4
    SESSION_LOCKED = 5
    VDAGENT_NOT_CONNECTED = 6
    DISABLED = 7


@dataclass(slots=True)
class MouseState:
    """Where the pointer is on which display, in pixels, and which buttons are down: bit n of
    `buttons` is button n, LEFT 1, MIDDLE 2, RIGHT 3, UP 4, DOWN 5, SIDE 6, EXTRA 7."""

    x: int
    y: int
    buttons: int
    display_id: int = 0


@dataclass(slots=True)
class MonitorConfig:
    """One monitor, in pixels and bits; all zero for one that is off."""

    height: int
    width: int
    depth: int
    x: int = 0
    y: int = 0


@dataclass(slots=True)
class PhysicalSize:
    """How large a monitor is, in millimetres."""

    height: int
    width: int


@dataclass(slots=True)
class MonitorsConfig:
    """Which monitors the viewer would like. With the flag PHYSICAL_SIZE there are as many `sizes`
    as monitors, otherwise none."""

    flags: int
    monitors: list[MonitorConfig]
    sizes: list[PhysicalSize] = field(default_factory=list)


@dataclass(slots=True)
class Reply:
    """The answer to a message of type `reply_to`: 1 is success, 2 is an error."""

    reply_to: int
    error: int


@dataclass(slots=True)
class Clipboard:
    """What is in a clipboard: the answer to `ClipboardRequest`."""

    type: int
    data: bytes = field(repr=False)  # passwords are copied, too
    selection: int = Selection.CLIPBOARD


@dataclass(slots=True)
class DisplayConfig:
    """How the desktop shall look: `DisplayFlags` and bits of colour."""

    flags: int
    depth: int


@dataclass(slots=True)
class AnnounceCapabilities:
    """What the sender can do, in words of 32 bits, and whether it wants to be told the same."""

    request: int
    caps: list[int]


@dataclass(slots=True)
class ClipboardGrab:
    """The sender has something for the clipboard, in these types. A `serial`, with the capability
    for it, tells which of two grabs that crossed counts."""

    types: list[int]
    selection: int = Selection.CLIPBOARD
    serial: int | None = None


@dataclass(slots=True)
class ClipboardRequest:
    """Asks for what was grabbed, in one of the types."""

    type: int
    selection: int = Selection.CLIPBOARD


@dataclass(slots=True)
class ClipboardRelease:
    """What was grabbed is no more."""

    selection: int = Selection.CLIPBOARD


@dataclass(slots=True)
class FileXferStart:
    """Announces a file: `data` is a key file with a group [vdagent-file-xfer] that has its name and
    its size, and a NUL."""

    id: int
    data: bytes


@dataclass(slots=True)
class FileXferError:
    """Why a transfer failed: type 0, the code is GIO's."""

    type: int
    code: int


@dataclass(slots=True)
class FileXferStatus:
    """How a transfer stands. To a viewer that has announced FILE_XFER_DETAILED_ERRORS errors may
    have details: the bytes that are `free_space`, or the `error`."""

    id: int
    result: int
    free_space: int | None = None
    error: FileXferError | None = None


@dataclass(slots=True)
class FileXferData:
    """The next bytes of a file."""

    id: int
    data: bytes = field(repr=False)


@dataclass(slots=True)
class ClientDisconnected:
    """The viewer has gone: its clipboard, its transfers and half of a message went with it."""


@dataclass(slots=True)
class MaxClipboard:
    """How many bytes of clipboard the sender takes; -1: any number."""

    max: int


@dataclass(slots=True)
class AudioVolumeSync:
    """How loud the guest's sound is (`is_playback`), or its microphone: 0..65535 for each channel.
    Any `mute` but 0 is silence; spice-gtk has been seen to send whatever byte there was."""

    is_playback: int
    mute: int
    volume: list[int]


@dataclass(slots=True)
class DeviceDisplay:
    """Which output of which graphics device a display channel shows; the address is such as
    "pci/0000/02.0"."""

    channel_id: int
    monitor_id: int
    device_display_id: int
    device_address: bytes


@dataclass(slots=True)
class GraphicsDeviceInfo:
    """What all display channels show."""

    displays: list[DeviceDisplay]


AgentMessage: TypeAlias = (
    MouseState
    | MonitorsConfig
    | Reply
    | Clipboard
    | DisplayConfig
    | AnnounceCapabilities
    | ClipboardGrab
    | ClipboardRequest
    | ClipboardRelease
    | FileXferStart
    | FileXferStatus
    | FileXferData
    | ClientDisconnected
    | MaxClipboard
    | AudioVolumeSync
    | GraphicsDeviceInfo
)
