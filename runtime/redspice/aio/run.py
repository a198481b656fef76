"""A whole program around one server: a loop, signals, an orderly end."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack

from redspice.aio.core import AsyncioCore
from redspice.aio.server import Server, Starting, serve
from redspice.reds import RedsState

#: What runs beside a server, like a page of statistics, until it ends.
Beside = Callable[[RedsState], AbstractAsyncContextManager[object]]

STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM)


def run(
    prepare: Callable[[AsyncioCore], RedsState],
    ready: Callable[[Server], None],
    listen: Callable[[RedsState], Starting] = serve,
    beside: Sequence[Beside] = (),
) -> None:
    """Serve what `prepare` makes until SIGINT or SIGTERM; call `ready` once it listens, and once
    what is to run `beside` it has begun.

    With `exit_on_disconnect` its last viewer ends it too. `listen` says where, as
    `functools.partial(serve, port=5901)`. For a main thread without a loop. Raises what all of
    these raise.
    """

    async def program() -> None:
        stopped = asyncio.Event()
        loop = asyncio.get_running_loop()
        for number in STOP_SIGNALS:
            loop.add_signal_handler(number, stopped.set)
        core = AsyncioCore()
        core.on_exit = stopped.set
        reds = prepare(core)
        async with AsyncExitStack() as stack:
            for each in beside:
                await stack.enter_async_context(each(reds))
            server = await stack.enter_async_context(listen(reds))
            ready(server)
            await stopped.wait()

    asyncio.run(program())
