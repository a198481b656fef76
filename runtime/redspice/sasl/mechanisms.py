"""Which mechanisms a viewer may choose from, by the transport it came over."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from redspice.sasl.scram import Scram
from redspice.sasl.simple import External, Plain
from redspice.sasl.users import SCRAM_MECHANISMS

if TYPE_CHECKING:
    from redspice.sasl.mechanism import Mechanism
    from redspice.sasl.users import Users
    from redspice.transport import Transport


@dataclass(frozen=True, slots=True)
class SaslConfig:
    """How a server uses SASL."""

    users: Users
    plain_sockets: bool = False
    """Whether SCRAM is offered where others can read along and change what follows it."""

    def offers(self, transport: Transport) -> dict[str, Callable[[], Mechanism]]:
        """A maker of each mechanism that fits the transport; none at all if it is not secret."""
        offers: dict[str, Callable[[], Mechanism]] = {}
        if transport.client_certificate is not None:
            offers["EXTERNAL"] = partial(External, self.users, transport.client_certificate)
        if transport.secret or self.plain_sockets:
            offers |= {name: partial(Scram, name, self.users) for name in SCRAM_MECHANISMS}
        if transport.secret:
            offers["PLAIN"] = partial(Plain, self.users)
        return offers
