"""Who may come in: the answers to what the link stage asks (`link.LinkPolicy`)."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from redspice import checks
from redspice.check_queue import CheckQueue, QueuedCheck
from redspice.errors import ConfigurationError
from redspice.key_pool import KeyPool, KeyRequest
from redspice.sasl.mechanisms import SaslConfig
from redspice.security import ChannelRules
from redspice.suspects import Suspects
from redspice.ticket import Ticket

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from redspice.caps import Capabilities
    from redspice.interfaces import CoreInterface
    from redspice.link_messages import LinkMess
    from redspice.reds import RedsState
    from redspice.sasl.mechanism import Mechanism
    from redspice.ticket_key import TicketKey
    from redspice.transport import Transport
    from redspice_protocol.enums import LinkErr


class Admission:
    """The ticket or the users of a server, its keys, and its rules for channels."""

    def __init__(self, reds: RedsState) -> None:
        self.rules = ChannelRules()
        self.sasl: SaslConfig | None = None
        self._reds = reds
        self.suspects = Suspects(lambda: reds.core.now(), lambda: reds.limits.suspicion_timeout)
        self._keys = KeyPool()
        self._ticketing = True
        self._ticket: Ticket | None = None
        self._core: CoreInterface | None = None
        self._checks: CheckQueue
        self._lifetime: float | None = None

    def start(self, core: CoreInterface) -> None:
        """Begin to make keys. A ticket that was set before lives from now on."""
        self._core = core
        self._checks = CheckQueue(core, self.suspects)
        self._keys.start(core)
        if self._ticket is not None and self._lifetime is not None:
            self._ticket = replace(self._ticket, expires=core.now() + self._lifetime)

    def set_ticket(self, password: str | None, lifetime: float | None) -> None:
        """See `RedsState.set_ticket`."""
        # The reference server keeps 59 of 60 bytes, and has changed the expiry when it refuses.
        if lifetime is not None and not lifetime > 0:
            raise ConfigurationError(f"a ticket cannot live for {lifetime} s")
        expires = None
        if lifetime is not None and self._core is not None:
            expires = self._core.now() + lifetime
        ticket = None if password is None else Ticket(checks.text("password", password), expires)
        if not self._ticketing:
            self._keys.retire_shared()
        self._ticket, self._lifetime = ticket, lifetime
        self._ticketing = True

    def set_noauth(self) -> None:
        """Let everybody in."""
        self._ticketing = False

    # What the link stage asks.

    def check_channel(self, channel_type: int, transport: Transport) -> LinkErr:
        return self.rules.check(channel_type, transport)

    def server_caps(self, channel_type: int, channel_id: int) -> Capabilities | None:
        channel = self._reds.channels.find(channel_type, channel_id)
        return None if channel is None else channel.local_caps

    def sasl_offers(self, transport: Transport) -> Mapping[str, Callable[[], Mechanism]] | None:
        return None if self.sasl is None else self.sasl.offers(transport)

    def request_key(self, transport: Transport, deliver: Callable[[TicketKey], None]) -> KeyRequest:
        shared = transport.secret or not self._ticketing
        return self._keys.request(shared=shared, deliver=deliver)

    def run_check(
        self, transport: Transport, check: Callable[[], bool], done: Callable[[bool], None]
    ) -> QueuedCheck:
        return self._checks.submit(transport.network, check, done)

    def check_password(self, password: bytes) -> bool:
        if self.sasl is not None:
            return False  # it was turned on after this link had begun
        if not self._ticketing:
            return True
        return self._ticket is not None and self._ticket.admits(password, self._reds.core.now())

    def check_session(self, mess: LinkMess) -> None:
        self._reds.sessions.check(mess)
