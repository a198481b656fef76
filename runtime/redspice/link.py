"""The link stage: from the first byte of a connection to the moment messages flow.

    client                                  server
    link header, link message    ──►
                                 ◄──        link header, link reply with the public key
    auth mechanism u32           ──►        (only if the client can select one)
    ticket, 128 bytes            ──►        or the dialogue of `sasl.stage`
                                 ◄──        link result u32

The stage is a table: for each state how many bytes it waits for and who takes them. A handler
returns the next state or raises `LinkError`; what the client is told about it is queued before.
Two states wait for something else than bytes, a key and a password check that takes long; `resume`
is called when they have it. The stage knows no channels and no viewers: it asks its `LinkPolicy`.
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
    NO_KEY,
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
from redspice.sasl.stage import SaslStage
from redspice.ticket_key import TICKET_SIZE
from redspice_protocol.enums import LinkErr

if TYPE_CHECKING:
    from redspice.check_queue import QueuedCheck
    from redspice.key_pool import KeyRequest
    from redspice.sasl.mechanism import Mechanism
    from redspice.ticket_key import TicketKey
    from redspice.transport import Transport
    from redspice_protocol import Buffer

# Bytes kept of a client that talks while the server has something to wait for. There is nothing for
# it to say then, but it need not know that.
MAX_EARLY_BYTES = 4096


class LinkState(Enum):
    MAGIC = auto()
    HEADER = auto()
    MESS = auto()
    KEY = auto()
    AUTH_MECHANISM = auto()
    TICKET = auto()
    SASL = auto()
    SASL_CHECK = auto()
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
    user: str | None = None
    """Who the viewer is, if it came in by SASL."""


class LinkPolicy(Protocol):
    """Who decides whether a link may become a channel."""

    def check_channel(self, channel_type: int, transport: Transport) -> LinkErr:
        """OK, or the error to answer because the transport is not the right one."""

    def server_caps(self, channel_type: int, channel_id: int) -> Capabilities | None:
        """The caps of a channel; None when there is no such channel."""

    def sasl_offers(self, transport: Transport) -> Mapping[str, Callable[[], Mechanism]] | None:
        """The mechanisms that fit the transport; None when SASL is not what counts."""

    def request_key(self, transport: Transport, deliver: Callable[[TicketKey], None]) -> KeyRequest:
        """Deliver a key for one link, whose ticket it decrypts, now or later."""

    def check_password(self, password: bytes) -> bool:
        """Whether this password, perhaps empty, lets a viewer in now."""

    def run_check(
        self, transport: Transport, check: Callable[[], bool], done: Callable[[bool], None]
    ) -> QueuedCheck:
        """Compute `check()` where it holds up nobody, then call `done` with its result."""

    def check_session(self, mess: LinkMess) -> None:
        """Raises `LinkError`, BAD_CONNECTION_ID or CHANNEL_NOT_AVAILABLE, if it may not link."""


class LinkStage:
    """The server's side of one link stage.

    With `skip_auth` the embedder answers for the viewer: it has to send a ticket, whose password
    is not looked at.
    """

    def __init__(
        self,
        policy: LinkPolicy,
        transport: Transport,
        *,
        skip_auth: bool = False,
        resume: Callable[[], None] = lambda: None,
    ) -> None:
        self.state = LinkState.MAGIC
        self.mess: LinkMess | None = None
        """What the client asked for, once that was acceptable."""
        self.linked: Linked | None = None
        """The result, in the state LINKED."""
        self._policy = policy
        self._transport = transport
        self._skip_auth = skip_auth
        self._resume = resume
        self._received = bytearray()
        self._output = bytearray()
        self._mess_size = 0
        self._channel_caps = Capabilities()
        self._key_request: KeyRequest | None = None
        self._key: TicketKey | None = None
        self._sasl: SaslStage | None = None
        self._check: QueuedCheck | None = None
        self._sasl_good: bool | None = None

    @property
    def busy(self) -> bool:
        """Whether the peer has to wait for the server: for its key, or for a check."""
        return self.state in self.WAITING

    @property
    def trailing(self) -> bytes:
        """In the state LINKED: what came after the ticket, the first messages."""
        return bytes(self._received)

    def receive_data(self, data: Buffer) -> None:
        """Take the next bytes, or none after `resume`. Raises `LinkError` when the link is refused,
        and whatever the policy raises; the stage is over in either case."""
        self._received += data
        try:
            while (size := self._wanted()) is not None:
                if len(self._received) < size:
                    return
                self._take(size)
            if self.state in self.WAITING and len(self._received) > MAX_EARLY_BYTES:
                reason = f"{len(self._received)} bytes before it was the client's turn"
                raise LinkError(LinkErr.INVALID_DATA, reason)
        except Exception:
            self.close()
            raise

    def data_to_send(self) -> bytes:
        """What is to be sent now; it is not returned again."""
        output = bytes(self._output)
        self._output.clear()
        return output

    def close(self) -> None:
        """Take no more bytes and wait for nothing; harmless once linked."""
        if self.state is LinkState.LINKED:
            return
        self.state = LinkState.REFUSED
        self._received.clear()
        self._key = self._sasl = None
        if self._key_request is not None:
            self._key_request.cancel()
        if self._check is not None:
            self._check.cancel()
            self._check = None

    def _wanted(self) -> int | None:
        """How many bytes the next handler takes; None while there is nothing to do."""
        expected = self.EXPECTS.get(self.state)
        if expected is None:
            return None
        wanted = expected[0]
        return wanted if isinstance(wanted, int) else wanted(self)

    def _take(self, size: int) -> None:
        piece = bytes(self._received[:size])
        state = self.EXPECTS[self.state][1](self, piece)
        # The header begins with the magic, which was only looked at.
        if self.state is not LinkState.MAGIC:
            del self._received[:size]
        self.state = state

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
            self._refuse(error.code, error.reason)
        offers = None if self._skip_auth else self._policy.sasl_offers(self._transport)
        self._check_transport(mess, offers)
        name = f"channel {mess.channel_type}:{mess.channel_id}"
        channel_caps = self._policy.server_caps(mess.channel_type, mess.channel_id)
        if channel_caps is None:
            # The reference server hangs up without a word here, and clients expect just that.
            raise LinkError(LinkErr.CHANNEL_NOT_AVAILABLE, f"there is no {name}")
        self._channel_caps = channel_caps
        if offers is not None:
            self._start_sasl(mess, offers)
            return LinkState.AUTH_MECHANISM
        self.mess = mess
        self._key_request = self._policy.request_key(self._transport, self._key_came)
        return LinkState.KEY

    def _check_transport(
        self, mess: LinkMess, offers: Mapping[str, Callable[[], Mechanism]] | None
    ) -> None:
        error = self._policy.check_channel(mess.channel_type, self._transport)
        if error == LinkErr.OK and offers is not None and not offers:
            # Every mechanism needs a transport that nobody else can read.
            error = LinkErr.NEED_SECURED
        if error != LinkErr.OK:
            self._refuse(error, f"channel {mess.channel_type} is not for this transport")

    def _start_sasl(self, mess: LinkMess, offers: Mapping[str, Callable[[], Mechanism]]) -> None:
        if CommonCap.AUTH_SELECTION not in mess.common_caps:
            # It would send a ticket. The reference server says yes first and no afterwards, where
            # the client does not look for it, and leaves the connection open.
            self._refuse(LinkErr.VERSION_MISMATCH, "the client cannot select SASL, as it must")
        self.mess = mess
        self._sasl = SaslStage(offers)
        self._reply(NO_KEY, CommonCap.AUTH_SASL)

    def _key_came(self, key: TicketKey) -> None:
        self._key = key
        # Else it was there at once, and `receive_data` goes on by itself.
        if self.state is LinkState.KEY:
            self._resume()

    def _on_key(self, _: bytes) -> LinkState:
        assert self._key is not None
        assert self.mess is not None
        self._reply(self._key.public_bytes(), CommonCap.AUTH_SPICE)
        if CommonCap.AUTH_SELECTION in self.mess.common_caps:
            return LinkState.AUTH_MECHANISM
        return LinkState.TICKET

    def _reply(self, public_key: bytes, auth_cap: CommonCap) -> None:
        caps = Capabilities((CommonCap.AUTH_SELECTION, auth_cap, CommonCap.MINI_HEADER))
        self._output += build_reply(public_key, caps, self._channel_caps)

    def _on_auth_mechanism(self, data: bytes) -> LinkState:
        (mechanism,) = WORD.unpack(data)
        offered = CommonCap.AUTH_SPICE if self._sasl is None else CommonCap.AUTH_SASL
        if mechanism != offered:
            # The reference server lets a client choose SASL that it did not offer.
            self._refuse(LinkErr.INVALID_DATA, f"auth mechanism {mechanism} is not offered")
        if self._sasl is None:
            return LinkState.TICKET
        self._output += self._sasl.data_to_send()
        return LinkState.SASL

    def _on_ticket(self, data: bytes) -> LinkState:
        # Nothing is decrypted twice, and a link that is made needs no key any more.
        key, self._key = self._key, None
        assert key is not None
        # A ticket is decrypted even when nobody asks for a password: garbage is always refused.
        password = key.decrypt(data)
        if password is None:
            self._deny(LinkErr.PERMISSION_DENIED, "the ticket cannot be decrypted")
        if not (self._skip_auth or self._policy.check_password(password)):
            self._deny(LinkErr.PERMISSION_DENIED, "wrong or expired password")
        return self._admit(None)

    def _sasl_wanted(self) -> int | None:
        assert self._sasl is not None
        return self._sasl.wanted

    def _on_sasl(self, data: bytes) -> LinkState:
        assert self._sasl is not None
        try:
            self._sasl.take(data)
        finally:
            self._output += self._sasl.data_to_send()
        if self._sasl.check is not None:
            self._check = self._policy.run_check(
                self._transport, self._sasl.check, self._check_done
            )
            return LinkState.SASL_CHECK
        return LinkState.SASL if self._sasl.wanted is not None else self._admit(self._sasl.user)

    def _check_done(self, good: bool) -> None:
        self._sasl_good = good
        if self.state is LinkState.SASL_CHECK:
            self._resume()

    def _on_sasl_checked(self, _: bytes) -> LinkState:
        assert self._sasl is not None
        self._check = None
        try:
            self._sasl.checked(bool(self._sasl_good))
        finally:
            self._output += self._sasl.data_to_send()
        return self._admit(self._sasl.user)

    def _admit(self, user: str | None) -> LinkState:
        mess = self.mess
        assert mess is not None
        try:
            self._policy.check_session(mess)
        except LinkError as error:
            self._deny(error.code, error.reason)
        self._output += build_result(LinkErr.OK)
        self._sasl = None
        self.linked = Linked(
            mess.connection_id,
            mess.channel_type,
            mess.channel_id,
            mess.common_caps,
            mess.channel_caps,
            CommonCap.MINI_HEADER in mess.common_caps,
            user,
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

    def _key_wanted(self) -> int | None:
        return None if self._key is None else 0

    def _check_wanted(self) -> int | None:
        return None if self._sasl_good is None else 0

    WAITING = frozenset((LinkState.KEY, LinkState.SASL_CHECK))
    """What waits for something else than bytes."""

    EXPECTS: ClassVar[
        Mapping[
            LinkState,
            tuple[int | Callable[[LinkStage], int | None], Callable[[LinkStage, bytes], LinkState]],
        ]
    ] = {
        LinkState.MAGIC: (len(MAGIC), _on_magic),
        LinkState.HEADER: (HEADER_SIZE, _on_header),
        LinkState.MESS: (lambda stage: stage._mess_size, _on_mess),
        LinkState.KEY: (_key_wanted, _on_key),
        LinkState.AUTH_MECHANISM: (WORD_SIZE, _on_auth_mechanism),
        LinkState.TICKET: (TICKET_SIZE, _on_ticket),
        LinkState.SASL: (_sasl_wanted, _on_sasl),
        LinkState.SASL_CHECK: (_check_wanted, _on_sasl_checked),
    }
