"""Reading and writing what `layouts` describes, with every pointer and size checked."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from redspice.migration import layouts
from redspice.migration.errors import MigrateDataError

if TYPE_CHECKING:
    from construct import Construct

    from redspice_protocol import Buffer

VERSION = 1
"""Of the data of each channel, and of the part about char devices. A newer server writes a higher
one, of which an older one can know nothing."""


class Body:
    """The bytes that another server wrote, which look sound or raise `MigrateDataError`."""

    def __init__(self, data: Buffer, magic: bytes) -> None:
        self.data = bytes(data)
        self._name = f"migrate data {magic.decode()}"
        header = self.read(layouts.HEADER, 0)
        if header.magic != magic:
            raise MigrateDataError(f"{self._name} begin with {header.magic!r}")
        self.check_version(header.version, self._name)

    def check_version(self, version: int, what: str) -> None:
        if version > VERSION:
            raise MigrateDataError(f"{what} of version {version}, {VERSION} is known")

    def read(self, layout: Construct[Any, Any], at: int) -> Any:
        """What a layout of fixed size has there."""
        end = at + layout.sizeof()
        return layout.parse(self.piece(at, end - at, "fields"))

    def fields(self, layout: Construct[Any, Any]) -> Any:
        """The fixed part, which follows magic and version."""
        return self.read(layout, layouts.HEADER.sizeof())

    def piece(self, at: int, size: int, what: str) -> bytes:
        """So many bytes from there on; a pointer to nothing may be anything."""
        if size == 0:
            return b""
        if at + size > len(self.data):
            raise MigrateDataError(
                f"{self._name}: {what} at {at}..{at + size} of {len(self.data)} bytes"
            )
        return self.data[at : at + size]


class Writer:
    """Lays out a fixed part and, behind it, what it points to."""

    def __init__(self, magic: bytes, layout: Construct[Any, Any]) -> None:
        self._start = layouts.HEADER.build({"magic": magic, "version": VERSION})
        self._layout = layout
        self._end = len(self._start) + layout.sizeof()
        self._pieces: list[bytes] = []

    def point_to(self, piece: bytes) -> int:
        """Put bytes behind the fixed part; returns the pointer to them."""
        if not piece:
            return 0
        at = self._end
        self._pieces.append(piece)
        self._end += len(piece)
        return at

    def build(self, fields: dict[str, object]) -> bytes:
        return b"".join((self._start, self._layout.build(fields), *self._pieces))
