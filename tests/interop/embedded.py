"""A server inside the test, whose devices write down what they are told.

The loop runs in a thread; the test reaches everything in it through `call`.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from interop.peers import PATIENCE
from interop.record import Record
from redspice.aio import AsyncioCore, TcpAddress, serve
from redspice.display.framebuffer import Framebuffer
from redspice.interfaces import KeyboardInterface, MouseInterface, QxlInterface, TabletInterface
from redspice.reds import RedsState

Result = TypeVar("Result")

Input = tuple[str | int, ...]
"""What a device was told: the method's name and its arguments."""


class RecordingKeyboard(KeyboardInterface):
    def __init__(self, inputs: Record[Input]) -> None:
        self.inputs = inputs
        self.leds = 0

    def push_scan_freg(self, fragment: int) -> None:
        self.inputs.add(("scan", fragment))

    def get_leds(self) -> int:
        return self.leds


class RecordingMouse(MouseInterface):
    def __init__(self, inputs: Record[Input]) -> None:
        self.inputs = inputs

    def motion(self, dx: int, dy: int, dz: int, buttons: int) -> None:
        self.inputs.add(("motion", dx, dy, dz, buttons))

    def buttons(self, buttons: int) -> None:
        self.inputs.add(("mouse buttons", buttons))


class RecordingTablet(TabletInterface):
    def __init__(self, inputs: Record[Input]) -> None:
        self.inputs = inputs

    def set_logical_size(self, width: int, height: int) -> None:
        self.inputs.add(("size", width, height))

    def position(self, x: int, y: int, buttons: int) -> None:
        self.inputs.add(("position", x, y, buttons))

    def wheel(self, dz: int, buttons: int) -> None:
        self.inputs.add(("wheel", dz, buttons))

    def buttons(self, buttons: int) -> None:
        self.inputs.add(("tablet buttons", buttons))


class LogRecord(logging.Handler):
    """The library's log, one text for each entry."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: Record[str] = Record()

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.add(f"{record.levelname} {self.format(record)}")


class EmbeddedServer:
    """A server on a free port of this machine, with one screen and all input devices."""

    def __init__(self, width: int, height: int, password: str | None, multi: bool) -> None:
        self.inputs: Record[Input] = Record()
        self.framebuffer = Framebuffer(width, height)
        self.qxl = QxlInterface(self.framebuffer)
        self.keyboard = RecordingKeyboard(self.inputs)
        self.reds = RedsState()
        self.reds.name = "interop"
        self.reds.allow_multiple_clients = multi
        self.port = 0
        self._password = password
        self.loop: asyncio.AbstractEventLoop
        self._stopped: asyncio.Event
        self._ready = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._run()), daemon=True)
        self._handler = LogRecord()
        self.log = self._handler.lines

    def start(self) -> None:
        logger = logging.getLogger("redspice")
        logger.addHandler(self._handler)
        logger.setLevel(logging.INFO)
        self._thread.start()
        assert self._ready.wait(PATIENCE)

    def stop(self) -> None:
        """Close the server and wait until every socket is closed; harmless when done before."""
        if self._thread.is_alive():
            self.loop.call_soon_threadsafe(self._stopped.set)
            self._thread.join(PATIENCE)
        logger = logging.getLogger("redspice")
        logger.removeHandler(self._handler)
        logger.setLevel(logging.NOTSET)
        assert not self._thread.is_alive()
        assert not [line for line in self.log.items() if line.startswith("ERROR")]

    def call(self, work: Callable[[], Result]) -> Result:
        """Run `work` in the server's loop and return its result."""

        async def job() -> Result:
            return work()

        return asyncio.run_coroutine_threadsafe(job(), self.loop).result(PATIENCE)

    def pixels(self) -> bytes:
        """What the screen shows: BGRX."""
        return self.call(lambda: bytes(self.framebuffer.pixels))

    def lines_of(self, peer: str) -> list[str]:
        """What the log says about one peer, an address with port."""
        return [line for line in self.log.items() if f" {peer} " in line]

    async def _run(self) -> None:
        self.loop = asyncio.get_running_loop()
        self._stopped = asyncio.Event()
        self.reds.init(AsyncioCore())
        if self._password is None:
            self.reds.set_noauth()
        else:
            self.reds.set_ticket(self._password)
        for device in (
            self.qxl,
            self.keyboard,
            RecordingMouse(self.inputs),
            RecordingTablet(self.inputs),
        ):
            self.reds.add_interface(device)
        async with serve(self.reds, port=0) as server:
            address = server.addresses[0]
            assert isinstance(address, TcpAddress)
            self.port = address.port
            self._ready.set()
            await self._stopped.wait()


@contextmanager
def embedded_server(
    width: int = 320, height: int = 200, *, password: str | None = None, multi: bool = False
) -> Iterator[EmbeddedServer]:
    server = EmbeddedServer(width, height, password, multi)
    server.start()
    try:
        yield server
    finally:
        server.stop()
