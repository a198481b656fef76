"""The methods of `RedsState` that move viewers to another server."""

from __future__ import annotations

from typing import TYPE_CHECKING

from redspice.migration.destination import Destination

if TYPE_CHECKING:
    from redspice.migration.source import Migration


class MigrationCommands:
    """What an embedder calls. Each raises `ConfigurationError` for impossible arguments, and when
    it makes no sense at the moment; then nothing has changed.

    Destinations are a name or address, a port, a port for TLS (one of them at least), and the
    subject that the certificate there has to have.
    """

    migration: Migration

    @property
    def seamless_migration(self) -> bool:
        """Whether viewers may take the state of their channels along, from here and to here.

        The screens here must then be as large as those that the viewers come from.
        """
        return self.migration.seamless

    @seamless_migration.setter
    def seamless_migration(self, allowed: bool) -> None:
        self.migration.seamless = allowed

    def migrate_connect(
        self,
        host: str,
        port: int | None = None,
        secure_port: int | None = None,
        cert_subject: str | None = None,
    ) -> None:
        """Have viewers connect to another server too; they stay. Calls off what was begun before.

        `MigrationInterface.connect_complete` follows, within 10 seconds.
        """
        self.migration.connect(Destination.of(host, port, secure_port, cert_subject))

    def migrate_info(
        self,
        host: str,
        port: int | None = None,
        secure_port: int | None = None,
        cert_subject: str | None = None,
    ) -> None:
        """Deprecated: only say where `migrate_switch` and `migrate_end` send viewers to."""
        self.migration.info(Destination.of(host, port, secure_port, cert_subject))

    def migrate_start(self) -> None:
        """The guest begins to move; follows `migrate_connect` or `migrate_info`."""
        self.migration.start()

    def migrate_end(self, completed: bool) -> None:
        """The guest has moved, so viewers follow it; or it stays, and so do they.

        `MigrationInterface.end_complete` follows, within 10 seconds, when they have left.
        """
        self.migration.end(completed)

    def migrate_switch(self) -> None:
        """Instead of `migrate_end`: have all viewers connect to the other server from scratch."""
        self.migration.switch()
