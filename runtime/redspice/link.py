"""The link stage: from the first byte of a connection to the moment messages flow.

    client                                  server
    link header, link message    ──►
                                 ◄──        link header, link reply with the public key
    auth mechanism u32           ──►        (only if the client can select one)
    ticket, 128 bytes            ──►
                                 ◄──        link result u32

The stage is a table: for each state how many bytes it waits for and who takes them. A handler
returns the next state or raises `LinkError`; what the client is told about it is queued before.
The stage knows no channels and no viewers: it asks its `LinkPolicy`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum, auto
from typing import TYPE_CHECKING, ClassVar, NoReturn, Protocol

from redspice.caps import Capabilities, CommonCap
from redspice.errors import LinkError
from redspice.link_messages import (
    HEADER_SIZE,
    MAGIC,
    MAX_LINK_SIZE,
    MESS_SIZE,
    VERSION_MAJOR,
    WORD,
    WORD_SIZE,
    LinkMess,
    build_error_reply,
    build_reply,
    build_result,
    parse_header,
    parse_mess,
)
from redspice.ticket import TICKET_SIZE
from redspice_protocol.enums import LinkErr

if TYPE_CHECKING:
    from redspice.ticket import TicketKey
    from redspice_protocol import Buffer

SERVER_COMMON_CAPS = Capabilities(
    (CommonCap.AUTH_SELECTION, CommonCap.AUTH_SPICE, CommonCap.MINI_HEADER)
)


class LinkState(Enum):
    MAGIC = auto()
    HEADER = auto()
    MESS = auto()
    AUTH_MECHANISM = auto()
    TICKET = auto()
    LINKED = auto()
    REFUSED = auto()


@dataclass(frozen=True, slots=True)
class Linked:
    """What the link stage found out."""

    connection_id: int
    channel_type: int
    channel_id: int
    common_caps: Capabilities
    channel_caps: Capabilities
    mini_header: bool


class LinkPolicy(Protocol):
    """Who decides whether a link may become a channel."""

    def check_channel(self, mess: LinkMess) -> LinkErr:
        """OK, or the error to answer because the transport is not the right one."""

    def server_caps(self, channel_type: int, channel_id: int) -> Capabilities | None:
        """The caps of a channel; None when there is no such channel."""

    def ticket_key(self) -> TicketKey:
        """The key for one link, whose ticket it decrypts."""

    def check_password(self, password: bytes) -> bool:
        """Whether this password, perhaps empty, lets a viewer in now."""

    def check_session(self, mess: LinkMess) -> LinkErr:
        """OK, BAD_CONNECTION_ID or CHANNEL_NOT_AVAILABLE."""


class LinkStage:
    """The server's side of one link stage."""

    def __init__(self, policy: LinkPolicy) -> None:
        self.state = LinkState.MAGIC
        self.mess: LinkMess | None = None
        """What the client asked for, once that was acceptable."""
        self.linked: Linked | None = None
        """The result, in the state LINKED."""
        self._policy = policy
        self._received = bytearray()
        self._output = bytearray()
        self._mess_size = 0
        self._key: TicketKey | None = None

    @property
    def trailing(self) -> bytes:
        """In the state LINKED: what came after the ticket, the first messages."""
        return bytes(self._received)

    def receive_data(self, data: Buffer) -> None:
        """Take the next bytes. Raises `LinkError` when the link is refused."""
        self._received += data
        while (expected := self.EXPECTS.get(self.state)) is not None:
            wanted, handler = expected
            size = self._mess_size if wanted is None else wanted
            if len(self._received) < size:
                return
            piece = bytes(self._received[:size])
            try:
                state = handler(self, piece)
            except LinkError:
                self.state = LinkState.REFUSED
                self._key = None
                self._received.clear()
                raise
            # The header begins with the magic, which was only looked at.
            if self.state is not LinkState.MAGIC:
                del self._received[:size]
            self.state = state

    def data_to_send(self) -> bytes:
        """What is to be sent now; it is not returned again."""
        output = bytes(self._output)
        self._output.clear()
        return output

    def _on_magic(self, data: bytes) -> LinkState:
        if data != MAGIC:
            self._refuse(LinkErr.INVALID_MAGIC, f"the first bytes are {data!r}, not {MAGIC!r}")
        return LinkState.HEADER

    def _on_header(self, data: bytes) -> LinkState:
        header = parse_header(data)
        if header.major != VERSION_MAJOR:
            reason = f"version {header.major}.{header.minor}, expected {VERSION_MAJOR}"
            if header.major == 0:
                # Older than the reply itself: nobody would understand one.
                raise LinkError(LinkErr.VERSION_MISMATCH, reason)
            self._refuse(LinkErr.VERSION_MISMATCH, reason)
        if not MESS_SIZE <= header.size <= MAX_LINK_SIZE:
            reason = f"link message of {header.size} bytes, not {MESS_SIZE}..{MAX_LINK_SIZE}"
            self._refuse(LinkErr.INVALID_DATA, reason)
        self._mess_size = header.size
        return LinkState.MESS

    def _on_mess(self, data: bytes) -> LinkState:
        try:
            mess = parse_mess(data)
        except LinkError as error:
            self._output += build_error_reply(error.code)
            raise
        self._check_transport(mess)
        name = f"channel {mess.channel_type}:{mess.channel_id}"
        channel_caps = self._policy.server_caps(mess.channel_type, mess.channel_id)
        if channel_caps is None:
            # The reference server hangs up without a word here, and clients expect just that.
            raise LinkError(LinkErr.CHANNEL_NOT_AVAILABLE, f"there is no {name}")
        self.mess = mess
        self._key = self._policy.ticket_key()
        self._output += build_reply(self._key.public_bytes(), SERVER_COMMON_CAPS, channel_caps)
        if CommonCap.AUTH_SELECTION in mess.common_caps:
            return LinkState.AUTH_MECHANISM
        return LinkState.TICKET

    def _check_transport(self, mess: LinkMess) -> None:
        error = self._policy.check_channel(mess)
        if error != LinkErr.OK:
            self._refuse(error, f"channel {mess.channel_type} is not for this transport")

    def _on_auth_mechanism(self, data: bytes) -> LinkState:
        mechanism = int(WORD.parse(data))
        if mechanism != CommonCap.AUTH_SPICE:
            self._refuse(LinkErr.INVALID_DATA, f"auth mechanism {mechanism} is not offered")
        return LinkState.TICKET

    def _on_ticket(self, data: bytes) -> LinkState:
        # Nothing is decrypted twice, and a link that is made needs no key any more.
        mess, key, self._key = self.mess, self._key, None
        assert mess is not None
        assert key is not None
        # A ticket is decrypted even when nobody asks for a password: garbage is always refused.
        password = key.decrypt(data)
        if password is None:
            self._deny(LinkErr.PERMISSION_DENIED, "the ticket cannot be decrypted")
        if not self._policy.check_password(password):
            self._deny(LinkErr.PERMISSION_DENIED, "wrong or expired password")
        error = self._policy.check_session(mess)
        if error != LinkErr.OK:
            self._deny(error, f"it wanted channel {mess.channel_type}:{mess.channel_id}")
        self._output += build_result(LinkErr.OK)
        self.linked = Linked(
            mess.connection_id,
            mess.channel_type,
            mess.channel_id,
            mess.common_caps,
            mess.channel_caps,
            CommonCap.MINI_HEADER in mess.common_caps,
        )
        return LinkState.LINKED

    def _refuse(self, code: LinkErr, reason: str) -> NoReturn:
        """Answer with a whole link reply, as is done before the ticket."""
        self._output += build_error_reply(code)
        raise LinkError(code, reason)

    def _deny(self, code: LinkErr, reason: str) -> NoReturn:
        """Answer with a link result, as is done after the ticket."""
        self._output += build_result(code)
        raise LinkError(code, reason)

    EXPECTS: ClassVar[
        Mapping[LinkState, tuple[int | None, Callable[[LinkStage, bytes], LinkState]]]
    ] = {
        LinkState.MAGIC: (len(MAGIC), _on_magic),
        LinkState.HEADER: (HEADER_SIZE, _on_header),
        # None: the size that the header gave.
        LinkState.MESS: (None, _on_mess),
        LinkState.AUTH_MECHANISM: (WORD_SIZE, _on_auth_mechanism),
        LinkState.TICKET: (TICKET_SIZE, _on_ticket),
    }
