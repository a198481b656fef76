"""The limits of a server: what they may be, and what they do."""

from __future__ import annotations

from dataclasses import FrozenInstanceError, replace

import pytest

from redspice.channels.display import DisplayChannel
from redspice.display.framebuffer import Framebuffer
from redspice.errors import ConfigurationError
from redspice.interfaces import QxlInterface
from redspice.limits import LIMITS, Limit, Limits
from redspice.pipe import PipeItem
from redspice.reds import RedsState
from redspice_protocol import CHANNELS
from redspice_protocol.base import MsgData
from redspice_protocol.display import MsgcDisplayInit
from redspice_protocol.enums import LinkErr
from runtime.fake_core import FakeCore
from runtime.peer import Peer, Viewer

# what they may be


def test_limits_cannot_be_changed_behind_the_servers_back() -> None:
    with pytest.raises(FrozenInstanceError):
        Limits().max_sockets = 1  # type: ignore[misc]


@pytest.mark.parametrize("limit", LIMITS.values(), ids=list(LIMITS))
@pytest.mark.parametrize(
    "value", [0, -1, float("nan"), float("inf"), 1 << 40, True, "5", (1,)], ids=repr
)
def test_a_limit_that_cannot_be_is_named(limit: Limit, value: object) -> None:
    with pytest.raises(ConfigurationError, match=f"^{limit.name}: "):
        Limits(**{limit.name: value})  # type: ignore[arg-type]


@pytest.mark.parametrize("limit", LIMITS.values(), ids=list(LIMITS))
def test_only_what_may_be_missing_may_be_none(limit: Limit) -> None:
    if limit.default is None:
        Limits(**{limit.name: None})
        return
    with pytest.raises(ConfigurationError, match=f"^{limit.name}: None is not a number of "):
        Limits(**{limit.name: None})  # type: ignore[arg-type]


def test_numbers_have_no_fraction_and_times_may() -> None:
    assert Limits(link_timeout=0.5, ack_timeout=3).link_timeout == 0.5
    with pytest.raises(ConfigurationError, match=r"max_sockets: 2.5 is not a number of sockets"):
        Limits(max_sockets=2.5)  # type: ignore[arg-type]


def test_those_who_say_nothing_cannot_take_all_sockets() -> None:
    with pytest.raises(ConfigurationError, match="max_unlinked: 256 is not less than max_sockets"):
        Limits(max_sockets=256)
    assert Limits(max_sockets=257)


# what they do


def server(core: FakeCore, **limits: object) -> RedsState:
    reds = RedsState(Limits(**limits))  # type: ignore[arg-type]
    reds.init(core)
    reds.set_noauth()
    reds.allow_multiple_clients = True
    reds.add_interface(QxlInterface(Framebuffer(8, 8)))
    return reds


def test_a_link_ends_at_its_deadline(core: FakeCore) -> None:
    peer = Peer(server(core, link_timeout=2.0))
    core.advance(1.9)
    assert not peer.connection.closed
    core.advance(0.1)
    assert peer.connection.closed


def test_a_limit_may_be_changed_for_what_begins_later(core: FakeCore) -> None:
    reds = server(core, link_timeout=2.0)
    early = Peer(reds)
    reds.limits = replace(reds.limits, link_timeout=5.0)
    late = Peer(reds)
    core.advance(2)
    assert (early.connection.closed, late.connection.closed) == (True, False)


def test_one_viewer_too_many_is_refused(core: FakeCore, caplog: pytest.LogCaptureFixture) -> None:
    reds = server(core, max_clients=2)
    viewers = [Viewer(reds), Viewer(reds)]
    assert Peer(reds).link("main") == LinkErr.CHANNEL_NOT_AVAILABLE
    assert caplog.messages == [
        "viewer link: link refused (CHANNEL_NOT_AVAILABLE): as many viewers as may be are in, 2"
    ]
    viewers[0].open("cursor")  # those who are in may open more channels
    assert not any(viewer.main.connection.closed for viewer in viewers)
    viewers[1].main.connection.close()
    assert Peer(reds).link("main") == LinkErr.OK


def test_whoever_does_not_know_the_password_does_not_learn_that_it_is_full(core: FakeCore) -> None:
    reds = server(core, max_clients=1)
    Viewer(reds)
    reds.set_ticket("secret")
    assert Peer(reds).link("main", password="wrong") == LinkErr.PERMISSION_DENIED


def test_where_one_viewer_replaces_the_other_there_is_always_room(core: FakeCore) -> None:
    reds = server(core, max_clients=1)
    reds.allow_multiple_clients = False
    first, second = Viewer(reds), Viewer(reds)
    assert (first.main.connection.closed, second.main.connection.closed) == (True, False)


def test_a_display_has_to_begin(core: FakeCore) -> None:
    display = Viewer(server(core, init_timeout=2.0)).open("display")
    core.advance(2)
    assert display.connection.closed


@pytest.mark.parametrize(
    ("limits", "size"),
    [({"max_waiting_messages": 64}, 0), ({"max_waiting_bytes": 1 << 20}, 1 << 14)],
)
def test_what_waits_for_a_viewer_is_bounded(
    core: FakeCore, limits: dict[str, int], size: int
) -> None:
    reds = server(core, **limits)
    viewer = Viewer(reds)
    item = PipeItem(CHANNELS["main"].server.by_name["agent_data"], MsgData(bytes(size)))
    for _ in range(64):
        assert not viewer.main.connection.closed
        reds.main.push(item)
    reds.main.push(item)
    assert viewer.main.connection.closed


def test_the_window_of_pictures_is_bounded(core: FakeCore) -> None:
    reds = server(core, max_glz_pixels=1000)
    Viewer(reds).open("display").send("init", MsgcDisplayInit(1, 0, 1, 1 << 20))
    (client,) = reds.clients
    assert client.glz_dictionary(1, 0).window_pixels <= 1000


def test_the_windows_of_a_viewer_are_bounded_together(core: FakeCore) -> None:
    (client,) = Viewer(server(core, max_glz_pixels=1000)).reds.clients
    windows = [client.glz_dictionary(id, 600).window_pixels for id in (1, 2, 3, 1)]
    assert windows == [600, 400, 0, 600]
    assert client.glz_dictionary(3, 600).fits(1, 1) is False


def unanswered(core: FakeCore, **limits: object) -> Peer:
    """A display whose viewer acknowledges nothing, until no more is sent."""
    reds = server(core, **limits)
    display = Viewer(reds).open_display(acking=False)
    (channel,) = (channel for channel in reds.channels if isinstance(channel, DisplayChannel))
    while core.armed == 0:
        channel.qxl.framebuffer.damage(0, 0, 8, 8)
        display.read()
    return display


def test_a_viewer_has_to_acknowledge(core: FakeCore) -> None:
    display = unanswered(core, ack_timeout=2.0)
    core.advance(1.9)
    assert not display.connection.closed
    core.advance(0.1)
    assert display.connection.closed


def test_a_silent_viewer_is_asked_and_has_to_answer(core: FakeCore) -> None:
    viewer = Viewer(server(core, silence_timeout=2.0), local=False)
    core.advance(2)
    assert "ping" in viewer.main.names()
    core.advance(2)
    assert viewer.main.connection.closed
