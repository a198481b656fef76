"""A second port, for TLS, of a server inside the test."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Iterator
from contextlib import contextmanager

from interop.embedded import EmbeddedServer
from interop.peers import PATIENCE
from redspice.aio import Server, TcpAddress, serve


@contextmanager
def tls_port(server: EmbeddedServer, context: ssl.SSLContext) -> Iterator[int]:
    """Let a server that runs listen for TLS too; the port is its own until the end."""

    async def start() -> Server:
        return await serve(server.reds, tls=context, tls_port=0)

    async def stop(listening: Server) -> None:
        listening.close()
        await listening.wait_closed()

    listening = asyncio.run_coroutine_threadsafe(start(), server.loop).result(PATIENCE)
    (address,) = listening.addresses
    assert isinstance(address, TcpAddress)
    try:
        yield address.port
    finally:
        asyncio.run_coroutine_threadsafe(stop(listening), server.loop).result(PATIENCE)
