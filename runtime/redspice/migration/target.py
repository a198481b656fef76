"""A viewer that comes from another server, which sent it here.

Its main channel names the session that it has there, and shows the password as any other does; the
other channels join as always. All are held (`arrival`) until it is clear how the viewer comes:

    viewer                                  server
    MIGRATE_END                        ──►                         all channels start from scratch
or
    MIGRATE_DST_DO_SEAMLESS{version}   ──►
                                       ◄──  ..._ACK, or ..._NACK: then it is as above
    MIGRATE_DATA, on each channel that has such data ──►           the channel goes on from there

The rest starts when the main channel has its data. Whoever knows the password gains nothing by
naming a session: one that is here is refused, and one that is elsewhere is worth nothing here.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum, auto
from typing import TYPE_CHECKING

from redspice.errors import ProtocolError
from redspice_protocol.enums import MigrateFlags

if TYPE_CHECKING:
    from redspice.channel_client import RedChannelClient
    from redspice.client import RedClient
    from redspice.interfaces import CoreInterface
    from redspice.limits import Limits
    from redspice.migration.arrival import Arrival
    from redspice_protocol import Buffer


class Stage(Enum):
    """How far a viewer is."""

    JOINED = auto()
    """It is linked, and nothing is decided."""
    DECLINED = auto()
    """It was told that it may not bring data. A second question would cost an answer each time,
    and a viewer that does not read the answers could ask without end."""
    SEAMLESS = auto()
    """It will bring the data of its channels."""
    ARRIVING = auto()
    """It has brought those of the main channel."""
    ARRIVED = auto()
    """It is a viewer like any other."""


class Sign(Enum):
    """What tells how a viewer comes."""

    ACCEPTED = auto()
    """MIGRATE_DST_DO_SEAMLESS was answered with ACK."""
    DECLINED = auto()
    """It was answered with NACK."""
    END = auto()
    """MIGRATE_END."""
    MAIN_DATA = auto()
    """MIGRATE_DATA on the main channel."""
    OTHER_DATA = auto()
    """MIGRATE_DATA on another channel."""
    COMPLETE = auto()
    """No channel is held any more."""


MOVES: Mapping[Stage, Mapping[Sign, Stage]] = {
    Stage.JOINED: {
        Sign.ACCEPTED: Stage.SEAMLESS,
        Sign.DECLINED: Stage.DECLINED,
        Sign.END: Stage.ARRIVED,
    },
    Stage.DECLINED: {Sign.END: Stage.ARRIVED},
    Stage.SEAMLESS: {Sign.MAIN_DATA: Stage.ARRIVING, Sign.OTHER_DATA: Stage.SEAMLESS},
    Stage.ARRIVING: {Sign.OTHER_DATA: Stage.ARRIVING, Sign.COMPLETE: Stage.ARRIVED},
    Stage.ARRIVED: {},
}
"""What is not here is an error of the viewer."""


class Target:
    """How one viewer comes."""

    def __init__(self, client: RedClient, core: CoreInterface, limits: Limits) -> None:
        self.stage = Stage.JOINED
        self._client = client
        self._limits = limits
        self._seconds = limits.migration_timeout
        self._deadline = core.timer(self._timed_out)
        self._deadline.start(self._seconds)

    @property
    def arrived(self) -> bool:
        """Whether the viewer is one like any other now."""
        return self.stage is Stage.ARRIVED

    def hold(self, channel_client: RedChannelClient) -> None:
        """Hold a channel that has just linked, unless the viewer is here."""
        if not self.arrived:
            channel_client.hold()

    def decide(self, seamless: bool) -> None:
        """The viewer asked whether it may bring its data. Raises `ProtocolError` if it may not
        ask."""
        self._move(Sign.ACCEPTED if seamless else Sign.DECLINED)

    def let_go(self) -> None:
        """The other server has let go of the viewer: start all channels. Raises `ProtocolError` if
        it comes another way."""
        self._move(Sign.END)
        main = self._client.main
        assert main is not None
        assert main.arrival is not None
        main.arrival.end()
        main.start()
        for each, arrival in self._held():
            arrival.open(each.start)

    def restore(self, channel_client: RedChannelClient, data: Buffer) -> None:
        """A channel has its data. Raises `ProtocolError` if none was to come or it is wrong."""
        arrival = channel_client.arrival
        if arrival is None or not brings_data(channel_client):
            raise ProtocolError("unexpected migrate_data")
        is_main = channel_client is self._client.main
        self._move(Sign.MAIN_DATA if is_main else Sign.OTHER_DATA)
        arrival.end()
        channel_client.restore(data)
        if is_main:
            self._main_restored()
        self._check_complete()

    def channel_gone(self) -> None:
        """A channel besides main is gone. When all are, and the viewer has not come, the migration
        was called off: spice-gtk then closes them, and forgets the main channel."""
        self._check_complete()  # it may have been the last that was held
        everything, main = self._client.channel_clients, self._client.main
        if not self.arrived and len(everything) == 1 and main is not None:
            main.connection.end("the viewer stays where it was")

    def gone(self) -> None:
        """The viewer is gone."""
        self._deadline.cancel()

    def _main_restored(self) -> None:
        self._seconds = self._limits.migration_data_timeout
        self._deadline.start(self._seconds)
        for each, arrival in self._held():
            if not brings_data(each):
                arrival.open(each.resume)

    def _check_complete(self) -> None:
        if self.stage is Stage.ARRIVING and not self._held():
            self._move(Sign.COMPLETE)

    def _held(self) -> list[tuple[RedChannelClient, Arrival]]:
        everything = self._client.channel_clients.values()
        return [(each, each.arrival) for each in everything if each.arrival is not None]

    def _move(self, sign: Sign) -> None:
        stage = MOVES[self.stage].get(sign)
        if stage is None:
            where, what = self.stage.name.lower(), sign.name.lower()
            raise ProtocolError(f"a viewer from another server, {where}, cannot go on with {what}")
        self.stage = stage
        if self.arrived:
            self._deadline.cancel()

    def _timed_out(self) -> None:
        for each, _ in self._held():
            each.connection.fail(f"the viewer has not come from its server in {self._seconds:g} s")


def brings_data(channel_client: RedChannelClient) -> bool:
    """Whether a channel goes on from data of the other server."""
    return MigrateFlags.NEED_DATA_TRANSFER in channel_client.channel.migration_flags
