"""SASL from the first byte of a link to its result, against the whole server."""

from __future__ import annotations

import logging
import struct
from collections.abc import Callable

import pytest

from redspice.caps import CommonCap
from redspice.check_queue import AT_ONCE
from redspice.errors import ConfigurationError, LinkError
from redspice.reds import RedsState
from redspice.sasl.mechanism import Answer
from redspice.sasl.stage import MAX_DATA_SIZE, SaslStage, SaslState
from redspice.sasl.users import ScramSecret
from redspice_protocol.enums import LinkErr
from runtime.fake_core import FakeCore
from runtime.known_users import ALICE, BOB, KnownUsers
from runtime.link_client import NO_KEY, Credentials, LinkClient, run_link, sized, word
from runtime.peer import Peer, link_message

DENIED, INVALID = LinkErr.PERMISSION_DENIED, LinkErr.INVALID_DATA
SCRAM = ("SCRAM-SHA-256", "SCRAM-SHA-1")
ANY = (*SCRAM, "PLAIN")
SASL_CAPS = (CommonCap.AUTH_SELECTION, CommonCap.AUTH_SASL, CommonCap.MINI_HEADER)
DENIAL = word(0) + b"\1" + word(1) + sized(b"Authentication failed\0")
ERROR_REPLY = struct.pack("<4sIIII", b"REDQ", 2, 2, 178, INVALID) + bytes(174)


@pytest.fixture
def users() -> KnownUsers:
    return KnownUsers()


@pytest.fixture(autouse=True)
def sasl(reds: RedsState, users: KnownUsers, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, "redspice")
    reds.set_sasl(users)


def credentials(user: tuple[str, str], mechanism: str) -> Credentials:
    return Credentials(user[1], user[0], mechanism)


def outcome(reds: RedsState, given: Credentials, *, step: int = 1 << 16) -> int | None:
    return run_link(Peer(reds, tls=True), LinkClient("main", given), step=step)


# who gets in


@pytest.mark.parametrize("mechanism", ANY)
@pytest.mark.parametrize("step", [1, 7, 1 << 16])
def test_the_right_password_lets_a_user_in(reds: RedsState, mechanism: str, step: int) -> None:
    reds.allow_multiple_clients = True
    for user in (ALICE, BOB):
        assert outcome(reds, credentials(user, mechanism), step=step) == LinkErr.OK
    assert len(reds.clients) == 2


@pytest.mark.parametrize("mechanism", ANY)
@pytest.mark.parametrize("user", [("alice", "sponge"), ("alice", ""), ("eve", "wonderland")])
def test_nobody_else_gets_in(reds: RedsState, mechanism: str, user: tuple[str, str]) -> None:
    assert outcome(reds, credentials(user, mechanism)) == DENIED
    assert reds.clients == []


def test_every_channel_is_opened_by_sasl(reds: RedsState) -> None:
    main, client = Peer(reds, tls=True), LinkClient("main", credentials(ALICE, "PLAIN"))
    assert run_link(main, client) == LinkErr.OK
    session_id = reds.clients[0].session_id
    for connection_id, result in ((session_id, LinkErr.OK), (1, LinkErr.BAD_CONNECTION_ID)):
        given = credentials(ALICE, "SCRAM-SHA-256")
        client = LinkClient("inputs", given, connection_id=connection_id)
        assert run_link(Peer(reds, tls=True), client) == result


def test_the_first_messages_follow_the_result(reds: RedsState) -> None:
    client = LinkClient("main", credentials(ALICE, "SCRAM-SHA-256"))
    assert run_link(Peer(reds, tls=True), client) == LinkErr.OK
    assert client.trailing[:2] == b"\x67\0", "the init message"


def test_a_certificate_lets_its_owner_in(reds: RedsState) -> None:
    for wanted in ("", "carol"):
        peer = Peer(reds, tls=True, client_certificate="carol")
        client = LinkClient("main", Credentials(user=wanted, mechanism="EXTERNAL"))
        assert run_link(peer, client) == LinkErr.OK
    assert client.names == ["EXTERNAL", "SCRAM-SHA-256", "SCRAM-SHA-1", "PLAIN"]


@pytest.mark.parametrize(("owner", "wanted"), [("carol", "alice"), ("alice", ""), ("eve", "eve")])
def test_a_certificate_is_for_a_user_that_has_it(reds: RedsState, owner: str, wanted: str) -> None:
    peer = Peer(reds, tls=True, client_certificate=owner)
    assert run_link(peer, LinkClient("main", Credentials("", wanted, "EXTERNAL"))) == DENIED


@pytest.mark.parametrize(
    ("message", "result"),
    [
        (b"alice\0alice\0wonderland", LinkErr.OK),
        (b"bob\0alice\0wonderland", DENIED),
        (b"\0al\xc2\xadice\0wonderland", LinkErr.OK),  # a soft hyphen is nothing
        (b"\0\0wonderland", DENIED),
        (b"\0alice", DENIED),
        (b"\0alice\0wonderland\0", DENIED),
        (b"\0alice\0\xff", DENIED),
        (b"\0" + b"a" * 256 + b"\0wonderland", DENIED),
        (b"\0\x07\0wonderland", DENIED),
        (b"\0alice\0\x07", DENIED),
    ],
)
def test_plain_is_identity_name_and_password(
    reds: RedsState, message: bytes, result: LinkErr
) -> None:
    peer = chosen(reds, "PLAIN")
    peer.send_bytes(sized(message + b"\0"))
    peer.await_answer()
    expected = word(0) + b"\1" + word(0) + word(0) if result == LinkErr.OK else DENIAL
    assert peer.inbox[: len(expected)] == expected
    assert peer.connection.closed is (result != LinkErr.OK)


def test_a_user_with_one_kind_of_secret_can_use_plain(reds: RedsState, users: KnownUsers) -> None:
    del users._secrets["alice", "SCRAM-SHA-256"]
    assert outcome(reds, credentials(ALICE, "PLAIN")) == LinkErr.OK
    assert outcome(reds, credentials(ALICE, "SCRAM-SHA-1")) == LinkErr.OK
    assert outcome(reds, credentials(ALICE, "SCRAM-SHA-256")) == DENIED


# what is offered


def offered(reds: RedsState, **transport: object) -> list[str]:
    client = LinkClient("main", credentials(ALICE, "SCRAM-SHA-256"))
    assert run_link(Peer(reds, **transport), client) == LinkErr.OK  # type: ignore[arg-type]
    return client.names


def test_what_is_offered_depends_on_the_transport(reds: RedsState, users: KnownUsers) -> None:
    assert offered(reds, tls=True) == list(ANY)
    assert offered(reds, local=True) == list(ANY)
    reds.set_sasl(users, allow_plain_sockets=True)
    assert offered(reds) == list(SCRAM)


def test_a_plain_socket_is_sent_to_tls(reds: RedsState) -> None:
    client = LinkClient("main", credentials(ALICE, "SCRAM-SHA-256"))
    peer = Peer(reds)
    assert run_link(peer, client) == LinkErr.NEED_SECURED
    assert peer.connection.closed


def test_the_reply_announces_sasl_and_no_key(reds: RedsState) -> None:
    peer = Peer(reds, tls=True)
    peer.send_bytes(link_message("main", common_caps=SASL_CAPS))
    reply = peer.take_reply()
    assert reply.public_key == NO_KEY
    assert set(reply.common_caps) == set(SASL_CAPS)


@pytest.mark.parametrize("mechanism", [0, 1, 3, 0xFFFFFFFF])
def test_a_ticket_is_refused_when_sasl_counts(reds: RedsState, mechanism: int) -> None:
    peer = Peer(reds, tls=True)
    client = LinkClient("main", credentials(ALICE, "PLAIN"), choose=mechanism)
    assert run_link(peer, client) == INVALID
    assert peer.connection.closed


def test_sasl_is_refused_when_a_ticket_counts(reds: RedsState) -> None:
    reds.set_sasl(None)
    assert run_link(Peer(reds, tls=True), LinkClient("main", Credentials(), choose=2)) == INVALID


def test_a_client_that_cannot_select_is_told_so_at_once(reds: RedsState) -> None:
    peer = Peer(reds, tls=True)
    client = LinkClient("main", Credentials("open sesame"), common_caps=(CommonCap.MINI_HEADER,))
    assert run_link(peer, client) == LinkErr.VERSION_MISMATCH
    assert peer.connection.closed


def test_a_ticket_of_a_link_that_began_before_sasl_is_worth_nothing(
    reds: RedsState, users: KnownUsers
) -> None:
    reds.set_sasl(None)
    peer = Peer(reds, tls=True)
    peer.send_bytes(link_message("main"))
    ticket = peer.encrypt(peer.take_reply().public_key)
    reds.set_sasl(users)
    peer.send_bytes(word(1) + ticket)
    assert peer.take_result() == DENIED


def test_noauth_does_not_turn_sasl_off(reds: RedsState) -> None:
    reds.set_noauth()
    assert outcome(reds, credentials(("eve", "x"), "PLAIN")) == DENIED
    reds.set_sasl(None)
    assert outcome(reds, Credentials("whatever")) == LinkErr.OK


def test_skip_auth_asks_for_a_ticket_although_sasl_is_on(reds: RedsState) -> None:
    peer = Peer(reds, skip_auth=True)
    assert peer.link("main", password="whatever") == LinkErr.OK
    peer = Peer(reds, skip_auth=True)
    peer.send_bytes(link_message("main"))
    assert CommonCap.AUTH_SPICE in peer.take_reply().common_caps
    peer.send_bytes(word(1) + bytes(128))
    assert peer.take_result() == DENIED, "it has to be a ticket"


# the dialogue, byte by byte


def chosen(reds: RedsState, mechanism: str | None, **transport: object) -> Peer:
    """A peer that has selected SASL and, unless None, this mechanism; nothing is left to read."""
    peer = Peer(reds, tls=True, **transport)  # type: ignore[arg-type]
    peer.send_bytes(link_message("main", common_caps=SASL_CAPS))
    peer.take_reply()
    peer.send_bytes(word(2))
    peer.read()
    assert peer.inbox == sized(b",SCRAM-SHA-256,SCRAM-SHA-1,PLAIN,")
    peer.inbox.clear()
    if mechanism is not None:
        peer.send_bytes(sized(mechanism.encode()))
        peer.read()
        assert peer.inbox == b""
    return peer


def refusal(peer: Peer) -> bytes:
    assert peer.connection.closed
    peer.read()
    return bytes(peer.inbox)


@pytest.mark.parametrize("size", [0, 101, 0xFFFFFFFF])
def test_the_size_of_a_name_has_limits(reds: RedsState, size: int) -> None:
    peer = chosen(reds, None)
    peer.send_bytes(word(size))
    assert refusal(peer) == ERROR_REPLY


@pytest.mark.parametrize(
    "name",
    [
        "EXTERNAL",
        "plain",
        "PLAIN\0",
        "SHA-256",
        "",
        ",",
        "PLAIN,SCRAM-SHA-1",
        "ANONYMOUS",
        "é" * 50,
    ],
)
def test_a_name_must_be_a_whole_one_of_those_offered(reds: RedsState, name: str) -> None:
    peer = chosen(reds, None)
    peer.send_bytes(sized(name.encode()))
    assert refusal(peer) == ERROR_REPLY


@pytest.mark.parametrize("size", [MAX_DATA_SIZE + 1, 1 << 20, 0x80000000, 0xFFFFFFFF])
def test_the_size_of_data_has_a_limit(reds: RedsState, size: int) -> None:
    peer = chosen(reds, "PLAIN")
    peer.send_bytes(word(size))
    assert refusal(peer) == ERROR_REPLY


def test_data_at_the_limit_is_only_wrong(reds: RedsState) -> None:
    peer = chosen(reds, "PLAIN")
    peer.send_bytes(sized(b"x" * (MAX_DATA_SIZE - 1) + b"\0"))
    assert refusal(peer) == DENIAL


def test_data_ends_with_its_nul(reds: RedsState) -> None:
    peer = chosen(reds, "PLAIN")
    peer.send_bytes(sized(b"\0alice\0wonderland"))
    assert refusal(peer) == ERROR_REPLY


@pytest.mark.parametrize("mechanism", ANY)
def test_a_viewer_may_have_nothing_to_say_once(reds: RedsState, mechanism: str) -> None:
    peer = chosen(reds, mechanism)
    peer.send_bytes(word(0))
    assert peer.take(5) == word(0) + b"\0"
    peer.send_bytes(word(0))
    assert refusal(peer) == ERROR_REPLY


def test_what_a_viewer_says_may_come_after_nothing(reds: RedsState) -> None:
    peer = chosen(reds, "PLAIN")
    peer.send_bytes(word(0) + sized(b"\0alice\0wonderland\0"))
    peer.read()
    assert peer.take(5) == word(0) + b"\0"
    peer.await_answer()
    assert peer.take(13) == word(0) + b"\1" + word(0) + word(0)


def test_empty_data_is_data(reds: RedsState) -> None:
    peer = chosen(reds, "SCRAM-SHA-256")
    peer.send_bytes(sized(b"\0"))
    assert refusal(peer) == DENIAL


@pytest.mark.parametrize(
    "first",
    [
        b"n=alice,r=abc",
        b"n,,n=alice",
        b"x,,n=alice,r=abc",
        b"n,b=alice,n=alice,r=abc",
        b"n,a=bob,n=alice,r=abc",
        b"n,a=\x07,n=alice,r=abc",
        b"p=tls-unique,,n=alice,r=abc",
        b"n,,m=x,n=alice,r=abc",
        b"n,,n=,r=abc",
        b"n,,n=al=ice,r=abc",
        b"n,,n=alice,r=\xff",
        b"n,,n=alice,r=a c",
        b"",
    ],
)
def test_a_first_scram_message_that_is_none_is_denied(reds: RedsState, first: bytes) -> None:
    peer = chosen(reds, "SCRAM-SHA-256")
    peer.send_bytes(sized(first + b"\0"))
    assert refusal(peer) == DENIAL


@pytest.mark.parametrize("proof", [b"", b"AAAA", b"c=biws,r=x,p=AAAA", b"c=biws,r=x,p=?"])
def test_a_last_scram_message_that_proves_nothing_is_denied(reds: RedsState, proof: bytes) -> None:
    peer = chosen(reds, "SCRAM-SHA-256")
    peer.send_bytes(sized(b"n,a=alice,n=alice,r=abc\0"))
    (size,) = struct.unpack("<I", peer.take(4))
    assert peer.take(size + 1).startswith(b"r=abc")
    peer.send_bytes(sized(proof + b"\0"))
    assert refusal(peer) == DENIAL


def test_names_cannot_be_found_out(reds: RedsState) -> None:
    """A name that nobody has gets a salt like any other, always the same, and the same end."""
    firsts = set()
    for _ in range(2):
        for name in ("eve", "mallory"):
            peer = chosen(reds, "SCRAM-SHA-256")
            peer.send_bytes(sized(f"n,,n={name},r=abc\0".encode()))
            (size,) = struct.unpack("<I", peer.take(4))
            nonce, salt, iterations = peer.take(size + 1).rstrip(b"\0").split(b",")
            assert nonce.startswith(b"r=abc")
            assert iterations == b"i=20000"
            firsts.add((name, salt))
            peer.send_bytes(sized(b"c=biws," + nonce + b",p=" + b"A" * 43 + b"=\0"))
            assert refusal(peer) == DENIAL
    assert len(firsts) == 2, "one salt for each name"


def test_plain_takes_as_long_for_names_that_nobody_has(
    reds: RedsState, monkeypatch: pytest.MonkeyPatch
) -> None:
    counts = []
    is_of = ScramSecret.is_of

    def counted(secret: ScramSecret, password: str, mechanism: str) -> bool:
        counts.append((mechanism, secret.iterations))
        return is_of(secret, password, mechanism)

    monkeypatch.setattr(ScramSecret, "is_of", counted)
    assert outcome(reds, credentials(("eve", "x"), "PLAIN")) == DENIED
    assert counts == [("SCRAM-SHA-256", 20_000)]


@pytest.mark.parametrize("mechanism", ANY)
def test_a_name_that_nobody_has_stays_out_even_with_the_password_of_its_decoy(
    reds: RedsState, users: KnownUsers, monkeypatch: pytest.MonkeyPatch, mechanism: str
) -> None:
    secret = ScramSecret.make("open sesame", "SCRAM-SHA-256" if mechanism == "PLAIN" else mechanism)

    def find_or_decoy(name: str, mechanism: str) -> tuple[bool, ScramSecret]:
        return name == "bob", secret

    monkeypatch.setattr(users, "find_or_decoy", find_or_decoy)
    assert outcome(reds, credentials(("eve", "open sesame"), mechanism)) == DENIED
    assert outcome(reds, credentials(("bob", "wrong"), mechanism)) == DENIED
    assert outcome(reds, credentials(("bob", "open sesame"), mechanism)) == LinkErr.OK


def test_a_password_is_hashed_elsewhere(reds: RedsState, core: FakeCore) -> None:
    peer = chosen(reds, "PLAIN")
    before = len(core.jobs)
    peer.send_bytes(sized(b"\0alice\0wonderland\0"))
    assert len(core.jobs) == before + 1
    peer.read()
    assert peer.inbox == b""
    peer.connection.close()
    core.do_jobs()
    assert reds.clients == []


def test_passwords_of_links_that_are_over_are_not_hashed(reds: RedsState, core: FakeCore) -> None:
    peers = [chosen(reds, "PLAIN") for _ in range(AT_ONCE + 5)]
    before = len(core.jobs)
    for peer in peers:
        peer.send_bytes(sized(b"\0alice\0wonderland\0"))
    for peer in peers:
        peer.connection.close()
    assert len(core.jobs) == before + AT_ONCE
    assert len(reds.admission._checks) == 0
    core.do_jobs()
    assert outcome(reds, credentials(ALICE, "PLAIN")) == LinkErr.OK


def test_a_viewer_that_chatters_while_its_password_is_hashed_is_cut_off(reds: RedsState) -> None:
    peer = chosen(reds, "PLAIN")
    peer.send_bytes(sized(b"\0alice\0wonderland\0") + bytes(4096))
    assert not peer.connection.closed
    peer.send_bytes(b"x")
    assert refusal(peer) == b""


def test_a_core_that_does_jobs_at_once_is_fine(reds: RedsState, core: FakeCore) -> None:
    core.run_job = lambda job, done: done(job())  # type: ignore[method-assign]
    assert outcome(reds, credentials(ALICE, "PLAIN")) == LinkErr.OK
    assert outcome(reds, credentials(("alice", "x"), "PLAIN")) == DENIED


# trouble on our side


@pytest.mark.parametrize("mechanism", ANY)
def test_users_that_cannot_be_read_let_nobody_in(
    reds: RedsState, users: KnownUsers, caplog: pytest.LogCaptureFixture, mechanism: str
) -> None:
    def broken(name: str, mechanism: str) -> None:
        raise ConfigurationError("users.txt: the dog ate it")

    users.find = broken  # type: ignore[method-assign]
    peer = chosen(reds, mechanism)
    peer.send_bytes(sized(b"\0alice\0x\0" if mechanism == "PLAIN" else b"n,,n=alice,r=abc\0"))
    assert refusal(peer) == DENIAL
    assert len(caplog.messages) == 1
    assert "users.txt: the dog ate it" in caplog.text


def test_certificates_that_cannot_be_looked_up_let_nobody_in(
    reds: RedsState, users: KnownUsers
) -> None:
    def broken(name: str) -> bool:
        raise ConfigurationError("users.txt: the dog ate it")

    users.admits_certificate = broken  # type: ignore[method-assign]
    peer = Peer(reds, tls=True, client_certificate="carol")
    assert run_link(peer, LinkClient("main", Credentials("", "carol", "EXTERNAL"))) == DENIED


def test_a_bug_in_the_embedders_users_ends_one_link_with_its_traceback(
    reds: RedsState, users: KnownUsers, caplog: pytest.LogCaptureFixture
) -> None:
    users.find = lambda name, mechanism: 1 // 0  # type: ignore[method-assign,return-value]
    for mechanism in ("SCRAM-SHA-256", "PLAIN"):
        caplog.clear()
        peer = chosen(reds, mechanism)
        peer.send_bytes(sized(b"\0alice\0x\0" if mechanism == "PLAIN" else b"n,,n=alice,r=abc\0"))
        assert peer.connection.closed
        assert caplog.messages == ["viewer link: unexpected error, closing"]
        assert "ZeroDivisionError" in caplog.text


def test_no_log_or_repr_tells_a_password(
    reds: RedsState, users: KnownUsers, caplog: pytest.LogCaptureFixture
) -> None:
    for mechanism in ANY:
        assert outcome(reds, credentials(("alice", "rabbit hole"), mechanism)) == DENIED
    assert outcome(reds, credentials(ALICE, "PLAIN")) == LinkErr.OK
    secret = users.find("alice", "SCRAM-SHA-256")
    shown = caplog.text + repr(secret) + repr(Answer(b"reply", "alice", lambda: True))
    assert "rabbit" not in shown
    assert "wonderland" not in shown
    assert "salt of" not in shown
    assert "reply" not in shown.replace("the reply", "")
    assert "'alice'" in caplog.text, "but who it was"


# the stage alone


class Parrot:
    """Says everything again, for ever."""

    def step(self, data: bytes) -> Answer:
        return Answer(data)


def test_the_stage_waits_for_one_piece_after_the_other() -> None:
    offers: dict[str, Callable[[], Parrot]] = {"PARROT": Parrot}
    stage = SaslStage(offers)
    assert stage.data_to_send() == sized(b",PARROT,")
    states = []
    for piece in (word(6), b"PARROT", word(3), b"hi\0", word(1), b"\0"):
        assert stage.wanted == len(piece)
        stage.take(piece)
        states.append(stage.state)
    assert states == [
        SaslState.NAME,
        SaslState.DATA_SIZE,
        SaslState.DATA,
        SaslState.DATA_SIZE,
        SaslState.DATA,
        SaslState.DATA_SIZE,
    ]
    assert stage.data_to_send() == sized(b"hi\0") + b"\0" + sized(b"\0") + b"\0"


def test_a_dialogue_that_waits_for_a_check_takes_nothing() -> None:
    class Slow:
        def step(self, data: bytes) -> Answer:
            return Answer(b"bye", "alice", lambda: True)

    for good in (True, False):
        stage = SaslStage({"SLOW": Slow})
        stage.data_to_send()
        for piece in (word(4), b"SLOW", word(1), b"\0"):
            stage.take(piece)
        assert (stage.wanted, stage.user, stage.data_to_send()) == (None, "alice", b"")
        if good:
            stage.checked(True)
            assert stage.data_to_send() == sized(b"bye\0") + b"\1" + word(0)
            assert stage.state is SaslState.ACCEPTED
        else:
            with pytest.raises(LinkError, match="'alice'"):
                stage.checked(False)
            assert stage.data_to_send() == DENIAL
