"""A server that lets viewers with the right password in."""

from __future__ import annotations

import pytest

from redspice.reds import RedsState
from redspice.ticket import TicketKey
from runtime.fake_core import FakeCore
from runtime.peer import PASSWORD


@pytest.fixture
def core() -> FakeCore:
    return FakeCore()


@pytest.fixture
def reds(core: FakeCore) -> RedsState:
    reds = RedsState()
    reds.init(core)
    reds.set_ticket(PASSWORD)
    return reds


@pytest.fixture(scope="session")
def ticket_key() -> TicketKey:
    return TicketKey()


@pytest.fixture
def one_key(ticket_key: TicketKey, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let all links of a test share a key, as making hundreds of them takes long."""
    monkeypatch.setattr("redspice.key_pool.TicketKey", lambda: ticket_key)
