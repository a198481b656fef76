"""The error of this package; the package's docstring has its place in the tree."""

from __future__ import annotations

from redspice.errors import ProtocolError


class MigrateDataError(ProtocolError):
    """What another server hands over cannot be read."""
