"""What a kind of channel says about moving its state to another server."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from redspice.migration.arrival import Arrival
    from redspice.migration.departure import Departure
    from redspice_protocol import Buffer


class Movable(ABC):
    """A channel client, as far as it moves. Kinds whose `migration_flags` transfer data override
    `save` and `restore`, the others may override `resume`."""

    arrival: Arrival | None = None
    """While the viewer is on its way from another server."""
    departure: Departure | None = None
    """Once the viewer takes this channel's state to another server."""

    @abstractmethod
    def start(self) -> None:
        """Open the channel for a viewer that knows nothing of it."""

    @property
    def busy(self) -> bool:
        """Whether something is being made that the viewer must get before it leaves."""
        return False

    def save(self) -> bytes:
        """What the other server is to know; the last message to the viewer carries it."""
        raise NotImplementedError

    def restore(self, data: Buffer) -> None:
        """Open the channel with what `save` of another server has returned.

        Raises `MigrateDataError` if it cannot be that.
        """
        raise NotImplementedError

    def resume(self) -> None:
        """Open a channel that has no data, for a viewer that knows it from another server."""
        self.start()
