"""The link stage, driven with bytes: every check, every answer, closing at every byte."""

from __future__ import annotations

import gc
import struct
import weakref
from collections.abc import Callable, Mapping
from contextlib import suppress

import pytest

from redspice.caps import Capabilities, CommonCap
from redspice.check_queue import CheckQueue, QueuedCheck
from redspice.errors import LinkError
from redspice.key_pool import KeyPool, KeyRequest
from redspice.link import MAX_EARLY_BYTES, LinkStage, LinkState
from redspice.link_messages import LinkMess, parse_mess
from redspice.sasl.mechanism import Mechanism
from redspice.suspects import Suspects
from redspice.ticket_key import Modulus, TicketKey
from redspice.transport import Transport
from redspice_protocol.enums import LinkErr
from runtime.fake_core import FakeCore
from runtime.peer import Peer, link_message

CAPS = Capabilities((3,))
VIEWER = Transport("viewer")
MODULUS = Modulus()
NO_SELECTION = (CommonCap.AUTH_SPICE, CommonCap.MINI_HEADER)


class Policy:
    """Knows the display 0; everything else can be set."""

    def __init__(self) -> None:
        self.wrong_transport = LinkErr.OK
        self.session = LinkErr.OK
        self.password = b"secret"
        self.keys: list[TicketKey] = []
        core = FakeCore()
        suspects = Suspects(core.now, lambda: 30.0)
        self.pool = KeyPool()
        self.key_ready = True
        self.waiting: list[Callable[[TicketKey], None]] = []
        self.offers: Mapping[str, Callable[[], Mechanism]] | None = None
        self.checks: list[Callable[[], None]] = []
        self.queue = CheckQueue(core, suspects)

    def check_channel(self, channel_type: int, transport: Transport) -> LinkErr:
        return self.wrong_transport

    def server_caps(self, channel_type: int, channel_id: int) -> Capabilities | None:
        return CAPS if (channel_type, channel_id) == (2, 0) else None

    def sasl_offers(self, transport: Transport) -> Mapping[str, Callable[[], Mechanism]] | None:
        return self.offers

    def request_key(self, transport: Transport, deliver: Callable[[TicketKey], None]) -> KeyRequest:
        request = KeyRequest(self.pool, shared=False, deliver=deliver)
        self.keys.append(MODULUS.new_key())
        if self.key_ready:
            deliver(self.keys[-1])
        else:
            self.waiting.append(deliver)
        return request

    def run_check(
        self, transport: Transport, check: Callable[[], bool], done: Callable[[bool], None]
    ) -> QueuedCheck:
        self.checks.append(lambda: done(check()))
        return QueuedCheck(self.queue, None, check, done)

    def check_password(self, password: bytes) -> bool:
        return password == self.password

    def check_session(self, mess: LinkMess) -> None:
        if self.session:
            raise LinkError(self.session, "the policy says no")


@pytest.fixture
def policy() -> Policy:
    return Policy()


@pytest.fixture
def stage(policy: Policy) -> LinkStage:
    return LinkStage(policy, VIEWER)


def error_reply(code: int) -> bytes:
    return struct.pack("<4sIIII", b"REDQ", 2, 2, 178, code) + bytes(174)


def mess(
    *,
    common: int = 0,
    channel: int = 0,
    offset: int = 18,
    words: bytes = b"",
    size: int | None = None,
) -> bytes:
    body = struct.pack("<IBBIII", 0, 2, 0, common, channel, offset) + words
    return struct.pack("<4sIII", b"REDQ", 2, 2, len(body) if size is None else size) + body


def refused(stage: LinkStage, data: bytes) -> LinkError:
    with pytest.raises(LinkError) as caught:
        stage.receive_data(data)
    assert stage.state is LinkState.REFUSED
    return caught.value


def answer(stage: LinkStage, password: str = "secret", *, select: bool = True) -> bytes:
    """What a client says after the link reply."""
    key = stage.data_to_send()[20:182]
    mechanism = struct.pack("<I", CommonCap.AUTH_SPICE) if select else b""
    return mechanism + Peer.encrypt(key, password)


def test_a_link_goes_from_magic_to_linked(stage: LinkStage) -> None:
    stage.receive_data(link_message("display", connection_id=7, channel_caps=[1, 40]))
    assert stage.state is LinkState.AUTH_MECHANISM
    stage.receive_data(answer(stage))
    assert stage.state is LinkState.LINKED
    assert stage.data_to_send() == struct.pack("<I", 0)
    linked = stage.linked
    assert linked is not None
    assert (linked.connection_id, linked.channel_type, linked.channel_id) == (7, 2, 0)
    assert linked.channel_caps == Capabilities((1, 40))
    assert linked.mini_header


def test_the_reply_says_who_the_server_is(stage: LinkStage) -> None:
    stage.receive_data(link_message("display"))
    reply = stage.data_to_send()
    assert reply[:20] == struct.pack("<4sIIII", b"REDQ", 2, 2, 178 + 8, 0)
    assert reply[20:29].hex() == "30819f300d06092a86"
    assert reply[182:194] == struct.pack("<III", 1, 1, 178)
    assert reply[194:] == struct.pack("<II", 0b1011, 0b1000)


def test_the_key_is_the_policys(stage: LinkStage, policy: Policy) -> None:
    stage.receive_data(link_message("display")[:-1])
    assert policy.keys == [], "none is wasted on a message that is not complete"
    stage.receive_data(link_message("display")[-1:])
    (key,) = policy.keys
    assert stage.data_to_send()[20:182] == key.public_bytes()


@pytest.mark.parametrize("last", ["right ticket", "wrong ticket", "wrong mechanism"])
def test_the_key_is_gone_with_the_link_stage(policy: Policy, last: str) -> None:
    stage = LinkStage(policy, VIEWER)
    stage.receive_data(link_message("display"))
    key = weakref.ref(policy.keys.pop())
    assert key() is not None
    with suppress(LinkError):
        good = answer(stage, "secret" if last == "right ticket" else "guess")
        stage.receive_data(b"\0\0\0\0" if last == "wrong mechanism" else good)
    gc.collect()
    assert key() is None


def test_a_client_without_auth_selection_sends_its_ticket_at_once(stage: LinkStage) -> None:
    stage.receive_data(link_message("display", common_caps=NO_SELECTION))
    assert stage.state is LinkState.TICKET
    stage.receive_data(answer(stage, select=False))
    assert stage.linked is not None


def test_a_client_without_mini_header_gets_full_ones(stage: LinkStage) -> None:
    stage.receive_data(link_message("display", common_caps=()))
    stage.receive_data(answer(stage, select=False))
    assert stage.linked is not None
    assert not stage.linked.mini_header


def test_bytes_may_come_one_by_one(stage: LinkStage) -> None:
    for byte in link_message("display"):
        stage.receive_data(bytes([byte]))
    for byte in answer(stage):
        stage.receive_data(bytes([byte]))
    assert stage.state is LinkState.LINKED


def test_what_follows_the_ticket_is_kept(stage: LinkStage) -> None:
    stage.receive_data(link_message("display"))
    stage.receive_data(answer(stage) + b"first messages")
    stage.receive_data(b" and more")
    assert stage.trailing == b"first messages and more"


def test_every_prefix_only_waits(policy: Policy) -> None:
    opening = link_message("display")
    for length in range(len(opening)):
        stage = LinkStage(policy, VIEWER)
        stage.receive_data(opening[:length])
        assert stage.linked is None
        assert stage.mess is None
        assert stage.data_to_send() == b""
    stage = LinkStage(policy, VIEWER)
    stage.receive_data(opening)
    for byte in answer(stage)[:-1]:
        stage.receive_data(bytes([byte]))
        assert stage.linked is None
        assert stage.data_to_send() == b""


@pytest.mark.parametrize("first", [b"GET ", b"REDX", b"\0\0\0\0", b"qder"])
def test_a_wrong_magic_is_answered_after_four_bytes(stage: LinkStage, first: bytes) -> None:
    stage.receive_data(first[:3])
    assert refused(stage, first[3:]).code == LinkErr.INVALID_MAGIC
    assert stage.data_to_send() == error_reply(2)


@pytest.mark.parametrize("major", [1, 3, 0xFFFFFFFF])
def test_another_major_version_is_a_mismatch(stage: LinkStage, major: int) -> None:
    error = refused(stage, struct.pack("<4sIII", b"REDQ", major, 2, 18))
    assert error.code == LinkErr.VERSION_MISMATCH
    assert stage.data_to_send() == error_reply(4)


def test_major_version_zero_gets_no_reply(stage: LinkStage) -> None:
    error = refused(stage, struct.pack("<4sIII", b"REDQ", 0, 2, 18))
    assert error.code == LinkErr.VERSION_MISMATCH
    assert stage.data_to_send() == b""


@pytest.mark.parametrize("minor", [0, 1, 99])
def test_the_minor_version_does_not_matter(stage: LinkStage, minor: int) -> None:
    stage.receive_data(struct.pack("<4sIII", b"REDQ", 2, minor, 18))
    assert stage.state is LinkState.MESS


@pytest.mark.parametrize("size", [0, 17, 4097, 0xFFFFFFFF])
def test_an_impossible_size_is_refused_before_the_message(stage: LinkStage, size: int) -> None:
    error = refused(stage, struct.pack("<4sIII", b"REDQ", 2, 2, size))
    assert error.code == LinkErr.INVALID_DATA
    assert stage.data_to_send() == error_reply(3)


@pytest.mark.parametrize("size", [18, 4096])
def test_the_sizes_at_the_limits_are_fine(stage: LinkStage, size: int) -> None:
    stage.receive_data(mess(words=bytes(size - 18)))
    assert stage.mess is not None


@pytest.mark.parametrize(
    "message",
    [
        mess(common=1025, words=bytes(4078)),
        mess(channel=1025, words=bytes(4078)),
        mess(common=0xFFFFFFFF),
        mess(channel=0xFFFFFFFF),
        mess(common=0x40000000, channel=0x40000000),
        mess(common=1),
        mess(channel=1, words=bytes(3)),
        mess(common=1, channel=1, words=bytes(7)),
        mess(common=1, words=bytes(4), offset=17),
        mess(common=1, words=bytes(4), offset=0),
        mess(common=1, words=bytes(4), offset=19),
        mess(common=1, words=bytes(4), offset=0xFFFFFFFF),
        mess(offset=19),
    ],
)
def test_caps_outside_the_message_are_invalid_data(stage: LinkStage, message: bytes) -> None:
    assert refused(stage, message).code == LinkErr.INVALID_DATA
    assert stage.data_to_send() == error_reply(3)


@pytest.mark.parametrize("counts", [{"common": 1025}, {"channel": 1025}])
def test_more_caps_than_the_limit_are_refused(counts: dict[str, int]) -> None:
    message = mess(**counts, words=bytes(4 * 1025))
    with pytest.raises(LinkError, match="words of caps, at most 1024 each"):
        parse_mess(message[16:])


def test_caps_may_start_further_behind(stage: LinkStage) -> None:
    stage.receive_data(mess(common=1, words=b"gap!" + struct.pack("<I", 0b1010), offset=22))
    assert stage.mess is not None
    assert stage.mess.common_caps == Capabilities((1, 3))


@pytest.mark.parametrize("code", [LinkErr.NEED_SECURED, LinkErr.NEED_UNSECURED])
def test_the_wrong_transport_is_told(stage: LinkStage, policy: Policy, code: LinkErr) -> None:
    policy.wrong_transport = code
    assert refused(stage, link_message("display")).code == code
    assert stage.data_to_send() == error_reply(code)


@pytest.mark.parametrize(("channel", "id"), [("display", 1), ("cursor", 0), ("smartcard", 0)])
def test_an_unknown_channel_gets_no_reply(stage: LinkStage, channel: str, id: int) -> None:
    error = refused(stage, link_message(channel, channel_id=id))
    assert error.code == LinkErr.CHANNEL_NOT_AVAILABLE
    assert stage.data_to_send() == b""
    assert stage.mess is None


@pytest.mark.parametrize("mechanism", [0, 2, 3, 0xFFFFFFFF])
def test_other_mechanisms_get_a_second_reply(stage: LinkStage, mechanism: int) -> None:
    stage.receive_data(link_message("display"))
    stage.data_to_send()
    assert refused(stage, struct.pack("<I", mechanism)).code == LinkErr.INVALID_DATA
    assert stage.data_to_send() == error_reply(3)


def test_a_wrong_password_is_denied(stage: LinkStage) -> None:
    stage.receive_data(link_message("display"))
    error = refused(stage, answer(stage, "secreT"))
    assert error.code == LinkErr.PERMISSION_DENIED
    assert "secre" not in f"{error} {error!r}"
    assert stage.data_to_send() == struct.pack("<I", 7)


@pytest.mark.parametrize("ticket", [bytes(128), b"\xff" * 128])
def test_a_ticket_that_is_none_is_denied(stage: LinkStage, ticket: bytes) -> None:
    stage.receive_data(link_message("display") + struct.pack("<I", 1))
    stage.data_to_send()
    assert refused(stage, ticket).code == LinkErr.PERMISSION_DENIED
    assert stage.data_to_send() == struct.pack("<I", 7)


@pytest.mark.parametrize("code", [LinkErr.BAD_CONNECTION_ID, LinkErr.CHANNEL_NOT_AVAILABLE])
def test_the_session_is_checked_after_the_password(
    policy: Policy, stage: LinkStage, code: LinkErr
) -> None:
    policy.session = code
    stage.receive_data(link_message("display"))
    assert refused(stage, answer(stage)).code == code
    assert stage.data_to_send() == struct.pack("<I", code)
    other = LinkStage(policy, VIEWER)
    other.receive_data(link_message("display"))
    assert refused(other, answer(other, "wrong")).code == LinkErr.PERMISSION_DENIED


def test_a_refused_link_takes_no_more_bytes(stage: LinkStage) -> None:
    refused(stage, b"nope")
    stage.data_to_send()
    stage.receive_data(link_message("display"))
    assert stage.data_to_send() == b""
    assert stage.mess is None


# waiting for a key


@pytest.fixture
def waiting(policy: Policy) -> LinkStage:
    """A stage whose link message is accepted and whose key is not there yet."""
    policy.key_ready = False
    stage = LinkStage(policy, VIEWER)
    stage.receive_data(link_message("display"))
    return stage


def test_a_link_without_a_key_waits_and_says_nothing(waiting: LinkStage) -> None:
    assert waiting.state is LinkState.KEY
    assert waiting.mess is not None
    assert waiting.data_to_send() == b""


def test_the_stage_goes_on_when_its_key_comes(policy: Policy) -> None:
    resumed: list[LinkState] = []
    policy.key_ready = False
    stage = LinkStage(policy, VIEWER, resume=lambda: resumed.append(stage.state))
    stage.receive_data(link_message("display"))
    policy.waiting[0](policy.keys[0])
    assert resumed == [LinkState.KEY]
    stage.receive_data(b"")
    assert stage.state is LinkState.AUTH_MECHANISM
    stage.receive_data(answer(stage))
    assert stage.linked is not None


def test_a_key_that_is_there_at_once_needs_no_resuming(policy: Policy) -> None:
    stage = LinkStage(policy, VIEWER, resume=lambda: pytest.fail("called inside receive_data"))
    stage.receive_data(link_message("display"))
    assert stage.state is LinkState.AUTH_MECHANISM


def test_what_comes_before_the_key_is_kept(policy: Policy, waiting: LinkStage) -> None:
    for byte in struct.pack("<I", CommonCap.AUTH_SPICE):
        waiting.receive_data(bytes([byte]))
    policy.waiting[0](policy.keys[0])
    waiting.receive_data(b"")
    assert waiting.state is LinkState.TICKET
    waiting.receive_data(answer(waiting, select=False))
    assert waiting.linked is not None


def test_too_much_before_the_key_ends_the_link(waiting: LinkStage) -> None:
    waiting.receive_data(bytes(MAX_EARLY_BYTES))
    error = refused(waiting, b"x")
    assert error.code == LinkErr.INVALID_DATA
    assert "4097 bytes before it was the client's turn" in str(error)
    assert MAX_EARLY_BYTES == 4096


def test_a_stage_that_is_closed_waits_for_no_key(core: FakeCore) -> None:
    policy = Policy()
    stage = LinkStage(policy, VIEWER)
    policy.request_key = (  # type: ignore[method-assign]
        lambda transport, deliver: policy.pool.request(shared=False, deliver=deliver)
    )
    stage.receive_data(link_message("display"))
    assert policy.pool.waiting == 1
    stage.close()
    assert policy.pool.waiting == 0
    stage.receive_data(b"anything")
    assert (stage.state, stage.data_to_send()) == (LinkState.REFUSED, b"")


def test_closing_does_not_undo_a_link(stage: LinkStage) -> None:
    stage.receive_data(link_message("display"))
    stage.receive_data(answer(stage) + b"more")
    stage.close()
    assert (stage.state, stage.trailing) == (LinkState.LINKED, b"more")


def test_a_policy_that_fails_ends_the_stage(policy: Policy, stage: LinkStage) -> None:
    policy.server_caps = lambda channel_type, channel_id: 1 // 0  # type: ignore[method-assign,return-value]
    with pytest.raises(ZeroDivisionError):
        stage.receive_data(link_message("display"))
    assert stage.state is LinkState.REFUSED


# skip_auth


@pytest.mark.parametrize("password", ["", "anything", "secret"])
def test_skip_auth_takes_every_ticket(policy: Policy, password: str) -> None:
    stage = LinkStage(policy, VIEWER, skip_auth=True)
    stage.receive_data(link_message("display"))
    stage.receive_data(answer(stage, password))
    assert stage.state is LinkState.LINKED


def test_skip_auth_still_checks_the_session_and_the_ticket(policy: Policy) -> None:
    policy.session = LinkErr.BAD_CONNECTION_ID
    stage = LinkStage(policy, VIEWER, skip_auth=True)
    stage.receive_data(link_message("display"))
    assert refused(stage, answer(stage)).code == LinkErr.BAD_CONNECTION_ID
    stage = LinkStage(policy, VIEWER, skip_auth=True)
    stage.receive_data(link_message("display") + struct.pack("<I", 1))
    assert refused(stage, bytes(128)).code == LinkErr.PERMISSION_DENIED
