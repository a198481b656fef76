"""The port channel: a pipe with a name, for any program.

It begins with INIT, which tells the name and whether a program in the guest has the port open.
EVENT tells, both ways, that an end was opened or closed, or sent a break. What the guest said
before an event comes before it, as far as the viewer has room; an event of the viewer does not wait
for data that the device has not taken.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from redspice.channel_client import Handler
from redspice.channels.spicevmc import SpicevmcChannel, SpicevmcChannelClient
from redspice.interfaces import PortEvent
from redspice.pipe import PipeItem
from redspice_protocol import CHANNELS, Buffer
from redspice_protocol.port import MsgcPortEvent, MsgPortEvent, MsgPortInit

PORT = CHANNELS["port"]
INIT = PORT.server.by_name["init"]
EVENT = PORT.server.by_name["event"]


class PortChannelClient(SpicevmcChannelClient):
    """The viewer's end of a port."""

    channel: PortChannel

    def start(self) -> None:
        interface = self.channel.interface
        name = (interface.portname or "").encode() + b"\0"
        self.push(PipeItem(INIT, MsgPortInit(name=name, opened=interface.opened)))
        super().start()

    def restore(self, data: Buffer) -> None:
        """The viewer knows the name, but not whether the port is still open."""
        opened = PortEvent.OPENED if self.channel.interface.opened else PortEvent.CLOSED
        self.push(PipeItem(EVENT, MsgPortEvent(event=opened)))
        super().restore(data)

    def disconnected(self) -> None:
        started = self.channel.device.is_open
        super().disconnected()
        if started:
            self.channel.interface.event(PortEvent.CLOSED)

    def on_event(self, message: MsgcPortEvent) -> None:
        self.channel.interface.event(message.event)

    HANDLERS: ClassVar[Mapping[str, Handler]] = {
        **SpicevmcChannelClient.HANDLERS,
        "event": on_event,
    }


class PortChannel(SpicevmcChannel):
    """One port."""

    messages = PORT
    client_class = PortChannelClient

    def registered(self) -> None:
        self.interface.event_listener = self._port_event

    def unregistered(self) -> None:
        # The embedder may have registered it again when it heard that the viewer is gone.
        if self.interface.event_listener == self._port_event:
            self.interface.event_listener = None

    def _port_event(self, event: PortEvent) -> None:
        self.device.read()
        self.push(PipeItem(EVENT, MsgPortEvent(event=event)))
