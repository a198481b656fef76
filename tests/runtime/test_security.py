"""Which channel may come over which transport."""

from __future__ import annotations

import logging

import pytest

from redspice.errors import ConfigurationError
from redspice.reds import RedsState
from redspice.security import ChannelRules, ChannelSecurity
from redspice.transport import Transport
from redspice_protocol import CHANNELS
from redspice_protocol.enums import LinkErr
from runtime.peer import Peer, Viewer, link_message

MAIN, DISPLAY = CHANNELS["main"].id, CHANNELS["display"].id
PLAIN, TLS, UNIX = Transport("plain"), Transport("tls", tls=True), Transport("unix", local=True)
OK, SECURED, UNSECURED = LinkErr.OK, LinkErr.NEED_SECURED, LinkErr.NEED_UNSECURED


@pytest.mark.parametrize(
    ("security", "answers"),
    [
        (ChannelSecurity.PLAIN, (OK, UNSECURED, OK)),
        (ChannelSecurity.TLS, (SECURED, OK, OK)),
        (ChannelSecurity.BOTH, (OK, OK, OK)),
    ],
)
@pytest.mark.parametrize("channel", ["display", None])
def test_a_rule_is_for_transports(
    channel: str | None, security: ChannelSecurity, answers: tuple[LinkErr, ...]
) -> None:
    rules = ChannelRules()
    rules.set(channel, security)
    assert tuple(rules.check(DISPLAY, each) for each in (PLAIN, TLS, UNIX)) == answers


def test_without_a_rule_everything_may_come_over_everything() -> None:
    rules = ChannelRules()
    for transport in (PLAIN, TLS, UNIX):
        for channel_type in (*(channel.id for channel in CHANNELS.values()), 0, 255):
            assert rules.check(channel_type, transport) == OK


def test_the_default_is_for_channels_without_a_rule_of_their_own() -> None:
    rules = ChannelRules()
    rules.set("main", ChannelSecurity.BOTH)
    rules.set(None, ChannelSecurity.TLS)
    assert rules.check(MAIN, PLAIN) == OK
    assert rules.check(DISPLAY, PLAIN) == SECURED
    assert rules.check(200, PLAIN) == SECURED
    rules.set("display", ChannelSecurity.PLAIN)
    assert rules.check(DISPLAY, TLS) == UNSECURED


@pytest.mark.parametrize("name", ["", "Main", "video", "default"])
def test_an_unknown_channel_is_named(name: str) -> None:
    with pytest.raises(ConfigurationError, match=f"'{name}' is no channel; there are cursor, disp"):
        ChannelRules().set(name, ChannelSecurity.TLS)


@pytest.mark.parametrize("security", [ChannelSecurity(0), 2, "tls"])
def test_a_rule_that_nothing_fits_is_refused(security: ChannelSecurity) -> None:
    rules = ChannelRules()
    with pytest.raises(ConfigurationError, match="is not PLAIN, TLS or BOTH"):
        rules.set("main", security)
    assert rules.check(MAIN, PLAIN) == OK


def test_a_viewer_is_told_to_come_again_over_tls(
    reds: RedsState, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "redspice")
    reds.set_channel_security("inputs", ChannelSecurity.TLS)
    viewer = Viewer(reds, local=False)
    peer = Peer(reds)
    peer.send_bytes(link_message("inputs", connection_id=viewer.session_id))
    assert peer.take_reply().error == LinkErr.NEED_SECURED
    assert peer.connection.closed
    assert [record.levelno for record in caplog.records] == [logging.INFO], "it is no fault"
    secured = Peer(reds, tls=True)
    assert secured.link("inputs", connection_id=viewer.session_id) == LinkErr.OK


def test_a_viewer_is_told_to_come_again_without_tls(reds: RedsState) -> None:
    reds.set_channel_security(None, ChannelSecurity.PLAIN)
    peer = Peer(reds, tls=True)
    peer.send_bytes(link_message("main"))
    assert peer.take_reply().error == LinkErr.NEED_UNSECURED


def test_a_rule_counts_before_the_channel_has_to_exist(reds: RedsState) -> None:
    reds.set_channel_security("record", ChannelSecurity.TLS)
    peer = Peer(reds)
    peer.send_bytes(link_message("record", connection_id=1))
    assert peer.take_reply().error == LinkErr.NEED_SECURED


def test_a_rule_leaves_channels_open_that_are(reds: RedsState) -> None:
    viewer = Viewer(reds, local=False)
    reds.set_channel_security(None, ChannelSecurity.TLS)
    assert not viewer.main.connection.closed
