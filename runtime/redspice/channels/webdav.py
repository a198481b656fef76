"""The WebDAV channel: a folder of the viewer for the guest, served over a port of a fixed name."""

from __future__ import annotations

from redspice.channels.port import PortChannel
from redspice_protocol import CHANNELS

WEBDAV = CHANNELS["webdav"]

PORT_NAME = "org.spice-space.webdav.0"
"""The port that becomes this channel instead of a port channel."""


class WebdavChannel(PortChannel):
    """A port by type and messages, but viewers know what it is for."""

    messages = WEBDAV
