"""The usbredir channel: a USB device of the viewer for the guest; the bytes are usbredir's own."""

from __future__ import annotations

from redspice.channels.spicevmc import SpicevmcChannel
from redspice_protocol import CHANNELS

USBREDIR = CHANNELS["usbredir"]


class UsbredirChannel(SpicevmcChannel):
    """One port of the guest's USB controller."""

    messages = USBREDIR
