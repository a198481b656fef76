"""Users in a file (`user_table` says how it looks), for `RedsState.set_sasl`.

A server notices when the file changes. Whoever can read the file can try passwords out, so a file
that its group or others have any right to is refused. Writers replace the file as a whole, and two
at the same time are told from each other: one of them is refused.
"""

from __future__ import annotations

import fcntl
import os
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from redspice.errors import ConfigurationError
from redspice.sasl.user_table import UserTable, checked_name, format_users, parse_users
from redspice.sasl.users import SCRAM_MECHANISMS, ScramSecret, Users

OWNER_ONLY = 0o600
OTHERS = 0o077


class UserFile(Users):
    """The users in a file. All methods raise `ConfigurationError` if it cannot be used."""

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = Path(path)
        self._version: tuple[int, ...] = ()
        self._table = UserTable()
        self._refresh()

    def __repr__(self) -> str:
        return f"UserFile({str(self.path)!r})"

    @property
    def decoy_seed(self) -> bytes:
        return self._refresh().decoy_seed

    def find(self, name: str, mechanism: str) -> ScramSecret | None:
        return self._refresh().secrets.get(name, {}).get(mechanism)

    def admits_certificate(self, name: str) -> bool:
        """Whether the file has this name; a password does not matter."""
        return name in self._refresh().secrets

    def names(self) -> list[str]:
        """All names, sorted."""
        return sorted(self._refresh().secrets)

    def _refresh(self) -> UserTable:
        """What the file says now."""
        with _explained(self.path), open(self.path, "rb") as file:
            status = os.fstat(file.fileno())
            version = (status.st_ino, status.st_mtime_ns, status.st_size, status.st_mode)
            if version != self._version:
                self._table = _read(file.fileno())
                self._version = version
        return self._table


def add_user(path: str | os.PathLike[str], name: str, password: str | None) -> bool:
    """Put a user into a file, which is made if there is none; whether there was one of that name.

    None for the password means that the user is known by a client certificate. Raises
    `ConfigurationError` for a name or password that cannot be used, and if the file cannot.
    """
    name = checked_name(name)
    kept = {} if password is None else {m: ScramSecret.make(password, m) for m in SCRAM_MECHANISMS}
    with _changing(Path(path), create=True) as table:
        known = name in table.secrets
        table.secrets[name] = kept
    return known


def remove_user(path: str | os.PathLike[str], name: str) -> None:
    """Take a user out of a file. Raises `ConfigurationError` if it has none of that name."""
    name = checked_name(name)
    with _changing(Path(path), create=False) as table:
        if table.secrets.pop(name, None) is None:
            raise ConfigurationError(f"{path}: there is no user {name!r}")


@contextmanager
def _changing(path: Path, create: bool) -> Iterator[UserTable]:
    """What a file says, to be changed; written back unless there was an error."""
    with _explained(path):
        path = path.resolve()  # what a link points to is replaced, not the link
        descriptor = os.open(path, os.O_RDWR | (os.O_CREAT if create else 0), OWNER_ONLY)
    try:
        with _explained(path):
            _lock(descriptor, path)
            table = _read(descriptor)
        yield table
        with _explained(path):
            _replace(path, format_users(table), os.fstat(descriptor))
    finally:
        os.close(descriptor)


def _lock(descriptor: int, path: Path) -> None:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise ConfigurationError("somebody else is changing it") from None
    if os.fstat(descriptor).st_ino != os.stat(path).st_ino:
        # What is locked here is a file that another writer has just replaced.
        raise ConfigurationError("somebody else has just changed it")


def _read(descriptor: int) -> UserTable:
    mode = stat.S_IMODE(os.fstat(descriptor).st_mode)
    if mode & OTHERS:
        raise ConfigurationError(f"others may use it (mode {mode:04o}): chmod 600 it")
    with open(descriptor, "rb", closefd=False) as file:
        try:
            return parse_users(file.read().decode())
        except UnicodeDecodeError:
            raise ConfigurationError("it is not UTF-8") from None


def _replace(path: Path, text: str, old: os.stat_result) -> None:
    # A temporary file is the owner's alone from the start.
    descriptor, temporary = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with open(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            # The administrator may write it for a server that runs as somebody else.
            os.fchown(file.fileno(), old.st_uid, old.st_gid)
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except BaseException:
        with suppress(OSError):
            os.unlink(temporary)
        raise


@contextmanager
def _explained(path: Path) -> Iterator[None]:
    """Errors of the system and in the file as `ConfigurationError` that names the file."""
    try:
        yield
    except OSError as error:
        raise ConfigurationError(f"{path}: {error.strerror or error}") from None
    except ConfigurationError as error:
        raise ConfigurationError(f"{path}: {error}") from None
