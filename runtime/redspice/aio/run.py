"""A whole program around one server: a loop, signals, an orderly end."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Callable

from redspice.aio.core import AsyncioCore
from redspice.aio.server import DEFAULT_PORT, Server, serve
from redspice.reds import RedsState

STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM)


def run(
    prepare: Callable[[AsyncioCore], RedsState],
    ready: Callable[[Server], None],
    host: str | None = "127.0.0.1",
    port: int = DEFAULT_PORT,
    *,
    unix: str | os.PathLike[str] | None = None,
) -> None:
    """Serve what `prepare` makes until SIGINT or SIGTERM; call `ready` once it listens.

    For a main thread without a loop. Raises what `prepare`, `ready` and `serve` raise.
    """

    async def program() -> None:
        stopped = asyncio.Event()
        loop = asyncio.get_running_loop()
        for number in STOP_SIGNALS:
            loop.add_signal_handler(number, stopped.set)
        async with serve(prepare(AsyncioCore()), host, port, unix=unix) as server:
            ready(server)
            await stopped.wait()

    asyncio.run(program())
