"""A whole program around one server: a loop, signals, an orderly end."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable

from redspice.aio.core import AsyncioCore
from redspice.aio.server import Server, Starting, serve
from redspice.reds import RedsState

STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM)


def run(
    prepare: Callable[[AsyncioCore], RedsState],
    ready: Callable[[Server], None],
    listen: Callable[[RedsState], Starting] = serve,
) -> None:
    """Serve what `prepare` makes until SIGINT or SIGTERM; call `ready` once it listens.

    `listen` says where, as `functools.partial(serve, port=5901)`. For a main thread without a loop.
    Raises what `prepare`, `ready` and `listen` raise.
    """

    async def program() -> None:
        stopped = asyncio.Event()
        loop = asyncio.get_running_loop()
        for number in STOP_SIGNALS:
            loop.add_signal_handler(number, stopped.set)
        async with listen(prepare(AsyncioCore())) as server:
            ready(server)
            await stopped.wait()

    asyncio.run(program())
