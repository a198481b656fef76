"""How the embedder follows the migration of its viewers to another server."""

from __future__ import annotations

from redspice.interfaces.base import Interface


class MigrationInterface(Interface):
    """Told how a migration goes, once for each `migrate_connect` and `migrate_end`."""

    def connect_complete(self) -> None:
        """Every viewer has connected to the other server, has failed to, or took too long."""

    def end_complete(self) -> None:
        """Every viewer that could be moved has been moved."""
