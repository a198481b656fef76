"""How the embedder follows the migration of its viewers to another server."""

from __future__ import annotations

from redspice.interfaces.base import Interface


class MigrationInterface(Interface):
    """Told how a migration goes, once for each `migrate_connect` and for each end of one.

    Called from the loop, never inside of what the embedder calls, and within 10 seconds.
    """

    def connect_complete(self) -> None:
        """Every viewer has connected to the other server, has failed to, or took too long;
        `RedsState.migration.connected` is how many have."""

    def end_complete(self) -> None:
        """Every viewer that was to leave has left, or nobody was to leave."""
