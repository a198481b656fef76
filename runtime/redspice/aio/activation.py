"""Socket activation: sockets that systemd has bound before it started this process.

A unit `redspice.socket` with `ListenStream=5900`, or with `FileDescriptorName=tls` for a socket
whose viewers speak TLS. How the sockets are handed over is described in sd_listen_fds(3).
"""

from __future__ import annotations

import os
import socket
from collections.abc import MutableMapping
from typing import NamedTuple

from redspice.errors import ConfigurationError

FIRST = 3
"""The first file descriptor that is handed over; before it are stdin, stdout and stderr."""

MAX_SOCKETS = 64
"""More sockets than any unit has; a larger number is a mistake in the environment."""

TLS_NAME = "tls"
VARIABLES = ("LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES", "LISTEN_PIDFDID")


class ActivatedSockets(NamedTuple):
    """The sockets of this process, bound and listening."""

    plain: list[socket.socket]
    tls: list[socket.socket]
    """Those with the name `tls`."""


def activated_sockets(
    environment: MutableMapping[str, str] = os.environ,
) -> ActivatedSockets:
    """Take the sockets that were handed to this process; without any, both lists are empty.

    The variables that tell of them are removed, so that no child takes them for its own. Raises
    `ConfigurationError` for a file descriptor that is no listening stream socket.
    """
    values = {name: environment.pop(name, "") for name in VARIABLES}
    if values["LISTEN_PID"] != str(os.getpid()):
        return ActivatedSockets([], [])
    count = values["LISTEN_FDS"]
    if not (count.isascii() and count.isdecimal() and int(count) <= MAX_SOCKETS):
        raise ConfigurationError(f"LISTEN_FDS={count!r} is not a number up to {MAX_SOCKETS}")
    names = values["LISTEN_FDNAMES"].split(":")
    found = ActivatedSockets([], [])
    for index in range(int(count)):
        sock = _listening(FIRST + index)
        tls = index < len(names) and names[index] == TLS_NAME
        (found.tls if tls else found.plain).append(sock)
    return found


def _listening(descriptor: int) -> socket.socket:
    try:
        os.set_inheritable(descriptor, False)
        sock = socket.socket(fileno=descriptor)
    except OSError as error:
        raise ConfigurationError(
            f"activation: file descriptor {descriptor} is no socket: {error.strerror}"
        ) from None
    if sock.type == socket.SOCK_STREAM and sock.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN):
        return sock
    sock.detach()  # not ours to close
    raise ConfigurationError(
        f"activation: file descriptor {descriptor} does not listen for streams"
        " (the unit needs ListenStream= and Accept=no)"
    )
