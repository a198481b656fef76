"""The port channel: a pipe with a name, for any program.

It begins with INIT, which tells the name and whether a program in the guest has the port open.
EVENT tells, both ways, that an end was opened or closed, or sent a break.

The guest's events stand among its bytes as it made them. One that the embedder tells out of `read`
follows what that returns; any other follows all that `read` has to give, however long that takes.
So a viewer that is slow hears of them late, and blocks the guest meanwhile. An event of the viewer
does not wait for data that the device has not taken.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from typing import TYPE_CHECKING, ClassVar

from redspice.channel_client import Handler
from redspice.channels.spicevmc import SpicevmcChannel, SpicevmcChannelClient, SpicevmcDevice
from redspice.interfaces import PortEvent
from redspice.pipe import PipeItem
from redspice_protocol import CHANNELS, Buffer
from redspice_protocol.port import MsgcPortEvent, MsgPortEvent, MsgPortInit

if TYPE_CHECKING:
    from collections.abc import Callable

    from redspice.interfaces import CharDeviceInterface, CoreInterface
    from redspice.limits import Limits

PORT = CHANNELS["port"]
INIT = PORT.server.by_name["init"]
EVENT = PORT.server.by_name["event"]

# Events that may wait for the device to be read to its end. A guest that opens and closes a port
# all the time, before a viewer that does not read, loses the oldest: what matters is the last.
MOST_EVENTS = 32


class PortDevice(SpicevmcDevice):
    """The char device of a port, whose guest puts events among its bytes."""

    def __init__(
        self, core: CoreInterface, interface: CharDeviceInterface, limits: Callable[[], Limits]
    ) -> None:
        super().__init__(core, interface, limits)
        self._in_read = False
        self._due: deque[PortEvent] = deque()
        """Events that follow what has been read."""
        self._later: deque[PortEvent] = deque(maxlen=MOST_EVENTS)
        """Events that follow what is still to be read."""

    def close(self) -> None:
        self._due.clear()
        self._later.clear()
        super().close()

    def add_event(self, event: PortEvent) -> None:
        """The guest did something. While nobody uses the port, INIT will tell what came of it."""
        if not self.is_open:
            return
        self._later.append(event)
        # Without a viewer, which is just about to come, nothing is being read.
        if self._in_read or not self.clients:
            self._make_due()
        else:
            self.read()

    def receive_some(self, most: int) -> bytes:
        self._in_read = True
        try:
            return super().receive_some(most)
        finally:
            self._in_read = False

    def read_step(self) -> bool:
        more = bool(self._due) or super().read_step()
        if not more:
            self._make_due()
        while self._due and self.wants_data():
            event = self._due.popleft()
            for client in self.clients:
                client.push(PipeItem(EVENT, MsgPortEvent(event=event)))
        return more

    def _make_due(self) -> None:
        self._due.extend(self._later)
        self._later.clear()


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
    device_class = PortDevice
    device: PortDevice

    def registered(self) -> None:
        self.interface.event_listener = self.device.add_event

    def unregistered(self) -> None:
        # The embedder may have registered it again when it heard that the viewer is gone.
        if self.interface.event_listener == self.device.add_event:
            self.interface.event_listener = None
