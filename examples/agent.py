"""A desktop with a SPICE agent: clipboard and files are shared, the agent moves the pointer.

    python examples/agent.py agent.sock
    spice-vdagentd -x -X -f -u uinput -s agent.sock -S session.sock    # in the guest, or beside
    DISPLAY=:1 spice-vdagent -x -s agent.sock -S session.sock          # in its desktop
    remote-viewer spice://127.0.0.1:5900

What is copied in the window of the viewer can be pasted on the display :1, and the other way round.
A virtual machine has a virtio port where this has a unix socket.
"""

import argparse
import asyncio
import contextlib
import sys

from redspice.aio import AsyncioCore, serve
from redspice.display.framebuffer import Framebuffer
from redspice.errors import ConfigurationError, NotRegisteredError
from redspice.interfaces import QxlInterface
from redspice.reds import RedsState
from socket_device import SocketDevice


class AgentPort(SocketDevice):
    """The socket of an agent, registered while it is connected."""

    subtype = "vdagent"

    def __init__(self, reds: RedsState) -> None:
        super().__init__()
        self.reds = reds

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        try:
            self.reds.add_interface(self)
            print("agent connected", flush=True)
        except ConfigurationError as error:  # there is one already
            print(f"agent refused: {error}", flush=True)
            self.hang_up()

    def connection_lost(self, error: Exception | None) -> None:
        super().connection_lost(error)
        with contextlib.suppress(NotRegisteredError):
            self.reds.remove_interface(self)

    def state(self, connected: bool) -> None:
        if not connected:  # the agent went, or the server has given it up
            self.hang_up()


async def main(port: int, socket: str) -> None:
    reds = RedsState()
    reds.init(AsyncioCore())
    reds.set_noauth()
    reds.add_interface(QxlInterface(Framebuffer(1024, 768)))

    loop = asyncio.get_running_loop()
    with contextlib.closing(await loop.create_unix_server(lambda: AgentPort(reds), socket)):
        async with serve(reds, port=port) as server:
            print("listening on", *server.addresses, flush=True)
            await server.serve_forever()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("socket", help="where the agent connects")
    parser.add_argument("--port", type=int, default=5900, help="where viewers connect")
    options = parser.parse_args()
    try:
        asyncio.run(main(options.port, options.socket))
    except KeyboardInterrupt:
        pass
    except OSError as error:
        sys.exit(f"cannot listen: {error}")
