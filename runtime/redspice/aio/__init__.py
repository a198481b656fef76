"""The asyncio shell: sockets, timers and jobs for the core, and no protocol.

`serve` is the way in, `adopt` the one for sockets that are connected already, `run` a whole
program; `AsyncioCore` is for who wants to register interfaces before serving.
"""

from redspice.aio.activation import ActivatedSockets, activated_sockets
from redspice.aio.addresses import TcpAddress, TlsAddress
from redspice.aio.core import AsyncioCore
from redspice.aio.run import run
from redspice.aio.server import DEFAULT_PORT, Server, Starting, adopt, serve
from redspice.aio.stat_file import stat_file
from redspice.aio.tls import tls_context
from redspice.aio.worker import WorkerThread

__all__ = [
    "DEFAULT_PORT",
    "ActivatedSockets",
    "AsyncioCore",
    "Server",
    "Starting",
    "TcpAddress",
    "TlsAddress",
    "WorkerThread",
    "activated_sockets",
    "adopt",
    "run",
    "serve",
    "stat_file",
    "tls_context",
]
