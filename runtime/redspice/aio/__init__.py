"""The asyncio shell: sockets, timers and jobs for the core, and no protocol.

`serve` is the way in, `run` a whole program; `AsyncioCore` is for who wants to register interfaces
before serving.
"""

from redspice.aio.core import AsyncioCore
from redspice.aio.run import run
from redspice.aio.server import Server, TcpAddress, serve

__all__ = ["AsyncioCore", "Server", "TcpAddress", "run", "serve"]
