"""A channel of one's own, in a thread of its own, registered while viewers are connected.

    python examples/custom_channel.py
    remote-viewer spice://127.0.0.1:5900

A program on the viewer's side that writes to org.example.counter reads how much it has written. It
is a port by type, so that viewers of today can open it, but no device is behind it: it counts for
each viewer apart, and several viewers may have it.
"""

import argparse
import asyncio
import sys
from collections.abc import Mapping
from typing import ClassVar

from redspice.aio import AsyncioCore, WorkerThread, serve
from redspice.channel import RedChannel
from redspice.channel_client import Handler, RedChannelClient
from redspice.pipe import PipeItem
from redspice.reds import RedsState
from redspice.worker_channel import WorkerChannel
from redspice_protocol import CHANNELS
from redspice_protocol.base import MsgData
from redspice_protocol.port import MsgcPortEvent, MsgPortInit

PORT = CHANNELS["port"]
INIT, DATA = PORT.server.by_name["init"], PORT.server.by_name["data"]


class CounterClient(RedChannelClient):
    """One viewer: what it says is counted, and the count is the answer."""

    count = 0

    def start(self) -> None:
        super().start()
        self.push(PipeItem(INIT, MsgPortInit(name=b"org.example.counter\0", opened=1)))

    def on_data(self, message: MsgData) -> None:
        self.count += len(message.data)
        self.mark_due(self.answer)  # the last count is all that matters

    def on_event(self, message: MsgcPortEvent) -> None:
        self.count = 0

    def answer(self) -> PipeItem:
        return PipeItem(DATA, MsgData(b"%d\n" % self.count))

    HANDLERS: ClassVar[Mapping[str, Handler]] = {
        **RedChannelClient.HANDLERS,
        "data": on_data,
        "event": on_event,
    }


class CounterChannel(RedChannel[CounterClient]):
    messages = PORT
    max_message_size = 64 * 1024
    client_class = CounterClient


async def main(port: int) -> None:
    reds = RedsState()
    reds.init(AsyncioCore())
    reds.set_noauth()
    with WorkerThread("counter") as worker:
        async with serve(reds, port=port) as server:
            print("listening on", *server.addresses, flush=True)
            while not reds.clients:
                await asyncio.sleep(0.1)
            id = reds.channels.first_free_id(PORT.id)
            reds.register_channel(WorkerChannel(reds, worker, CounterChannel, id))
            print(f"registered port {id}", flush=True)
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
