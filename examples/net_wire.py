"""A virtual network, through which programs here would reach services near the viewer.

    python examples/net_wire.py

Viewers of today do not open its channel, the tunnel, and show the screen as if there were none. The
channel only links as yet: one sees that an old viewer opens it, and when it goes.
"""

import argparse
import asyncio
import sys

from redspice.aio import AsyncioCore, serve
from redspice.display.framebuffer import Framebuffer
from redspice.interfaces import ChannelEvent, ChannelEventInfo, NetWireInterface, QxlInterface
from redspice.reds import RedsState
from redspice_protocol import CHANNELS


class Core(AsyncioCore):
    """Prints what becomes of the channel."""

    def channel_event(self, event: ChannelEvent, info: ChannelEventInfo) -> None:
        if info.channel_type == CHANNELS["tunnel"].id:
            print(f"tunnel: {event.name.lower()}", flush=True)


async def main(port: int) -> None:
    reds = RedsState()
    reds.init(Core())
    reds.set_noauth()
    reds.add_interface(QxlInterface(Framebuffer(640, 480)))
    reds.add_interface(NetWireInterface())

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
