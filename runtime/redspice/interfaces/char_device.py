"""A device of characters in the guest: the agent's port, a smart card reader, a USB controller, a
port of a program's own.

The embedder subclasses `CharDeviceInterface`, says in `subtype` what kind it is, and calls `wakeup`
whenever `read` would return something again or `write` would take something again. The server calls
the rest. Bytes that the guest sends are read only as fast as the viewer takes them.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import IntEnum
from typing import ClassVar

from redspice import checks
from redspice.errors import ConfigurationError
from redspice.interfaces.base import Interface

VDAGENT = "vdagent"
SMARTCARD = "smartcard"
USBREDIR = "usbredir"
PORT = "port"

RECOGNIZED_SUBTYPES = (VDAGENT, SMARTCARD, USBREDIR)
"""What the reference server tells embedders to be recognized. "port" works as well, and is not
among them for programs that list the subtypes to their users."""
SUBTYPES = frozenset((*RECOGNIZED_SUBTYPES, PORT))


class PortEvent(IntEnum):
    """What happens to one end of a port."""

    OPENED = 0
    CLOSED = 1
    BREAK = 2


# What each event makes of a port; others change nothing.
OPENED_BY = {PortEvent.OPENED: True, PortEvent.CLOSED: False}


class CharDeviceInterface(Interface):
    """One device of `subtype` "vdagent", "smartcard", "usbredir" or "port"; a port has a name.

    The name "org.spice-space.webdav.0" makes a port a WebDAV channel. Raises `ConfigurationError`
    for another subtype, a port without a name, or a name with a NUL.
    """

    subtype: ClassVar[str] = PORT

    def __init__(self, portname: str | None = None) -> None:
        if self.subtype not in SUBTYPES:
            known = ", ".join(sorted(SUBTYPES))
            raise ConfigurationError(f"{self.subtype!r} is no subtype of char devices: {known}")
        if (portname is None) == (self.subtype == PORT):
            raise ConfigurationError("a port needs a name, and other char devices have none")
        if portname is not None:
            checks.text("port name", portname)
        self.portname = portname
        self.opened = False
        """Whether a program in the guest has a port open, as `port_event` said last."""
        self.wakeup_listener: Callable[[], None] | None = None
        self.event_listener: Callable[[PortEvent], None] | None = None

    def wakeup(self) -> None:
        """There is something to read again, or room to write again. For the embedder to call."""
        if self.wakeup_listener is not None:
            self.wakeup_listener()

    def port_event(self, event: PortEvent) -> None:
        """The guest opened, closed or broke its end of a port. For the embedder to call.

        The viewer is told after what `read` is about to return if this is called in it, otherwise
        after all that `read` still has to return. So an embedder that holds what was said before
        and after an event tells the event in `read`, with the last bytes before it.

        Raises `ConfigurationError` for what is no `PortEvent`.
        """
        try:
            event = PortEvent(event)
        except ValueError:
            raise ConfigurationError(f"{event!r} is no event of a port") from None
        self.opened = OPENED_BY.get(event, self.opened)
        if self.event_listener is not None:
            self.event_listener(event)

    def state(self, connected: bool) -> None:
        """A viewer uses the device now, or no longer does."""

    def write(self, data: memoryview) -> int:
        """Take bytes for the guest; returns how many of them, 0 when there is no room."""
        return len(data)

    def read(self, most: int) -> bytes:
        """Up to `most` bytes from the guest; nothing when there are none."""
        return b""

    def event(self, event: int) -> None:
        """The viewer sent an event to a port: a `PortEvent`, or one of the device's own, to 255."""
