"""The sockets that are open, and the rule by which more are let in.

A linked viewer stays. Sockets that are still in the link stage have proved nothing: there is room
for some, and a newer one takes the place of the oldest, so that whoever opens sockets and says
nothing does not lock viewers out.
"""

from __future__ import annotations

import asyncio

from redspice.aio.protocol import ViewerProtocol
from redspice.aio.refusals import RefusalLog
from redspice.connection import Connection
from redspice.reds import RedsState

MAX_CONNECTIONS = 512
"""Sockets open at once, about a dozen for each viewer; more would eat the file descriptors."""

MAX_UNLINKED = 64
"""Of these, sockets that have not linked: several viewers that connect at the same moment."""


class Viewers:
    """Lets sockets in, and knows when the last one has left."""

    def __init__(self, reds: RedsState) -> None:
        self._reds = reds
        self._inside: dict[ViewerProtocol, Connection] = {}  # the oldest first
        self._refusals = RefusalLog()
        self._closing = False
        self._all_gone = asyncio.Event()

    def __len__(self) -> int:
        return len(self._inside)

    def enter(self, viewer: ViewerProtocol, peer: str, local: bool) -> Connection:
        self._make_room()
        connection = self._reds.new_connection(peer, local)
        if self._closing:
            connection.close()
        elif len(self._inside) >= MAX_CONNECTIONS:
            self._refusals.add(f"refused, {MAX_CONNECTIONS} are open")
            connection.close()
        self._inside[viewer] = connection
        return connection

    def leave(self, viewer: ViewerProtocol) -> None:
        self._inside.pop(viewer, None)
        self._look_round()

    def close(self) -> None:
        """Let nobody in any more and ask everybody to leave."""
        self._closing = True
        self._refusals.close()
        for viewer in tuple(self._inside):
            viewer.close()
        self._look_round()

    async def wait_gone(self) -> None:
        """Wait for the last one, after `close`."""
        await self._all_gone.wait()

    def _make_room(self) -> None:
        unlinked = [viewer for viewer, held in self._inside.items() if not held.linked]
        if len(unlinked) >= MAX_UNLINKED:
            self._refusals.add(f"dropped for newer ones, {MAX_UNLINKED} have not linked")
            # Gone at once: waiting for it to hang up would keep its place taken.
            del self._inside[unlinked[0]]
            unlinked[0].abort()

    def _look_round(self) -> None:
        if self._closing and not self._inside:
            self._all_gone.set()
