"""Sending the viewers of a server to another one.

Embedder            server                                  viewers
migrate_connect  ─► MIGRATE_BEGIN or _BEGIN_SEAMLESS   ──►
                                                       ◄──  MIGRATE_CONNECTED, .._SEAMLESS or _ERROR
                 ◄─ connect_complete
migrate_end      ─► MIGRATE_END: it is to go over,     ──►
                    or MIGRATE on each channel: it takes the channel's state along,
                    or MIGRATE_SWITCH_HOST: it is to connect there from scratch
                                                       ◄──  hangs up
                 ◄─ end_complete

Each viewer goes the best way that it can: seamless needs that it is the only one, and that it, this
server and the other one agree. MOVES and ANSWERS are the tables of what may follow on what.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import Enum, auto
from typing import TYPE_CHECKING

from redspice.caps import MainCap
from redspice.errors import ConfigurationError, ProtocolError
from redspice.migration.body import VERSION
from redspice.pipe import PipeItem
from redspice_protocol import CHANNELS
from redspice_protocol.base import MsgEmpty
from redspice_protocol.main import MsgMainMigrateBegin, MsgMainMigrateBeginSeamless

if TYPE_CHECKING:
    from redspice.client import RedClient
    from redspice.interfaces import MigrationInterface, Timer
    from redspice.migration.destination import Destination
    from redspice.reds import RedsState
    from redspice_protocol import MessageType

MAIN = CHANNELS["main"].server.by_name
BEGIN = MAIN["migrate_begin"]
BEGIN_SEAMLESS = MAIN["migrate_begin_seamless"]
CANCEL = MAIN["migrate_cancel"]
END = MAIN["migrate_end"]
SWITCH_HOST = MAIN["migrate_switch_host"]

SEAMLESS_CAPS = (MainCap.SEAMLESS_MIGRATE, MainCap.AGENT_CONNECTED_TOKENS)


class Phase(Enum):
    """Where a migration stands."""

    IDLE = auto()
    CONNECTING = auto()
    """Viewers connect to the other server."""
    READY = auto()
    """They have, or nobody was asked."""
    LEAVING = auto()
    """They leave."""


class Command(Enum):
    """What carries a migration on; all but the last two are the embedder's."""

    INFO = "migrate_info"
    CONNECT = "migrate_connect"
    START = "migrate_start"
    FINISH = "migrate_end"
    CALL_OFF = "migrate_end(False)"
    SWITCH = "migrate_switch"
    CONNECTED = "connected"
    GONE = "gone"


MOVES: Mapping[Phase, Mapping[Command, Phase]] = {
    Phase.IDLE: {Command.INFO: Phase.READY, Command.CONNECT: Phase.CONNECTING},
    Phase.CONNECTING: {
        Command.INFO: Phase.READY,
        Command.CONNECT: Phase.CONNECTING,
        Command.CONNECTED: Phase.READY,
        Command.START: Phase.CONNECTING,
        Command.FINISH: Phase.LEAVING,
        Command.CALL_OFF: Phase.IDLE,
        Command.SWITCH: Phase.LEAVING,
    },
    Phase.READY: {
        Command.INFO: Phase.READY,
        Command.CONNECT: Phase.CONNECTING,
        Command.START: Phase.READY,
        Command.FINISH: Phase.LEAVING,
        Command.CALL_OFF: Phase.IDLE,
        Command.SWITCH: Phase.LEAVING,
    },
    Phase.LEAVING: {Command.GONE: Phase.IDLE},
}
"""What is not here is an error of the embedder."""


class Way(Enum):
    """How a viewer goes, as far as is known."""

    ASKED = auto()
    ASKED_SEAMLESS = auto()
    CONNECTED = auto()
    """It has connected its channels to the other server."""
    SEAMLESS = auto()
    """The same, and the other server takes their state."""
    FAILED = auto()
    """It could not connect in time. It stays, and may try again from scratch at the end."""


class Answer(Enum):
    """What a viewer says that was asked to connect to another server."""

    CONNECTED = auto()
    CONNECTED_SEAMLESS = auto()
    ERROR = auto()


ANSWERS: Mapping[Way, Mapping[Answer, Way]] = {
    Way.ASKED: {Answer.CONNECTED: Way.CONNECTED, Answer.ERROR: Way.FAILED},
    Way.ASKED_SEAMLESS: {
        Answer.CONNECTED: Way.CONNECTED,
        Answer.CONNECTED_SEAMLESS: Way.SEAMLESS,
        Answer.ERROR: Way.FAILED,
    },
}
"""Viewers that were not asked, or no longer are, may answer late: that means nothing."""
UNANSWERED = frozenset(ANSWERS)


class Migration:
    """The migration of a server's viewers; `RedsState` has the methods for embedders."""

    def __init__(self, reds: RedsState) -> None:
        self.seamless = False
        """Whether state may be handed over, in either direction."""
        self.phase = Phase.IDLE
        self._reds = reds
        self._destination: Destination | None = None
        self._ways: dict[RedClient, Way] = {}
        self._leaving: set[RedClient] = set()
        self._timer: Timer | None = None
        self._seconds = 0.0

    @property
    def connected(self) -> int:
        """How many viewers have connected to the other server."""
        return sum(way in (Way.CONNECTED, Way.SEAMLESS) for way in self._ways.values())

    # The embedder's commands. Each raises `ConfigurationError` where it makes no sense.

    def info(self, destination: Destination) -> None:
        """Remember where to; nobody is asked."""
        phase = self._after(Command.INFO)
        self._forget()
        self._destination, self.phase = destination, phase

    def connect(self, destination: Destination) -> None:
        """Have the viewers connect, instead of to where they were told before."""
        phase = self._after(Command.CONNECT)
        self._forget()
        for client in tuple(self._reds.clients):
            self._ask(client, destination)
        self._destination, self.phase = destination, phase
        self._start_timer(self._reds.limits.migration_connect_timeout, self._connect_timed_out)
        self._check_connected()

    def start(self) -> None:
        """The guest begins to move."""
        self.phase = self._after(Command.START)

    def end(self, completed: bool) -> None:
        """The guest has moved, or it has not and stays."""
        if completed:
            self._leave(Command.FINISH, self._send_off)
            return
        phase = self._after(Command.CALL_OFF)
        self._forget()
        self.phase = phase
        self._tell(lambda interface: interface.end_complete())

    def switch(self) -> None:
        """Have all viewers connect from scratch."""
        self._leave(Command.SWITCH, self._send_from_scratch)

    # What viewers do.

    def answered(self, client: RedClient, answer: Answer) -> None:
        """A viewer tells how connecting went. Raises `ProtocolError` for another's answer."""
        way = self._ways.get(client)
        if way is None or way not in ANSWERS:
            return
        if answer not in ANSWERS[way]:
            raise ProtocolError(f"{answer.name.lower()} is no answer to what was asked")
        self._ways[client] = ANSWERS[way][answer]
        self._check_connected()

    def gone(self, client: RedClient) -> None:
        """A viewer is gone."""
        self._ways.pop(client, None)
        self._leaving.discard(client)
        self._check_connected()
        self._check_gone()

    # Connecting.

    def _ask(self, client: RedClient, destination: Destination) -> None:
        main = client.main
        assert main is not None
        if MainCap.SEMI_SEAMLESS_MIGRATE not in main.remote_caps or not client.settled:
            return
        alone = len(self._reds.clients) == 1
        if self.seamless and alone and all(cap in main.remote_caps for cap in SEAMLESS_CAPS):
            self._ways[client] = Way.ASKED_SEAMLESS
            _push(client, BEGIN_SEAMLESS, MsgMainMigrateBeginSeamless(destination.info(), VERSION))
        else:
            self._ways[client] = Way.ASKED
            _push(client, BEGIN, MsgMainMigrateBegin(destination.info()))

    def _check_connected(self) -> None:
        if self.phase is Phase.CONNECTING and UNANSWERED.isdisjoint(self._ways.values()):
            self.phase = self._after(Command.CONNECTED)
            self._connect_done()

    def _connect_timed_out(self) -> None:
        for client, way in tuple(self._ways.items()):
            if way in UNANSWERED:
                self._ways[client] = Way.FAILED
                _push(client, CANCEL, MsgEmpty())
        self._check_connected()

    def _connect_done(self) -> None:
        """Once for each `connect`: they have, or it does not matter any more."""
        if self._timer is not None:
            self._stop_timer()
            self._tell(lambda interface: interface.connect_complete())

    def _forget(self) -> None:
        """Be idle, with viewers that close what they have opened elsewhere."""
        self.phase, self._destination = Phase.IDLE, None
        ways, self._ways = self._ways, {}
        for client, way in ways.items():
            if way is not Way.FAILED:
                _push(client, CANCEL, MsgEmpty())
        self._connect_done()

    # Leaving.

    def _leave(
        self, command: Command, send: Callable[[RedClient, Way | None, Destination], None]
    ) -> None:
        self.phase = self._after(command)
        self._connect_done()
        destination = self._destination
        assert destination is not None
        self._leaving = set(self._reds.clients)
        self._start_timer(self._reds.limits.migration_leave_timeout, self._leave_timed_out)
        for client in tuple(self._reds.clients):
            send(client, self._ways.get(client), destination)
        self._check_gone()

    def _send_off(self, client: RedClient, way: Way | None, destination: Destination) -> None:
        if way is Way.SEAMLESS:
            for channel_client in tuple(client.channel_clients.values()):
                channel_client.leave()
        elif way is Way.CONNECTED:
            _push(client, END, MsgEmpty())
        else:
            self._send_from_scratch(client, way, destination)

    def _send_from_scratch(
        self, client: RedClient, way: Way | None, destination: Destination
    ) -> None:
        if not client.settled:
            # It hears nothing yet, and the others' end is not to wait for it.
            assert client.main is not None
            client.main.connection.end("the guest leaves before the viewer has come")
            return
        if way not in (None, Way.FAILED):
            _push(client, CANCEL, MsgEmpty())
        _push(client, SWITCH_HOST, destination.switch())

    def _leave_timed_out(self) -> None:
        for client in tuple(self._leaving):
            assert client.main is not None
            client.main.connection.end(f"the viewer has not left in {self._seconds:g} s")

    def _check_gone(self) -> None:
        if self.phase is Phase.LEAVING and not self._leaving:
            self.phase = self._after(Command.GONE)
            self._stop_timer()
            self._ways.clear()
            self._destination = None
            self._tell(lambda interface: interface.end_complete())

    # Both.

    def _after(self, command: Command) -> Phase:
        phase = MOVES[self.phase].get(command)
        if phase is None:
            raise ConfigurationError(
                f"{command.value} while the migration is {self.phase.name.lower()}"
            )
        return phase

    def _start_timer(self, seconds: float, callback: Callable[[], None]) -> None:
        self._seconds = seconds
        self._timer = self._reds.core.timer(callback)
        self._timer.start(seconds)

    def _stop_timer(self) -> None:
        assert self._timer is not None
        self._timer.cancel()
        self._timer = None

    def _tell(self, what: Callable[[MigrationInterface], None]) -> None:
        """Tell the embedder, in a turn of its own: what it does then, or fails to do, is no matter
        of the viewer that answered last."""

        def tell() -> None:
            if (interface := self._reds.devices.migration) is not None:
                what(interface)

        self._reds.core.timer(tell).start(0)


def _push(client: RedClient, message_type: MessageType, message: object) -> None:
    assert client.main is not None
    client.main.push(PipeItem(message_type, message))
