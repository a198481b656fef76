"""One channel of a viewer that takes its state to another server.

    server                               viewer
    what waits, MIGRATE{flags}      ──►
                                    ◄──  what it had to say, MIGRATE_FLUSH_MARK
    MIGRATE_DATA                    ──►

The last two lines are for channels whose flags transfer data: the others end with MIGRATE.
After MIGRATE nothing else goes out. What is pushed after the departure began is dropped: the other
server tells it.
"""

from __future__ import annotations

from enum import Enum, auto
from typing import TYPE_CHECKING

from redspice.errors import ProtocolError
from redspice.pipe import PipeItem
from redspice_protocol import CHANNELS
from redspice_protocol.base import MsgData, MsgMigrate

if TYPE_CHECKING:
    from redspice.channel_client import RedChannelClient

MIGRATE = CHANNELS["main"].server.by_name["migrate"]
MIGRATE_DATA = CHANNELS["main"].server.by_name["migrate_data"]


class Step(Enum):
    """How far a channel is."""

    LEAVING = auto()
    """What waits goes first."""
    FLUSHING = auto()
    """The viewer is to say that it has nothing more to say."""
    LEFT = auto()
    """Everything was said."""


class Departure:
    """The end of one channel client, which it asks what to send instead of what is due."""

    def __init__(self, channel_client: RedChannelClient) -> None:
        self.step = Step.LEAVING
        self._channel_client = channel_client
        self._flags = channel_client.channel.migration_flags

    @property
    def silent(self) -> bool:
        """Whether MIGRATE was the last message but MIGRATE_DATA."""
        return self.step is not Step.LEAVING

    def items(self) -> list[PipeItem]:
        """What to send now that nothing waits: MIGRATE, once nothing is being made either."""
        if self.silent or self._channel_client.busy:
            return []
        self.step = Step.FLUSHING if self._flags else Step.LEFT
        return [PipeItem(MIGRATE, MsgMigrate(flags=self._flags))]

    def flushed(self) -> None:
        """The viewer has nothing more to say. Raises `ProtocolError` when it was not asked."""
        if self.step is not Step.FLUSHING:
            raise ProtocolError(f"migrate_flush_mark while {self.step.name.lower()}")
        self.step = Step.LEFT
        data = MsgData(data=self._channel_client.save())
        self._channel_client.push_migration(PipeItem(MIGRATE_DATA, data))
