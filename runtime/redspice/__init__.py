"""SPICE for Python: a server without a socket that real viewers connect to.

Make a `RedsState`, `init` it with a `CoreInterface`, register screens and input devices, and hand
every accepted socket to `new_connection`; the `Connection` turns bytes into calls and back.
"""

from redspice.buttons import device_buttons
from redspice.caps import Capabilities
from redspice.channel import AnyChannel, RedChannel
from redspice.channel_client import RedChannelClient
from redspice.client import RedClient
from redspice.connection import Connection
from redspice.display.compression import Compression
from redspice.display.framebuffer import Box, Framebuffer, FramebufferListener
from redspice.errors import (
    AlreadyRegisteredError,
    ConfigurationError,
    InterfaceVersionError,
    LinkError,
    NotRegisteredError,
    PeerError,
    ProtocolError,
    RedspiceError,
)
from redspice.interfaces import (
    ChannelEvent,
    ChannelEventInfo,
    CharDeviceInterface,
    CoreInterface,
    CursorChange,
    CursorShape,
    Interface,
    KeyboardInterface,
    MigrationInterface,
    Monitor,
    MouseInterface,
    NetWireInterface,
    PlaybackInterface,
    PortEvent,
    QxlInterface,
    RecordInterface,
    TabletInterface,
    Timer,
    Version,
)
from redspice.limits import Limits
from redspice.pipe import PipeItem
from redspice.reds import RedsState
from redspice.sasl import ScramSecret, UserFile, Users
from redspice.security import ChannelSecurity
from redspice.transport import Transport
from redspice.worker_channel import Dispatcher, FarReds, Worker, WorkerChannel

__all__ = [
    "AlreadyRegisteredError",
    "AnyChannel",
    "Box",
    "Capabilities",
    "ChannelEvent",
    "ChannelEventInfo",
    "ChannelSecurity",
    "CharDeviceInterface",
    "Compression",
    "ConfigurationError",
    "Connection",
    "CoreInterface",
    "CursorChange",
    "CursorShape",
    "Dispatcher",
    "FarReds",
    "Framebuffer",
    "FramebufferListener",
    "Interface",
    "InterfaceVersionError",
    "KeyboardInterface",
    "Limits",
    "LinkError",
    "MigrationInterface",
    "Monitor",
    "MouseInterface",
    "NetWireInterface",
    "NotRegisteredError",
    "PeerError",
    "PipeItem",
    "PlaybackInterface",
    "PortEvent",
    "ProtocolError",
    "QxlInterface",
    "RecordInterface",
    "RedChannel",
    "RedChannelClient",
    "RedClient",
    "RedsState",
    "RedspiceError",
    "ScramSecret",
    "TabletInterface",
    "Timer",
    "Transport",
    "UserFile",
    "Users",
    "Version",
    "Worker",
    "WorkerChannel",
    "device_buttons",
]
