"""One channel of one viewer: what is to be sent, what came in, and what the viewer can do.

Incoming messages are a table: HANDLERS has the method for each message that this channel acts on,
IGNORED the names of those that are legal and mean nothing here; anything else ends the connection.
Outgoing messages wait in the pipe. When the pipe is empty and the windows of messages and bytes are
open, `mark_due` and `next_items` say what has become due meanwhile, so state that changes often is
sent as it is then, and a viewer that does not read has no queue of it. What `urgent_items` says may
go a little beyond the window of bytes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Self

from redspice.ack import DEFAULT_WINDOW, FLOW_WINDOW, AckWindow
from redspice.errors import ProtocolError
from redspice.flow import FlowWindow
from redspice.framing import Frame, FrameReader, append_messages, pack_header
from redspice.latency import LatencyMonitor
from redspice.marks import Marks
from redspice.migration.arrival import Arrival
from redspice.migration.departure import Departure
from redspice.migration.movable import Movable
from redspice.pings import NANOSECONDS, PING, Pings
from redspice.pipe import Pipe, PipeItem
from redspice.ring import RingLink
from redspice.stall import Missing, Stall
from redspice_protocol import CHANNELS, WireError
from redspice_protocol.base import (
    MsgcAckSync,
    MsgcDisconnecting,
    MsgcPong,
    MsgData,
    MsgDisconnecting,
    MsgEmpty,
    MsgNotify,
    MsgSetAck,
)
from redspice_protocol.enums import LinkErr, NotifySeverity, NotifyVisibility, WarnCode

if TYPE_CHECKING:
    from redspice.channel import AnyChannel
    from redspice.client import RedClient
    from redspice.connection import Connection
    from redspice.link import Linked
    from redspice_protocol import Buffer

# Bytes after which one round of sending stops, so that a socket's buffer stays short and what is
# sent next is as fresh as possible; on a long line it is what lies between two marks. A single
# larger message goes out whole.
SEND_CHUNK = 256 * 1024

# The table pairs a message's name, and so its class, with the method that takes that class.
Handler = Callable[[Any, Any], None]

COMMON = CHANNELS["main"].server.by_name
SET_ACK = COMMON["set_ack"]
DISCONNECTING = COMMON["disconnecting"]
NOTIFY = COMMON["notify"]


class RedChannelClient(Movable):
    """The server's end of one channel connection."""

    IGNORED: ClassVar[frozenset[str]] = frozenset()
    PING_TICKS: ClassVar[int] = NANOSECONDS
    """How many units of a PING's timestamp make a second."""
    link: RingLink[Self]
    """The place in the channel's ring of clients; the channel makes it."""
    opened = False
    """Whether the link stage is over. Nothing is said before what opens the channel, which tells
    all that changed until then."""
    blocked = False
    """Whether the viewer's messages have to wait, for a device that is slower than the viewer;
    whoever unsets it calls `Connection.resume`."""

    def __init__(
        self, channel: AnyChannel, client: RedClient, connection: Connection, linked: Linked
    ) -> None:
        self.channel = channel
        self.client = client
        self.connection = connection
        self.remote_common_caps = linked.common_caps
        self.remote_caps = linked.channel_caps
        self.mini_header = linked.mini_header
        limits = channel.reds.limits
        self.pipe = Pipe(limits.max_waiting_messages, limits.max_waiting_bytes)
        # A unix socket has no line to fill, and its buffer is short.
        self.flow = FlowWindow() if channel.flow_by_bytes and not connection.local else None
        window = DEFAULT_WINDOW if self.flow is None else FLOW_WINDOW
        self.ack = AckWindow(window) if channel.handle_acks else None
        self.serial = 0
        """The number of the last message sent; the first is 1."""
        self.out_messages = 0
        """Messages sent up to now, pings not counted."""
        self.out_bytes = 0
        self.in_messages = 0
        self.in_bytes = 0
        self.pings = Pings(channel.core.now, self.PING_TICKS)
        self.latency_monitor = LatencyMonitor(channel.core, self, self.pings)
        self._reader = FrameReader(self.mini_header, channel.max_message_size)
        self._due: dict[Callable[[], PipeItem], None] = {}
        self._stall = Stall(channel.core, connection.fail, limits)
        self._marks: Marks | None = None
        if self.flow is not None:
            self._marks = Marks(channel.core, self.flow, self.pings, self._stall, self._wake)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.name} of {self.client!r})"

    @property
    def name(self) -> str:
        """Which channel this is, for logs."""
        return self.channel.name

    @property
    def has_output(self) -> bool:
        """Whether messages wait to be sent."""
        return bool(self.pipe or self._due)

    def start(self) -> None:
        """Send the messages that open the channel; extended by each channel type."""
        if self.ack is not None:
            message = MsgSetAck(generation=self.ack.next_generation(), window=self.ack.window)
            self.push(PipeItem(SET_ACK, message))
        if self.channel.measure_latency and not self.connection.local:
            self.latency_monitor.start()

    def linked(self) -> None:
        """The link stage is over."""
        self.opened = True
        if self.arrival is None:
            self.start()

    def disconnected(self) -> None:
        """The connection is over: leave the channel and the viewer."""
        self._stall.cancel()
        if self._marks is not None:
            self._marks.stop()
        self.latency_monitor.stop()
        self.pipe.clear()
        self.channel.disconnect(self)
        self.client.remove(self)

    # Moving to another server, and from there.

    def leave(self) -> None:
        """Let the viewer take the channel to another server; extended where a device has to
        stop."""
        self.departure = Departure(self)
        if self._marks is not None:
            self._marks.stop()
        self.latency_monitor.stop()
        self.connection.on_output()

    def hold(self) -> None:
        """Wait for a viewer that is on its way from another server."""
        self.arrival = Arrival(self, self._reader)

    # Sending.

    def push(self, item: PipeItem) -> None:
        """Send a message after those that wait already; dropped when the connection is over."""
        self._enqueue(item, self.pipe.push)

    def push_urgent(self, item: PipeItem) -> None:
        """Send a message before those that wait already; dropped when the connection is over."""
        self._enqueue(item, self.pipe.push_urgent)

    def push_migration(self, item: PipeItem) -> None:
        """Send a message of the migration itself, for which the channel need not be open."""
        self.pipe.push(item)
        self.connection.on_output()

    def refill(self, items: Iterable[PipeItem]) -> None:
        """Send what `next_items` could not return at once; dropped when the connection is over."""
        if not self.connection.closed:
            self._refill(items)
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

    def has_urgent(self) -> bool:
        """Whether what waits in the pipe, or would be due after it, should be seen at once."""
        return False

    def urgent_items(self) -> list[PipeItem]:
        """What should be seen at once, of what is due now that the pipe is empty: it may exceed the
        budget of the flow. Overridden by channels that know of such."""
        return []

    def notify(
        self,
        text: str,
        severity: int = NotifySeverity.WARN,
        visibility: int = NotifyVisibility.HIGH,
        what: int = WarnCode.WARN_GENERAL,
    ) -> None:
        """Show the viewer's user a text."""
        time = int(self.channel.core.now() * NANOSECONDS)
        message = MsgNotify(time, severity, visibility, what, text.encode())
        # The NUL that ends the text is not counted in its length.
        self.push(PipeItem(NOTIFY, message, trailing=b"\0"))

    def disconnecting(self, reason: LinkErr) -> list[Buffer]:
        """The last message of a connection that is to end, for its transport."""
        time = int(self.channel.core.now() * NANOSECONDS)
        return self._frame(PipeItem(DISCONNECTING, MsgDisconnecting(time, reason)))

    def data_to_send(self) -> list[Buffer]:
        """The next messages, up to about `SEND_CHUNK` bytes; empty when none may be sent."""
        output: list[Buffer] = []
        end = self.out_bytes + self._send_chunk
        while self.out_bytes < end and (item := self._next()) is not None:
            output += self._frame(item)
        return output

    @property
    def _send_chunk(self) -> int:
        if self.flow is None or not self.flow.long:
            return SEND_CHUNK
        return min(SEND_CHUNK, self.flow.mark_bytes)

    def _enqueue(self, item: PipeItem, put: Callable[[PipeItem], None]) -> None:
        if self.connection.closed or not self.opened:
            return
        if self.arrival is not None or self.departure is not None:
            return
        if self.pipe.full:
            waiting = f"{len(self.pipe)} messages of {self.pipe.bytes} bytes"
            self.connection.fail(f"{waiting} wait and the viewer does not read")
            return
        for one in self._outer_items(item):
            put(one)
        self.connection.on_output()

    def _refill(self, items: Iterable[PipeItem]) -> None:
        for item in items:
            for one in self._outer_items(item):
                self.pipe.refill(one)

    def _outer_items(self, item: PipeItem) -> list[PipeItem]:
        """The messages that an item becomes, each with a header and a serial of its own."""
        preceding = item.preceding() if self.mini_header else None
        return [item] if preceding is None else [preceding, item]

    def _next(self) -> PipeItem | None:
        """The message to send now; None if there is none or it may not be sent."""
        if self.departure is not None and self.departure.silent:
            return self.pipe.pop() if self.pipe else None
        if self.ack is not None and self.ack.blocked:
            self._stall.begin(Missing.ACK)
            return None
        if self.flow is not None and self._marks is not None:
            return self._next_by_flow(self.flow, self._marks)
        if not self.pipe:
            self._refill(self._made_items())
        return self.pipe.pop() if self.pipe else None

    def _next_by_flow(self, flow: FlowWindow, marks: Marks) -> PipeItem | None:
        """The same where bytes on their way are bounded."""
        now = self.channel.core.now()
        if flow.wants_mark:
            return marks.item()
        if not flow.may_send(now):
            self._stall.begin(Missing.PONG, flow.in_flight)
            return self.pipe.pop() if flow.may_exceed and self._hurry() else None
        if not self.pipe:
            self._refill(self._made_items())
        if not self.pipe:
            return None
        return marks.item() if flow.wants_probe(now) else self.pipe.pop()

    def _made_items(self) -> list[PipeItem]:
        """What to send now that nothing waits."""
        if self.arrival is not None or not self.opened:
            return []
        if self.departure is not None:
            return self.departure.items()
        due, self._due = self._due, {}
        return [*(make() for make in due), *self.next_items()]

    def _hurry(self) -> bool:
        """Put what is urgent into an empty pipe; whether what waits there may go before a viewer
        answers."""
        if not self.pipe and self.arrival is None and self.departure is None:
            self._refill(self.urgent_items())
            return bool(self.pipe)
        return bool(self.pipe) and self.has_urgent()

    def _wake(self) -> None:
        self.connection.on_output()

    def _frame(self, item: PipeItem) -> list[Buffer]:
        """A message as buffers, header first; it counts as sent."""
        parts = list(item.parts())
        sub_list = 0
        if item.before and not self.mini_header:
            messages = [(one.message_type.id, one.parts()) for one in item.before]
            sub_list = append_messages(parts, messages)
        self.serial += 1
        size = sum(map(len, parts))
        type = item.message_type.id
        header = pack_header(self.mini_header, self.serial, type, size, sub_list)
        self._count(item, len(header) + size)
        return [header, *parts]

    def _count(self, item: PipeItem, size: int) -> None:
        self.out_bytes += size
        self.channel.count_sent(size)
        if self.ack is not None:
            if item.message_type is SET_ACK:
                self.ack.announced()
            else:
                self.ack.sent()
        if item.message_type is PING:
            return
        self.out_messages += 1
        if self.flow is not None:
            self.flow.sent(size)

    # Receiving.

    def receive_data(self, data: Buffer) -> None:
        """Take the next bytes of the viewer. Raises `ProtocolError`."""
        self.in_bytes += len(data)
        self.channel.in_bytes += len(data)
        self._reader.feed(data)
        if self.blocked:
            return
        for frame in self._reader if self.arrival is None else self.arrival.frames():
            self._dispatch(frame)
            if self.connection.closed or self.blocked:
                return

    def _dispatch(self, frame: Frame) -> None:
        self.in_messages += 1
        self.channel.in_messages += 1
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
            self._stall.end(Missing.ACK)

    def on_pong(self, message: MsgcPong) -> None:
        self.pings.answered(message)

    def on_disconnecting(self, message: MsgcDisconnecting) -> None:
        self.connection.end(f"the viewer says goodbye, reason {message.reason}")

    def on_migrate_flush_mark(self, message: MsgEmpty) -> None:
        if self.departure is None:
            raise ProtocolError("migrate_flush_mark, and nothing was to be flushed")
        self.departure.flushed()

    def on_migrate_data(self, message: MsgData) -> None:
        self.client.arriving().restore(self, message.data)

    HANDLERS: ClassVar[Mapping[str, Handler]] = {
        "ack_sync": on_ack_sync,
        "ack": on_ack,
        "pong": on_pong,
        "disconnecting": on_disconnecting,
        "migrate_flush_mark": on_migrate_flush_mark,
        "migrate_data": on_migrate_data,
    }
