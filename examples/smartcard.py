"""A card reader in the guest, for the smart cards of a viewer.

    python examples/smartcard.py
    remote-viewer --spice-smartcard spice://127.0.0.1:5900

The channel only links as yet: one sees that the viewer opens it, and when it goes. What the viewer
says of its readers and cards does not come to the guest, so `Reader` hears nothing.
"""

import argparse
import asyncio
import sys

from redspice.aio import AsyncioCore, serve
from redspice.display.framebuffer import Framebuffer
from redspice.interfaces import ChannelEvent, ChannelEventInfo, CharDeviceInterface, QxlInterface
from redspice.reds import RedsState
from redspice_protocol import CHANNELS


class Reader(CharDeviceInterface):
    """Prints what the guest is told of cards."""

    subtype = "smartcard"

    def state(self, connected: bool) -> None:
        print("reader is used" if connected else "reader is free", flush=True)

    def write(self, data: memoryview) -> int:
        print("to the guest:", data.hex(" "), flush=True)
        return len(data)


class Core(AsyncioCore):
    """Prints what becomes of the channel."""

    def channel_event(self, event: ChannelEvent, info: ChannelEventInfo) -> None:
        if info.channel_type == CHANNELS["smartcard"].id:
            print(f"smartcard: {event.name.lower()}", flush=True)


async def main(port: int) -> None:
    reds = RedsState()
    reds.init(Core())
    reds.set_noauth()
    reds.add_interface(QxlInterface(Framebuffer(640, 480)))
    reds.add_interface(Reader())

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
