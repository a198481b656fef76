"""The server: configuration, who gets in, and how viewers share or replace each other."""

from __future__ import annotations

import logging

import pytest

from redspice.channels.cursor import CursorChannel
from redspice.channels.inputs import InputsChannel
from redspice.display.framebuffer import Framebuffer
from redspice.errors import ConfigurationError
from redspice.interfaces import (
    KeyboardInterface,
    MouseInterface,
    QxlInterface,
    TabletInterface,
)
from redspice.reds import RedsState
from redspice.transport import Transport
from redspice_protocol.enums import LinkErr, MouseMode
from runtime.fake_core import FakeCore
from runtime.peer import PASSWORD, Peer, Viewer, link_message

DENIED, BAD_ID = LinkErr.PERMISSION_DENIED, LinkErr.BAD_CONNECTION_ID


def test_nothing_works_before_init() -> None:
    reds = RedsState()
    for call in (
        lambda: reds.core,
        lambda: reds.refusals,
        lambda: reds.new_connection(Transport("viewer")),
        lambda: reds.add_interface(KeyboardInterface()),
    ):
        with pytest.raises(ConfigurationError, match="call init first"):
            call()


def test_init_is_for_once(reds: RedsState, core: FakeCore) -> None:
    with pytest.raises(ConfigurationError, match="init was called already"):
        reds.init(core)


def test_init_registers_main_and_inputs(reds: RedsState) -> None:
    assert [channel.name for channel in reds.channels] == ["inputs:0", "main:0"]


@pytest.mark.parametrize("kind", [KeyboardInterface, MouseInterface, TabletInterface])
def test_there_is_one_of_each_device(
    reds: RedsState, kind: type[KeyboardInterface | MouseInterface | TabletInterface]
) -> None:
    reds.add_interface(kind())
    with pytest.raises(ConfigurationError, match="already"):
        reds.add_interface(kind())


def test_a_screen_becomes_a_display_and_a_cursor(reds: RedsState) -> None:
    reds.add_interface(QxlInterface(Framebuffer(8, 8), id=2))
    names = [channel.name for channel in reds.channels]
    assert names == ["cursor:2", "display:2", "inputs:0", "main:0"]


def test_a_screen_id_is_for_one_screen(reds: RedsState) -> None:
    reds.add_interface(QxlInterface(Framebuffer(8, 8)))
    with pytest.raises(ConfigurationError, match="channel display:0 is registered already"):
        reds.add_interface(QxlInterface(Framebuffer(8, 8)))
    assert len(reds.channels) == 4


def test_a_screen_whose_cursor_is_taken_is_not_half_there(reds: RedsState) -> None:
    qxl = QxlInterface(Framebuffer(8, 8))
    reds.register_channel(CursorChannel(reds, qxl))
    with pytest.raises(ConfigurationError, match="channel cursor:0 is registered already"):
        reds.add_interface(qxl)
    assert reds.channels.display_count() == 0


class Everything(QxlInterface, KeyboardInterface, MouseInterface, TabletInterface):
    """One object that is all there is."""


def test_an_object_may_be_several_interfaces(reds: RedsState) -> None:
    machine = Everything(Framebuffer(8, 8))
    reds.add_interface(machine)
    assert (reds.devices.keyboard, reds.devices.mouse, reds.devices.tablet) == (machine,) * 3
    assert reds.channels.display_count() == 1
    assert reds.mouse_modes.current == MouseMode.CLIENT


def test_an_object_that_is_one_interface_too_many_is_not_registered_at_all(
    reds: RedsState,
) -> None:
    reds.add_interface(TabletInterface())
    with pytest.raises(ConfigurationError, match="there is a tablet already"):
        reds.add_interface(Everything(Framebuffer(8, 8)))
    assert (reds.devices.keyboard, reds.devices.mouse) == (None, None)
    assert reds.channels.display_count() == 0


def test_what_is_no_interface_is_refused(reds: RedsState) -> None:
    with pytest.raises(ConfigurationError, match="str is not an interface"):
        reds.add_interface("keyboard")  # type: ignore[arg-type]


def test_a_channel_is_registered_once(reds: RedsState) -> None:
    with pytest.raises(ConfigurationError, match="channel inputs:0 is registered already"):
        reds.register_channel(InputsChannel(reds))
    reds.register_channel(InputsChannel(reds, id=1))
    assert reds.channels.find(3, 1) is not None
    assert reds.channels.find(3, 2) is None


def main_link(reds: RedsState, password: str = PASSWORD) -> int:
    return Peer(reds, local=True).link("main", password=password)


def test_the_right_password_lets_a_viewer_in(reds: RedsState) -> None:
    assert main_link(reds) == LinkErr.OK


@pytest.mark.parametrize("password", ["", "Open sesame", "open sesame ", "open sesam"])
def test_any_other_password_does_not(reds: RedsState, password: str) -> None:
    assert main_link(reds, password) == DENIED
    assert reds.clients == []


@pytest.mark.parametrize("password", ["", "guess"])
def test_without_a_ticket_everybody_is_denied(core: FakeCore, password: str) -> None:
    reds = RedsState()
    reds.init(core)
    assert main_link(reds, password) == DENIED
    reds.set_ticket("")
    assert main_link(reds, password) == DENIED


def test_noauth_lets_everybody_in_until_a_ticket_is_set(reds: RedsState) -> None:
    reds.set_noauth()
    assert main_link(reds, "whatever") == LinkErr.OK
    assert main_link(reds, "") == LinkErr.OK
    reds.set_ticket(PASSWORD)
    assert main_link(reds, "whatever") == DENIED


def key_of_a_link(reds: RedsState, *, local: bool = False, tls: bool = False) -> bytes:
    peer = Peer(reds, local=local, tls=tls)
    peer.send_bytes(link_message("main"))
    return peer.take_reply().public_key


def test_with_a_password_every_link_has_its_own_key(reds: RedsState) -> None:
    assert len({key_of_a_link(reds) for _ in range(100)}) == 100


def test_without_a_password_links_share_a_key(reds: RedsState) -> None:
    before = key_of_a_link(reds)
    reds.set_noauth()
    shared = {key_of_a_link(reds) for _ in range(5)}
    assert len(shared) == 1
    reds.set_ticket(PASSWORD)
    assert len(shared | {before, key_of_a_link(reds), key_of_a_link(reds)}) == 4


def test_a_ticket_for_the_shared_key_is_worth_nothing_once_there_is_a_password(
    reds: RedsState,
) -> None:
    reds.set_noauth()
    peer = Peer(reds)
    peer.send_bytes(link_message("main"))
    recorded = peer.encrypt(peer.take_reply().public_key)
    reds.set_ticket(PASSWORD)
    peer.send_bytes(b"\1\0\0\0" + recorded)
    assert peer.take_result() == DENIED


@pytest.mark.parametrize("password", ["a\ud800", "a\0b"])
def test_a_password_that_cannot_be_sent_is_refused(reds: RedsState, password: str) -> None:
    with pytest.raises(ConfigurationError, match="the password"):
        reds.set_ticket(password)
    assert main_link(reds) == LinkErr.OK


def test_even_without_auth_a_ticket_must_be_one(reds: RedsState) -> None:
    reds.set_noauth()
    peer = Peer(reds, local=True)
    peer.send_bytes(link_message("main"))
    peer.take_reply()
    peer.send_bytes(b"\1\0\0\0" + bytes(128))
    assert peer.take_result() == DENIED
    assert peer.connection.closed


def test_a_ticket_expires(reds: RedsState, core: FakeCore) -> None:
    reds.set_ticket(PASSWORD, lifetime=30)
    core.advance(30)
    viewer = Viewer(reds)
    core.advance(0.1)
    assert main_link(reds) == DENIED
    assert not viewer.main.connection.closed
    reds.set_ticket(PASSWORD)
    core.advance(1e9)
    assert main_link(reds) == LinkErr.OK


@pytest.mark.parametrize("lifetime", [0, -1])
def test_a_ticket_lives_for_some_time(reds: RedsState, lifetime: float) -> None:
    with pytest.raises(ConfigurationError, match="cannot live for"):
        reds.set_ticket("new", lifetime=lifetime)
    assert main_link(reds) == LinkErr.OK


def test_a_password_too_long_leaves_the_old_one(reds: RedsState) -> None:
    with pytest.raises(ConfigurationError):
        reds.set_ticket("ü" * 31)
    assert main_link(reds) == LinkErr.OK


@pytest.mark.parametrize("lifetime", [float("nan"), float("-inf")])
def test_a_lifetime_that_is_no_time_is_refused(reds: RedsState, lifetime: float) -> None:
    with pytest.raises(ConfigurationError, match="cannot live for"):
        reds.set_ticket("new", lifetime=lifetime)
    assert main_link(reds) == LinkErr.OK


def test_a_password_of_sixty_bytes_counts_to_its_last(reds: RedsState) -> None:
    """The reference server keeps 59 of them."""
    longest = "x" * 58 + "ü"
    reds.set_ticket(longest)
    assert main_link(reds, longest[:-1]) == DENIED
    assert main_link(reds, longest[:-1] + "ö") == DENIED
    assert main_link(reds, longest) == LinkErr.OK


def test_no_password_is_not_an_empty_one(reds: RedsState) -> None:
    reds.set_ticket(None)
    assert main_link(reds) == main_link(reds, "") == DENIED
    reds.set_ticket(PASSWORD)
    assert main_link(reds) == LinkErr.OK


def test_a_ticket_may_want_that_nobody_is_connected(reds: RedsState) -> None:
    reds.set_ticket("first", fail_if_connected=True)
    viewer = Viewer(reds, password="first")
    with pytest.raises(ConfigurationError, match="viewers are connected"):
        reds.set_ticket("second", lifetime=1, fail_if_connected=True, disconnect_if_connected=True)
    assert not viewer.main.connection.closed
    assert main_link(reds, "second") == DENIED
    assert main_link(reds, "first") == LinkErr.OK


def test_a_ticket_may_disconnect_who_is_connected(
    reds: RedsState, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "redspice")
    reds.allow_multiple_clients = True
    viewers = [Viewer(reds), Viewer(reds)]
    with pytest.raises(ConfigurationError):
        reds.set_ticket("x" * 61, disconnect_if_connected=True)
    assert len(reds.clients) == 2, "a password that is refused changes nothing"
    reds.set_ticket("new", disconnect_if_connected=True)
    assert all(viewer.main.connection.closed for viewer in viewers)
    assert caplog.messages == ["viewer main:0: the password has changed"] * 2


def test_skip_auth_lets_one_connection_in_without_the_password(reds: RedsState) -> None:
    peer = Peer(reds, local=True, skip_auth=True)
    assert peer.link("main", password="no idea") == LinkErr.OK
    session_id = reds.clients[0].session_id
    other = Peer(reds, local=True)
    assert other.link("inputs", password="no idea", connection_id=session_id) == DENIED


def test_a_link_flood_is_served_in_its_order(reds: RedsState, core: FakeCore) -> None:
    flood = [Peer(reds, name=f"flood{n}") for n in range(5)]
    honest = Peer(reds, name="honest")
    for peer in (*flood, honest):
        peer.send_bytes(link_message("main"))
    for peer in flood[:4]:
        peer.connection.connection_lost("gone")
    core.jobs.popleft()()
    flood[4].read()
    assert flood[4].inbox
    core.jobs.popleft()()
    honest.read()
    assert honest.inbox, "who has left is not waited for"


def test_a_link_that_never_gets_its_key_ends_at_its_deadline(
    reds: RedsState, core: FakeCore
) -> None:
    peer = Peer(reds)
    peer.send_bytes(link_message("main"))
    core.advance(10)
    assert peer.connection.closed
    core.do_jobs()
    assert peer.connection.data_to_send() == []


def test_over_tls_and_unix_links_share_a_key_that_others_never_see(reds: RedsState) -> None:
    shared = {
        key_of_a_link(reds, **kind) for kind in ({"tls": True}, {"local": True}) for _ in range(3)
    }
    plain = {key_of_a_link(reds) for _ in range(3)}
    assert (len(shared), len(plain), len(shared & plain)) == (1, 3, 0)


def test_a_recorded_ticket_opens_nothing_later(reds: RedsState) -> None:
    """Neither another link over a plain socket nor one over TLS shows the key it was made for."""
    peer = Peer(reds, skip_auth=True)
    peer.send_bytes(link_message("main"))
    recorded = peer.encrypt(peer.take_reply().public_key)
    peer.send_bytes(b"\1\0\0\0" + recorded)
    assert peer.take_result() == LinkErr.OK
    for tls in (False, True):
        thief = Peer(reds, tls=tls)
        thief.send_bytes(link_message("main"))
        thief.take_reply()
        thief.send_bytes(b"\1\0\0\0" + recorded)
        assert thief.take_result() == DENIED


def test_other_channels_need_the_session_of_a_main_channel(reds: RedsState) -> None:
    for session_id in (0, 1, 0xFFFFFFFF):
        assert Peer(reds).link("inputs", connection_id=session_id) == BAD_ID
    viewer = Viewer(reds)
    assert Peer(reds).link("inputs", connection_id=viewer.session_id ^ 1) == BAD_ID
    assert viewer.open("inputs").names() == ["init"]


def test_a_main_channel_names_no_session_of_this_server(reds: RedsState) -> None:
    viewer = Viewer(reds)
    assert Peer(reds).link("main", connection_id=viewer.session_id) == BAD_ID
    assert not viewer.main.connection.closed


def test_a_session_ends_with_its_main_channel(
    reds: RedsState, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    reds.add_interface(QxlInterface(Framebuffer(8, 8)))
    viewer = Viewer(reds)
    others = [viewer.open_display(), viewer.open("cursor"), viewer.open("inputs")]
    viewer.main.send_bytes(viewer.main.frame(999, b""))
    assert all(peer.connection.closed for peer in others)
    assert reds.clients == []
    assert [channel.clients_num for channel in reds.channels] == [0, 0, 0, 0]
    assert Peer(reds).link("inputs", connection_id=viewer.session_id) == BAD_ID
    assert len(caplog.messages) == 2, "one for the viewer, one for the late channel"


def test_a_session_survives_its_other_channels(reds: RedsState) -> None:
    viewer = Viewer(reds)
    for _ in range(3):
        viewer.open("inputs").connection.receive_eof()
    assert not viewer.main.connection.closed
    assert reds.inputs.clients_num == 0


def test_a_viewer_has_each_channel_once(reds: RedsState, caplog: pytest.LogCaptureFixture) -> None:
    viewer = Viewer(reds)
    first = viewer.open("inputs")
    second = viewer.open("inputs")
    assert second.connection.closed
    assert second.messages() == []
    assert not first.connection.closed
    assert reds.inputs.clients_num == 1
    assert caplog.messages == ["viewer link: the viewer has channel inputs:0 already"]
    first.connection.receive_eof()
    assert viewer.open("inputs").names() == ["init"]


def test_a_new_viewer_replaces_the_old_one(
    reds: RedsState, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "redspice")
    old = Viewer(reds)
    inputs = old.open("inputs")
    new = Viewer(reds)
    assert old.main.connection.closed
    assert inputs.connection.closed
    assert not new.main.connection.closed
    assert [client.session_id for client in reds.clients] == [new.session_id]
    assert caplog.messages == ["viewer main:0: another viewer takes over"]


def test_a_viewer_that_is_denied_replaces_nobody(reds: RedsState) -> None:
    old = Viewer(reds)
    assert main_link(reds, "wrong") == DENIED
    assert not old.main.connection.closed


def test_two_viewers_side_by_side_when_allowed(reds: RedsState) -> None:
    reds.allow_multiple_clients = True
    one, other = Viewer(reds), Viewer(reds)
    assert one.session_id != other.session_id
    inputs = [viewer.open("inputs") for viewer in (one, other)]
    assert [peer.names() for peer in inputs] == [["init"], ["init"]]
    one.main.connection.receive_eof()
    assert [peer.connection.closed for peer in inputs] == [True, False]
    assert not other.main.connection.closed


def test_shutdown_disconnects_everybody(reds: RedsState, core: FakeCore) -> None:
    reds.allow_multiple_clients = True
    viewers = [Viewer(reds), Viewer(reds)]
    reds.shutdown()
    assert all(viewer.main.connection.closed for viewer in viewers)
    assert reds.clients == []
    assert core.armed == 0


def test_a_server_that_never_began_may_be_shut_down() -> None:
    reds = RedsState()
    reds.shutdown()
    assert reds.clients == []


def test_channels_count_what_they_send(reds: RedsState) -> None:
    peer = Peer(reds, local=True)
    peer.link("main")
    peer.read()
    assert (reds.main.out_messages, reds.main.out_bytes) == (1, len(peer.inbox))
