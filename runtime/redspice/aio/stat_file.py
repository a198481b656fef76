"""The statistics file of this process, `/dev/shm/spice.PID`: shared memory that others may map.

    async with stat_file(reds):
        ...

Its bytes are `redspice.stats.layout`. Only the same user may read it; it is gone in the end, unless
the process is killed, and then the next one with the same number replaces it.
"""

from __future__ import annotations

import contextlib
import mmap
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from redspice.errors import ConfigurationError
from redspice.reds import RedsState
from redspice.stats import StatFile, StatPublisher
from redspice.stats.layout import FILE_BYTES

SHARED_MEMORY = "/dev/shm"
MODE = 0o600


def stat_path(pid: int) -> str:
    """Where the statistics file of a process is."""
    return f"{SHARED_MEMORY}/spice.{pid}"


@asynccontextmanager
async def stat_file(reds: RedsState, path: str | None = None) -> AsyncIterator[str]:
    """Keep the statistics of an initialised `reds` in a file, by default that of this process;
    gives its path.

    Raises `ConfigurationError` if there is no shared memory here, none left, or somebody else's
    file.
    """
    path = path or stat_path(os.getpid())
    memory = _create(path)
    try:
        with memoryview(memory) as view:
            file = StatFile(view)
            publisher = StatPublisher(reds.core, reds.stats, file)
            try:
                publisher.start()
                yield path
            finally:
                publisher.stop()
                file.close()
    finally:
        memory.close()
        with contextlib.suppress(FileNotFoundError):
            os.unlink(path)


def _create(path: str) -> mmap.mmap:
    # Everybody may write to the folder: what is there already, perhaps a link, is not written to.
    try:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(path)
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, MODE)
    except OSError as error:
        raise ConfigurationError(f"statistics file {path}: {error.strerror}") from None
    try:
        # Without room behind it, writing to the memory would be the end of the process (SIGBUS).
        os.posix_fallocate(descriptor, 0, FILE_BYTES)
        return mmap.mmap(descriptor, FILE_BYTES)
    except OSError as error:
        os.unlink(path)
        raise ConfigurationError(f"statistics file {path}: {error.strerror}") from None
    finally:
        os.close(descriptor)
