"""What an embedder registers with a `RedsState`: its loop, its screens, its devices.

Rules: a class here knows nothing of the wire. An embedder subclasses and overrides; every base
method does nothing. All calls, both ways, happen in the embedder's own loop and thread. Buttons
are the protocol's `MouseButtonMask`, coordinates are pixels from the top left corner.
"""

from redspice.interfaces.audio import PlaybackInterface, RecordInterface
from redspice.interfaces.base import VERSIONS, Interface, Version, check_version
from redspice.interfaces.char_device import CharDeviceInterface, PortEvent
from redspice.interfaces.core import ChannelEvent, ChannelEventInfo, CoreInterface, Timer
from redspice.interfaces.cursor import MAX_CURSOR_SIDE, CursorChange, CursorShape
from redspice.interfaces.inputs import KeyboardInterface, MouseInterface, TabletInterface
from redspice.interfaces.migration import MigrationInterface
from redspice.interfaces.net_wire import NetWireInterface
from redspice.interfaces.screen import (
    CURSOR_POSITIONS,
    MAX_MONITORS,
    Monitor,
    QxlInterface,
)

__all__ = [
    "CURSOR_POSITIONS",
    "MAX_CURSOR_SIDE",
    "MAX_MONITORS",
    "VERSIONS",
    "ChannelEvent",
    "ChannelEventInfo",
    "CharDeviceInterface",
    "CoreInterface",
    "CursorChange",
    "CursorShape",
    "Interface",
    "KeyboardInterface",
    "MigrationInterface",
    "Monitor",
    "MouseInterface",
    "NetWireInterface",
    "PlaybackInterface",
    "PortEvent",
    "QxlInterface",
    "RecordInterface",
    "TabletInterface",
    "Timer",
    "Version",
    "check_version",
]
