"""One channel of one viewer: what is to be sent, what came in, and what the viewer can do.

Incoming messages are a table: HANDLERS has the method for each message that this channel acts on,
IGNORED the names of those that are legal and mean nothing here; anything else ends the connection.
Outgoing messages wait in the pipe. When the pipe is empty and the ack window open, `mark_due` and
`next_items` say what has become due meanwhile, so state that changes often is sent as it is then,
and a viewer that does not read has no queue of it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Self

from redspice.ack import AckWindow
from redspice.errors import ProtocolError
from redspice.framing import Frame, FrameReader, pack_header
from redspice.pipe import Pipe, PipeItem
from redspice.ring import RingLink
from redspice_protocol import CHANNELS, WireError
from redspice_protocol.base import (
    MsgcAckSync,
    MsgcDisconnecting,
    MsgcPong,
    MsgEmpty,
    MsgSetAck,
)

if TYPE_CHECKING:
    from redspice.channel import AnyChannel
    from redspice.client import RedClient
    from redspice.connection import Connection
    from redspice.link import Linked
    from redspice_protocol import Buffer

# Bytes after which one round of sending stops, so that a socket's buffer stays short and what is
# sent next is as fresh as possible. A single larger message goes out whole.
SEND_CHUNK = 256 * 1024

# Seconds that a viewer may leave a full ack window unanswered, as long as the reference server lets
# a connection stand still.
ACK_TIMEOUT = 30.0

# The table pairs a message's name, and so its class, with the method that takes that class.
Handler = Callable[[Any, Any], None]

SET_ACK = CHANNELS["main"].server.by_name["set_ack"]


class RedChannelClient:
    """The server's end of one channel connection."""

    IGNORED: ClassVar[frozenset[str]] = frozenset()
    link: RingLink[Self]
    """The place in the channel's ring of clients; the channel makes it."""

    def __init__(
        self, channel: AnyChannel, client: RedClient, connection: Connection, linked: Linked
    ) -> None:
        self.channel = channel
        self.client = client
        self.connection = connection
        self.remote_common_caps = linked.common_caps
        self.remote_caps = linked.channel_caps
        self.mini_header = linked.mini_header
        self.pipe = Pipe()
        self.ack = AckWindow() if channel.handle_acks else None
        self.serial = 0
        """The number of the last message sent; the first is 1."""
        self._reader = FrameReader(self.mini_header, channel.max_message_size)
        self._due: dict[Callable[[], PipeItem], None] = {}
        self._waits_for_ack = False
        self._ack_deadline = channel.core.timer(self._ack_timed_out)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.name} of {self.client!r})"

    @property
    def name(self) -> str:
        """Which channel this is, for logs."""
        return self.channel.name

    def start(self) -> None:
        """Send the messages that open the channel; extended by each channel type."""
        if self.ack is not None:
            message = MsgSetAck(generation=self.ack.next_generation(), window=self.ack.window)
            self.push(PipeItem(SET_ACK, message))

    def disconnected(self) -> None:
        """The connection is over: leave the channel and the viewer."""
        self._ack_deadline.cancel()
        self.pipe.clear()
        self.channel.disconnect(self)
        self.client.remove(self)

    def push(self, item: PipeItem) -> None:
        """Send a message after those that wait already; dropped when the connection is over."""
        if self.connection.closed:
            return
        if self.pipe.full:
            self.connection.fail(f"{len(self.pipe)} messages wait and the viewer does not read")
            return
        self.pipe.push(item)
        self.connection.on_output()

    def mark_due(self, make: Callable[[], PipeItem]) -> None:
        """Send what `make` returns once the viewer is ready for it; marked twice it is sent once.

        For messages that tell a state: only the last one matters.
        """
        self._due[make] = None
        self.connection.on_output()

    def next_items(self) -> list[PipeItem]:
        """What is due now that the pipe is empty; overridden by channels that merge updates."""
        return []

    def data_to_send(self) -> list[Buffer]:
        """The next messages, about `SEND_CHUNK` bytes of them; empty when none may be sent."""
        output: list[Buffer] = []
        size = 0
        while size < SEND_CHUNK and (item := self._pop()) is not None:
            parts = item.parts()
            body_size = sum(len(part) for part in parts)
            self.serial += 1
            header = pack_header(self.mini_header, self.serial, item.message_type.id, body_size)
            output.append(header)
            output.extend(parts)
            size += len(header) + body_size
            self.channel.count_sent(len(header) + body_size)
        return output

    def receive_data(self, data: Buffer) -> None:
        """Take the next bytes of the viewer. Raises `ProtocolError`."""
        self._reader.feed(data)
        for frame in self._reader:
            self._dispatch(frame)
            if self.connection.closed:
                return

    def _pop(self) -> PipeItem | None:
        if self.ack is not None and self.ack.blocked:
            self._wait_for_ack()
            return None
        if not self.pipe:
            due, self._due = self._due, {}
            for item in (*[make() for make in due], *self.next_items()):
                self.pipe.push(item)
        if not self.pipe:
            return None
        item = self.pipe.pop()
        if self.ack is not None:
            if item.message_type is SET_ACK:
                self.ack.announced()
            else:
                self.ack.sent()
        return item

    def _wait_for_ack(self) -> None:
        if not self._waits_for_ack:
            self._waits_for_ack = True
            self._ack_deadline.start(ACK_TIMEOUT)

    def _ack_timed_out(self) -> None:
        self.connection.fail(f"nothing acknowledged in {ACK_TIMEOUT:g} s")

    def _dispatch(self, frame: Frame) -> None:
        if frame.sub_list:
            raise ProtocolError(f"message type {frame.type} has sub-messages, as only servers send")
        message_type = self.channel.messages.client.by_id.get(frame.type)
        if message_type is None:
            raise ProtocolError(f"unknown message type {frame.type}")
        if message_type.name in self.IGNORED:
            return
        handler = self.HANDLERS.get(message_type.name)
        if handler is None:
            raise ProtocolError(f"unexpected message {message_type.name}")
        try:
            message = message_type.demarshal(frame.body)
        except WireError as error:
            raise ProtocolError(str(error)) from error
        handler(self, message)

    def on_ack_sync(self, message: MsgcAckSync) -> None:
        if self.ack is not None:
            self.ack.synced(message.generation)

    def on_ack(self, message: MsgEmpty) -> None:
        if self.ack is None:
            return
        self.ack.acknowledged()
        if not self.ack.blocked:
            self._waits_for_ack = False
            self._ack_deadline.cancel()

    def on_pong(self, message: MsgcPong) -> None:
        """Nobody asked; only the main channel measures its network."""

    def on_disconnecting(self, message: MsgcDisconnecting) -> None:
        self.connection.end(f"the viewer says goodbye, reason {message.reason}")

    HANDLERS: ClassVar[Mapping[str, Handler]] = {
        "ack_sync": on_ack_sync,
        "ack": on_ack,
        "pong": on_pong,
        "disconnecting": on_disconnecting,
    }
