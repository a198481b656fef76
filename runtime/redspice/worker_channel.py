"""Channels that live in another loop, and so perhaps in another thread, than their server.

    the server's loop                            the worker's loop
    Connection ── WorkerChannelClient  ──bytes──►  FarConnection ── RedChannelClient
                   of a WorkerChannel  ◄─bytes───    of the real RedChannel

The socket, the link stage and the viewer stay with the server. All else of a channel is in the
worker: the channel and its clients are made there and only ever run there, so they need no locks.
Between the loops go calls, which a `Dispatcher` for each direction keeps in order; with them go
bytes, numbers, and objects that nobody changes.

Rules for a channel in a worker: its `reds` is a `FarReds` with the worker's core, the limits,
whether the guest runs, and no more. What it wants of the server goes through `reds.dispatch`, what
the server wants of it through `WorkerChannel.dispatch`. Its `RedClient` knows of this channel
alone.

Neither loop gets far ahead of the other: the worker makes output once the socket has taken the
last, and a viewer is not read while `MOST_UNREAD` bytes of it wait for the worker.

A viewer that is moved to another server takes no state of such a channel along: it opens it anew.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, Protocol, cast

from redspice.channel import RedChannel
from redspice.channel_client import RedChannelClient
from redspice.client import RedClient
from redspice.errors import PeerError
from redspice.framing import pack_header

if TYPE_CHECKING:
    from redspice.channel import AnyChannel
    from redspice.connection import Connection
    from redspice.framing import Frame
    from redspice.interfaces import CoreInterface
    from redspice.limits import Limits
    from redspice.link import Linked
    from redspice.reds import RedsState
    from redspice_protocol import Buffer

logger = logging.getLogger("redspice")

# Bytes of a viewer that may wait for the worker: enough to keep it busy for a turn of its loop.
MOST_UNREAD = 256 * 1024
# What both halves of a channel say alike.
SHARED = ("messages", "max_message_size", "local_caps", "allows_multiple")


class Dispatcher(Protocol):
    """Takes calls to a loop."""

    def post(self, call: Callable[[], object]) -> None:
        """Have `call` run there, after all that were posted before; it is not waited for. Dropped
        when the loop has ended."""


class Worker(Protocol):
    """Another loop, and the ways between it and the server's."""

    @property
    def to_worker(self) -> Dispatcher: ...

    @property
    def to_server(self) -> Dispatcher: ...

    @property
    def core(self) -> CoreInterface:
        """The worker's loop, for use in the worker."""


class FarReds:
    """What a channel in a worker has for its `reds`."""

    def __init__(self, reds: RedsState, worker: Worker) -> None:
        self.core = worker.core
        self.vm_running = reds.vm_running
        self._reds = reds
        self._to_server = worker.to_server

    @property
    def limits(self) -> Limits:
        """The server's. It may get others later, but an object of them never changes."""
        return self._reds.limits

    def dispatch(self, call: Callable[[RedsState], object]) -> None:
        """Have `call` run in the server's loop, with the real `RedsState`; it is not waited for."""
        self._to_server.post(lambda: call(self._reds))


class FarConnection:
    """What a channel client in a worker has for its `connection`."""

    def __init__(self, near: WorkerChannelClient, channel: AnyChannel, linked: Linked) -> None:
        """Raises `ProtocolError` where `RedChannel.connect` does."""
        self.transport = near.connection.transport
        self.local = self.transport.local
        self.peer = self.transport.peer
        self.name = near.connection.name
        self.closed = False
        self._near = near
        self._to_server = near.channel.worker.to_server
        self._unread = 0
        self._may_send = True
        self._flush_soon = channel.core.timer(self._flush)
        client = RedClient(near.client.session_id, lambda client: None)
        self.channel_client: RedChannelClient = channel.connect(
            client, cast("Connection", self), linked
        )

    # For the channel client, as in `Connection`.

    @property
    def wants_data(self) -> bool:
        return self.closed or not self.channel_client.blocked

    def on_output(self) -> None:
        self._flush_soon.start(0)

    def resume(self) -> None:
        self.receive_data(b"")

    def fail(self, reason: str) -> None:
        self._close(lambda: self._near.connection.fail(reason))

    def end(self, reason: str, last_words: Sequence[Buffer] = ()) -> None:
        self._close(lambda: self._near.connection.end(reason, last_words))

    def close(self) -> None:
        self._close(self._near.connection.close)

    # For the half in the server's loop.

    def start(self) -> None:
        """Open the channel."""
        self._run(self.channel_client.linked)
        self.on_output()

    def receive_data(self, data: bytes) -> None:
        """The next bytes of the viewer."""
        self._unread += len(data)
        self._run(lambda: self.channel_client.receive_data(data))
        self.on_output()
        if self.wants_data:
            size, self._unread = self._unread, 0
            self._to_server.post(lambda: self._near.was_read(size))

    def sent(self) -> None:
        """The socket has taken the last output."""
        self._may_send = True
        self._flush()

    def gone(self) -> None:
        """The connection is over."""
        self._close(lambda: None)

    # Inside.

    def _run(self, step: Callable[[], None]) -> None:
        if self.closed:
            return
        try:
            step()
        except PeerError as error:
            self.fail(str(error))
        except Exception:
            logger.exception("%s: unexpected error, closing", self.name)
            self.close()

    def _flush(self) -> None:
        if self._may_send:
            self._run(self._send)

    def _send(self) -> None:
        before = self.channel_client.out_messages
        # Joined, as what a buffer shows may have changed before the other loop sends it.
        data = b"".join(self.channel_client.data_to_send())
        if data:
            self._may_send = False
            messages = self.channel_client.out_messages - before
            serial = self.channel_client.serial
            self._to_server.post(lambda: self._near.output(data, messages, serial))

    def _close(self, tell: Callable[[], object]) -> None:
        if self.closed:
            return
        self.closed = True
        self._flush_soon.cancel()
        try:
            self.channel_client.disconnected()
        except Exception:
            logger.exception("%s: while disconnecting", self.name)
        self._to_server.post(tell)


class WorkerChannelClient(RedChannelClient):
    """The half of a channel client that is in the server's loop: it passes bytes on."""

    channel: WorkerChannel

    def __init__(
        self, channel: WorkerChannel, client: RedClient, connection: Connection, linked: Linked
    ) -> None:
        super().__init__(channel, client, connection, linked)
        self._linked = linked
        self._output = b""
        self._unread = 0
        self._held = False
        """Whether the viewer came from another server. Then messages are cut here, as some are the
        migration's and the others had to wait; no piece of one gets lost."""
        self._far: FarConnection | None = None  # for the worker only

    def start(self) -> None:
        self.channel.worker.to_worker.post(self._start_far)

    def hold(self) -> None:
        super().hold()
        self._held = True

    def receive_data(self, data: Buffer) -> None:
        if self._held:
            super().receive_data(data)
        elif data:
            self.in_bytes += len(data)
            self.channel.in_bytes += len(data)
            self._pass_on(bytes(data))

    def data_to_send(self) -> list[Buffer]:
        if not self._output:
            return super().data_to_send()  # what a migration says, and nothing otherwise
        data, self._output = self._output, b""
        self._post(FarConnection.sent)
        return [data]

    def disconnected(self) -> None:
        super().disconnected()
        self._post(FarConnection.gone)

    # What the worker posts.

    def output(self, data: bytes, messages: int, serial: int) -> None:
        """Bytes for the socket, how many messages they are, and the number of the last one."""
        if self.departure is not None:
            return
        self._output = data
        self.serial = serial
        self.out_messages += messages
        self.out_bytes += len(data)
        self.channel.out_messages += messages
        self.channel.out_bytes += len(data)
        self.connection.on_output()

    def was_read(self, size: int) -> None:
        """The worker has taken so many bytes."""
        self._unread -= size
        if self.blocked and self._unread < MOST_UNREAD:
            self.blocked = False
            self.connection.resume()

    # Inside.

    def _dispatch(self, frame: Frame) -> None:
        if self.arrival is not None:
            super()._dispatch(frame)
            return
        size = len(frame.body)
        header = pack_header(self.mini_header, frame.serial, frame.type, size, frame.sub_list)
        self._pass_on(header + frame.body)

    def _pass_on(self, data: bytes) -> None:
        self._unread += len(data)
        self.blocked = self._unread >= MOST_UNREAD
        self._post(lambda far: far.receive_data(data))

    # In the worker.

    def _start_far(self) -> None:
        tell: Callable[[], None] = self.connection.close
        try:
            self._far = FarConnection(self, self.channel.far(), self._linked)
            self._far.start()
            return
        except PeerError as error:
            tell = partial(self.connection.fail, str(error))
        except Exception:
            logger.exception("%s: unexpected error, closing", self.connection.name)
        self.channel.worker.to_server.post(tell)

    def _post(self, call: Callable[[FarConnection], None]) -> None:
        def run() -> None:
            if self._far is not None:
                call(self._far)

        self.channel.worker.to_worker.post(run)


class WorkerChannel(RedChannel[WorkerChannelClient]):
    """The half of a channel that is in the server's loop; `register_channel` takes it.

    `kind` is the class of the real one. `make(reds, id)` makes it, in the worker; the class itself
    does unless it wants more than that.
    """

    client_class = WorkerChannelClient
    measure_latency = False  # the other half does

    def __init__(
        self,
        reds: RedsState,
        worker: Worker,
        kind: type[RedChannel[Any]],
        id: int = 0,
        make: Callable[[RedsState, int], AnyChannel] | None = None,
    ) -> None:
        for name in SHARED:
            setattr(self, name, getattr(kind, name))
        super().__init__(reds, id)
        self.worker = worker
        self._make = make or kind
        self._far_reds = FarReds(reds, worker)
        self._far: AnyChannel | None = None  # for the worker only

    def registered(self) -> None:
        running = self.reds.vm_running

        def begin(channel: AnyChannel) -> None:
            self._far_reds.vm_running = running  # it may have changed since the channel was made
            channel.registered()

        self.dispatch(begin)

    def unregistered(self) -> None:
        self.dispatch(lambda channel: channel.unregistered())

    def vm_changed(self) -> None:
        running = self.reds.vm_running

        def change(channel: AnyChannel) -> None:
            self._far_reds.vm_running = running
            channel.vm_changed()

        self.dispatch(change)

    def dispatch(self, call: Callable[[Any], object]) -> None:
        """Have `call` run in the worker's loop, with the real channel; it is not waited for."""
        self.worker.to_worker.post(lambda: call(self.far()))

    def far(self) -> AnyChannel:
        """The real channel. For the worker only, which makes it when it is first asked for."""
        if self._far is None:
            self._far = self._make(cast("RedsState", self._far_reds), self.id)
        return self._far
