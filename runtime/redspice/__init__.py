"""SPICE for Python: a server without a socket that real viewers connect to.

Make a `RedsState`, `init` it with a `CoreInterface`, register screens and input devices, and hand
every accepted socket to `new_connection`; the `Connection` turns bytes into calls and back.
"""

from redspice.caps import Capabilities
from redspice.channel import RedChannel
from redspice.channel_client import RedChannelClient
from redspice.client import RedClient
from redspice.connection import Connection
from redspice.display.framebuffer import Box, Framebuffer, FramebufferListener
from redspice.errors import (
    ConfigurationError,
    LinkError,
    PeerError,
    ProtocolError,
    RedspiceError,
)
from redspice.interfaces import (
    ChannelEvent,
    ChannelEventInfo,
    CoreInterface,
    CursorShape,
    KeyboardInterface,
    Monitor,
    MouseInterface,
    QxlInterface,
    TabletInterface,
    Timer,
)
from redspice.limits import Limits
from redspice.pipe import PipeItem
from redspice.reds import RedsState
from redspice.sasl import ScramSecret, UserFile, Users
from redspice.security import ChannelSecurity
from redspice.transport import Transport

__all__ = [
    "Box",
    "Capabilities",
    "ChannelEvent",
    "ChannelEventInfo",
    "ChannelSecurity",
    "ConfigurationError",
    "Connection",
    "CoreInterface",
    "CursorShape",
    "Framebuffer",
    "FramebufferListener",
    "KeyboardInterface",
    "Limits",
    "LinkError",
    "Monitor",
    "MouseInterface",
    "PeerError",
    "PipeItem",
    "ProtocolError",
    "QxlInterface",
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
]
