"""A model of the link stage: many links at once, in pieces, in any order, honest and hostile.

Hypothesis plays the network. It opens links whose flaws it chooses, carries bytes to and fro in
pieces of any size, lets the core work and time pass, throws noise in and hangs up. Whatever it
does, a link that is carried to its end is linked or gets the answer that `expected` has for it.
"""

from __future__ import annotations

from dataclasses import dataclass
from unittest import mock

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    consumes,
    initialize,
    invariant,
    rule,
)

from redspice.caps import CommonCap
from redspice.limits import DEFAULT_LIMITS
from redspice.reds import RedsState
from redspice.security import ChannelSecurity
from redspice.ticket_key import Modulus
from redspice_protocol.enums import LinkErr
from runtime.fake_core import FakeCore
from runtime.known_users import ALICE, KnownUsers
from runtime.link_client import SASL_CAPS, Credentials, LinkClient, run_link
from runtime.peer import PASSWORD, Peer

NO_SELECTION = (CommonCap.MINI_HEADER,)
TRANSPORTS: dict[str, dict[str, object]] = {
    "plain": {},
    "tls": {"tls": True},
    "certificate": {"tls": True, "client_certificate": "carol"},
    "unix": {"local": True},
}
#: What is wrong with the bytes of a link message: where they are overwritten, with what.
FLAWS: dict[str, tuple[int, bytes, LinkErr | None]] = {
    "magic": (3, b"X", LinkErr.INVALID_MAGIC),
    "version": (4, b"\3", LinkErr.VERSION_MISMATCH),
    "version 0": (4, b"\0", None),
    "short": (12, b"\x11\0\0\0", LinkErr.INVALID_DATA),
    "long": (12, b"\xff\xff\xff\xff", LinkErr.INVALID_DATA),
    "counts": (22, b"\xff\xff\xff\xff", LinkErr.INVALID_DATA),
    "offset": (30, b"\x11\0\0\0", LinkErr.INVALID_DATA),
}


@dataclass
class Config:
    """How the server of one run is set up."""

    auth: str
    security: ChannelSecurity
    plain_sasl: bool


@dataclass
class Link:
    """One link and what it is about."""

    transport: str
    channel: str
    flaw: str | None
    selects: bool
    choose: int | None
    credentials: Credentials
    session: bool
    skip_auth: bool
    noisy: bool = False
    peer: Peer = None  # type: ignore[assignment]
    client: LinkClient = None  # type: ignore[assignment]

    def start(self, reds: RedsState, session_id: int) -> None:
        transport = TRANSPORTS[self.transport]
        self.peer = Peer(reds, skip_auth=self.skip_auth, **transport)  # type: ignore[arg-type]
        self.client = LinkClient(
            self.channel,
            self.credentials,
            common_caps=SASL_CAPS if self.selects else NO_SELECTION,
            choose=self.choose,
            connection_id=session_id,
        )
        if self.flaw is not None:
            at, data, _ = FLAWS[self.flaw]
            self.client.output[at : at + len(data)] = data


def expected(config: Config, link: Link) -> LinkErr | None:
    """What becomes of a link, check by check in their order; None is an end without an answer."""
    if link.flaw is not None:
        return FLAWS[link.flaw][2]
    needed = transport_error(config, link)
    if needed != LinkErr.OK:
        return needed
    if link.channel == "record":
        return None
    sasl = config.auth == "sasl" and not link.skip_auth
    if sasl and not link.selects:
        return LinkErr.VERSION_MISMATCH
    if link.selects and link.choose not in (None, 2 if sasl else 1):
        return LinkErr.INVALID_DATA
    if not (proves_itself(config, link) if sasl else knows_password(config, link)):
        mechanisms = sasl_offers(config, link)
        unknown = sasl and link.credentials.mechanism not in mechanisms
        return LinkErr.INVALID_DATA if unknown else LinkErr.PERMISSION_DENIED
    # A main channel that names a session of this server would meddle with somebody else's.
    return LinkErr.OK if link.session == (link.channel != "main") else LinkErr.BAD_CONNECTION_ID


def transport_error(config: Config, link: Link) -> LinkErr:
    if link.transport == "unix":
        return LinkErr.OK
    if link.transport == "plain":
        allowed = ChannelSecurity.PLAIN in config.security
        sasl = config.auth == "sasl" and not link.skip_auth
        good = allowed and (sasl_offers(config, link) or not sasl)
        return LinkErr.OK if good else LinkErr.NEED_SECURED
    return LinkErr.OK if ChannelSecurity.TLS in config.security else LinkErr.NEED_UNSECURED


def sasl_offers(config: Config, link: Link) -> set[str]:
    scram = {"SCRAM-SHA-256", "SCRAM-SHA-1"}
    if link.transport == "plain":
        return scram if config.plain_sasl else set()
    return scram | {"PLAIN"} | ({"EXTERNAL"} if link.transport == "certificate" else set())


def proves_itself(config: Config, link: Link) -> bool:
    given = link.credentials
    if given.mechanism not in sasl_offers(config, link):
        return False
    if given.mechanism == "EXTERNAL":
        return given.user == "carol"
    return (given.user, given.password) == ALICE


def knows_password(config: Config, link: Link) -> bool:
    if link.skip_auth or config.auth == "none":
        return True
    return config.auth == "ticket" and link.credentials.password == PASSWORD


USERS = KnownUsers()
SAME_MODULUS = mock.patch("redspice.key_pool.Modulus", return_value=Modulus())
"""All servers of all runs share a modulus, as making thousands takes minutes."""

CONFIGS = st.builds(
    Config,
    auth=st.sampled_from(["sasl", "ticket", "none", "locked"]),
    security=st.sampled_from([ChannelSecurity.BOTH, *ChannelSecurity]),
    plain_sasl=st.booleans(),
)
LINKS = st.builds(
    Link,
    transport=st.sampled_from(sorted(TRANSPORTS)),
    channel=st.sampled_from(["main", "inputs", "main", "inputs", "record"]),
    flaw=st.sampled_from([None] * 20 + sorted(FLAWS)),
    selects=st.sampled_from([True] * 5 + [False]),
    choose=st.sampled_from([None] * 10 + [0, 1, 2, 3]),
    credentials=st.builds(
        Credentials,
        password=st.sampled_from([PASSWORD, ALICE[1], "guess"]),
        user=st.sampled_from([ALICE[0], "eve", "carol"]),
        mechanism=st.sampled_from(["SCRAM-SHA-256", "SCRAM-SHA-1", "PLAIN", "EXTERNAL"]),
    ),
    session=st.booleans(),
    skip_auth=st.sampled_from([False] * 5 + [True]),
)


def serve(config: Config) -> tuple[FakeCore, RedsState, int]:
    """A server, and the session of a viewer that is there already."""
    core, reds = FakeCore(), RedsState()
    reds.init(core)
    reds.allow_multiple_clients = True
    host = Peer(reds, local=True, skip_auth=True)
    assert run_link(host, LinkClient("main", Credentials())) == LinkErr.OK
    reds.set_channel_security(None, config.security)
    if config.auth == "sasl":
        reds.set_sasl(USERS, allow_plain_sockets=config.plain_sasl)
    elif config.auth == "none":
        reds.set_noauth()
    elif config.auth == "ticket":
        reds.set_ticket(PASSWORD)
    return core, reds, reds.clients[0].session_id


@settings(max_examples=1000, deadline=None)
@given(config=CONFIGS, link=LINKS, step=st.one_of(st.integers(1, 9), st.just(1 << 16)))
def test_a_link_ends_as_the_table_says_however_it_is_cut(
    config: Config, link: Link, step: int
) -> None:
    with SAME_MODULUS:
        core, reds, session_id = serve(config)
        link.start(reds, session_id if link.session else 0)
        assert run_link(link.peer, link.client, step=step) == expected(config, link)
        assert link.peer.connection.linked is not link.peer.connection.closed
        reds.shutdown()
        assert core.armed == 0


class LinkModel(RuleBasedStateMachine):
    links = Bundle("links")

    @initialize(config=CONFIGS)
    def start(self, config: Config) -> None:
        SAME_MODULUS.start()
        self.config = config
        self.core, self.reds, self.session_id = serve(config)
        self.open: list[Link] = []

    @rule(target=links, link=LINKS)
    def connect(self, link: Link) -> Link:
        link.start(self.reds, self.session_id if link.session else 0)
        self.open.append(link)
        return link

    @rule(link=links, size=st.integers(1, 200))
    def carry_to_the_server(self, link: Link, size: int) -> None:
        data = bytes(link.client.output[:size])
        del link.client.output[:size]
        link.peer.send_bytes(data)

    @rule(link=links, size=st.integers(1, 200))
    def carry_to_the_viewer(self, link: Link, size: int) -> None:
        link.peer.read()
        if not link.noisy:
            link.client.receive_data(bytes(link.peer.inbox[:size]))
        del link.peer.inbox[:size]

    @rule()
    def work(self) -> None:
        if self.core.jobs:
            self.core.jobs.popleft()()

    @rule(link=links, noise=st.binary(min_size=1, max_size=300))
    def make_noise(self, link: Link, noise: bytes) -> None:
        if not link.peer.connection.linked:
            link.noisy = True
            link.peer.send_bytes(noise)

    @rule(seconds=st.floats(0.1, 3))
    def wait(self, seconds: float) -> None:
        self.core.advance(seconds)

    @rule(link=consumes(links))
    def hang_up(self, link: Link) -> None:
        self.open.remove(link)
        link.peer.connection.connection_lost("gone")
        assert link.peer.connection.closed

    @rule(link=consumes(links))
    def carry_to_the_end(self, link: Link) -> None:
        self.open.remove(link)
        in_time = not link.peer.connection.closed
        outcome = run_link(link.peer, link.client) if not link.noisy else None
        answer = expected(self.config, link)
        if link.noisy:
            assert not link.peer.connection.linked or answer == LinkErr.OK
        elif in_time or outcome is not None:
            assert outcome == answer, (self.config, link)
            assert link.peer.connection.linked is (answer == LinkErr.OK)
        assert link.peer.connection.linked or link.peer.connection.closed or link.noisy
        link.peer.connection.receive_eof()

    @invariant()
    def only_links_that_are_open_wait_for_keys(self) -> None:
        if hasattr(self, "reds"):
            pool = self.reds.admission._keys
            unlinked = [link for link in self.open if not link.peer.connection.linked]
            assert pool.waiting <= len(unlinked)

    @invariant()
    def nobody_is_linked_who_should_not_be(self) -> None:
        for link in getattr(self, "open", ()):
            if link.peer.connection.linked:
                assert expected(self.config, link) == LinkErr.OK

    def teardown(self) -> None:
        if not hasattr(self, "reds"):
            return
        self.core.advance(DEFAULT_LIMITS.link_timeout)
        for link in self.open:
            assert link.peer.connection.linked or link.peer.connection.closed
            link.peer.connection.connection_lost("gone")
        assert self.reds.admission._keys.waiting == 0
        self.reds.shutdown()
        assert self.reds.clients == []
        assert self.core.armed == 0
        SAME_MODULUS.stop()


TestLinkModel = LinkModel.TestCase
TestLinkModel.settings = settings(
    max_examples=200,
    stateful_step_count=40,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
