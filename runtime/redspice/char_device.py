"""Between a char device of the embedder and the viewers of it: a queue one way, tokens both ways.

The agent, smart cards and the spicevmc channels (USB, ports, WebDAV) all work like this; each
derives from `CharDevice` and says how its bytes become messages.

    viewer  ── spend, write ──►  queue  ── interface.write ──►  guest
    viewer  ◄── send_message ──  tokens, room  ◄── read_step, receive ──  guest

Toward the guest. A viewer spends one of its tokens for each message, and gets it back when the
guest has taken the last byte of it; so what waits is bounded by the tokens. What the device does
not take at once waits until `wakeup`, and is tried again every `WRITE_RETRY` seconds.

Toward the viewers. The device is read while a viewer can take more: while it has granted tokens (if
its kind of channel has them) and `has_room` for it. What one of several viewers cannot take waits
for it, up to `max_waiting` messages and `device_token_timeout` seconds; so a viewer that is slow
costs the others nothing, and a single viewer that is slow costs the guest's program a blocked
write.

How to use it: derive, fill in what is abstract, call `open`, then `add_client` for each viewer,
`room_again` when `has_room` was false and is true again, and `close` at the end. Callbacks may add
and remove clients, and close.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import deque
from typing import TYPE_CHECKING, ClassVar, Generic, TypeVar

from redspice.errors import ConfigurationError, ProtocolError
from redspice.limits import Limits

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from redspice.interfaces import CharDeviceInterface, CoreInterface, Timer

ClientT = TypeVar("ClientT")
MessageT = TypeVar("MessageT")

# Seconds after which a device that took nothing is asked again; some embedders never call `wakeup`
# for writing. The reference server asks as often.
WRITE_RETRY = 0.1
# Pieces read in one go; then others in the loop have their turn.
READ_STEPS = 128


class _Client(Generic[ClientT, MessageT]):
    """What a device knows of one viewer."""

    __slots__ = ("deadline", "free", "grant", "owner", "seconds", "tokens", "waiting")

    def __init__(self, owner: ClientT, tokens: int, grant: int | None, deadline: Timer) -> None:
        self.owner = owner
        self.tokens = tokens
        """Messages that the viewer may still send."""
        self.free = 0
        """Tokens that were spent and are free again, but not returned yet."""
        self.grant = grant
        """Messages that it takes; None: any number."""
        self.waiting: deque[MessageT] = deque()
        self.deadline = deadline
        self.seconds = 0.0
        """The time that it has, or had."""


class CharDevice(ABC, Generic[ClientT, MessageT]):
    """One registered device. `ClientT` is what its owner calls a viewer; `limits` are asked for
    when one begins to be slow."""

    tokens: ClassVar[int] = 1
    """How many messages of a viewer may be on their way to the guest."""
    token_batch: ClassVar[int] = 1
    """How many tokens are returned at a time."""
    max_waiting: ClassVar[int] = 64
    """How many messages may wait for tokens or room of one viewer."""

    def __init__(
        self,
        core: CoreInterface,
        interface: CharDeviceInterface,
        limits: Callable[[], Limits] = Limits,
    ) -> None:
        self.interface = interface
        self.is_open = False
        self._core = core
        self._limits = limits
        self._clients: dict[ClientT, _Client[ClientT, MessageT]] = {}
        self._partial = bytearray()
        self._queue: deque[tuple[memoryview, _Client[ClientT, MessageT] | None]] = deque()
        self._queued = 0
        self._reading = self._writing = self._woken = self._no_room = False
        self._retry = core.timer(self._write_queue)
        self._turn = core.timer(self.read)

    # What each kind of device fills in.

    @abstractmethod
    def read_step(self) -> bool:
        """Read one piece with `receive` or `receive_some`, and `send` what it completes.

        False when the guest has no more for now.
        """

    @abstractmethod
    def send_message(self, client: ClientT, message: MessageT) -> None:
        """Hand a message to a viewer, which has a token and room for it."""

    @abstractmethod
    def send_tokens(self, client: ClientT, count: int) -> None:
        """Tell a viewer that it may send so many more messages."""

    @abstractmethod
    def drop_client(self, client: ClientT, reason: str) -> None:
        """Disconnect a viewer that has not taken what waits for it."""

    @abstractmethod
    def has_room(self, client: ClientT) -> bool:
        """Whether the viewer's connection can take more now; once it can, call `room_again`."""

    def wants_data(self) -> bool:
        """Whether the device is to be read. It is not while nobody would get it."""
        return any(map(self._ready, self._clients.values()))

    # The life of a device and of its viewers.

    def open(self) -> None:
        """Tell the device that it is used, and begin to read."""
        self.is_open = True
        self.interface.wakeup_listener = self.wakeup
        self.interface.state(True)
        self.read()

    def close(self) -> None:
        """Forget the viewers and what waits, and tell the device. Harmless when done before."""
        if not self.is_open:
            return
        self.is_open = False
        for client in tuple(self._clients):
            self.remove_client(client)
        self._retry.cancel()
        self._turn.cancel()
        self._partial.clear()
        self._queue.clear()
        self._queued = 0
        self.interface.wakeup_listener = None
        self.interface.state(False)

    @property
    def clients(self) -> tuple[ClientT, ...]:
        """The viewers, the first one first."""
        return tuple(self._clients)

    def add_client(self, client: ClientT, grant: int | None = None) -> None:
        """Let a viewer in, which takes `grant` messages for a start; None: any number, always.

        Raises `ValueError` if it is in.
        """
        if client in self._clients:
            raise ValueError(f"{client!r} uses the device already")
        deadline = self._core.timer(lambda: self._overdue(client))
        self._clients[client] = _Client(client, self.tokens, grant, deadline)
        self.read()

    def remove_client(self, client: ClientT) -> None:
        """Forget a viewer; what it wrote still goes to the guest. Harmless when it is not in."""
        state = self._clients.pop(client, None)
        if state is not None:
            state.deadline.cancel()
            state.waiting.clear()

    def wakeup(self) -> None:
        """The device has something to read, or room to write."""
        self._write_queue()
        self.read()

    # Toward the guest.

    @property
    def queued(self) -> int:
        """Bytes that the device has not taken yet."""
        return self._queued

    def queued_of(self, client: ClientT) -> int:
        """Messages of a viewer that the device has not taken, also from before it came again."""
        return sum(state is not None and state.owner == client for _, state in self._queue)

    def tokens_of(self, client: ClientT) -> int:
        """Messages that a viewer may still send."""
        return self._clients[client].tokens

    def spend(self, client: ClientT) -> None:
        """Take a token for a message of a viewer; `write` or `refund` gives it back.

        Raises `ProtocolError` if it has none left.
        """
        state = self._clients[client]
        if state.tokens == 0:
            raise ProtocolError(f"a message more than the {self.tokens} that may be on their way")
        state.tokens -= 1

    def write(self, data: bytes, client: ClientT | None = None) -> None:
        """Queue bytes for the guest, and give `client` its token back once they are taken.

        Without a client they are the server's own, of which nobody else keeps count. Dropped while
        the device is closed.
        """
        if not self.is_open:
            return
        state = None if client is None else self._clients.get(client)
        self._queue.append((memoryview(data), state))
        self._queued += len(data)
        self._write_queue()

    def refund(self, client: ClientT) -> None:
        """Give back the token of a message that is not to be written."""
        if (state := self._clients.get(client)) is not None:
            self._refund(state)

    def written(self) -> None:
        """A message of the server's own was taken; may be overridden."""

    # Toward the viewers.

    def grant(self, client: ClientT, count: int) -> None:
        """A viewer takes `count` more messages."""
        state = self._clients[client]
        if state.grant is not None:
            state.grant += count
        self.read()

    def room_again(self) -> None:
        """A viewer's connection can take more: read soon, if there was no room before."""
        if self._no_room and self.is_open:
            self._no_room = False
            self._turn.start(0)

    def read(self) -> None:
        """Send what waits, then read the device as far as viewers can take it."""
        if self._reading or not self.is_open:
            return
        self._reading = True
        try:
            for state in tuple(self._clients.values()):
                self._send_waiting(state)
            self._read_steps()
        finally:
            self._reading = False

    def receive(self, size: int) -> bytes | None:
        """Just `size` bytes of the guest; None, and those that are there are kept, until all
        are."""
        while len(self._partial) < size:
            piece = self.receive_some(size - len(self._partial))
            if not piece:
                return None
            self._partial += piece
        data = bytes(self._partial)
        self._partial.clear()
        return data

    def receive_some(self, most: int) -> bytes:
        """What the guest has, up to `most` bytes; nothing if the device was closed meanwhile.

        Raises `ConfigurationError` for a device that returns more.
        """
        data = self.interface.read(most)
        if len(data) > most:
            raise ConfigurationError(f"read({most}) of the device returned {len(data)} bytes")
        return data if self.is_open else b""

    def send(self, message: MessageT, clients: Iterable[ClientT] | None = None) -> None:
        """Send a message to these viewers, or to all, as soon as each can take it."""
        for client in self.clients if clients is None else clients:
            state = self._clients.get(client)
            if state is not None:
                self._send(state, message)

    # Inside.

    def _ready(self, state: _Client[ClientT, MessageT]) -> bool:
        return not state.waiting and self._can_take(state)

    def _can_take(self, state: _Client[ClientT, MessageT]) -> bool:
        if state.grant == 0:
            return False
        room = self.has_room(state.owner)
        self._no_room |= not room
        return room

    def _is_in(self, state: _Client[ClientT, MessageT]) -> bool:
        return self._clients.get(state.owner) is state

    def _send(self, state: _Client[ClientT, MessageT], message: MessageT) -> None:
        if self._ready(state):
            self._hand_over(state, message)
        elif len(state.waiting) < self.max_waiting:
            if not state.waiting:
                self._start_deadline(state)
            state.waiting.append(message)
        else:
            self._drop(state, f"{len(state.waiting)} messages of the device wait for the viewer")

    def _hand_over(self, state: _Client[ClientT, MessageT], message: MessageT) -> None:
        if state.grant is not None:
            state.grant -= 1
        self.send_message(state.owner, message)

    def _send_waiting(self, state: _Client[ClientT, MessageT]) -> None:
        if not state.waiting or not self._can_take(state):
            return
        # Whoever takes a message has time anew for the next.
        self._start_deadline(state)
        while state.waiting and self._can_take(state):
            self._hand_over(state, state.waiting.popleft())
        if not state.waiting:
            state.deadline.cancel()

    def _start_deadline(self, state: _Client[ClientT, MessageT]) -> None:
        state.seconds = self._limits().device_token_timeout
        state.deadline.start(state.seconds)

    def _overdue(self, client: ClientT) -> None:
        state = self._clients[client]
        self._drop(state, f"no tokens or room for the device in {state.seconds:g} s")

    def _drop(self, state: _Client[ClientT, MessageT], reason: str) -> None:
        self.remove_client(state.owner)
        self.drop_client(state.owner, reason)

    def _read_steps(self) -> None:
        for _ in range(READ_STEPS):
            if not (self.is_open and self.wants_data() and self.read_step()):
                return
        if self.is_open:
            self._turn.start(0)

    def _write_queue(self) -> None:
        self._woken = True
        if self._writing or not self.is_open:
            return
        self._writing = True
        try:
            while self._queue and self._write_first():
                pass
            if self._queue:
                self._retry.start(WRITE_RETRY)
            else:
                self._retry.cancel()
        finally:
            self._writing = False

    def _write_first(self) -> bool:
        """Offer the oldest bytes to the device; whether it may take more."""
        data, state = self._queue[0]
        self._woken = False
        taken = self.interface.write(data) if data else 0
        if not 0 <= taken <= len(data):
            raise ConfigurationError(f"write of {len(data)} bytes to the device returned {taken}")
        if not self._queue or self._queue[0][0] is not data:
            return False  # the device was closed meanwhile
        self._queued -= taken
        if taken < len(data):
            self._queue[0] = (data[taken:], state)
            return taken > 0 and self._woken  # it has made room while it took these
        self._queue.popleft()
        if state is None:
            self.written()
        else:
            self._refund(state)
        return True

    def _refund(self, state: _Client[ClientT, MessageT]) -> None:
        if not self._is_in(state):
            return
        state.free += 1
        if state.free >= self.token_batch:
            count, state.free = state.free, 0
            state.tokens += count
            self.send_tokens(state.owner, count)
