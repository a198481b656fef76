"""The viewers of a server: each main channel opens a session, which the other channels join."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

from redspice.channels.main import MAIN
from redspice.client import RedClient
from redspice.errors import LinkError, ProtocolError
from redspice.migration.target import Target
from redspice_protocol.enums import LinkErr

if TYPE_CHECKING:
    from redspice.channel_client import RedChannelClient
    from redspice.connection import Connection
    from redspice.link import Linked
    from redspice.link_messages import LinkMess
    from redspice.reds import RedsState


class Sessions:
    """Who is connected, and who may connect to what."""

    def __init__(self, reds: RedsState) -> None:
        self.clients: list[RedClient] = []
        self._reds = reds

    def find(self, session_id: int) -> RedClient | None:
        """The viewer of this session."""
        return next((client for client in self.clients if client.session_id == session_id), None)

    def check(self, mess: LinkMess) -> None:
        """Raises `LinkError` unless the session and the channel that a viewer names exist."""
        name = f"channel {mess.channel_type}:{mess.channel_id}"
        client = self.find(mess.connection_id)
        if mess.channel_type != MAIN.id and client is None:
            raise LinkError(LinkErr.BAD_CONNECTION_ID, f"no viewer with this session wants {name}")
        # A viewer that names a session with its main channel comes from another server, perhaps
        # once more. One that names a session of this server would meddle with somebody else's.
        if mess.channel_type == MAIN.id and client is not None and client.settled:
            raise LinkError(LinkErr.BAD_CONNECTION_ID, "another viewer has this session")
        if self._reds.channels.find(mess.channel_type, mess.channel_id) is None:
            raise LinkError(LinkErr.CHANNEL_NOT_AVAILABLE, f"{name} is gone")
        # One that comes once more takes the place that it has.
        if mess.channel_type == MAIN.id and client is None and self._full:
            reason = f"as many viewers as may be are in, {len(self.clients)}"
            raise LinkError(LinkErr.CHANNEL_NOT_AVAILABLE, reason)

    def attach(self, connection: Connection, linked: Linked) -> RedChannelClient:
        """The channel client of a connection that `check` has let pass.

        Raises `ProtocolError` if the viewer has this channel already, or if viewer, channel or
        connection went while the embedder was told of the link or of viewers that had to leave.
        """
        if linked.channel_type == MAIN.id:
            client: RedClient | None = self._new_client(linked.connection_id)
        else:
            client = self.find(linked.connection_id)
        channel = self._reds.channels.find(linked.channel_type, linked.channel_id)
        if channel is None or client is None or connection.closed:
            raise ProtocolError("the session or the channel ended during the link stage")
        channel_client: RedChannelClient = channel.connect(client, connection, linked)
        if linked.channel_type == MAIN.id and linked.connection_id != 0:
            client.target = Target(client, self._reds.core, self._reds.limits)
        if client.target is not None:
            client.target.hold(channel_client)
        if client not in self.clients:
            self.clients.append(client)
        return channel_client

    def disconnect_all(self, reason: str, code: LinkErr = LinkErr.OK) -> None:
        """Disconnect every viewer."""
        for client in tuple(self.clients):
            client.disconnect(reason, code)

    @property
    def _full(self) -> bool:
        reds = self._reds
        most = reds.limits.max_clients if reds.allow_multiple_clients else None
        return most is not None and len(self.clients) >= most

    def _new_client(self, session_id: int) -> RedClient:
        """A viewer, which keeps the session that it has at another server, if it has one there."""
        if not self._reds.allow_multiple_clients:
            for other in tuple(self.clients):
                other.disconnect("another viewer takes over")
        if (again := self.find(session_id)) is not None:
            again.disconnect("the viewer comes once more")
        while session_id == 0 or self.find(session_id) is not None:
            session_id = secrets.randbits(32)
        return RedClient(session_id, self._gone, self._reds.limits.max_glz_pixels)

    def _gone(self, client: RedClient) -> None:
        self.clients.remove(client)
        if client.target is not None:
            client.target.gone()
        self._reds.migration.gone(client)
        if not self.clients:
            self._reds.last_viewer_left()
