"""A port that says what it hears, like a serial line with its ends joined.

    python examples/port_echo.py
    remote-viewer spice://127.0.0.1:5900

A program on the viewer's side reaches it by its name, org.example.echo: spice-gtk has
`SpicePortChannel` for that. This side says when a viewer comes and goes. In a virtual machine it
would be a virtio port.
"""

import argparse
import asyncio
import sys

from redspice.aio import AsyncioCore, serve
from redspice.interfaces import CharDeviceInterface, PortEvent
from redspice.reds import RedsState

# What is kept of a viewer that says more than it reads.
ROOM = 64 * 1024


class EchoPort(CharDeviceInterface):
    """What is written waits here until it is read."""

    subtype = "port"

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.waiting = bytearray()
        self.port_event(PortEvent.OPENED)  # viewers write to no port that is closed

    def state(self, connected: bool) -> None:
        print("a viewer is there" if connected else "the viewer is gone", flush=True)
        self.waiting.clear()

    def event(self, event: int) -> None:
        print(f"event {event}", flush=True)

    def write(self, data: memoryview) -> int:
        taken = data[: ROOM - len(self.waiting)]
        self.waiting += taken
        self.wakeup()  # there is something to read
        return len(taken)

    def read(self, most: int) -> bytes:
        data = bytes(self.waiting[:most])
        del self.waiting[:most]
        if data:
            self.wakeup()  # there is room to write
        return data


async def main(port: int) -> None:
    reds = RedsState()
    reds.init(AsyncioCore())
    reds.set_noauth()
    reds.add_interface(EchoPort("org.example.echo"))
    async with serve(reds, port=port) as server:
        print("listening on", *server.addresses, flush=True)
        await server.serve_forever()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--port", type=int, default=5900, help="where viewers connect")
    try:
        asyncio.run(main(parser.parse_args().port))
    except KeyboardInterrupt:
        pass
    except OSError as error:
        sys.exit(f"cannot listen: {error}")
