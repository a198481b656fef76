"""A char device of a guest, for tests."""

from __future__ import annotations

from typing import ClassVar

from redspice.interfaces import CharDeviceInterface
from redspice.interfaces.char_device import PORT, USBREDIR

Told = tuple[str, int]


class Guest(CharDeviceInterface):
    """What it has to say waits in `says`; it takes `room` bytes and keeps them in `heard`."""

    def __init__(self, portname: str | None = None, says: bytes = b"", room: int = 1 << 30) -> None:
        super().__init__(portname)
        self.says = bytearray(says)
        self.heard = bytearray()
        self.room = room
        self.told: list[Told] = []

    def state(self, connected: bool) -> None:
        self.told.append(("state", connected))

    def event(self, event: int) -> None:
        self.told.append(("event", event))

    def write(self, data: memoryview) -> int:
        taken = data[: self.room]
        self.room -= len(taken)
        self.heard += taken
        return len(taken)

    def read(self, most: int) -> bytes:
        data = bytes(self.says[:most])
        del self.says[:most]
        return data

    def say(self, data: bytes) -> None:
        """Say something and tell the server."""
        self.says += data
        self.wakeup()

    def make_room(self, size: int) -> None:
        """Take so many bytes more, and tell the server."""
        self.room = size
        self.wakeup()


class Port(Guest):
    subtype: ClassVar[str] = PORT

    def __init__(self, name: str = "org.example.echo", says: bytes = b"", room: int = 1 << 30):
        super().__init__(name, says, room)


class Usb(Guest):
    subtype: ClassVar[str] = USBREDIR
