"""The agent's device: chunks from and to the guest.

    guest ── chunk of the viewer's port ──► filter, capabilities ──► viewers that began before it,
                                                                     in pieces of 2048 bytes
    guest ── chunk of the server's port ──► nothing: it answers what was not asked
    guest ◄── the viewers' pieces, and what the server has to say, one message of it at a time

Without a viewer that has started the agent what it says is read and dropped: it announces its
capabilities before anybody listens. But while a viewer is on its way from another server it is not
read: it may be in the middle of a message, and the viewer brings how far that was read. What makes
no sense ends the agent, not the viewers.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol

from redspice.agent.bodies import AnnounceCapabilities, MessageType
from redspice.agent.capabilities import AgentCap, with_cap
from redspice.agent.errors import AgentError
from redspice.agent.filter import AgentRules, MessageFilter, Verdict
from redspice.agent.headers import (
    CHUNK_HEADER,
    CHUNK_HEADER_SIZE,
    MAX_CHUNK_SIZE,
    MESSAGE_HEADER_SIZE,
    Port,
    build_chunks,
    parse_chunk_header,
)
from redspice.agent.messages import build_message, parse_message
from redspice.caps import Capabilities
from redspice.limits import Limits
from redspice.migration.data import FromAgent
from redspice.migration.movable_device import MovableDevice

if TYPE_CHECKING:
    from redspice.interfaces import CharDeviceInterface, CoreInterface

# AGENT_DATA messages that a viewer may have on their way to the agent, and how many of these tokens
# come back at a time; viewers know the first from INIT and have to live with the second.
CLIENT_TOKENS = 10
TOKEN_BATCH = 5
# How what becomes of a message is told to another server.
RESULTS = {
    Verdict.FORWARD: 0,
    Verdict.DISCARD: 1,
    Verdict.PROTO_ERROR: 2,
    Verdict.MONITORS_CONFIG: 3,
}
# What an agent that reads may leave waiting: the tokens of sixteen viewers. Only one that reads
# nothing, while viewers come and go, has more.
MAX_QUEUED = 16 * CLIENT_TOKENS * (MAX_CHUNK_SIZE + CHUNK_HEADER_SIZE)


def verdict_of(result: int) -> Verdict:
    """What becomes of the rest of a message that another server began to read. A half-read
    monitors configuration is of no use."""
    return Verdict.FORWARD if result == RESULTS[Verdict.FORWARD] else Verdict.DISCARD


class AgentViewer(Protocol):
    """What the agent's device wants of a viewer's main channel."""

    def send_agent_data(self, piece: bytes) -> None:
        """Send a piece of a message."""

    def send_agent_tokens(self, count: int) -> None:
        """Allow so many pieces more."""

    def has_agent_room(self) -> bool:
        """Whether the connection can take more."""
        ...

    def fail_agent(self, reason: str) -> None:
        """Disconnect the viewer, which did something wrong."""


class AgentDevice(MovableDevice[AgentViewer, bytes]):
    """One connection to an agent; `failed` and `announced` are called from inside, and `expecting`
    tells whether a viewer is on its way."""

    tokens = CLIENT_TOKENS
    token_batch = TOKEN_BATCH

    def __init__(
        self,
        core: CoreInterface,
        interface: CharDeviceInterface,
        rules: AgentRules,
        failed: Callable[[str], None],
        announced: Callable[[], None],
        expecting: Callable[[], bool],
        limits: Callable[[], Limits] = Limits,
    ) -> None:
        super().__init__(core, interface, limits)
        self.caps: Capabilities | None = None
        """What the agent has announced; None so far."""
        self.untouched = True
        """Whether nothing was said here, in either direction: then it may be gone on with what was
        said at another server."""
        self._rules = rules
        self._failed = failed
        self._announced = announced
        self._expecting = expecting
        self._filter = MessageFilter(rules)
        self._port = 0
        self._left = 0
        """Bytes of the chunk that are still to be read."""
        self._audience: tuple[AgentViewer, ...] = ()
        self._due: dict[Callable[[], bytes | None], None] = {}
        self._own = 0
        self._saying = False

    # Toward the guest.

    def write_piece(self, viewer: AgentViewer, piece: bytes) -> None:
        """A piece of a viewer's message, for which it has spent a token."""
        self.write(build_chunks(Port.CLIENT, piece), viewer)

    def write_own(self, message: bytes) -> None:
        """A message of the server's own, at once."""
        self._own += 1
        self.write(build_chunks(Port.SERVER, message))

    def say(self, make: Callable[[], bytes | None]) -> None:
        """Write what `make` returns, if anything, once the server's earlier messages are taken.

        Said twice before that, it is made once.
        """
        self._due[make] = None
        if not self._saying:
            self._say_due()

    def write(self, data: bytes, client: AgentViewer | None = None) -> None:
        self.untouched = False
        super().write(data, client)

    def written(self) -> None:
        self._own = max(0, self._own - 1)  # those of another server are not counted
        self._say_due()

    def _say_due(self) -> None:
        while self._due and not self._own and self.is_open:
            make = next(iter(self._due))
            del self._due[make]
            self._saying = True
            try:
                message = make()
            finally:
                self._saying = False
            if message is not None:
                self.write_own(message)

    # Toward the viewers.

    def wants_data(self) -> bool:
        return super().wants_data() if self.clients else not self._expecting()

    def receive_some(self, most: int) -> bytes:
        data = super().receive_some(most)
        if data:
            self.untouched = False
        return data

    def remove_client(self, client: AgentViewer) -> None:
        super().remove_client(client)
        # Should it come again, then not to the rest of a message.
        self._audience = tuple(one for one in self._audience if one is not client)

    def read_step(self) -> bool:
        try:
            return self._read_chunk()
        except AgentError as error:
            self._failed(error.reason)
            return False

    def send_message(self, client: AgentViewer, message: bytes) -> None:
        client.send_agent_data(message)

    def send_tokens(self, client: AgentViewer, count: int) -> None:
        client.send_agent_tokens(count)

    def drop_client(self, client: AgentViewer, reason: str) -> None:
        client.fail_agent(reason)

    def has_room(self, client: AgentViewer) -> bool:
        return client.has_agent_room()

    # Moving to another server.

    def pass_partial(self) -> None:
        """Pass on the part of a piece that was read, unless it is part of a message's header."""
        size = len(self._partial)
        in_header = self._filter.between_messages and size < MESSAGE_HEADER_SIZE
        if self._left == 0 or size == 0 or (self._port == Port.CLIENT and in_header):
            return
        piece = bytes(self._partial)
        self._partial.clear()
        self._left -= size
        if self._port == Port.CLIENT:
            try:
                self._pass_on(piece)
            except AgentError as error:
                self._failed(error.reason)

    def save_reading(self) -> FromAgent:
        """How far the agent's present message was read; goes after `pass_partial`."""
        state = FromAgent(
            header_done=not self._filter.between_messages,
            remaining=self._filter.remaining,
            filter_result=RESULTS[self._filter.verdict],
        )
        if self._left == 0:
            state.chunk_header = bytes(self._partial)
        else:
            state.chunk_header = CHUNK_HEADER.build({"port": self._port, "size": self._left})
            state.header = bytes(self._partial)
        return state

    def take_unwritten(self) -> bytes:
        self._own = 0
        self.untouched = True  # what is said from now on follows what another server will have said
        return super().take_unwritten()

    def restore_reading(self, viewer: AgentViewer, state: FromAgent, verdict: Verdict) -> None:
        """Go on reading where another server has ended. Raises `AgentError`."""
        if len(state.chunk_header) < CHUNK_HEADER_SIZE:
            self._left = 0
            self._partial[:] = state.chunk_header
        else:
            self._port, self._left = parse_chunk_header(state.chunk_header)
            self._partial[:] = state.header[: self._left]
        self._filter.resume(state.remaining, verdict)
        self._audience = (viewer,)

    def _read_chunk(self) -> bool:
        if self._left == 0:
            header = self.receive(CHUNK_HEADER_SIZE)
            if header is None:
                return False
            self._port, self._left = parse_chunk_header(header)
            return True
        piece = self.receive(min(self._left, MAX_CHUNK_SIZE))
        if piece is None:
            return False
        self._left -= len(piece)
        if self._port == Port.CLIENT:
            self._pass_on(piece)
        return True

    def _pass_on(self, piece: bytes) -> None:
        begins = self._filter.between_messages
        verdict = self._filter.check(piece)
        if verdict is Verdict.PROTO_ERROR:
            raise AgentError(self._filter.error)
        if begins:
            self._audience = self.clients
            piece = self._note_announcement(piece)
        if verdict is Verdict.FORWARD:
            self.send(piece, self._audience)

    def _note_announcement(self, piece: bytes) -> bytes:
        """Follow what the agent announces; returns what viewers are told."""
        header = self._filter.header
        if header is None or header.type != MessageType.ANNOUNCE_CAPABILITIES:
            return piece
        if not self._filter.between_messages:
            raise AgentError(f"capabilities in a message of {header.size} bytes")
        message = parse_message(piece)
        assert isinstance(message, AnnounceCapabilities)
        self.caps = Capabilities.from_words(message.caps)
        self._announced()
        if self._rules.file_xfer:
            return piece
        message.caps = with_cap(message.caps, AgentCap.FILE_XFER_DISABLED)
        return build_message(message, opaque=header.opaque)
