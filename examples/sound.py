"""A guest with a loudspeaker and a microphone.

    python examples/sound.py
    remote-viewer spice://127.0.0.1:5900

The channels only link as yet: one sees that the viewer opens them, and when it goes. No sound comes
out of it, and nothing asks it to record.
"""

import argparse
import asyncio
import sys

from redspice.aio import AsyncioCore, serve
from redspice.display.framebuffer import Framebuffer
from redspice.interfaces import (
    ChannelEvent,
    ChannelEventInfo,
    PlaybackInterface,
    QxlInterface,
    RecordInterface,
)
from redspice.reds import RedsState
from redspice_protocol import CHANNELS

NAMES = {CHANNELS[name].id: name for name in ("playback", "record")}


class Core(AsyncioCore):
    """Prints what becomes of the channels."""

    def channel_event(self, event: ChannelEvent, info: ChannelEventInfo) -> None:
        if name := NAMES.get(info.channel_type):
            print(f"{name}: {event.name.lower()}", flush=True)


async def main(port: int) -> None:
    reds = RedsState()
    reds.init(Core())
    reds.set_noauth()
    reds.add_interface(QxlInterface(Framebuffer(640, 480)))
    reds.add_interface(PlaybackInterface())
    reds.add_interface(RecordInterface())

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
