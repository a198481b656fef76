"""A desktop with a SPICE agent: clipboard and files are shared, the agent moves the pointer.

    python examples/agent.py agent.sock
    spice-vdagentd -x -X -f -u uinput -s agent.sock -S session.sock    # in the guest, or beside
    DISPLAY=:1 spice-vdagent -x -s agent.sock -S session.sock          # in its desktop
    remote-viewer spice://127.0.0.1:5900

A virtual machine has a virtio port where this has a unix socket.
"""

import argparse
import asyncio

from redspice.aio import AsyncioCore, serve
from redspice.display.framebuffer import Framebuffer
from redspice.errors import ConfigurationError
from redspice.interfaces import CharDeviceInterface, QxlInterface
from redspice.reds import RedsState

# What is read ahead of the server; the agent waits until it wants more.
MOST_WAITING = 64 * 1024


class AgentPort(CharDeviceInterface, asyncio.Protocol):
    """The socket of an agent, registered while it is connected."""

    subtype = "vdagent"

    def __init__(self, reds: RedsState) -> None:
        super().__init__()
        self.reds = reds
        self.waiting = bytearray()
        self.writable = True
        self.registered = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        try:
            self.reds.add_interface(self)
            self.registered = True
        except ConfigurationError as error:
            print(f"agent refused: {error}")
            transport.close()

    def connection_lost(self, error: Exception | None) -> None:
        if self.registered:
            self.reds.remove_interface(self)

    def data_received(self, data: bytes) -> None:
        self.waiting += data
        if len(self.waiting) > MOST_WAITING:
            self.transport.pause_reading()
        self.wakeup()

    def pause_writing(self) -> None:
        self.writable = False

    def resume_writing(self) -> None:
        self.writable = True
        self.wakeup()

    # What the server calls.

    def state(self, connected: bool) -> None:
        if not connected:  # the agent went, or the server has given it up
            self.transport.close()

    def read(self, most: int) -> bytes:
        data = bytes(self.waiting[:most])
        del self.waiting[:most]
        if not self.waiting:
            self.transport.resume_reading()
        return data

    def write(self, data: memoryview) -> int:
        if not self.writable:
            return 0
        self.transport.write(bytes(data))
        return len(data)


async def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("socket", help="where the agent connects")
    parser.add_argument("--port", type=int, default=5900, help="where viewers connect")
    arguments = parser.parse_args()

    reds = RedsState()
    reds.init(AsyncioCore())
    reds.set_noauth()
    reds.add_interface(QxlInterface(Framebuffer(1024, 768)))

    loop = asyncio.get_running_loop()
    async with (
        await loop.create_unix_server(lambda: AgentPort(reds), arguments.socket),
        serve(reds, port=arguments.port) as server,
    ):
        print("listening on", *server.addresses, flush=True)
        await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main())
