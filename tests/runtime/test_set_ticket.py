"""Every combination of what `set_ticket` takes, with and without a viewer."""

from __future__ import annotations

import itertools

import pytest

from redspice.errors import ConfigurationError
from redspice.reds import RedsState
from runtime.fake_core import FakeCore
from runtime.peer import PASSWORD, Peer, Viewer

NEW = "a new one"
LONGEST = "x" * 60

MATRIX = list(itertools.product([False, True], [False, True], [False, True]))


@pytest.mark.parametrize(("connected", "fail", "disconnect"), MATRIX)
def test_the_flags_are_about_viewers_that_are_connected(
    reds: RedsState, connected: bool, fail: bool, disconnect: bool
) -> None:
    viewer = Viewer(reds) if connected else None
    if connected and fail:
        with pytest.raises(ConfigurationError, match="viewers are connected"):
            reds.set_ticket(NEW, fail_if_connected=fail, disconnect_if_connected=disconnect)
    else:
        reds.set_ticket(NEW, fail_if_connected=fail, disconnect_if_connected=disconnect)
    changed = not (connected and fail)
    if viewer is not None:
        assert viewer.main.connection.closed is (disconnect and changed)
    reds.allow_multiple_clients = True
    assert (Peer(reds).link("main", password=NEW) == 0) is changed
    assert (Peer(reds).link("main", password=PASSWORD) == 0) is not changed


@pytest.mark.parametrize(
    ("password", "lifetime", "after", "admitted"),
    [
        (NEW, None, 0.0, True),
        (NEW, None, 1e6, True),
        (NEW, 10, 9.0, True),
        (NEW, 10, 11.0, False),
        (LONGEST, 1, 0.0, True),
        ("", None, 0.0, False),
        (None, None, 0.0, False),
        (None, 10, 0.0, False),
    ],
)
def test_who_gets_in_when(
    reds: RedsState,
    core: FakeCore,
    password: str | None,
    lifetime: float | None,
    after: float,
    admitted: bool,
) -> None:
    reds.set_ticket(password, lifetime)
    core.advance(after)
    assert (Peer(reds).link("main", password=password or "") == 0) is admitted


@pytest.mark.parametrize(
    ("password", "lifetime"),
    [("x" * 61, None), ("a\0b", None), (NEW, 0), (NEW, -1), (NEW, float("nan"))],
)
def test_what_cannot_be_leaves_the_old_ticket(
    reds: RedsState, password: str, lifetime: float | None
) -> None:
    with pytest.raises(ConfigurationError):
        reds.set_ticket(password, lifetime)
    assert Peer(reds).link("main") == 0


def test_the_time_of_a_ticket_from_before_init_begins_with_it() -> None:
    core, reds = FakeCore(), RedsState()
    reds.set_ticket(PASSWORD, 10)
    core.advance(1000)
    reds.init(core)
    core.advance(9)
    assert Peer(reds).link("main") == 0
    core.advance(2)
    assert Peer(reds).link("main") != 0


def test_of_two_tickets_before_init_the_last_counts() -> None:
    core, reds = FakeCore(), RedsState()
    reds.set_ticket(PASSWORD, 10)
    reds.set_ticket(PASSWORD)
    reds.init(core)
    core.advance(11)
    assert Peer(reds).link("main") == 0
