"""Unix sockets at a path or in the abstract space: made, found stale, removed."""

from __future__ import annotations

import errno
import os
import socket
import stat
from pathlib import Path

from redspice.aio.addresses import ABSTRACT

PROBE_TIMEOUT = 1.0
"""Seconds to wait for an answer of whoever may still listen on an old socket; local ones answer
at once."""


class UnixListener:
    """A socket bound to a path, that knows whether the file there is still its own.

    A socket file on which nobody listens is replaced. A path that begins with `@` or a NUL is a
    name in Linux's abstract space, where there are no files. Raises `FileExistsError` if the path
    is something else, `OSError` with `EADDRINUSE` if somebody listens there.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = os.fspath(path)
        abstract = self.path.startswith((ABSTRACT, "\0"))
        name = f"\0{self.path[1:]}" if abstract else self.path
        if not abstract:
            _make_way(self.path)
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            self.sock.bind(name)
            self._identity = None if abstract else _identity(self.path)
        except OSError as error:
            self.sock.close()
            raise OSError(error.errno, error.strerror or str(error), self.path) from None

    def unlink(self) -> None:
        """Remove the file, unless somebody else has put another one there."""
        if self._identity is None:
            return
        try:
            if _identity(self.path) == self._identity:
                Path(self.path).unlink()
        except FileNotFoundError:
            pass


def _identity(path: str) -> tuple[int, int]:
    status = os.lstat(path)
    return status.st_dev, status.st_ino


def _make_way(path: str) -> None:
    try:
        mode = os.lstat(path).st_mode
    except FileNotFoundError:
        return
    if not stat.S_ISSOCK(mode):
        raise FileExistsError(errno.EEXIST, "exists and is not a socket", path)
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.settimeout(PROBE_TIMEOUT)
        try:
            probe.connect(path)
        except ConnectionRefusedError:
            Path(path).unlink()
            return
        except TimeoutError:
            pass  # somebody listens and is busy
    raise OSError(errno.EADDRINUSE, "another server listens there", path)
