"""The sockets that are open, and the rule by which more are let in.

A linked viewer stays. For sockets that have not linked there is a `WaitingRoom`; when it is full,
one of them is dropped at once for a newer one, so that nobody is locked out by those who open
sockets and say nothing. Over the limit of all sockets the newest is refused.
"""

from __future__ import annotations

import asyncio
import socket
import ssl

from redspice.aio.addresses import SocketName, peer_of
from redspice.aio.arrival import Arrival
from redspice.aio.doorstep import Doorstep
from redspice.aio.first_bytes import FirstBytes, Wire
from redspice.aio.origins import Origins
from redspice.aio.waiting_room import WaitingRoom
from redspice.connection import Connection
from redspice.limits import Limits
from redspice.reds import RedsState
from redspice.refusals import RefusalLog
from redspice.suspects import Suspects
from redspice.transport import Transport


class Viewers:
    """Lets sockets in, and knows when the last one has left."""

    def __init__(self, reds: RedsState, origins: Origins | None) -> None:
        self._reds = reds
        self._origins = origins
        self._inside: dict[Arrival, None] = {}  # the oldest first
        self._doorstep = Doorstep(reds.admission.suspects)
        self._unlinked = WaitingRoom()
        self._closing = False
        self._all_gone = asyncio.Event()

    def __len__(self) -> int:
        return len(self._inside)

    @property
    def limits(self) -> Limits:
        return self._reds.limits

    @property
    def refusals(self) -> RefusalLog:
        return self._reds.refusals

    @property
    def suspects(self) -> Suspects:
        return self._reds.admission.suspects

    def admit(
        self,
        sock: socket.socket,
        name: SocketName,
        tls: ssl.SSLContext | None = None,
        *,
        skip_auth: bool = False,
    ) -> None:
        """Serve a connected socket with this peer name, or close it at once."""
        if self._closing:
            sock.close()
            return
        arrival = Arrival(self, sock, peer_of(sock, name), tls, skip_auth)
        self._make_room(arrival)
        most = self.limits.max_sockets
        if len(self._inside) >= most:
            self._refuse(arrival, "refused", f"{most} are open")
            sock.close()
            return
        self._inside[arrival] = None
        self._unlinked.enter(arrival)
        self._doorstep.enter(arrival)

    def connect(
        self, arrival: Arrival, transport: Transport, skip_auth: bool
    ) -> tuple[Connection, Wire]:
        connection = self._reds.new_connection(transport, skip_auth=skip_auth)
        if self._closing or arrival not in self._inside:
            connection.close()
        if self._origins is None:
            return connection, connection
        return connection, FirstBytes(connection, self._origins, self.limits)

    def link(self, arrival: Arrival) -> None:
        self._unlinked.leave(arrival)

    def leave(self, arrival: Arrival) -> None:
        self._inside.pop(arrival, None)
        self._unlinked.leave(arrival)
        self._doorstep.leave(arrival)
        self._look_round()

    def close(self) -> None:
        """Let nobody in any more and ask everybody to leave."""
        self._closing = True
        for arrival in tuple(self._inside):
            arrival.close()
        self._look_round()

    async def wait_gone(self) -> None:
        """Wait for the last one, after `close`."""
        await self._all_gone.wait()

    def _make_room(self, newest: Arrival) -> None:
        surplus = self._unlinked.surplus(newest, self.limits)
        if surplus is None:
            return
        arrival, reason = surplus
        self._refuse(arrival, "dropped for newer ones", reason)
        # Gone at once: waiting for it to hang up would keep its place taken.
        self._unlinked.leave(arrival)
        del self._inside[arrival]
        arrival.abort()

    def _refuse(self, arrival: Arrival, what: str, reason: str) -> None:
        line = f"{arrival.peer.name}: {what}, {reason}"
        self.refusals.add(f"connections {what}, {reason}", line)

    def _look_round(self) -> None:
        if self._closing and not self._inside:
            self.refusals.flush()
            self._all_gone.set()
