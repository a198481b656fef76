"""One socket of one viewer, without the socket: bytes in, bytes out.

A `Connection` starts in the link stage and becomes one channel of one viewer. Whatever the peer
does wrong ends here, as one log line and the end of this connection; so does an exception of the
embedder's callbacks, with its traceback.

A transport shell calls `receive_data` and `receive_eof` with what it reads, and when `on_output`
was called, it drains `data_to_send` into its socket until the list is empty, then closes the socket
if `closed` is true. When its send buffer is full it stops draining and drains again later: that
back-pressure is what makes a slow viewer get fewer, merged updates. While `wants_data` is
false it leaves its socket unread, so that a viewer which is faster than a device has to wait.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from redspice.errors import LinkError, PeerError
from redspice.interfaces import ChannelEvent, ChannelEventInfo
from redspice.link import LinkStage
from redspice_protocol.enums import LinkErr

if TYPE_CHECKING:
    from collections.abc import Sequence

    from redspice.channel_client import RedChannelClient
    from redspice.reds import RedsState
    from redspice.transport import Transport
    from redspice_protocol import Buffer

logger = logging.getLogger("redspice")

# Viewers try one port and are sent to the other: nothing is wrong with them.
COME_ELSEWHERE = frozenset((LinkErr.NEED_SECURED, LinkErr.NEED_UNSECURED))
# What a viewer that knows what it may do does not run into. A place that is taken is not its fault.
BLAMED = frozenset(
    (
        LinkErr.INVALID_MAGIC,
        LinkErr.INVALID_DATA,
        LinkErr.VERSION_MISMATCH,
        LinkErr.PERMISSION_DENIED,
    )
)


def nothing() -> None:
    """What `on_output` does until a shell sets it."""


class Connection:
    """What a transport shell holds for one socket. Made by `RedsState.new_connection`."""

    def __init__(self, reds: RedsState, transport: Transport, skip_auth: bool = False) -> None:
        self.transport = transport
        self.closed = False
        """True once nothing more is read: send what is left, then close the socket."""
        self.on_output = nothing
        """Called when there may be something to send, and when `closed` or `wants_data` changed."""
        self.channel_client: RedChannelClient | None = None
        self._core = reds.core
        self._attach = reds.sessions.attach
        self._refusals = reds.refusals
        self._suspects = reds.admission.suspects
        self._spoke = False
        self._blame: bool | None = None
        """Whether it counts against the peer's network that this became no link; None: see then."""
        self._link_timeout = reds.limits.link_timeout
        self._link = LinkStage(reds.admission, transport, skip_auth=skip_auth, resume=self.resume)
        self._last_words: Sequence[Buffer] = ()
        self._connected: ChannelEventInfo | None = None
        self._deadline = self._core.timer(self._link_timed_out)
        self._deadline.start(self._link_timeout)

    def __repr__(self) -> str:
        return f"Connection({self.name})"

    @property
    def peer(self) -> str:
        """Where the viewer is, for logs."""
        return self.transport.peer

    @property
    def local(self) -> bool:
        """True on a unix socket, where measuring the network makes no sense."""
        return self.transport.local

    @property
    def linked(self) -> bool:
        """Whether the peer has come through the link stage."""
        return self.channel_client is not None

    @property
    def name(self) -> str:
        """The peer and, once known, its channel: how logs call this connection."""
        if self.channel_client is None:
            return f"{self.peer} link"
        return f"{self.peer} {self.channel_client.name}"

    @property
    def wants_data(self) -> bool:
        """Whether the shell is to read its socket. `on_output` is called when this changes."""
        return self.closed or self.channel_client is None or not self.channel_client.blocked

    def resume(self) -> None:
        """Go on with what came while the link stage or the channel client was busy."""
        self.receive_data(b"")

    def receive_data(self, data: Buffer) -> None:
        """Take the next bytes of the peer. Never raises; bytes after `closed` are dropped."""
        if self.closed:
            return
        try:
            if self.channel_client is None:
                self._receive_link(data)
            else:
                self.channel_client.receive_data(data)
        except LinkError as error:
            self._blame = error.code in BLAMED
            level = logging.INFO if error.code in COME_ELSEWHERE else logging.WARNING
            self._end(level, str(error), f"links refused ({error.code.name})")
        except PeerError as error:
            self.fail(str(error))
        except Exception:
            self._fail_unexpectedly()
        else:
            self.on_output()

    def receive_eof(self) -> None:
        """The peer sends no more: the connection is over."""
        if self.channel_client is None:
            self._end(logging.WARNING, "end of stream during the link stage")
        else:
            self.close()

    def connection_lost(self, reason: str) -> None:
        """The socket broke, or the shell closed it. Harmless after `closed`."""
        self.end(f"connection lost: {reason}")

    def data_to_send(self) -> list[Buffer]:
        """The next buffers for the socket, in order; an empty list when there is nothing to send.

        One call returns a bounded number of messages, so call again until the list is empty.
        """
        link_bytes = self._link.data_to_send()
        if link_bytes:
            return [link_bytes]
        if self.closed or self.channel_client is None:
            last_words, self._last_words = self._last_words, ()
            return list(last_words)
        try:
            return self.channel_client.data_to_send()
        except Exception:
            self._fail_unexpectedly()
            return []

    def fail(self, reason: str) -> None:
        """Close because of something that the peer did: one warning."""
        self._blame = True
        self._end(logging.WARNING, reason)

    def end(self, reason: str, last_words: Sequence[Buffer] = ()) -> None:
        """Close for a reason that is nobody's fault, but worth one log line.

        `last_words`, whole messages, are the last that the peer gets.
        """
        if not self.closed:
            self._last_words = last_words
            self._end(logging.INFO, reason)

    def close(self) -> None:
        """Take no more bytes, leave the channel, and let the shell flush and close the socket."""
        if self.closed:
            return
        self.closed = True
        self._deadline.cancel()
        if not self.linked and self._at_fault:
            self._suspects.failed(self.transport.network)
        self._link.close()
        # The one calls devices, the other the core; neither may keep the other from its turn.
        for step in (self._leave, self._announce_end):
            try:
                step()
            except Exception:
                logger.exception("%s: while disconnecting", self.name)
        self.on_output()

    def _end(self, level: int, reason: str, kind: str = "links ended") -> None:
        """Close with one log line, which links that failed share when there are many."""
        if self.closed:
            return
        line = f"{self.name}: {reason}"
        if self.linked:
            logger.log(level, "%s", line)
        else:
            self._refusals.add(kind, line, level)
        self.close()

    def _receive_link(self, data: Buffer) -> None:
        self._spoke = True
        self._link.receive_data(data)
        if self._connected is None and self._link.mess is not None:
            mess = self._link.mess
            self._announce(
                ChannelEvent.CONNECTED, mess.connection_id, mess.channel_type, mess.channel_id
            )
        linked = self._link.linked
        if linked is None:
            return
        self._deadline.cancel()
        self._suspects.linked(self.transport.network)
        self.channel_client = self._attach(self, linked)
        # Registered first, opened then: whatever fails from here on is undone by `close`.
        self._announce(
            ChannelEvent.INITIALIZED,
            self.channel_client.client.session_id,
            linked.channel_type,
            linked.channel_id,
        )
        if not self.closed:
            self.channel_client.linked()
        if self._link.trailing and not self.closed:
            self.channel_client.receive_data(self._link.trailing)

    def _announce(
        self, event: ChannelEvent, connection_id: int, channel_type: int, channel_id: int
    ) -> None:
        transport = self.transport
        info = ChannelEventInfo(
            connection_id,
            channel_type,
            channel_id,
            peer=transport.peer,
            local_address=transport.local_address,
            tls=transport.tls,
        )
        self._connected = info
        self._core.channel_event(event, info)

    def _leave(self) -> None:
        if self.channel_client is not None:
            self.channel_client.disconnected()

    def _announce_end(self) -> None:
        if self._connected is not None:
            self._core.channel_event(ChannelEvent.DISCONNECTED, self._connected)

    @property
    def _at_fault(self) -> bool:
        """Whether the peer is why there is no link: it could go on and did not.

        Not who has said nothing, and may look whether the port is open, nor who has to wait for us.
        """
        return self._blame if self._blame is not None else self._spoke and not self._link.busy

    def _link_timed_out(self) -> None:
        self._end(logging.WARNING, f"link stage not finished in {self._link_timeout:g} s")

    def _fail_unexpectedly(self) -> None:
        self._blame = False
        logger.exception("%s: unexpected error, closing", self.name)
        self.close()
